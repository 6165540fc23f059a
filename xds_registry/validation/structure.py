"""The shape of a submission: its SubmissionSet and what belongs to it (ITI TF-3: 4.2.1.4, ITI TF-2: 3.42.4.1.2)."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator

from schemas.errors import (
    XdsError,
    XDSPatientIdDoesNotMatch,
    XDSRegistryDuplicateUniqueIdInMessage,
    XDSRegistryMetadataError,
)
from schemas.metadata import Association, Submission, SubmissionSet
from schemas.vocabulary import RELATIONSHIPS, AssociationType, DocumentEntryType, SubmissionSetStatus
from xds_registry.encoding import normal


class Transaction(enum.Enum):
    """The two transactions that register new metadata."""

    REGISTER_DOCUMENT_SET = "ITI-42"
    REGISTER_ON_DEMAND = "ITI-61"


def check_structure(submission: Submission, transaction: Transaction) -> Iterator[XdsError]:
    """Every rule that looks at the submission as a whole, without the database."""
    if len(submission.submission_sets) != 1:
        yield XDSRegistryMetadataError(
            f"a submission has exactly one SubmissionSet, this one has {len(submission.submission_sets)}"
        )
        return
    (submission_set,) = submission.submission_sets
    yield from _entry_types(submission, transaction)
    yield from _members(submission, submission_set)
    yield from _association_kinds(submission)
    yield from unique_ids_differ(submission)
    yield from one_patient(submission, submission_set)


def _wrong(reason: str, location: str | None = None) -> XdsError:
    return XDSRegistryMetadataError(reason, location=location)


def _entry_types(submission: Submission, transaction: Transaction) -> Iterator[XdsError]:
    """ITI TF-2: 3.42.4.1.2 (stable entries), 3.61.4.1.2 (on-demand entries)."""
    on_demand = transaction is Transaction.REGISTER_ON_DEMAND
    wanted = DocumentEntryType.ON_DEMAND if on_demand else DocumentEntryType.STABLE
    for entry in submission.document_entries:
        if entry.object_type is not None and entry.object_type is not wanted:
            yield _wrong(f"{entry.entry_uuid} objectType: {transaction.value} registers {wanted.name} entries only")
    if on_demand and not submission.document_entries:
        yield _wrong("an on-demand registration has at least one DocumentEntry")


def _members(submission: Submission, submission_set: SubmissionSet) -> Iterator[XdsError]:
    """What the SubmissionSet must be linked to, and what it must not."""
    entries = {entry.entry_uuid for entry in submission.document_entries}
    folders = {folder.entry_uuid for folder in submission.folders}
    by_id = {association.entry_uuid: association for association in submission.associations}
    members = [
        association
        for association in submission.associations
        if association.association_type is AssociationType.HAS_MEMBER
        and association.source == submission_set.entry_uuid
    ]
    linked = {association.target for association in members}
    folder_members = [
        association
        for association in submission.associations
        if association.association_type is AssociationType.HAS_MEMBER
        and association.source != submission_set.entry_uuid
    ]
    # ITI TF-3: 4.2.2.1.1: what is registered is a member by Reference. A set may be made of nothing else.
    references = any(member.submission_set_status == SubmissionSetStatus.REFERENCE for member in members)
    if not (entries or folders or folder_members or references):
        yield _wrong("a submission has at least one DocumentEntry, Folder, membership of a Folder, or Reference")
    if not members:
        yield _wrong(f"{submission_set.entry_uuid}: the SubmissionSet has no HasMember association")
    for kind, items in (("DocumentEntry", entries), ("Folder", folders)):
        for item in sorted(items - linked):
            yield _wrong(f"{item}: the {kind} is not a member of the SubmissionSet", item)
    for association in folder_members:
        if association.entry_uuid and association.entry_uuid not in linked:
            yield _wrong(
                f"{association.entry_uuid}: the Folder-DocumentEntry HasMember is not a member of the SubmissionSet",
                association.entry_uuid,
            )
        if association.source in folders and association.target in folders:
            yield _wrong(f"{association.target}: a Folder holds no Folder", association.entry_uuid)
    counted = Counter(association.target for association in members)
    for target, count in counted.items():
        if count > 1:
            yield _wrong(f"{target}: is a member of the SubmissionSet {count} times", target)
    for association in members:
        yield from _membership(association, association.target in entries, by_id.get(association.target))


def _membership(association: Association, new_entry: bool, target: Association | None) -> Iterator[XdsError]:
    """One SubmissionSet HasMember (ITI TF-3: 4.2.2.1.1)."""
    status = association.submission_set_status
    where = association.entry_uuid
    if new_entry and status != SubmissionSetStatus.ORIGINAL:
        shown = "missing" if status is None else repr(status)
        yield _wrong(f"{where} SubmissionSetStatus: is {shown}, a new DocumentEntry is a member as Original", where)
    if status is not None and status not in (SubmissionSetStatus.ORIGINAL, SubmissionSetStatus.REFERENCE):
        yield _wrong(f"{where} SubmissionSetStatus: {status!r} is neither Original nor Reference", where)
    if target is not None and target.association_type in RELATIONSHIPS:
        yield _wrong(f"{where}: a relationship association is not a member of the SubmissionSet", where)
    if target is not None and target.source == association.source:
        yield _wrong(f"{where}: the SubmissionSet's own HasMember is not a member of the SubmissionSet", where)


def _association_kinds(submission: Submission) -> Iterator[XdsError]:
    for association in submission.associations:
        kind = association.association_type
        if kind is not AssociationType.HAS_MEMBER and kind not in RELATIONSHIPS:
            yield _wrong(f"{association.entry_uuid} associationType: {kind.value} updates metadata, it registers none")
        if kind is AssociationType.HAS_MEMBER and association.documentation is not None:
            yield _wrong(f"{association.entry_uuid}: only a relationship between documents has a documentation code")
        if association.source == association.target:
            yield _wrong(f"{association.entry_uuid}: an association links two different objects")
        if association.previous_version is not None:
            yield _wrong(f"{association.entry_uuid} PreviousVersion: belongs to an update, not to a registration")
    ends = Counter((x.association_type, x.source, x.target) for x in submission.associations)
    for (kind, source, target), count in ends.items():
        if count > 1:
            yield _wrong(f"{kind.value} from {source} to {target} is submitted {count} times")


def unique_ids_differ(submission: Submission) -> Iterator[XdsError]:
    """ITI TF-3: Table 4.2.4.1-2: one uniqueId, one object of the message."""
    stated = (item.unique_id for item in submission.patient_objects)
    counted = Counter(normal(str(unique_id)) for unique_id in stated if unique_id is not None)
    for unique_id, count in counted.items():
        if count > 1:
            yield XDSRegistryDuplicateUniqueIdInMessage(unique_id)


def one_patient(submission: Submission, submission_set: SubmissionSet) -> Iterator[XdsError]:
    """ITI TF-2: 3.42.4.1.3.5: every object of a submission is about one patient."""
    patient = submission_set.patient_id
    if patient is None:
        return
    for item in submission.patient_objects:
        if item.patient_id is not None and normal(str(item.patient_id)) != normal(str(patient)):
            yield XDSPatientIdDoesNotMatch(
                f"{item.patient_id} differs from {patient} of the SubmissionSet", location=item.entry_uuid
            )
