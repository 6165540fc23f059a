"""UpdateAvailabilityStatus: of the latest version of a DocumentEntry or a Folder, or of an Association.

Source: metadata update supplement, ITI TF-2: 3.57.4.1.3.3.2 (DocumentEntries), 3.57.4.1.3.3.4 (Folders),
3.57.4.1.3.3.5 (Associations); CI-SIS, volet Partage de documents de santé (Archived, Deleted).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.attributes import ObjectKind
from schemas.errors import (
    UnresolvedReferenceException,
    XdsError,
    XDSMetadataUpdateError,
    XDSMetadataUpdateOperationError,
    XDSPatientIdDoesNotMatch,
)
from schemas.vocabulary import AssociationType, AvailabilityStatus
from xds_registry.update.associations import Renewed, check_patients
from xds_registry.update.operations import StatusChange
from xds_registry.update.registered import Known, Link

_APPROVED, _DEPRECATED = AvailabilityStatus.APPROVED, AvailabilityStatus.DEPRECATED
_ARCHIVED, _DELETED = AvailabilityStatus.ARCHIVED, AvailabilityStatus.DELETED
#: What an object may become. Nothing comes back from Deleted.
_NEXT: Final = {
    _APPROVED: frozenset({_DEPRECATED, _ARCHIVED, _DELETED}),
    _DEPRECATED: frozenset({_APPROVED}),
    _ARCHIVED: frozenset({_APPROVED, _DELETED}),
    _DELETED: frozenset[AvailabilityStatus](),
}
_OF_EVERYTHING: Final = frozenset({_APPROVED, _DEPRECATED})


def check_object(change: StatusChange, known: Known | None, patient_pk: int, *, renewed: bool) -> Iterator[XdsError]:
    """The status of an object of a patient. `renewed`: this update makes a newer version of it."""
    where = change.location or change.target
    if known is None:
        yield UnresolvedReferenceException(f"{change.target}: is not registered", location=where)
        return
    if known.kind is ObjectKind.SUBMISSION_SET:
        yield XDSMetadataUpdateError(f"{change.target}: the status of a SubmissionSet does not change", location=where)
        return
    if known.superseded or renewed:
        yield XDSMetadataUpdateError(f"{change.target}: is not the latest version", location=where)
        return
    yield from _transition(change, known.status, known.kind)
    if known.patient_pk != patient_pk:
        yield XDSPatientIdDoesNotMatch(f"{change.target}: is of another patient than the SubmissionSet", location=where)


def check_link(
    change: StatusChange, link: Link, ends: tuple[Known | None, Known | None], patient_pk: int, *, linked: bool
) -> Iterator[XdsError]:
    """The status of an Association. `linked`: another Approved one links its ends."""
    where = change.location or change.target
    source, target = ends
    of_set = source is not None and source.kind is ObjectKind.SUBMISSION_SET
    if source is None or target is None or (link.association_type is AssociationType.HAS_MEMBER and of_set):
        yield XDSMetadataUpdateError(f"{change.target}: is part of a SubmissionSet, which stays", location=where)
        return
    yield from _transition(change, link.status, ObjectKind.ASSOCIATION)
    if change.new is _APPROVED:
        yield from check_patients(where, source, target, patient_pk)
        if linked:
            yield XDSMetadataUpdateError(f"{change.target}: its objects are linked already", location=where)
    elif patient_pk not in (source.patient_pk, target.patient_pk):
        yield XDSPatientIdDoesNotMatch(f"{change.target}: is of another patient than the SubmissionSet", location=where)


def check_by_hand(
    change: StatusChange, ends: tuple[Known | None, Known | None], renewed: Renewed
) -> Iterator[XdsError]:
    """An Association of what is updated is either propagated or changed, as the update says itself."""
    for end in ends:
        if end is not None and end.logical_id in renewed.propagating:
            yield XDSMetadataUpdateOperationError(
                f"{change.target}: {end.logical_id} is updated with its associations propagated",
                location=change.location or change.target,
            )


def _transition(change: StatusChange, current: AvailabilityStatus, kind: ObjectKind) -> Iterator[XdsError]:
    where = change.location or change.target
    if kind is not ObjectKind.DOCUMENT_ENTRY and not {change.original, change.new} <= _OF_EVERYTHING:
        yield XDSMetadataUpdateOperationError(
            f"{change.target}: {_short(change.new)} is for DocumentEntries only", location=where
        )
    elif change.original is not current:
        yield XDSMetadataUpdateError(
            f"{change.target}: is {_short(current)}, not {_short(change.original)}", location=where
        )
    elif change.new not in _NEXT[current]:
        yield XDSMetadataUpdateError(
            f"{change.target}: from {_short(current)} does not become {_short(change.new)}", location=where
        )


def _short(status: AvailabilityStatus) -> str:
    return status.value.rpartition(":")[2]
