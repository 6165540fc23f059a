"""Attributes of the objects of a submission: required, forbidden, coded, in order (ITI TF-3: 4.2.3, 4.3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas import attributes as a
from schemas.affinity_domain import AffinityDomain, CodedAttribute
from schemas.attributes import Requirements
from schemas.datatypes import Cxi, Dtm, UniqueId
from schemas.ebrim.reading import LONG_NAME
from schemas.errors import XdsError, XDSRegistryMetadataError, XDSUnknownPatientId
from schemas.metadata import Association, CodedValue, DocumentEntry, Folder, RegistryObject, Submission, SubmissionSet
from schemas.vocabulary import DocumentAvailability, DocumentEntryType
from xds_registry.encoding import normal

# RFC 8141; a namespace without a name in it is what some senders make of a short attribute, and is taken too.
_URN = re.compile(r"urn:[a-z0-9][a-z0-9-]{0,31}:\S+|urn:[a-z0-9][a-z0-9-]{1,31}", re.IGNORECASE)
_AVAILABILITIES = frozenset(availability.value for availability in DocumentAvailability)
_HOME = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")


def check_attributes(
    submission: Submission, domain: AffinityDomain, *, updates: bool = False, patients: bool = True
) -> Iterator[XdsError]:
    """Every rule that looks at one object alone.

    `updates`: the entries and Folders are new versions of what is registered. `patients`: whether the patients have to
    be of the affinity domain, which they are where they must be those of registered objects anyway.
    """
    if not updates:
        yield from _first_versions(submission)
    for entry in submission.document_entries:
        on_demand = entry.object_type is DocumentEntryType.ON_DEMAND
        yield from _requirements(entry, a.ON_DEMAND_ENTRY_REGISTERED if on_demand else a.STABLE_ENTRY_REGISTERED)
        yield from _entry(entry, domain)
    for submission_set in submission.submission_sets:
        yield from _requirements(submission_set, a.SUBMISSION_SET_REGISTERED)
        yield from _codes(submission_set, a.SUBMISSION_SET, domain)
        yield from _common(submission_set)
    for folder in submission.folders:
        yield from _requirements(folder, a.FOLDER_REGISTERED)
        yield from _codes(folder, a.FOLDER, domain)
        yield from _common(folder)
    for association in submission.associations:
        yield from _codes(association, a.ASSOCIATION, domain)
        yield from _common(association)
    if patients:
        yield from _patients(submission, domain)


def _first_versions(submission: Submission) -> Iterator[XdsError]:
    """ITI TF-3: 4.2.3.2.12 and the update supplement: a new object is its own first version."""
    new: tuple[DocumentEntry | Folder, ...] = (*submission.document_entries, *submission.folders)
    for item in new:
        if item.logical_id and item.logical_id != item.entry_uuid:
            kind = type(item).__name__
            yield _wrong(item, "logicalID", f"a new {kind} has no logicalID but its own entryUUID")


def _wrong(item: RegistryObject, attribute: str, reason: str) -> XdsError:
    return XDSRegistryMetadataError(f"{item.entry_uuid} {attribute}: {reason}", location=item.entry_uuid or None)


def _requirements(item: RegistryObject, requirements: Requirements) -> Iterator[XdsError]:
    for name, field in requirements.required:
        value = getattr(item, field)
        if value is None or value == ():
            yield _wrong(item, name, "is required and missing")
    for name, field in requirements.forbidden:
        value = getattr(item, field)
        if value is not None and value is not False:
            yield _wrong(item, name, "is not allowed in this transaction")


def _entry(entry: DocumentEntry, domain: AffinityDomain) -> Iterator[XdsError]:
    yield from _codes(entry, a.DOCUMENT_ENTRY, domain)
    if entry.mime_type is not None and not domain.permits_mime_type(str(entry.mime_type)):
        yield _wrong(entry, "mimeType", f"{entry.mime_type} is not allowed in the affinity domain")
    if entry.language_code is not None and not domain.permits_language(str(entry.language_code)):
        yield _wrong(entry, "languageCode", f"{entry.language_code} is not allowed in the affinity domain")
    start, stop = entry.service_start_time, entry.service_stop_time
    # ITI TF-3: 4.2.3.2.20
    if start is not None and stop is not None and _after(start, stop):
        yield _wrong(entry, "serviceStopTime", f"{stop} is before serviceStartTime {start}")
    availability = entry.document_availability
    if availability is not None and availability not in _AVAILABILITIES:
        yield _wrong(entry, "documentAvailability", f"{availability!r} is neither Online nor Offline")
    yield from _common(entry)


def _after(start: Dtm, stop: Dtm) -> bool:
    """Whether a time is later than another as far as both are known: a year has not ended before a month of it."""
    known = min(start.precision, stop.precision)
    return start.value[:known] > stop.value[:known]


def _common(item: RegistryObject) -> Iterator[XdsError]:
    home = item.home_community_id
    if home and not (len(home) <= 64 + len("urn:oid:") and _HOME.fullmatch(home)):
        yield _wrong(item, "homeCommunityId", f"{home!r} is not an OID in URN form")
    yield from _extra_slots(item)
    yield from _lengths(item)


def _lengths(item: RegistryObject) -> Iterator[XdsError]:
    """What is compared is kept in Unicode NFC, which can be longer than what was sent; the bound is the same."""
    if isinstance(item, Association):
        return
    compared: list[tuple[str, UniqueId | Cxi | None]] = [("uniqueId", item.unique_id)]
    if isinstance(item, DocumentEntry):
        compared += [("referenceIdList", reference) for reference in item.reference_ids]
    for name, value in compared:
        if value is not None and len(normal(str(value))) > LONG_NAME:
            yield _wrong(item, name, f"{str(value)!r} has more than {LONG_NAME} characters in Unicode NFC")


def _extra_slots(item: RegistryObject) -> Iterator[XdsError]:
    """ITI TF-3: 4.2.3.1.6: extra metadata is named by a URN; one of another IHE profile is no error either."""
    for slot in item.extra_slots:
        if not _URN.fullmatch(slot.name):
            yield _wrong(item, slot.name, "is neither a slot of the metadata model nor named by a URN")


def _codes(item: RegistryObject, table: a.ObjectTable, domain: AffinityDomain) -> Iterator[XdsError]:
    for attribute in table.codes.values():
        value = getattr(item, attribute.field)
        if value is None:
            continue
        for code in value if attribute.many else (value,):
            yield from _code(item, attribute.name, attribute.coded, code, domain)


def _code(
    item: RegistryObject, name: str, coded: CodedAttribute, code: CodedValue, domain: AffinityDomain
) -> Iterator[XdsError]:
    if not domain.permits(coded, code.code, code.scheme):
        yield _wrong(item, name, f"{code.code}^^{code.scheme} is not in the value set of the affinity domain")
    for part in (code.code, code.scheme):
        if len(normal(part)) > LONG_NAME:
            yield _wrong(item, name, f"{part!r} has more than {LONG_NAME} characters in Unicode NFC")
    # ITI TF-3: 4.2.3.1.2: a code carries its display name
    if not isinstance(item, Association) and not code.display_name:
        yield _wrong(item, name, f"{code.code}^^{code.scheme} has no display name")


def _patients(submission: Submission, domain: AffinityDomain) -> Iterator[XdsError]:
    """ITI TF-2: 3.42.4.1.3.5: the patient is one that the affinity domain identifies."""
    reported: set[str] = set()
    items: tuple[DocumentEntry | SubmissionSet | Folder, ...] = (
        *submission.submission_sets,
        *submission.document_entries,
        *submission.folders,
    )
    for item in items:
        patient = item.patient_id
        if patient is not None and patient.authority not in domain.patient_authorities and str(patient) not in reported:
            reported.add(str(patient))
            yield XDSUnknownPatientId(
                f"{patient}: the assigning authority is not the affinity domain's", location=item.entry_uuid
            )
