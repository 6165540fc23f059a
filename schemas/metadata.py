"""The metadata model: DocumentEntry, SubmissionSet, Folder, Association, with every attribute of ITI TF-3: 4.2.3.

Values carry their data type; an absent attribute is None or an empty tuple. Whether an attribute must be there depends
on the transaction and is stated in `schemas.attributes`. Slots, classifications and identifiers that the standard does
not know are kept, so that nothing a sender said is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from schemas.datatypes import (
    Cx,
    Cxi,
    Dtm,
    LanguageTag,
    MimeType,
    Oid,
    RecipientValue,
    Sha1Hash,
    SourcePatientInfoItem,
    UniqueId,
    Uri,
    Xcn,
    Xon,
    Xtn,
)
from schemas.vocabulary import AssociationType, AvailabilityStatus, DocumentEntryType

EntryId = NewType("EntryId", str)
"""entryUUID of a registry object, or the symbolic id that stands for it in one submission."""


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """A text in a language: `rim:LocalizedString`."""

    value: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A named list of strings: `rim:Slot`."""

    name: str
    values: tuple[str, ...]
    slot_type: str | None = None


@dataclass(frozen=True, slots=True)
class CodedValue:
    """A code, its coding scheme and how to display it (ITI TF-3: 4.2.3.1.2)."""

    code: str
    scheme: str
    display_name: tuple[LocalizedText, ...] = ()
    extra_slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote, and for whom (ITI TF-3: 4.2.3.1.4)."""

    person: Xcn | None = None
    institutions: tuple[Xon, ...] = ()
    roles: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    telecommunications: tuple[Xtn, ...] = ()
    extra_slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtraClassification:
    """A classification by a scheme that the standard does not know."""

    scheme: str | None
    node: str | None
    representation: str | None
    name: tuple[LocalizedText, ...] = ()
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtraIdentifier:
    """An external identifier of a scheme that the standard does not know."""

    scheme: str
    value: str
    name: tuple[LocalizedText, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEntry:
    """Metadata of one document (ITI TF-3: 4.2.3.2)."""

    entry_uuid: EntryId
    object_type: DocumentEntryType | None = None
    mime_type: MimeType | None = None
    availability_status: AvailabilityStatus | None = None
    home_community_id: str | None = None
    logical_id: str | None = None
    version: int | None = None
    title: tuple[LocalizedText, ...] = ()
    comments: tuple[LocalizedText, ...] = ()
    authors: tuple[Author, ...] = ()
    class_code: CodedValue | None = None
    type_code: CodedValue | None = None
    format_code: CodedValue | None = None
    healthcare_facility_type_code: CodedValue | None = None
    practice_setting_code: CodedValue | None = None
    confidentiality_codes: tuple[CodedValue, ...] = ()
    event_codes: tuple[CodedValue, ...] = ()
    creation_time: Dtm | None = None
    service_start_time: Dtm | None = None
    service_stop_time: Dtm | None = None
    hash: Sha1Hash | None = None
    size: int | None = None
    language_code: LanguageTag | None = None
    legal_authenticator: Xcn | None = None
    patient_id: Cx | None = None
    source_patient_id: Cx | None = None
    source_patient_info: tuple[SourcePatientInfoItem, ...] = ()
    reference_ids: tuple[Cxi, ...] = ()
    repository_unique_id: Oid | None = None
    unique_id: UniqueId | None = None
    uri: Uri | None = None
    document_availability: str | None = None
    limited_metadata: bool = False
    extra_slots: tuple[Slot, ...] = ()
    extra_classifications: tuple[ExtraClassification, ...] = ()
    extra_identifiers: tuple[ExtraIdentifier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSet:
    """Metadata of one submission (ITI TF-3: 4.2.3.3)."""

    entry_uuid: EntryId
    availability_status: AvailabilityStatus | None = None
    home_community_id: str | None = None
    logical_id: str | None = None
    version: int | None = None
    title: tuple[LocalizedText, ...] = ()
    comments: tuple[LocalizedText, ...] = ()
    authors: tuple[Author, ...] = ()
    content_type_code: CodedValue | None = None
    intended_recipients: tuple[RecipientValue, ...] = ()
    patient_id: Cx | None = None
    source_id: Oid | None = None
    submission_time: Dtm | None = None
    unique_id: UniqueId | None = None
    limited_metadata: bool = False
    extra_slots: tuple[Slot, ...] = ()
    extra_classifications: tuple[ExtraClassification, ...] = ()
    extra_identifiers: tuple[ExtraIdentifier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Metadata of one folder (ITI TF-3: 4.2.3.4)."""

    entry_uuid: EntryId
    availability_status: AvailabilityStatus | None = None
    home_community_id: str | None = None
    logical_id: str | None = None
    version: int | None = None
    title: tuple[LocalizedText, ...] = ()
    comments: tuple[LocalizedText, ...] = ()
    code_list: tuple[CodedValue, ...] = ()
    last_update_time: Dtm | None = None
    patient_id: Cx | None = None
    unique_id: UniqueId | None = None
    limited_metadata: bool = False
    extra_slots: tuple[Slot, ...] = ()
    extra_classifications: tuple[ExtraClassification, ...] = ()
    extra_identifiers: tuple[ExtraIdentifier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """A link between two registry objects (ITI TF-3: 4.2.2)."""

    entry_uuid: EntryId
    association_type: AssociationType
    source: EntryId
    target: EntryId
    availability_status: AvailabilityStatus | None = None
    home_community_id: str | None = None
    submission_set_status: str | None = None
    previous_version: str | None = None
    association_propagation: str | None = None
    original_status: str | None = None
    new_status: str | None = None
    documentation: CodedValue | None = None
    title: tuple[LocalizedText, ...] = ()
    comments: tuple[LocalizedText, ...] = ()
    extra_slots: tuple[Slot, ...] = ()
    extra_classifications: tuple[ExtraClassification, ...] = ()
    extra_identifiers: tuple[ExtraIdentifier, ...] = ()


RegistryObject = DocumentEntry | SubmissionSet | Folder | Association
PatientObject = SubmissionSet | DocumentEntry | Folder
"""What has a patientId and a uniqueId: everything but an Association."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What one SubmitObjectsRequest carries, in the order it was written."""

    submission_sets: tuple[SubmissionSet, ...] = ()
    document_entries: tuple[DocumentEntry, ...] = ()
    folders: tuple[Folder, ...] = ()
    associations: tuple[Association, ...] = ()
    references: tuple[EntryId, ...] = ()

    @property
    def patient_objects(self) -> tuple[PatientObject, ...]:
        """SubmissionSets, DocumentEntries and Folders, in this order."""
        found: list[PatientObject] = [*self.submission_sets]
        found += self.document_entries
        found += self.folders
        return tuple(found)
