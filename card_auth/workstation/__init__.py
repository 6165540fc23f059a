"""Whether a workstation can work with cards and the service: one small check per thing, each with its remedy."""

from card_auth.workstation.connection import ClientKey
from card_auth.workstation.findings import Finding, Inspection, Subject, Verdict
from card_auth.workstation.inspection import Questions, inspect
from card_auth.workstation.page import as_html

__all__ = ["ClientKey", "Finding", "Inspection", "Questions", "Subject", "Verdict", "as_html", "inspect"]
