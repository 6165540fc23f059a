"""The access history of a record, to whoever the law lets read it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from dmp.rights.actions import Action
from dmp.rights.actors import Actor, ActorKind
from dmp.traces import History, Viewer, ViewerKind, history
from feuillet.law.record_law import RecordLaw
from feuillet.law.refusal import RightsRefused
from feuillet.law.telling import identifiers_of
from xds_registry import tables as t
from xds_registry.query.conditions import visible_entries

_HOLDERS = {
    ActorKind.PATIENT: ViewerKind.PATIENT,
    ActorKind.REPRESENTATIVE: ViewerKind.REPRESENTATIVE,
}


def record_history(connection: Connection, law: RecordLaw, actor: Actor, patient: str) -> History:
    """Who was in a record: all of it to the patient and a médecin traitant, their own part to other professionals.

    Documents that the actor does not see are not named. Raises RightsRefused.
    """
    held = law.standing_of(connection, actor, patient)
    whole = law.law.ruling(actor, Action.READ_WHOLE_HISTORY, patient, held)
    own = law.law.ruling(actor, Action.READ_OWN_HISTORY, patient, held)
    if whole.refusal is not None and own.refusal is not None:
        raise RightsRefused(own.refusal, patient)
    viewer = Viewer.professional(actor.identifier)
    if whole.allowed:
        viewer = Viewer(_HOLDERS.get(actor.kind, ViewerKind.TREATING_DOCTOR), actor.identifier)
    sight = law.law.ruling(actor, Action.SEARCH, patient, held)

    def visible(unique_ids: Collection[str]) -> Collection[str]:
        entry = t.document_entry.c
        seen = select(entry.unique_id).where(entry.unique_id.in_(list(unique_ids)), visible_entries(sight.documents))
        return frozenset(connection.scalars(seen))

    return history(connection, identifiers_of(connection, patient), viewer, visible=visible, at=law.now())
