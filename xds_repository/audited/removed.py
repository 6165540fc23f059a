"""ITI-86 in the audit trail (ITI TF-2: 3.86.5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from dmp.audit.event import Event, Occasion
from schemas.errors import XdsError
from xds_repository.audited.retrieved import not_retrieved, retrieved


def removed(
    occasion: Occasion, repository: str, patients: Mapping[str, str], gone: Iterable[str], at: datetime
) -> list[Event]:
    """Documents (by uniqueId) that are kept no more: one event for each patient, told apart as those given out are."""
    return retrieved(occasion, repository, patients, gone, at)


def not_removed(
    occasion: Occasion, repository: str, documents: Sequence[str], errors: Sequence[XdsError], at: datetime
) -> Event:
    """Documents that were to be removed and are not."""
    return not_retrieved(occasion, repository, documents, errors, at)
