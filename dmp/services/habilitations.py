"""TD0.3 and TD1.6: a caller's own authorisation, and who is authorised on a record."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lxml import etree

from dmp.audit import Transaction
from dmp.audit.event import Action as Act
from dmp.authorisations import Authorisation, AuthorisationStatus, Holder, HolderKind, Mode
from dmp.authorisations.granting import declare_treating_doctor, drop_treating_doctor, grant, revoke
from dmp.authorisations.listing import authorisations_of
from dmp.authorisations.standing import standing
from dmp.errors import DmpError
from dmp.records.find import active, existing
from dmp.rights.actions import Action
from dmp.rights.actors import Actor, ActorKind
from dmp.services.conversation import Conversation, Done, Visit
from dmp.services.messages.operations import habilitations as m
from dmp.services.messages.operations.outcome import Outcome
from dmp.services.messages.writing import local_moment
from dmp.services.vocabulary import PROFESSIONALS, STRUCTURES, Status

_ADD: Final = m.AuthorisationAction.ADD
_REMOVE: Final = m.AuthorisationAction.REMOVE
_TREATING: Final = m.SpecificRight.TREATING_DOCTOR
_ACTIONS: Final = {
    (_ADD, None): Action.AUTHORISE_SELF,
    (_ADD, _TREATING): Action.DECLARE_TREATING_DOCTOR,
    (_REMOVE, None): Action.DROP_OWN_AUTHORISATION,
    (_REMOVE, _TREATING): Action.DROP_TREATING_DOCTOR,
}


def set_authorisation() -> Conversation[m.SetAuthorisation]:
    """How `setAuthorization` is served."""
    return Conversation(
        read=m.read_set_authorisation,
        transaction=lambda _: Transaction.SET_AUTHORISATION,
        action=lambda request: _ACTIONS[request.action, request.role],
        named=lambda _: (),
        work=_set,
        refuse=_refuse_set,
    )


def list_authorisations() -> Conversation[m.ListAuthorisations]:
    """How `listAuthorizationByPatient` is served."""
    return Conversation(
        read=m.read_list_authorisations,
        transaction=lambda _: Transaction.LIST_AUTHORISED,
        action=lambda _: Action.LIST_AUTHORISED,
        named=lambda _: (),
        work=_list,
        refuse=_refuse_list,
    )


def holder_of(visit: Visit) -> Holder:
    """Whose authorisation it is: the professional's, or of an employee (CPE) the structure's."""
    if Actor.of(visit.caller).kind is ActorKind.EMPLOYEE:
        return Holder.structure(visit.caller)
    return Holder.person(visit.caller)


def _set(visit: Visit, request: m.SetAuthorisation) -> Done:
    act = " ".join(filter(None, (request.action, request.role or "")))
    holder = holder_of(visit)
    adding = request.action is _ADD
    if adding and _has_it(visit, holder, request.role):
        said = Outcome(Status.OK.value, "The authorisation was there; nothing was done.")
        return Done(reply=m.write_authorisation_set(said), act=act, unchanged=True)
    record = (active if adding else existing)(visit.connection, visit.patient)
    connection, by, at = visit.connection, visit.author, visit.at
    if adding and request.role is None:
        grant(connection, record.pk, holder, by=by, at=at, rules=visit.rules)
    elif adding:
        declare_treating_doctor(connection, record.pk, holder, by=by, at=at, rules=visit.rules)
    elif request.role is None:
        revoke(connection, record.pk, holder, by=by, at=at)
    else:
        drop_treating_doctor(connection, record.pk, holder, by=by, at=at)
    said = Outcome(Status.OK.value, "")
    action = Act.CREATE if adding else Act.DELETE
    return Done(reply=m.write_authorisation_set(said), action=action, act=act)


def _has_it(visit: Visit, holder: Holder, role: m.SpecificRight | None) -> bool:
    """Whether what is to be added is there and counts: only what is absent or over is added again (EX_0.3-1010)."""
    caller = visit.caller
    held = standing(visit.connection, visit.patient, caller.national_id, caller.structure_id, visit.at)
    own = held.person if holder.kind is HolderKind.PERSON else held.structure
    there = own is AuthorisationStatus.VALID and not held.blocked
    return there and (role is None or held.is_treating_doctor)


def _list(visit: Visit, request: m.ListAuthorisations) -> Done:
    record = active(visit.connection, visit.patient)
    found = authorisations_of(visit.connection, record.pk, visit.at, Mode(request.mode.value))
    rows = tuple(_row(one) for one in found)
    reply = m.write_authorisation_list(m.AuthorisationList(Outcome(Status.OK.value), rows))
    return Done(reply=reply, act=request.mode.value, results=len(rows))


def _row(one: Authorisation) -> m.AuthorisationRow:
    holder = one.holder
    forbidden = one.blocked_at is not None
    specialities = _specialities(holder)
    return m.AuthorisationRow(
        national_id=holder.identifier,
        national_id_type=PROFESSIONALS if holder.kind is HolderKind.PERSON else STRUCTURES,
        first_name=holder.first_name,
        last_name=holder.family_name,
        speciality_codes=tuple(code for code, _ in specialities),
        speciality_labels=tuple(label for _, label in specialities if label),
        start=local_moment(one.granted_at or one.treating_since),
        last_action=local_moment(one.last_action_at),
        mode=m.AuthorisationMode.FORBIDDEN if forbidden else m.AuthorisationMode.ACTIVE,
        rights=(_TREATING,) if one.is_treating_doctor else (),
    )


def _specialities(holder: Holder) -> list[tuple[str, str]]:
    """Profession and savoir-faire as codes and labels of TRE_A02: `G15_10/SM26`, or `G15_60` alone.

    The first role of a holder is the profession, two digits of TRE_G15; others' roles are given as they are.
    """
    if not holder.specialities or not holder.specialities[0][0].isdigit():
        return list(holder.specialities)
    (code, label), *others = holder.specialities
    whole = f"G15_{code}"
    return [(f"{whole}/{one}", " - ".join(filter(None, (label, name)))) for one, name in others] or [(whole, label)]


def _refuse_set(_body: etree._Element, refusal: DmpError, _at: datetime) -> bytes:
    return m.write_authorisation_set(Outcome(refusal.code, str(refusal)))


def _refuse_list(_body: etree._Element, refusal: DmpError, _at: datetime) -> bytes:
    return m.write_authorisation_list(m.AuthorisationList(Outcome(refusal.code, str(refusal))))
