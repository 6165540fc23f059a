"""The associations of a submission against the registry: which are allowed, and what they change.

Source: ITI TF-2: 3.42.4.1.3.3 (references), 3.42.4.1.3.4 (relationships), 3.42.4.1.3.6 (folders); ITI TF-3: 4.2.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection

from schemas.attributes import ObjectKind
from schemas.errors import (
    UnresolvedReferenceException,
    XdsError,
    XDSPatientIdDoesNotMatch,
    XDSRegistryDeprecatedDocumentError,
    XDSRegistryMetadataError,
)
from schemas.metadata import Association, DocumentEntry
from schemas.vocabulary import RELATIONSHIPS, AssociationType, DocumentEntryType, SubmissionSetStatus
from xds_registry.references import References, Registered, dependents, folders_of, unique

_REPLACES = frozenset({AssociationType.REPLACE, AssociationType.TRANSFORM_REPLACE})
#: Targets of these must be registered already; other relationships may also stay inside the submission.
_REGISTERED_TARGET = _REPLACES | {AssociationType.IS_SNAPSHOT_OF}


@dataclass(slots=True)
class Consequences:
    """What the associations of a submission change besides being stored."""

    replaced: list[str] = field(default_factory=list)
    # the replaced entries and what goes with them
    deprecated: list[str] = field(default_factory=list)
    touched_folders: list[str] = field(default_factory=list)
    # (folder, new entry) memberships that the registry itself adds because a member was replaced
    inherited_members: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rules look at: the new objects by resolved id, what is registered, and the patient."""

    connection: Connection
    submission_set: str
    entries: dict[str, DocumentEntry]
    folders: frozenset[str]
    associations: dict[str, Association]
    references: References
    patient_pk: int


def check_associations(setting: Setting) -> tuple[list[XdsError], Consequences]:
    """Apply the rules to every association; ids in the associations are resolved."""
    errors: list[XdsError] = []
    consequences = Consequences()
    for association in setting.associations.values():
        if association.association_type in RELATIONSHIPS:
            errors.extend(_relationship(setting, association, consequences))
        elif association.source == setting.submission_set:
            errors.extend(_set_member(setting, association))
        else:
            errors.extend(_folder_member(setting, association, consequences))
    consequences.deprecated = unique(consequences.deprecated)
    consequences.touched_folders = unique(consequences.touched_folders)
    return errors, consequences


def _unresolved(association: Association, entry_uuid: str, what: str) -> XdsError:
    return UnresolvedReferenceException(f"{entry_uuid}: {what}", location=association.entry_uuid)


def _set_member(setting: Setting, association: Association) -> Iterator[XdsError]:
    """HasMember of the SubmissionSet (ITI TF-3: 4.2.2.1.1-4.2.2.1.3)."""
    target = association.target
    if target in setting.entries or target in setting.folders:
        return
    inner = setting.associations.get(target)
    if inner is not None:
        return  # its kind was checked with the structure
    registered = setting.references.objects.get(target)
    if registered is None:
        yield _unresolved(association, target, "the member is neither in the submission nor registered")
    elif registered.kind is ObjectKind.DOCUMENT_ENTRY:
        # A member of another patient is allowed when it is only referred to. ITI TF-3: 4.2.2.1.1
        if association.submission_set_status != SubmissionSetStatus.REFERENCE:
            yield XDSRegistryMetadataError(
                f"{association.entry_uuid}: a registered DocumentEntry is a member by Reference",
                location=association.entry_uuid,
            )
        if not registered.approved:
            yield XDSRegistryDeprecatedDocumentError(f"{target} is Deprecated", location=association.entry_uuid)
    elif registered.kind is ObjectKind.FOLDER:
        if registered.patient_pk != setting.patient_pk:
            yield XDSPatientIdDoesNotMatch(f"{target}: the Folder is another patient's")
    else:
        yield XDSRegistryMetadataError(
            f"{target}: a registered {registered.kind.value} cannot become a member of a SubmissionSet",
            location=association.entry_uuid,
        )


def _folder_member(setting: Setting, association: Association, consequences: Consequences) -> Iterator[XdsError]:
    """HasMember of a Folder (ITI TF-3: 4.2.2.1.4)."""
    source, target = association.source, association.target
    if source in setting.entries or source in setting.associations:
        yield XDSRegistryMetadataError(
            f"{source}: only a SubmissionSet or a Folder has members", location=association.entry_uuid
        )
        return
    folder: Registered | None = None
    if source not in setting.folders:
        holder = setting.references.objects.get(source)
        if holder is None:
            yield _unresolved(association, source, "the Folder is neither in the submission nor registered")
            return
        if holder.kind is not ObjectKind.FOLDER:
            yield XDSRegistryMetadataError(
                f"{source}: nothing can be added to a registered {holder.kind.value}", location=association.entry_uuid
            )
            return
        folder = holder
        if not folder.approved:
            yield XDSRegistryMetadataError(f"{source}: the Folder is not Approved", location=association.entry_uuid)
        if folder.patient_pk != setting.patient_pk:
            yield XDSPatientIdDoesNotMatch(f"{source}: the Folder is another patient's than the submission")
        consequences.touched_folders.append(source)
    yield from _folder_content(setting, association, target)


def _folder_content(setting: Setting, association: Association, target: str) -> Iterator[XdsError]:
    if target in setting.entries:
        return
    registered = setting.references.objects.get(target)
    if registered is None and target not in setting.folders and target not in setting.associations:
        yield _unresolved(association, target, "the member is neither in the submission nor registered")
    elif registered is None or registered.kind is not ObjectKind.DOCUMENT_ENTRY:
        yield XDSRegistryMetadataError(
            f"{target}: a Folder holds DocumentEntries only", location=association.entry_uuid
        )
    else:
        if not registered.approved:
            yield XDSRegistryDeprecatedDocumentError(f"{target} is Deprecated", location=association.entry_uuid)
        if registered.patient_pk != setting.patient_pk:
            yield XDSPatientIdDoesNotMatch(f"{target}: the DocumentEntry is another patient's than the Folder")


def _relationship(setting: Setting, association: Association, consequences: Consequences) -> Iterator[XdsError]:
    """An association between DocumentEntries (ITI TF-3: 4.2.2.2)."""
    kind, source, target = association.association_type, association.source, association.target
    entry = setting.entries.get(source)
    if entry is None:
        yield _unresolved(association, source, "the source of a relationship is a DocumentEntry of the submission")
        return
    if kind is AssociationType.SIGNS and target == setting.submission_set:
        return  # the signature of the whole submission, ITI TF-3: 5.5.4
    if target in setting.entries:
        if kind in _REGISTERED_TARGET:
            yield _unresolved(association, target, "the target must be registered before")
        return
    registered = setting.references.of_kind(target, ObjectKind.DOCUMENT_ENTRY)
    if registered is None:
        yield _unresolved(association, target, "the target is no DocumentEntry that is registered or submitted")
        return
    if not registered.approved:
        yield XDSRegistryDeprecatedDocumentError(f"{target} is Deprecated", location=association.entry_uuid)
    if registered.patient_pk != setting.patient_pk:
        yield XDSPatientIdDoesNotMatch(f"{target}: the DocumentEntry is another patient's than {source}")
    if kind is AssociationType.IS_SNAPSHOT_OF and (
        not registered.on_demand or entry.object_type is not DocumentEntryType.STABLE
    ):
        yield XDSRegistryMetadataError(
            f"{association.entry_uuid}: a snapshot is a stable DocumentEntry of an on-demand one",
            location=association.entry_uuid,
        )
    if kind in _REPLACES:
        yield from _replace(setting, association, consequences)


def _replace(setting: Setting, association: Association, consequences: Consequences) -> Iterator[XdsError]:
    """ITI TF-2: 3.42.4.1.3.4: the replaced entry and what hangs on it are deprecated, its folders get the new one."""
    source, target = association.source, association.target
    if target in consequences.replaced:
        yield XDSRegistryDeprecatedDocumentError(
            f"{target} is replaced twice in the submission", location=association.entry_uuid
        )
        return
    consequences.replaced.append(target)
    consequences.deprecated.append(target)
    consequences.deprecated.extend(dependents(setting.connection, target))
    stated = {
        (x.source, x.target)
        for x in setting.associations.values()
        if x.association_type is AssociationType.HAS_MEMBER and x.source != setting.submission_set
    }
    for folder in folders_of(setting.connection, target):
        if folder.patient_pk != setting.patient_pk:
            yield XDSPatientIdDoesNotMatch(f"{folder.entry_uuid}: the Folder is another patient's than {source}")
        consequences.touched_folders.append(folder.entry_uuid)
        membership = (folder.entry_uuid, source)
        # An entry that replaces two members of a Folder becomes its member once.
        if membership not in stated and membership not in consequences.inherited_members:
            consequences.inherited_members.append(membership)
