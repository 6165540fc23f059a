"""An update against the registry, in the caller's transaction: who, what is there, every rule, then the rows.

Source: metadata update supplement, ITI TF-2: 3.57.4.1.3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from schemas.attributes import ObjectKind
from schemas.errors import (
    XDSDuplicateUniqueIdInRegistry,
    XdsError,
    XdsErrors,
    XDSPatientIDReconciliationError,
    XDSUnknownPatientId,
)
from schemas.responses import RegistryOutcome
from schemas.vocabulary import AssociationType, AvailabilityStatus
from xds_registry.changes import Change, ChangeKind, Permit, State, read_states, state_of
from xds_registry.configuration import RegistryConfiguration
from xds_registry.encoding import normal
from xds_registry.patients import KnownPatient
from xds_registry.references import find_identities
from xds_registry.register import Writer, is_replay, patient_of, taken_ids
from xds_registry.update.associations import Propagated, Renewed, check_submitted, propagated
from xds_registry.update.operations import NewVersion, PreparedUpdate, UpdateKind
from xds_registry.update.registered import (
    Known,
    Overtaken,
    Registered,
    approved_links,
    find_objects,
    find_registered,
    lock_patients,
)
from xds_registry.update.statuses import check_by_hand, check_link, check_object
from xds_registry.update.versions import check_restricted, check_version
from xds_registry.update.writing import Planned, write
from xds_registry.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an update: its outcome, and the patients (identifiers) and documents (uniqueIds) it was about."""

    outcome: RegistryOutcome
    patients: tuple[str, ...]
    documents: tuple[str, ...]


def update(
    connection: Connection,
    asked: PreparedUpdate,
    configuration: RegistryConfiguration,
    *,
    now: datetime,
    visibility: Visibility,
    permit: Permit,
) -> Applied:
    """Apply an update; the caller's transaction commits it. What the caller may not see is not there.

    Raises XdsErrors with everything that is wrong, and Overtaken when another transaction came between; then nothing
    may be committed.
    """
    return _Update(connection, asked, configuration, now, visibility).apply(permit)


class _Update:
    """One update, step by step."""

    def __init__(
        self,
        connection: Connection,
        asked: PreparedUpdate,
        configuration: RegistryConfiguration,
        now: datetime,
        visibility: Visibility,
    ) -> None:
        self._connection = connection
        self._asked = asked
        self._configuration = configuration
        self._now = now
        self._visibility = visibility
        self._submission_set = asked.prepared.decoded.submission.submission_sets[0]
        self._errors: list[XdsError] = []
        self._registered = Registered()
        self._renewed = Renewed()

    def apply(self, permit: Permit) -> Applied:
        """Look, check, ask, write."""
        patient = self._locked()
        set_id = normal(str(self._submission_set.unique_id))
        identities = find_identities(self._connection, {set_id})
        if is_replay(identities, self._asked.prepared):
            patients = (str(self._submission_set.patient_id),)
            documents = tuple(
                str(entry.unique_id) for entry in self._asked.prepared.decoded.submission.document_entries
            )
            return Applied(replace(RegistryOutcome.success(), replayed=True), patients, documents)
        # ITI TF-2: 3.42.4.1.3.5: the patient is known from the feed and was not merged away
        if patient is None or not patient.active:
            raise XdsErrors((XDSUnknownPatientId(str(self._submission_set.patient_id)),))
        if identities:
            self._errors.append(
                XDSDuplicateUniqueIdInRegistry(f"SubmissionSet.uniqueId {set_id} is already registered")
            )
        self._errors += taken_ids(self._connection, self._asked.prepared)
        writer = Writer(
            self._connection, self._asked.prepared, patient.pk, self._now, self._configuration.home_community_id
        )
        planned = Planned(writer, self._asked.prepared.resolve(self._submission_set.entry_uuid), patient.pk, self._now)
        changes = self._versions(planned, patient)
        changes += self._associations(planned, patient)
        changes += self._statuses(planned, patient, {c.after.entry_uuid: c for c in changes if c.after is not None})
        if self._errors:
            raise XdsErrors(tuple({(e.code, e.code_context, e.location): e for e in self._errors}.values()))
        permit(self._connection, tuple(changes))
        write(self._connection, planned)
        return Applied(RegistryOutcome.success(), *_touched(patient, changes))

    def _locked(self) -> KnownPatient | None:
        """Keep everybody else away from every patient the update is about; the patient of the SubmissionSet."""
        connection, asked = self._connection, self._asked
        patient = patient_of(connection, asked.prepared, self._configuration, lock=False)
        locked = self._look().patients | ({patient.pk} if patient is not None else set())
        lock_patients(connection, locked)
        self._registered = self._look()
        if not self._registered.patients <= locked:
            raise Overtaken
        return patient_of(connection, asked.prepared, self._configuration, lock=False)

    def _look(self) -> Registered:
        asked = self._asked
        named = {change.target for change in asked.statuses}
        named |= {end for new in asked.associations for end in (new.association.source, new.association.target)}
        return find_registered(
            self._connection, {version.logical_id for version in asked.versions}, named, self._visibility
        )

    def _versions(self, planned: Planned, patient: KnownPatient) -> list[Change]:
        """The new versions, and what follows them."""
        asked, latest = self._asked, self._registered.latest
        own = self._configuration.own_repositories
        befores: list[tuple[NewVersion, Known]] = []
        for version in asked.versions:
            before = latest.get(version.logical_id)
            wrong = list(check_version(version, before, asked.kind, own))
            self._errors += wrong
            if before is not None and not wrong:
                befores.append((version, before))
        states = read_states(self._connection, {before.entry_uuid for _, before in befores})
        changes: list[Change] = []
        for version, before in befores:
            after = _after(version, before, asked.kind, patient)
            self._renewed.add(version, before, after)
            fragment = planned.add_version(version, before, after)
            kind = ChangeKind.UPDATE_ENTRY if version.is_entry else ChangeKind.UPDATE_FOLDER
            change = Change(kind, states[before.entry_uuid], _state(after, fragment, patient.patient_id))
            if asked.kind is UpdateKind.RESTRICTED_UPDATE:
                self._errors += check_restricted(version, change)
                if before.patient_pk != patient.pk and "patientId" not in change.differing:
                    self._errors.append(_other_patient(version))
            changes.append(change)
        links = approved_links(self._connection, self._renewed.versions) if befores else []
        ends = find_objects(self._connection, {end for link in links for end in (link.source, link.target)})
        wrong, following = propagated(self._renewed, links, ends)
        self._errors += wrong
        for one in following:
            planned.add_propagated(one, gains=_gains(one, self._renewed))
        return changes

    def _associations(self, planned: Planned, patient: KnownPatient) -> list[Change]:
        changes: list[Change] = []
        new_links = {(one.source.entry_uuid, one.target.entry_uuid) for one in planned.propagated}
        for new in self._asked.associations:
            association = new.association
            pair = (association.source, association.target)
            taken = new_links | {(x.source, x.target) for x in approved_links(self._connection, {pair[0]})}
            wrong, ends = check_submitted(new, self._registered, self._renewed, patient.pk, taken)
            self._errors += wrong
            new_links.add(pair)
            if ends is None:
                continue
            row = planned.add_association(
                association, registered_folder=ends[0].entry_uuid not in self._renewed.by_uuid
            )
            after = state_of(
                ObjectKind.ASSOCIATION,
                row["fragment"],
                entry_uuid=association.entry_uuid,
                patient=patient.patient_id,
                status=AvailabilityStatus.APPROVED,
            )
            changes.append(Change(ChangeKind.ASSOCIATE, None, after, self._end_states(planned, ends, patient)))
        return changes

    def _statuses(self, planned: Planned, patient: KnownPatient, new: dict[str, Change]) -> list[Change]:
        """Status changes come last: of what is there, or of what this update brings."""
        changes: list[Change] = []
        for change in self._asked.statuses:
            known = self._renewed.by_uuid.get(change.target) or self._registered.objects.get(change.target)
            link = self._registered.links.get(change.target) or planned.link(change.target)
            ends: tuple[Known, ...] = ()
            if link is not None:
                source, target = self._end(link.source), self._end(link.target)
                others = {
                    x.entry_uuid for x in approved_links(self._connection, {link.source}) if x.target == link.target
                }
                linked = bool(others - {link.entry_uuid})
                wrong = list(check_link(change, link, (source, target), patient.pk, linked=linked))
                wrong += check_by_hand(change, (source, target), self._renewed)
                ends = tuple(end for end in (source, target) if end is not None)
            else:
                renewed = known is not None and known.entry_uuid in self._renewed.versions
                wrong = list(check_object(change, known, patient.pk, renewed=renewed))
            self._errors += wrong
            if wrong:
                continue
            found = new.get(change.target)
            before = found.after if found is not None else None
            before = before or read_states(self._connection, {change.target})[change.target]
            planned.add_status(before.kind, change, ends)
            after = replace(before, status=change.new)
            changes.append(Change(ChangeKind.CHANGE_STATUS, before, after, self._end_states(planned, ends, patient)))
        return changes

    def _end(self, name: str) -> Known | None:
        return self._renewed.by_uuid.get(name) or self._registered.ends.get(name) or self._registered.objects.get(name)

    def _end_states(self, planned: Planned, ends: tuple[Known, ...], patient: KnownPatient) -> tuple[State, ...]:
        registered = read_states(self._connection, {end.entry_uuid for end in ends})
        return tuple(
            registered.get(end.entry_uuid) or _state(end, planned.fragments[end.entry_uuid], patient.patient_id)
            for end in ends
        )


def _after(version: NewVersion, before: Known, kind: UpdateKind, patient: KnownPatient) -> Known:
    """ITI TF-2: 3.57.4.1.3.3.1.4: a new version is Approved; one of a restricted update stays what it was."""
    status = before.status if kind is UpdateKind.RESTRICTED_UPDATE else AvailabilityStatus.APPROVED
    return replace(
        before,
        entry_uuid=version.entry_uuid,
        version=before.version + 1,
        patient_pk=patient.pk,
        status=status,
    )


def _state(known: Known, fragment: bytes, patient: str) -> State:
    return state_of(
        known.kind,
        fragment,
        entry_uuid=known.entry_uuid,
        logical_id=known.logical_id,
        version=known.version,
        patient=patient,
        status=known.status,
    )


def _other_patient(version: NewVersion) -> XdsError:
    where = version.item.entry_uuid
    return XDSPatientIDReconciliationError(f"{where} patientId: is not that of the version before", location=where)


def _gains(one: Propagated, renewed: Renewed) -> bool:
    """Whether a registered Folder gets another member (ITI TF-3: 4.2.3.4.6); a new version of one is new anyway."""
    member = one.origin.association_type is AssociationType.HAS_MEMBER
    return member and one.source.entry_uuid not in renewed.by_uuid


def _touched(patient: KnownPatient, changes: list[Change]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The patients and the documents that changes are about, that of the SubmissionSet first."""
    states = [
        state
        for change in changes
        for state in (change.before, change.after, *change.ends)
        if state is not None and state.kind is not ObjectKind.ASSOCIATION
    ]
    patients = dict.fromkeys([patient.patient_id, *(state.patient for state in states)])
    documents = dict.fromkeys(state.unique_id for state in states if state.kind is ObjectKind.DOCUMENT_ENTRY)
    return tuple(patients), tuple(documents)
