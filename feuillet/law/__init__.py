"""The record's law at the doors of the server: each transaction is decided before it has an effect or an answer."""

from feuillet.law.record_law import RecordLaw
from feuillet.law.refusal import RightsRefused

__all__ = ["RecordLaw", "RightsRefused"]
