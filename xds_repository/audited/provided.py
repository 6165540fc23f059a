"""ITI-41, and ITI-42 as its sender, in the audit trail (ITI TF-2: 3.41.5.1, 3.42.5.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from lxml import etree

from dmp.audit.event import Event, Occasion, Transaction, refused
from schemas.ebrim.identifiers import stated_identifiers
from schemas.responses import RegistryOutcome


def provided(occasion: Occasion, request: etree._Element, outcome: RegistryOutcome, at: datetime) -> Event:
    """Documents that were provided: kept, or refused."""
    return Event.on(
        occasion,
        at,
        unchanged=outcome.replayed,
        results=len(stated_identifiers(request).documents) if outcome.succeeded else None,
        **_submission(request, outcome),
    )


def registered_elsewhere(
    occasion: Occasion, request: etree._Element, outcome: RegistryOutcome, url: str, at: datetime
) -> Event:
    """ITI-42 as its sender tells it. `url` is the registry's."""
    sent = replace(occasion, transaction=Transaction.REGISTER_ELSEWHERE, endpoint=url)
    return Event.on(sent, at, **_submission(request, outcome))


def _submission(request: etree._Element, outcome: RegistryOutcome) -> dict[str, Any]:
    stated = stated_identifiers(request)
    return {
        "patient": stated.patient_id,
        "submission_set": stated.submission_set,
        "documents": stated.documents,
        **({} if outcome.succeeded else refused(outcome.errors)),
    }
