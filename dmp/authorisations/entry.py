"""Coming into a record without an authorisation: the one place where it is written down, whichever door it is by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from card_auth.caller import Caller, PurposeOfUse
from dmp.alerts.announcement import BreakGlassOpened
from dmp.authorisations.authorisation import Standing
from dmp.authorisations.emergency import break_glass, is_open, open_for_regulation
from dmp.records.record import RecordRules

#: Writes down, for alerts, that a record was opened in an emergency.
Announce = Callable[[Connection, BreakGlassOpened], None]


def is_in(connection: Connection, caller: Caller, held: Standing, *, at: datetime) -> bool:
    """Whether nothing is to be written: the access mode is the normal one, or what was written still lasts."""
    purpose = caller.purpose_of_use
    if purpose is PurposeOfUse.NORMAL or held.record_pk is None:
        return True
    if purpose is PurposeOfUse.BREAK_GLASS:
        return held.break_glass_open
    return is_open(connection, held.record_pk, caller.national_id, purpose, at=at)


def enter(
    connection: Connection,
    caller: Caller,
    patient: str,
    held: Standing,
    *,
    at: datetime,
    rules: RecordRules,
    announce: Announce | None,
) -> None:
    """Let the caller in, in the access mode they ask for, and have the patient told of a broken glass.

    Raises what `break_glass` and `open_for_regulation` raise.
    """
    if held.record_pk is None or is_in(connection, caller, held, at=at):
        return
    reason = caller.purpose_reason or ""
    if caller.purpose_of_use is PurposeOfUse.REGULATION:
        open_for_regulation(connection, caller, held.record_pk, at=at, rules=rules, reason=reason)
        return
    break_glass(connection, caller, held.record_pk, reason, at=at, rules=rules)
    if announce is not None:
        announce(connection, BreakGlassOpened(patient, at))
