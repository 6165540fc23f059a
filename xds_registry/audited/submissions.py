"""ITI-42 and ITI-61 in the audit trail (ITI TF-2: 3.42.5.1, 3.61.5.1)."""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from dmp.audit.event import Event, Occasion, refused
from schemas.ebrim.identifiers import stated_identifiers
from schemas.responses import RegistryOutcome
from xds_registry.register import Prepared


def registered(occasion: Occasion, prepared: Prepared, outcome: RegistryOutcome, at: datetime) -> Event:
    """A submission that was accepted."""
    submission = prepared.decoded.submission
    submission_set = submission.submission_sets[0]
    return Event.on(
        occasion,
        at,
        patient=str(submission_set.patient_id or ""),
        submission_set=str(submission_set.unique_id or ""),
        documents=tuple([str(entry.unique_id) for entry in submission.document_entries]),
        unchanged=outcome.replayed,
        results=len(submission.document_entries),
    )


def not_registered(occasion: Occasion, request: etree._Element, outcome: RegistryOutcome, at: datetime) -> Event:
    """A submission that was refused."""
    stated = stated_identifiers(request)
    return Event.on(
        occasion,
        at,
        patient=stated.patient_id,
        submission_set=stated.submission_set,
        documents=stated.documents,
        **refused(outcome.errors),
    )
