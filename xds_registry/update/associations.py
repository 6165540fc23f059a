"""Associations that an update brings: those that follow an object to its new version, and those that are submitted.

Source: metadata update supplement, ITI TF-2: 3.57.4.1.3.3.1.5 and 3.57.4.1.3.3.3.5 (propagation), 3.57.4.1.3.3.6
(SubmitAssociation).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from schemas.attributes import ObjectKind
from schemas.datatypes import is_uuid_urn
from schemas.errors import (
    UnresolvedReferenceException,
    XdsError,
    XDSMetadataUpdateError,
    XDSMetadataUpdateOperationError,
    XDSPatientIdDoesNotMatch,
    XDSPatientIDReconciliationError,
)
from schemas.vocabulary import RELATIONSHIPS, AssociationType, AvailabilityStatus
from xds_registry.update.operations import NewAssociation, NewVersion
from xds_registry.update.registered import Known, Link, Registered

#: type, source, target
Ends = tuple[AssociationType, str, str]


@dataclass(frozen=True, slots=True)
class Propagated:
    """An Association that is there again, between these objects."""

    origin: Link
    source: Known
    target: Known


@dataclass(slots=True)
class Renewed:
    """The objects that get a new version in this update."""

    versions: dict[str, tuple[NewVersion, Known]] = field(
        default_factory=dict
    )  # by the entryUUID of the version before
    by_uuid: dict[str, Known] = field(default_factory=dict)  # the new versions
    propagating: set[str] = field(default_factory=set)  # logicalIDs
    logical_ids: set[str] = field(default_factory=set)

    def add(self, version: NewVersion, before: Known, after: Known) -> None:
        self.versions[before.entry_uuid] = (version, after)
        self.by_uuid[after.entry_uuid] = after
        self.logical_ids.add(after.logical_id)
        if version.propagates:
            self.propagating.add(after.logical_id)

    def after(self, end: Known) -> Known | None:
        """What an end of an Association becomes: itself, its new version, or None when that has no part in it."""
        found = self.versions.get(end.entry_uuid)
        if found is None:
            return None if end.superseded else end
        version, after = found
        return after if version.propagates else None


def propagated(
    renewed: Renewed, links: Iterable[Link], ends: Mapping[str, Known]
) -> tuple[list[XdsError], list[Propagated]]:
    """The Approved Associations of what is updated, once more between the new versions.

    A Folder keeps its members, whatever has become of them but Deprecated; an entry stays in its Approved Folders and
    keeps its relationships. What links to a version that is superseded itself stays with that version.
    """
    errors: list[XdsError] = []
    found: dict[Ends, Propagated] = {}
    for link in links:
        source, target = ends.get(link.source), ends.get(link.target)
        if source is None or target is None or not _follows(link, source, target, renewed):
            continue
        after = renewed.after(source), renewed.after(target)
        if after[0] is None or after[1] is None:
            continue
        one = Propagated(link, after[0], after[1])
        if after[0].patient_pk != after[1].patient_pk:
            errors.append(
                XDSPatientIDReconciliationError(
                    f"{link.entry_uuid}: would link {source.logical_id} and {target.logical_id} of different patients"
                )
            )
        found.setdefault((link.association_type, after[0].entry_uuid, after[1].entry_uuid), one)
    return errors, list(found.values())


def _follows(link: Link, source: Known, target: Known, renewed: Renewed) -> bool:
    if link.association_type in RELATIONSHIPS:
        return True
    kept = target.entry_uuid in renewed.versions or target.status is not AvailabilityStatus.DEPRECATED
    return (
        link.association_type is AssociationType.HAS_MEMBER
        and source.kind is ObjectKind.FOLDER
        and source.approved
        and kept
    )


def check_submitted(
    new: NewAssociation, registered: Registered, renewed: Renewed, patient_pk: int, taken: set[tuple[str, str]]
) -> tuple[list[XdsError], tuple[Known, Known] | None]:
    """A submitted Association: its ends, once nothing is wrong. `taken` are the pairs that are linked already."""
    errors: list[XdsError] = []
    ends: list[Known] = []
    for name in (new.association.source, new.association.target):
        try:
            ends.append(_end(name, new.location, registered, renewed))
        except XdsError as error:
            errors.append(error)
    if errors:
        return errors, None
    source, target = ends
    errors.extend(_kinds(new, source, target))
    errors.extend(check_patients(new.location, source, target, patient_pk))
    if (source.entry_uuid, target.entry_uuid) in taken:
        errors.append(
            XDSMetadataUpdateError(
                f"{new.location}: {source.entry_uuid} and {target.entry_uuid} are linked already", location=new.location
            )
        )
    return errors, None if errors else (source, target)


def _end(name: str, where: str, registered: Registered, renewed: Renewed) -> Known:
    """ITI TF-2: 3.57.4.1.3.3.6.2: an object that is registered, Approved, no SubmissionSet; or a new version.

    Raises XdsError with what is wrong with it.
    """
    found = renewed.by_uuid.get(name) or registered.objects.get(name)
    if found is None:
        if not is_uuid_urn(name):
            raise XDSMetadataUpdateError(f"{where}: {name!r} is no entryUUID", location=where)
        raise UnresolvedReferenceException(f"{name}: is not registered", location=where)
    if found.logical_id in renewed.propagating:
        raise XDSMetadataUpdateOperationError(
            f"{where}: {found.logical_id} is updated with its associations propagated", location=where
        )
    if found.kind is ObjectKind.SUBMISSION_SET:
        raise XDSMetadataUpdateError(f"{name}: nothing is added to a SubmissionSet", location=where)
    if not found.approved or (name not in renewed.by_uuid and found.logical_id in renewed.logical_ids):
        raise XDSMetadataUpdateError(f"{name}: is not Approved", location=where)
    return found


def _kinds(new: NewAssociation, source: Known, target: Known) -> Iterator[XdsError]:
    """ITI TF-3: 4.2.2: what a type of Association links."""
    kind, where = new.association.association_type, new.location
    member = kind is AssociationType.HAS_MEMBER
    wanted = ObjectKind.FOLDER if member else ObjectKind.DOCUMENT_ENTRY
    if source.kind is not wanted or target.kind is not ObjectKind.DOCUMENT_ENTRY:
        yield XDSMetadataUpdateError(f"{where}: {kind.name} links a {wanted.value} to a DocumentEntry", location=where)
    elif kind is AssociationType.IS_SNAPSHOT_OF and (source.on_demand or not target.on_demand):
        yield XDSMetadataUpdateError(
            f"{where}: a snapshot is a stable DocumentEntry of an on-demand one", location=where
        )


def check_patients(where: str, source: Known, target: Known, patient_pk: int) -> Iterator[XdsError]:
    """ITI TF-2: 3.57.4.1.3.3.6.7: no Approved Association links objects of different patients."""
    if source.patient_pk != target.patient_pk:
        yield XDSPatientIDReconciliationError(
            f"{where}: {source.entry_uuid} and {target.entry_uuid} are of different patients", location=where
        )
    elif source.patient_pk != patient_pk:
        yield XDSPatientIdDoesNotMatch(f"{where}: is about another patient than the SubmissionSet", location=where)
