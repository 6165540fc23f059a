"""Entries without an authorisation: breaking the glass, and the emergency call centre (purposes of TRE_R248).

Each stays on record, is shown to the patient at the next opening of their record, and waits for a review. It must be
committed, with its audit event, before the first byte of the record is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from card_auth.caller import Caller, PurposeOfUse
from dmp.authorisations.granting import refuse_blocked
from dmp.errors import DMPInvalidRequest, PatientOpposed, ReasonMissing, TooLong
from dmp.records import tables as t
from dmp.records.consents import Author
from dmp.records.find import require_active
from dmp.records.record import RecordRules

LONGEST_REASON: Final = 500
MOST_ROWS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyOpening:
    """Somebody is in one patient's record without an authorisation, until `expires_at`."""

    pk: int
    record_pk: int
    mode: PurposeOfUse
    national_id: str
    name: str
    structure_id: str
    structure_name: str
    reason: str = field(repr=False)
    opened_at: datetime
    expires_at: datetime
    acknowledged_at: datetime | None = None
    reviewed_at: datetime | None = None
    reviewed_by: str = ""
    review_note: str = field(default="", repr=False)

    def is_live(self, at: datetime) -> bool:
        """Whether it still lets in."""
        return at < self.expires_at


def break_glass(
    connection: Connection, caller: Caller, record_pk: int, reason: str, *, at: datetime, rules: RecordRules
) -> EmergencyOpening:
    """Let a professional into one record for a short time, for the reason they give.

    While one is live, another begins a new time with its own reason. Raises `ReasonMissing`, `TooLong`; `DMPNotFound`,
    `DMPClosed`; `Blocked`; `PatientOpposed` (OPPOSITION_BRIS_DE_GLACE).
    """
    if not reason.strip("\0 \t\r\n"):
        raise ReasonMissing
    return _open(connection, caller, record_pk, PurposeOfUse.BREAK_GLASS, reason, at=at, rules=rules)


def open_for_regulation(
    connection: Connection, caller: Caller, record_pk: int, *, at: datetime, rules: RecordRules, reason: str = ""
) -> EmergencyOpening:
    """Let a doctor of an emergency call centre (centre 15) into one record for a short time; no reason is wanted.

    Raises `DMPNotFound`, `DMPClosed`, `Blocked`, `TooLong`; `PatientOpposed` (OPPOSITION_ACCES_URGENCE).
    """
    return _open(connection, caller, record_pk, PurposeOfUse.REGULATION, reason, at=at, rules=rules)


def is_open(connection: Connection, record_pk: int, national_id: str, mode: PurposeOfUse, *, at: datetime) -> bool:
    """Whether somebody is in a record this way, and the time for it is not over."""
    table = t.emergency_opening
    live = select(table.c.pk).where(
        table.c.record_pk == record_pk,
        table.c.holder_id == national_id,
        table.c.mode == mode.value,
        table.c.expires_at > at,
    )
    return connection.execute(live.limit(1)).first() is not None


def notices(connection: Connection, record_pk: int) -> tuple[EmergencyOpening, ...]:
    """The openings that the patient has not been shown yet, the oldest first."""
    table = t.emergency_opening
    return _found(
        connection,
        select(table).where(table.c.record_pk == record_pk, table.c.acknowledged_at.is_(None)).order_by(table.c.pk),
    )


def acknowledge(connection: Connection, record_pk: int, opening_pk: int, *, at: datetime) -> bool:
    """Say that the patient has seen a notice; False when it is none of theirs, or was acknowledged before."""
    table = t.emergency_opening
    changed = connection.execute(
        update(table)
        .where(table.c.pk == opening_pk, table.c.record_pk == record_pk, table.c.acknowledged_at.is_(None))
        .values(acknowledged_at=at)
    )
    return bool(changed.rowcount)


def awaiting_review(connection: Connection, *, limit: int = MOST_ROWS) -> tuple[EmergencyOpening, ...]:
    """The openings that no operator has reviewed, the oldest first."""
    table = t.emergency_opening
    return _found(
        connection, select(table).where(table.c.reviewed_at.is_(None)).order_by(table.c.opened_at).limit(limit)
    )


def review(connection: Connection, opening_pk: int, *, by: Author, note: str = "", at: datetime) -> int:
    """Take an opening off the list; the record (`Record.pk`) that was opened.

    Raises `DMPInvalidRequest` when it is not on the list, `TooLong`.
    """
    if len(note) > LONGEST_REASON:
        raise TooLong
    table = t.emergency_opening
    reviewed = connection.execute(
        update(table)
        .where(table.c.pk == opening_pk, table.c.reviewed_at.is_(None))
        .values(reviewed_at=at, reviewed_by=by.national_id[:128], review_note=note)
        .returning(table.c.record_pk)
    ).first()
    if reviewed is None:
        raise DMPInvalidRequest("There is no such opening to review.")
    return int(reviewed.record_pk)


def openings_within_a_day(
    connection: Connection, national_id: str, at: datetime, mode: PurposeOfUse = PurposeOfUse.BREAK_GLASS
) -> int:
    """How often a professional opened records this way in the 24 hours before, whichever records."""
    table = t.emergency_opening
    count: int = connection.execute(
        select(func.count())
        .select_from(table)
        .where(
            table.c.holder_id == national_id,
            table.c.opened_at > at - timedelta(days=1),
            table.c.opened_at <= at,
            table.c.mode == mode.value,
        )
    ).scalar_one()
    return count


def _open(
    connection: Connection,
    caller: Caller,
    record_pk: int,
    mode: PurposeOfUse,
    reason: str,
    *,
    at: datetime,
    rules: RecordRules,
) -> EmergencyOpening:
    if len(reason) > LONGEST_REASON:
        raise TooLong
    record = require_active(connection, record_pk)
    refuse_blocked(connection, record_pk, caller.national_id, caller.structure_id)
    opposed = record.opposed_to_break_glass if mode is PurposeOfUse.BREAK_GLASS else record.opposed_to_regulation
    if opposed:
        raise PatientOpposed
    table = t.emergency_opening
    row = connection.execute(
        insert(table)
        .values(
            record_pk=record_pk,
            mode=mode.value,
            holder_id=caller.national_id,
            name=caller.name[:256],
            structure_id=caller.structure_id,
            structure_name=(caller.structure_name or "")[:256],
            reason=reason.replace("\0", "").strip(),
            opened_at=at,
            expires_at=at + rules.break_glass_lifetime,
            reviewed_by="",
            review_note="",
        )
        .returning(*table.c)
    ).one()
    return _of_row(row)


def _found(connection: Connection, query: Any) -> tuple[EmergencyOpening, ...]:
    return tuple(_of_row(row) for row in connection.execute(query.limit(MOST_ROWS)))


def _of_row(row: Row[Any]) -> EmergencyOpening:
    return EmergencyOpening(
        pk=row.pk,
        record_pk=row.record_pk,
        mode=PurposeOfUse(row.mode),
        national_id=row.holder_id,
        name=row.name,
        structure_id=row.structure_id,
        structure_name=row.structure_name,
        reason=row.reason,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        acknowledged_at=row.acknowledged_at,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.reviewed_by,
        review_note=row.review_note,
    )
