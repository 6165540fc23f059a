"""Who may be told that a document came: whoever would find it, at the moment at which they are told.

Nobody is asking then, so that what an assertion would say of a professional is what their authorisation keeps. A
document that is deleted by then is news to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, and_, exists, or_, select

from dmp.alerts.announcement import AnnouncedEntry
from dmp.alerts.subscriptions import Subscriber, SubscriberKind
from dmp.authorisations import HolderKind, Standing
from dmp.errors import DmpError
from dmp.records import tables as records
from dmp.records.find import canonical
from dmp.rights.actions import Action
from dmp.rights.actors import Actor, ActorKind, kind_of_person
from dmp.rights.conditions import NEVER
from feuillet.law.record_law import RecordLaw
from xds_registry import tables as t
from xds_registry.encoding import DELETED
from xds_registry.query.conditions import visible_entries
from xds_registry.subscriptions.subscription import Subscription
from xds_registry.visibility import OfRecord

_HOLDERS: Final = {
    SubscriberKind.PATIENT: ActorKind.PATIENT,
    SubscriberKind.REPRESENTATIVE: ActorKind.REPRESENTATIVE,
}


def identifiers_of(connection: Connection, patient: str) -> tuple[str, ...]:
    """Every identifier of the record that `patient` is one of; `patient` alone where there is none."""
    own, other = records.record_identifier.alias("own"), records.record_identifier.alias("other")
    joined = own.join(other, own.c.record_pk == other.c.record_pk)
    wanted = select(other.c.identifier).select_from(joined).where(own.c.identifier == canonical(patient))
    return tuple(connection.scalars(wanted)) or (patient,)


class Telling:
    """An `AlertPolicy` that keeps to the law, and what the subscribers of ITI-52 see."""

    def __init__(self, law: RecordLaw) -> None:
        self._law = law

    def identifiers_of(self, connection: Connection, patient: str) -> Collection[str]:
        """See `AlertPolicy`."""
        return identifiers_of(connection, patient)

    def authorised_by(self, connection: Connection, patient: str) -> Collection[str]:
        """See `AlertPolicy`."""
        held, named = records.authorisation.c, records.record_identifier.c
        alive = or_(held.expires_at > self._law.now(), held.treating_since.is_not(None))
        return tuple(
            connection.scalars(
                select(held.holder_id)
                .join(records.record_identifier, named.record_pk == held.record_pk)
                .where(
                    named.identifier == canonical(patient),
                    held.holder_kind == int(HolderKind.PERSON),
                    and_(alive, held.blocked_at.is_(None)),
                )
            )
        )

    def may_know(self, connection: Connection, subscriber: Subscriber, entry: AnnouncedEntry) -> bool:
        """See `AlertPolicy`."""
        row = t.document_entry.c
        patient = connection.scalar(
            select(t.patient.c.patient_id)
            .join(t.document_entry, row.patient_pk == t.patient.c.pk)
            .where(row.entry_uuid == entry.entry_uuid)
        )
        if patient is None:
            return False
        sight = self._sight(connection, subscriber.kind, subscriber.identifier, patient)
        later = t.document_entry.alias("later")
        deleted = exists().where(later.c.logical_id == row.logical_id, later.c.status == DELETED)
        seen = select(row.pk).where(row.entry_uuid == entry.entry_uuid, visible_entries(sight.documents), ~deleted)
        return connection.scalar(seen) is not None

    def visibility_of(self, connection: Connection, subscription: Subscription) -> OfRecord:
        """What the owner of a subscription sees of the record that it is about; of any record: nothing."""
        if not subscription.patient:
            return OfRecord("", NEVER)
        return self._sight(
            connection, SubscriberKind.PROFESSIONAL, subscription.owner.national_id, subscription.patient
        )

    def _sight(self, connection: Connection, kind: SubscriberKind, identifier: str, patient: str) -> OfRecord:
        holder = _HOLDERS.get(kind)
        if holder is not None:
            if not self._is_of(connection, identifier, patient):
                return OfRecord(patient, NEVER)
            actor = Actor(kind=holder, identifier=patient)
        else:
            actor = self._professional(connection, identifier, patient)
        held: Standing = self._law.standing_of(connection, actor, patient)
        return OfRecord(patient, self._law.law.ruling(actor, Action.SEARCH, patient, held).documents)

    def _is_of(self, connection: Connection, identifier: str, patient: str) -> bool:
        """Whether whoever is named so is the holder of this record; who is named otherwise holds none."""
        try:
            named = canonical(identifier)
        except DmpError:
            return False
        return named in map(canonical, self.identifiers_of(connection, patient))

    @staticmethod
    def _professional(connection: Connection, national_id: str, patient: str) -> Actor:
        held, named = records.authorisation.c, records.record_identifier.c
        kept = connection.scalar(
            select(held.specialities)
            .join(records.record_identifier, named.record_pk == held.record_pk)
            .where(
                named.identifier == canonical(patient),
                held.holder_kind == int(HolderKind.PERSON),
                held.holder_id == national_id,
            )
        )
        codes = [] if kept is None else [code for code, _ in json.loads(kept)]
        profession = codes[0] if codes else ""
        return Actor(
            kind=kind_of_person(national_id, profession, codes[1:]), identifier=national_id, profession=profession
        )
