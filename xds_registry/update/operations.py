"""The operations that an update asks for, each known by its trigger in the message.

Source: metadata update supplement, ITI TF-2: 3.57.4.1.3.1 (common rules), 3.57.4.1.3.2 (triggers and their slots);
restricted metadata update supplement, ITI TF-2: 3.92.4.1.2.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from schemas.datatypes import is_uuid_urn
from schemas.ebrim.reading import Problems
from schemas.ebrim.submission import DecodedSubmission, decode_submission
from schemas.errors import (
    UnmodifiableMetadataError,
    XdsError,
    XdsErrors,
    XDSInvalidRequestException,
    XDSMetadataAnnotationError,
    XDSMetadataUpdateError,
    XDSMetadataUpdateOperationError,
    XDSObjectTypeError,
    XDSRegistryMetadataError,
)
from schemas.metadata import Association, DocumentEntry, Folder, Submission, SubmissionSet
from schemas.vocabulary import RELATIONSHIPS, AssociationType, AvailabilityStatus, SubmissionSetStatus
from xds_registry.configuration import RegistryConfiguration
from xds_registry.register import Prepared, identify
from xds_registry.validation.attributes import check_attributes
from xds_registry.validation.structure import one_patient, unique_ids_differ

_STATUSES = {status.value: status for status in AvailabilityStatus}
_ANNOTATIONS = frozenset(
    {"PreviousVersion", "AssociationPropagation", "OriginalStatus", "NewStatus", "SubmissionSetStatus"}
)


class UpdateKind(enum.Enum):
    """The two transactions that update metadata."""

    UPDATE = "ITI-57"
    RESTRICTED_UPDATE = "ITI-92"

    @property
    def annotation_error(self) -> type[XdsError]:
        """What a missing, wrong or superfluous slot of a trigger is."""
        return XDSMetadataUpdateOperationError if self is UpdateKind.UPDATE else XDSMetadataAnnotationError


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version of a DocumentEntry or a Folder, to follow version `previous`; `membership` is its HasMember."""

    item: DocumentEntry | Folder
    element: etree._Element
    entry_uuid: str
    logical_id: str
    previous: int
    propagates: bool
    membership: str

    @property
    def is_entry(self) -> bool:
        return isinstance(self.item, DocumentEntry)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """Another availabilityStatus for an object; `location` is the trigger as it was sent."""

    target: str
    original: AvailabilityStatus
    new: AvailabilityStatus
    location: str


@dataclass(frozen=True, slots=True)
class NewAssociation:
    """An Association, its ids resolved, between objects that are registered or become new versions."""

    association: Association
    location: str


@dataclass(frozen=True, slots=True)
class PreparedUpdate:
    """An update that is right in itself."""

    kind: UpdateKind
    prepared: Prepared
    versions: tuple[NewVersion, ...]
    associations: tuple[NewAssociation, ...]
    statuses: tuple[StatusChange, ...]


def prepare_update(
    request: etree._Element, configuration: RegistryConfiguration, kind: UpdateKind, digest: str
) -> PreparedUpdate:
    """Decode and check everything that needs no database. Raises XdsErrors with all that is wrong."""
    problems = Problems()
    decoded = decode_submission(request, problems)
    errors: list[XdsError] = []
    for problem in problems.found:
        error = kind.annotation_error if problem.attribute in _ANNOTATIONS else XDSRegistryMetadataError
        errors.append(error(str(problem), location=problem.object_id or None))
    errors.extend(_structure(decoded.submission, kind, configuration))
    unreadable = {(p.object_id, p.attribute) for p in problems.found}
    # In a restricted update the patients are those of registered entries, which is held against these later.
    checked = check_attributes(
        decoded.submission, configuration.affinity_domain, updates=True, patients=kind is UpdateKind.UPDATE
    )
    errors.extend(
        wrong
        for wrong in checked
        if not any(wrong.code_context.startswith(f"{owner} {name}:") for owner, name in unreadable)
    )
    if errors:
        raise XdsErrors(tuple(errors))
    return _operations(kind, decoded, identify(decoded, digest))


def _operations(kind: UpdateKind, decoded: DecodedSubmission, prepared: Prepared) -> PreparedUpdate:
    """The operations of a submission whose structure is right, with resolved ids."""
    set_uuid = prepared.resolve(decoded.submission.submission_sets[0].entry_uuid)
    memberships: dict[str, tuple[str, Association]] = {}
    submitted: set[str] = set()
    statuses: list[StatusChange] = []
    resolved = list(prepared.associations.items())
    for (stated, _), (entry_uuid, (association, _)) in zip(decoded.associations, resolved, strict=True):
        if association.association_type is AssociationType.SUBMIT_ASSOCIATION:
            submitted.add(association.target)
        elif association.association_type is AssociationType.UPDATE_AVAILABILITY_STATUS:
            original, new = _STATUSES[stated.original_status or ""], _STATUSES[stated.new_status or ""]
            statuses.append(StatusChange(_uuid(association.target), original, new, stated.entry_uuid))
        elif association.source == set_uuid:
            memberships[association.target] = (entry_uuid, association)
    associations = [
        NewAssociation(association, stated.entry_uuid)
        for (stated, _), (entry_uuid, (association, _)) in zip(decoded.associations, resolved, strict=True)
        if entry_uuid in submitted
    ]
    versions: list[NewVersion] = []
    objects: list[tuple[DocumentEntry | Folder, etree._Element]] = [*decoded.document_entries]
    for item, element in [*objects, *decoded.folders]:
        entry_uuid = prepared.resolve(item.entry_uuid)
        membership, association = memberships[entry_uuid]
        versions.append(
            NewVersion(
                item,
                element,
                entry_uuid,
                (item.logical_id or "").lower(),
                int(association.previous_version or "0"),
                association.association_propagation != "no",
                membership,
            )
        )
    return PreparedUpdate(kind, prepared, tuple(versions), tuple(associations), tuple(statuses))


def _uuid(name: str) -> str:
    return name.lower() if is_uuid_urn(name.lower()) else name


def _structure(submission: Submission, kind: UpdateKind, configuration: RegistryConfiguration) -> Iterator[XdsError]:
    """Every rule that looks at the message as a whole."""
    if len(submission.submission_sets) != 1:
        yield XDSRegistryMetadataError(
            f"a submission has exactly one SubmissionSet, this one has {len(submission.submission_sets)}"
        )
        return
    (submission_set,) = submission.submission_sets
    yield from unique_ids_differ(submission)
    if kind is UpdateKind.UPDATE:
        yield from one_patient(submission, submission_set)
    else:
        yield from _restricted(submission)
    new: tuple[DocumentEntry | Folder, ...] = submission.document_entries
    if kind is UpdateKind.UPDATE:
        new = (*new, *submission.folders)
    for item in new:
        yield from _version(item, submission, submission_set, kind)
    for logical_id, count in Counter((item.logical_id or "").lower() for item in new if item.logical_id).items():
        if count > 1:
            yield XDSMetadataUpdateOperationError(f"{logical_id}: is updated {count} times")
    if kind is UpdateKind.UPDATE:
        yield from _associations(submission, submission_set, configuration)
        if not (new or submission.associations):
            yield XDSMetadataUpdateError("the submission updates nothing")


def _version(
    item: DocumentEntry | Folder, submission: Submission, submission_set: SubmissionSet, kind: UpdateKind
) -> Iterator[XdsError]:
    """ITI TF-2: 3.57.4.1.3.3.1.2, 3.57.4.1.3.3.3.2: what makes an object the update of another one."""
    where, lid = item.entry_uuid, (item.logical_id or "").lower()
    refused = XDSMetadataUpdateError if kind is UpdateKind.UPDATE else XDSInvalidRequestException
    if not lid or lid == where.lower():
        yield refused(f"{where} logicalID: names no other object, and first versions are registered", location=where)
    elif not is_uuid_urn(lid):
        yield refused(f"{where} logicalID: {lid!r} is no UUID", location=where)
    found = [
        association
        for association in submission.associations
        if association.association_type is AssociationType.HAS_MEMBER
        and (association.source, association.target) == (submission_set.entry_uuid, where)
    ]
    if len(found) != 1:
        missing = XDSMetadataUpdateError if kind is UpdateKind.UPDATE else XDSMetadataAnnotationError
        yield missing(
            f"{where}: is a member of the SubmissionSet {len(found)} times, one time expected", location=where
        )
    for association in found:
        yield from _annotations(association, kind, is_entry=isinstance(item, DocumentEntry))


def _annotations(association: Association, kind: UpdateKind, *, is_entry: bool) -> Iterator[XdsError]:
    """ITI TF-2: 3.57.4.1.3.2: the slots of the HasMember that makes a new version."""
    where, error = association.target, kind.annotation_error
    previous = association.previous_version
    if previous is None or not (previous.isascii() and previous.isdigit() and 0 < len(previous) < 10):
        shown = "is missing" if previous is None else f"{previous!r} is no version"
        yield error(f"{where} PreviousVersion: {shown}", location=where)
    status = association.submission_set_status
    if status != SubmissionSetStatus.ORIGINAL and (is_entry or status is not None):
        yield error(
            f"{where} SubmissionSetStatus: is {status!r}, a new version is a member as Original", location=where
        )
    propagation = association.association_propagation
    if propagation not in (None, "yes", "no"):
        yield error(f"{where} AssociationPropagation: {propagation!r} is neither yes nor no", location=where)
    elif propagation == "no" and kind is UpdateKind.RESTRICTED_UPDATE:
        yield error(f"{where} AssociationPropagation: a restricted update propagates associations", location=where)
    if association.original_status is not None or association.new_status is not None:
        yield error(f"{where}: OriginalStatus and NewStatus belong to another operation", location=where)


def _associations(
    submission: Submission, submission_set: SubmissionSet, configuration: RegistryConfiguration
) -> Iterator[XdsError]:
    """ITI TF-2: 3.57.4.1.3.1: every Association belongs to an operation."""
    versions = {entry.entry_uuid for entry in submission.document_entries}
    versions |= {folder.entry_uuid for folder in submission.folders}
    by_id = {association.entry_uuid: association for association in submission.associations if association.entry_uuid}
    triggers = Counter(
        association.target
        for association in submission.associations
        if association.association_type is AssociationType.SUBMIT_ASSOCIATION
    )
    for association in submission.associations:
        where, of_set = association.entry_uuid or association.target, association.source == submission_set.entry_uuid
        match association.association_type:
            case AssociationType.UPDATE_AVAILABILITY_STATUS:
                yield from _status(association, configuration)
            case AssociationType.SUBMIT_ASSOCIATION if association.target not in by_id:
                yield _undecided(where, "SubmitAssociation names no Association of the submission")
            case AssociationType.SUBMIT_ASSOCIATION:
                pass
            case AssociationType.HAS_MEMBER if of_set and association.target in versions:
                continue
            case _ if triggers[association.entry_uuid] == 1 and not of_set:
                yield from _submitted(association)
                continue
            case _:
                yield _undecided(where, "the Association belongs to no operation, or to several")
                continue
        if not of_set:
            yield _undecided(where, "the source of a trigger is the SubmissionSet")
    changed = Counter(
        association.target.lower()
        for association in submission.associations
        if association.association_type is AssociationType.UPDATE_AVAILABILITY_STATUS
    )
    for target, count in changed.items():
        if count > 1:
            yield _undecided(target, f"its availabilityStatus is changed {count} times")


def _undecided(where: str, reason: str) -> XdsError:
    return XDSMetadataUpdateOperationError(f"{where}: {reason}", location=where)


def _status(association: Association, configuration: RegistryConfiguration) -> Iterator[XdsError]:
    """ITI TF-2: 3.57.4.1.3.2: OriginalStatus and NewStatus, and nothing else."""
    where, accepted = association.target, configuration.affinity_domain.availability_statuses
    for name, value in (("OriginalStatus", association.original_status), ("NewStatus", association.new_status)):
        if value is None or _STATUSES.get(value) not in accepted:
            shown = "is missing" if value is None else f"{value!r} is no status of the affinity domain"
            yield _undecided(where, f"{name} {shown}")
    if association.original_status is not None and association.original_status == association.new_status:
        yield _undecided(where, "OriginalStatus and NewStatus are the same")
    if association.previous_version is not None or association.association_propagation is not None:
        yield _undecided(where, "PreviousVersion and AssociationPropagation belong to another operation")


def _submitted(association: Association) -> Iterator[XdsError]:
    kind, where = association.association_type, association.entry_uuid
    if kind is not AssociationType.HAS_MEMBER and kind not in RELATIONSHIPS:
        yield _undecided(where, f"{kind.value} is a trigger itself")
    if kind is AssociationType.HAS_MEMBER and association.documentation is not None:
        yield XDSRegistryMetadataError(f"{where}: only a relationship between documents has a documentation code")
    if association.source == association.target:
        yield XDSRegistryMetadataError(f"{where}: an association links two different objects", location=where)


def _restricted(submission: Submission) -> Iterator[XdsError]:
    """ITI TF-2: 3.92.4.1.2: a restricted update holds new versions of DocumentEntries and nothing else."""
    if not submission.document_entries:
        yield XDSInvalidRequestException("a restricted update has at least one DocumentEntry")
    for folder in submission.folders:
        yield XDSObjectTypeError(f"{folder.entry_uuid}: is no DocumentEntry", location=folder.entry_uuid)
    entries = {entry.entry_uuid for entry in submission.document_entries}
    for association in submission.associations:
        where = association.entry_uuid or association.target
        if association.association_type is AssociationType.UPDATE_AVAILABILITY_STATUS:
            yield UnmodifiableMetadataError(f"{where}: availabilityStatus cannot be changed", location=where)
        elif association.association_type is not AssociationType.HAS_MEMBER or association.target not in entries:
            yield XDSInvalidRequestException(f"{where}: Associations cannot be changed", location=where)
