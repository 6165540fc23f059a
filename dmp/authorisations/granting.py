"""Authorisations given, renewed, taken back; professionals blocked; médecins traitants (TD0.3).

Nothing here happens by itself: each function is one explicit act, kept with who did it and when. Whether whoever acts
may do so under the rights matrix is asked before; what holds whoever acts (a block, a profession) is held here.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from dmp.authorisations import rows
from dmp.authorisations.authorisation import ActKind, Authorisation, AuthorisationStatus, Holder, HolderKind
from dmp.errors import Blocked, DMPAccessDeniedByRightsService, DMPNotFound, NotADoctor
from dmp.records import tables as t
from dmp.records.calendar import months_after
from dmp.records.consents import DOCTOR, Author
from dmp.records.find import require_active
from dmp.records.record import RecordRules


def grant(
    connection: Connection, record_pk: int, holder: Holder, *, by: Author, at: datetime, rules: RecordRules
) -> Authorisation:
    """Authorise a professional or a structure, or renew what they have, from now on (action AJOUT).

    `by` is the professional who states the patient's consent, or the patient in the portal. A professional authorises
    themselves or the structure they work for, nobody else; one whom the patient has blocked, or whose structure is
    blocked, neither. Who is blocked stays blocked: only `unblock` ends that.

    Raises `DMPNotFound`, `DMPClosed`, `Blocked`, `DMPAccessDeniedByRightsService`.
    """
    require_active(connection, record_pk)
    if not by.is_patient:
        own = by.national_id if holder.kind is HolderKind.PERSON else by.structure_id
        if not own or own != holder.identifier:
            raise DMPAccessDeniedByRightsService("A professional authorises themselves or their structure.")
        refuse_blocked(connection, record_pk, by.national_id, by.structure_id)
    authorisation = rows.find_or_make(connection, record_pk, holder, at)
    if authorisation.blocked_at is not None:
        raise Blocked
    rows.name(connection, authorisation, holder)
    return rows.act(
        connection,
        authorisation,
        ActKind.GRANTED,
        by=by,
        at=at,
        granted_at=at,
        expires_at=months_after(at, rules.authorisation_months),
    )


def revoke(connection: Connection, record_pk: int, holder: Holder, *, by: Author, at: datetime) -> Authorisation:
    """Take an authorisation back, médecin traitant included (action SUPPRESSION); by the holder or the patient.

    Raises `DMPNotFound` when there is none to take back, `DMPAccessDeniedByRightsService`.
    """
    authorisation = rows.find(connection, record_pk, holder.kind, holder.identifier)
    if authorisation is None or (authorisation.expires_at is None and authorisation.treating_since is None):
        raise DMPNotFound("There is no authorisation.")
    own = by.national_id if holder.kind is HolderKind.PERSON else by.structure_id
    if not by.is_patient and own != holder.identifier:
        raise DMPAccessDeniedByRightsService("Only the holder or the patient takes an authorisation back.")
    return rows.act(connection, authorisation, ActKind.REVOKED, by=by, at=at, expires_at=None, treating_since=None)


def block(connection: Connection, record_pk: int, holder: Holder, *, by: Author, at: datetime) -> Authorisation:
    """Keep a professional or a structure out for good, whatever the mode of access (INTERDITE).

    By the patient, or by a médecin traitant for the patient. What the holder had is taken back, and what they opened
    in an emergency ends at once. Raises `DMPNotFound`, `DMPClosed`, `DMPAccessDeniedByRightsService`.
    """
    require_active(connection, record_pk)
    _require_patient_or_treating(connection, record_pk, by)
    authorisation = rows.find_or_make(connection, record_pk, holder, at)
    openings = t.emergency_opening
    column = openings.c.holder_id if holder.kind is HolderKind.PERSON else openings.c.structure_id
    connection.execute(
        openings.update()
        .where(openings.c.record_pk == record_pk, column == holder.identifier, openings.c.expires_at > at)
        .values(expires_at=at)
    )
    return rows.act(
        connection,
        authorisation,
        ActKind.BLOCKED,
        by=by,
        at=at,
        blocked_at=at,
        expires_at=None,
        treating_since=None,
    )


def unblock(connection: Connection, record_pk: int, holder: Holder, *, by: Author, at: datetime) -> Authorisation:
    """End a block; the holder then has no authorisation. Raises as `block`, and `DMPNotFound` without a block."""
    require_active(connection, record_pk)
    _require_patient_or_treating(connection, record_pk, by)
    authorisation = rows.find(connection, record_pk, holder.kind, holder.identifier)
    if authorisation is None or authorisation.blocked_at is None:
        raise DMPNotFound("There is no block.")
    return rows.act(connection, authorisation, ActKind.UNBLOCKED, by=by, at=at, blocked_at=None)


def declare_treating_doctor(
    connection: Connection, record_pk: int, doctor: Holder, *, by: Author, at: datetime, rules: RecordRules
) -> Authorisation:
    """Make a doctor médecin traitant of the record, one of several maybe, and authorise them (role MEDECIN_TRAITANT).

    By the doctor, who states the patient's wish, or by the patient. The role lasts until it is dropped; the
    authorisation beside it expires as any. Raises `NotADoctor`, and what `grant` raises.
    """
    profession = by.profession if by.national_id == doctor.identifier else doctor.profession
    if doctor.kind is not HolderKind.PERSON or profession != DOCTOR:
        raise NotADoctor
    authorisation = grant(connection, record_pk, doctor, by=by, at=at, rules=rules)
    if authorisation.treating_since is not None:
        return authorisation
    return rows.act(connection, authorisation, ActKind.BECAME_TREATING_DOCTOR, by=by, at=at, treating_since=at)


def drop_treating_doctor(
    connection: Connection, record_pk: int, doctor: Holder, *, by: Author, at: datetime
) -> Authorisation:
    """End a doctor's role of médecin traitant; by that doctor or the patient. The authorisation stays.

    Raises `DMPNotFound` when the doctor has not the role, `DMPAccessDeniedByRightsService`.
    """
    authorisation = rows.find(connection, record_pk, HolderKind.PERSON, doctor.identifier)
    if not by.is_patient and by.national_id != doctor.identifier:
        raise DMPAccessDeniedByRightsService("Only the doctor or the patient ends the role of médecin traitant.")
    if authorisation is None or authorisation.treating_since is None:
        raise DMPNotFound("The doctor is not médecin traitant.")
    return rows.act(connection, authorisation, ActKind.CEASED_TO_TREAT, by=by, at=at, treating_since=None)


def refuse_blocked(connection: Connection, record_pk: int, national_id: str, structure_id: str) -> None:
    """Raise `Blocked` when the patient has blocked this professional or this structure."""
    table = t.authorisation
    blocked = connection.execute(
        select(table.c.pk)
        .where(
            table.c.record_pk == record_pk,
            table.c.blocked_at.is_not(None),
            (
                ((table.c.holder_kind == int(HolderKind.PERSON)) & (table.c.holder_id == national_id))
                | ((table.c.holder_kind == int(HolderKind.STRUCTURE)) & (table.c.holder_id == structure_id))
            ),
        )
        .limit(1)
    ).first()
    if blocked is not None:
        raise Blocked


def _require_patient_or_treating(connection: Connection, record_pk: int, by: Author) -> None:
    if by.is_patient:
        return
    own = rows.find(connection, record_pk, HolderKind.PERSON, by.national_id)
    if own is None or own.treating_since is None or own.status(own.last_action_at) is AuthorisationStatus.FORBIDDEN:
        raise DMPAccessDeniedByRightsService("Only the patient or a médecin traitant blocks and unblocks.")
