"""ITI-42 Register Document Set-b and ITI-61 Register On-Demand Document Entry: a submission becomes part of the record.

First everything that can be said without the database, then one transaction: who, what is there already, what it
refers to, the rows. All of it or nothing (ITI TF-2: 3.42.4.1.3.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lxml import etree
from sqlalchemy import Connection, select, update

from schemas.attributes import ObjectKind
from schemas.ebrim import fragment as fragments
from schemas.ebrim.fragment import new_uuid, serialise
from schemas.ebrim.reading import Problems
from schemas.ebrim.submission import DecodedSubmission, decode_submission
from schemas.errors import (
    LocalPolicyRestrictionError,
    XDSDuplicateUniqueIdInRegistry,
    XdsError,
    XdsErrors,
    XDSNonIdenticalHash,
    XDSNonIdenticalSize,
    XDSRegistryMetadataError,
    XDSUnknownPatientId,
)
from schemas.metadata import Association, DocumentEntry, EntryId
from schemas.responses import RegistryOutcome
from schemas.vocabulary import AssociationType, AvailabilityStatus, DocumentEntryType
from xds_registry import insertion
from xds_registry import tables as t
from xds_registry.configuration import RegistryConfiguration
from xds_registry.encoding import DEPRECATED, normal
from xds_registry.patients import KnownPatient, add_patient, find_patient
from xds_registry.references import Identity, find_identities, find_references
from xds_registry.relationships import Consequences, Setting, check_associations
from xds_registry.validation.attributes import check_attributes
from xds_registry.validation.structure import Transaction, check_structure
from xds_registry.visibility import Reach, not_replaceable, within_reach

_UUID_URN = "urn:uuid:"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that is right in itself: decoded, with every symbolic id given its entryUUID."""

    decoded: DecodedSubmission
    ids: dict[str, str]
    associations: dict[str, tuple[Association, etree._Element]]
    digest: str

    def resolve(self, name: str) -> str:
        """The entryUUID that an id of the submission stands for; other ids stand for themselves."""
        return self.ids.get(name, name)


def prepare(
    request: etree._Element, configuration: RegistryConfiguration, transaction: Transaction, digest: str
) -> Prepared:
    """Decode and check everything that needs no database. Raises XdsErrors with all that is wrong."""
    problems = Problems()
    decoded = decode_submission(request, problems)
    errors: list[XdsError] = [XDSRegistryMetadataError(str(p), location=p.object_id or None) for p in problems.found]
    errors.extend(check_structure(decoded.submission, transaction))
    # An attribute that cannot be read was reported as such, not also as missing.
    unreadable = {(p.object_id, p.attribute) for p in problems.found}
    for error in check_attributes(decoded.submission, configuration.affinity_domain):
        if not any(error.code_context.startswith(f"{owner} {name}:") for owner, name in unreadable):
            errors.append(error)
    if errors:
        raise XdsErrors(tuple(errors))
    return identify(decoded, digest)


def identify(decoded: DecodedSubmission, digest: str) -> Prepared:
    """Give every object of a submission its entryUUID. Raises XdsErrors when two have the same one."""
    ids: dict[str, str] = {}
    for item in decoded.submission.patient_objects:
        ids[item.entry_uuid] = _assigned(item.entry_uuid)
    associations: dict[str, tuple[Association, etree._Element]] = {}
    for association, _ in decoded.associations:
        if association.entry_uuid:
            ids[association.entry_uuid] = _assigned(association.entry_uuid)
    for association, element in decoded.associations:
        entry_uuid = ids.get(association.entry_uuid) or new_uuid()
        source, target = (ids.get(x, x) for x in (association.source, association.target))
        resolved = replace(association, entry_uuid=EntryId(entry_uuid), source=EntryId(source), target=EntryId(target))
        associations[entry_uuid] = (resolved, element)
    _one_object_per_uuid(ids)
    return Prepared(decoded, ids, associations, digest)


def _assigned(name: str) -> str:
    """ITI TF-3: 4.2.1.4: what does not start with urn:uuid: is a symbolic id and gets a UUID."""
    return name.lower() if name.startswith(_UUID_URN) else new_uuid()


def _one_object_per_uuid(ids: dict[str, str]) -> None:
    """UUIDs that differ in case only are one UUID (RFC 9562, 4), so they cannot be two objects."""
    twice = sorted(entry_uuid for entry_uuid, count in Counter(ids.values()).items() if count > 1)
    if twice:
        raise XdsErrors(
            tuple(XDSRegistryMetadataError(f"{x} id: two objects of the submission have this id") for x in twice)
        )


def register(
    connection: Connection,
    prepared: Prepared,
    configuration: RegistryConfiguration,
    *,
    now: datetime,
    within: Callable[[Connection], None] | None,
    reach: Reach,
) -> RegistryOutcome:
    """Apply the rules that need the database and write the rows; the caller's transaction commits them.

    Raises XdsErrors with everything that is wrong; then nothing may be committed.
    """
    submission_set, _ = prepared.decoded.submission_sets[0]
    # The patient first: it is what submissions for the same record queue for, so what is read below stays true.
    patient = patient_of(connection, prepared, configuration, lock=True)
    identities = _identities(connection, prepared)
    if is_replay(identities, prepared):
        return replace(RegistryOutcome.success(), replayed=True)
    # ITI TF-2: 3.42.4.1.3.5: the patient is known from the feed and was not merged away
    if patient is None or not patient.active:
        raise XdsErrors((XDSUnknownPatientId(str(submission_set.patient_id)),))
    _check_unique_ids(connection, identities, prepared)
    consequences = _check_references(connection, prepared, patient, reach)
    home = configuration.home_community_id
    set_uuid = prepared.resolve(submission_set.entry_uuid)
    writer = Writer(connection, prepared, patient.pk, now, home)
    writer.submission_set(set_uuid)
    writer.document_entries()
    writer.folders()
    writer.associations(set_uuid, consequences)
    deprecate(connection, consequences.deprecated)
    touch_folders(connection, consequences.touched_folders, now)
    if within is not None:
        within(connection)
    return RegistryOutcome.success()


def patient_of(
    connection: Connection, prepared: Prepared, configuration: RegistryConfiguration, *, lock: bool
) -> KnownPatient | None:
    """The patient of the SubmissionSet; see `find_patient`. A registry without a patient feed knows every patient."""
    patient_id = prepared.decoded.submission.submission_sets[0].patient_id
    assert patient_id is not None  # required, checked before  # noqa: S101
    if configuration.register_unknown_patients:
        add_patient(connection, patient_id)
    return find_patient(connection, patient_id, lock=lock)


def _identities(connection: Connection, prepared: Prepared) -> list[Identity]:
    """What is registered under the uniqueIds of the submission."""
    submission = prepared.decoded.submission
    unique_ids = [item.unique_id for item in submission.submission_sets]
    unique_ids += [item.unique_id for item in submission.document_entries]
    unique_ids += [item.unique_id for item in submission.folders]
    return find_identities(connection, {normal(str(unique_id)) for unique_id in unique_ids})


def is_replay(identities: list[Identity], prepared: Prepared) -> bool:
    """Whether this very submission was registered before."""
    unique_id = normal(str(prepared.decoded.submission.submission_sets[0].unique_id))
    return any(
        known.kind is ObjectKind.SUBMISSION_SET and known.unique_id == unique_id and known.digest == prepared.digest
        for known in identities
    )


def _check_unique_ids(connection: Connection, identities: list[Identity], prepared: Prepared) -> None:
    """ITI TF-2: 3.42.4.1.3.3: uniqueIds of SubmissionSets and Folders are new, those of entries mean the same bytes."""
    errors: list[XdsError] = []
    submission = prepared.decoded.submission
    fresh = {normal(str(item.unique_id)): "SubmissionSet" for item in submission.submission_sets}
    fresh.update({normal(str(item.unique_id)): "Folder" for item in submission.folders})
    entries = {normal(str(entry.unique_id)): entry for entry in submission.document_entries}
    for known in identities:
        if known.unique_id in fresh:
            taken = f"{fresh[known.unique_id]}.uniqueId {known.unique_id} is already registered"
            errors.append(XDSDuplicateUniqueIdInRegistry(taken))
        elif known.kind is ObjectKind.DOCUMENT_ENTRY:
            errors.extend(_same_document(entries[known.unique_id], known))
    errors += taken_ids(connection, prepared)
    if errors:
        raise XdsErrors(tuple({(e.code, e.code_context, e.location): e for e in errors}.values()))


def taken_ids(connection: Connection, prepared: Prepared) -> list[XdsError]:
    """ITI TF-3: 4.2.1.4: the entryUUID of a new object is the entryUUID of no other."""
    ids = {entry_uuid for name, entry_uuid in prepared.ids.items() if name.startswith(_UUID_URN)}
    known = sorted(find_references(connection, ids).objects)
    return [XDSRegistryMetadataError(f"{entry_uuid}: the entryUUID is already registered") for entry_uuid in known]


def _same_document(entry: DocumentEntry, row: Identity) -> list[XdsError]:
    on_demand = entry.object_type is DocumentEntryType.ON_DEMAND
    if on_demand:
        # ITI TF-2: 3.61.4.1.3: an on-demand entry may share the uniqueId of an on-demand entry only
        if row.on_demand:
            return []
        return [XDSRegistryMetadataError(f"uniqueId {row.unique_id} belongs to a stable DocumentEntry")]
    if row.size != entry.size:
        return [XDSNonIdenticalSize(row.unique_id, location=entry.entry_uuid)]
    if row.hash != str(entry.hash).lower():
        return [XDSNonIdenticalHash(row.unique_id, location=entry.entry_uuid)]
    return []


def _check_references(connection: Connection, prepared: Prepared, patient: KnownPatient, reach: Reach) -> Consequences:
    own = set(prepared.ids.values()) | prepared.associations.keys()
    ends = {end for a, _ in prepared.associations.values() for end in (a.source, a.target)}
    submission_set = prepared.decoded.submission.submission_sets[0]
    setting = Setting(
        connection,
        prepared.resolve(submission_set.entry_uuid),
        {prepared.resolve(e.entry_uuid): e for e in prepared.decoded.submission.document_entries},
        frozenset(prepared.resolve(f.entry_uuid) for f in prepared.decoded.submission.folders),
        {entry_uuid: association for entry_uuid, (association, _) in prepared.associations.items()},
        within_reach(connection, find_references(connection, ends - own), reach),
        patient.pk,
    )
    errors, consequences = check_associations(setting)
    for entry_uuid in sorted(not_replaceable(connection, consequences.replaced, reach)):
        errors.append(LocalPolicyRestrictionError("only its author replaces a document", location=entry_uuid))
    if errors:
        raise XdsErrors(tuple(errors))
    return consequences


class Writer:
    """Writes the objects of one submission in the caller's transaction."""

    def __init__(
        self, connection: Connection, prepared: Prepared, patient_pk: int, now: datetime, home: str | None
    ) -> None:
        self._connection = connection
        self._prepared = prepared
        self._patient_pk = patient_pk
        self._now = now
        self._home = home

    def fragment(
        self,
        element: etree._Element,
        entry_uuid: str,
        *,
        status: AvailabilityStatus = AvailabilityStatus.APPROVED,
        **options: Any,
    ) -> bytes:
        """The stored form of an object of the submission; `options` are those of `serialise`."""
        if self._home and not element.get("home"):
            element.set("home", self._home)
        return serialise(element, entry_uuid=entry_uuid, status=status, resolve=self._prepared.resolve, **options)

    def submission_set(self, entry_uuid: str) -> None:
        """Store the SubmissionSet."""
        item, element = self._prepared.decoded.submission_sets[0]
        insertion.insert_submission_set(
            self._connection,
            self.with_home(item),
            entry_uuid=entry_uuid,
            patient_pk=self._patient_pk,
            digest=self._prepared.digest,
            registered_at=self._now,
            fragment=self.fragment(element, entry_uuid, version=1),
        )

    def document_entries(self) -> None:
        for item, element in self._prepared.decoded.document_entries:
            entry_uuid = self._prepared.resolve(item.entry_uuid)
            insertion.insert_document_entry(
                self._connection,
                self.with_home(item),
                entry_uuid=entry_uuid,
                logical_id=entry_uuid,
                version=1,
                patient_pk=self._patient_pk,
                fragment=self.fragment(element, entry_uuid, version=1),
            )

    def folders(self) -> None:
        stamp = self._now.strftime("%Y%m%d%H%M%S")
        for item, element in self._prepared.decoded.folders:
            entry_uuid = self._prepared.resolve(item.entry_uuid)
            insertion.insert_folder(
                self._connection,
                self.with_home(item),
                entry_uuid=entry_uuid,
                logical_id=entry_uuid,
                version=1,
                patient_pk=self._patient_pk,
                last_update_time=stamp,
                # ITI TF-3: 4.2.3.4.6: the registry states the time, whatever was submitted
                fragment=self.fragment(element, entry_uuid, version=1, replaced_slots={"lastUpdateTime": stamp}),
            )

    def associations(self, set_uuid: str, consequences: Consequences) -> None:
        rows = [self.association(entry_uuid) for entry_uuid in self._prepared.associations]
        for folder, entry in consequences.inherited_members:
            member = self.member(folder, entry)
            rows += [member, self.member(set_uuid, member["entry_uuid"])]
        insertion.insert_associations(self._connection, rows)

    def association(self, entry_uuid: str) -> dict[str, Any]:
        """The row of an Association of the submission."""
        association, element = self._prepared.associations[entry_uuid]
        return insertion.association_row(
            self.with_home(association),
            entry_uuid=entry_uuid,
            source=association.source,
            target=association.target,
            fragment=self.fragment(element, entry_uuid, version=None),
        )

    def member(self, source: str, target: str) -> dict[str, Any]:
        """A HasMember that the registry itself adds (ITI TF-2: 3.42.4.1.3.4)."""
        entry_uuid = EntryId(new_uuid())
        association = Association(
            entry_uuid=entry_uuid,
            association_type=AssociationType.HAS_MEMBER,
            source=EntryId(source),
            target=EntryId(target),
            home_community_id=self._home,
        )
        fragment = fragments.association(association, AvailabilityStatus.APPROVED)
        return insertion.association_row(
            association, entry_uuid=entry_uuid, source=source, target=target, fragment=fragment
        )

    def with_home(self, item: Any) -> Any:
        """The object with the community's homeCommunityId, unless it names one."""
        return item if item.home_community_id or not self._home else replace(item, home_community_id=self._home)


def deprecate(connection: Connection, entry_uuids: list[str]) -> None:
    """Set availabilityStatus of DocumentEntries to Deprecated, in the row and in the fragment."""
    columns = t.document_entry.c
    for row in (
        connection.execute(select(columns.pk, columns.fragment).where(columns.entry_uuid.in_(entry_uuids))).all()
        if entry_uuids
        else ()
    ):
        fragment = fragments.with_status(row.fragment, AvailabilityStatus.DEPRECATED)
        connection.execute(
            update(t.document_entry).where(columns.pk == row.pk).values(status=DEPRECATED, fragment=fragment)
        )


def touch_folders(connection: Connection, entry_uuids: list[str], now: datetime) -> None:
    """A Folder that gained a member was updated now (ITI TF-2: 3.42.4.1.3.6)."""
    stamp = now.strftime("%Y%m%d%H%M%S")
    columns = t.folder.c
    for row in (
        connection.execute(select(columns.pk, columns.fragment).where(columns.entry_uuid.in_(entry_uuids))).all()
        if entry_uuids
        else ()
    ):
        fragment = fragments.with_slot(row.fragment, "lastUpdateTime", stamp)
        connection.execute(
            update(t.folder).where(columns.pk == row.pk).values(last_update_time=stamp, fragment=fragment)
        )
