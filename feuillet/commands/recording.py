"""What `feuillet record` does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import typer
from sqlalchemy.exc import SQLAlchemyError

from dmp.audit import AuditNotWritten, Event, Occasion, Transaction
from dmp.audit.event import Action
from dmp.authorisations.emergency import EmergencyOpening, awaiting_review, openings_within_a_day, review
from dmp.errors import DmpError
from dmp.records import Author
from dmp.records.changes import lift_legal_hold, set_legal_hold
from dmp.records.find import record_of
from feuillet.audit.recording import operator, record_activity
from feuillet.commands.exits import ExitCode, PartUnavailable
from feuillet.commands.serving import require_parts
from feuillet.composition import Rooms, open_rooms
from feuillet.configuration import ConfigurationRefused
from feuillet.law.destruction import Destroyed, Destroyer
from feuillet.law.rules import record_rules
from feuillet.settings import Sections
from xds_registry.database import reading, writing

_ELSEWHERE: Final = "repository.registry: expected none: the records are where the registry is"


def destroy_due(settings: Sections, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Destroy what is due, and tell of each record as it is done. Raises what `_rooms` raises."""
    with _rooms(settings) as rooms:
        destroyer = Destroyer(
            rooms.engine,
            rooms.repository,
            rooms.trail,
            rules=record_rules(settings.record),
            by=operator(),
            clock=_now,
        )
        told = _tell(destroyer.due() if dry_run else destroyer.run(), as_json=as_json)
    if not as_json:
        verb = "would be destroyed" if dry_run else "destroyed"
        typer.echo(f"{told} record{'' if told == 1 else 's'} {verb}.")
    return ExitCode.DONE


def change_hold(settings: Sections, patient: str, *, reason: str | None) -> ExitCode:
    """Set a legal hold for a reason, or lift it without one. Raises what `_rooms` raises."""
    by = Author(national_id="operator", name=operator())
    with _rooms(settings) as rooms:
        now = _now()
        try:
            with writing(rooms.engine) as connection:
                if reason is None:
                    record = lift_legal_hold(connection, patient, by=by, at=now)
                else:
                    record = set_legal_hold(connection, patient, reason=reason, by=by, at=now)
                occasion = Occasion(transaction=Transaction.LEGAL_HOLD)
                what = "lifted" if reason is None else "set"
                event = Event.on(occasion, now, name=by.name, patient=record.patient, reason=what)
                rooms.trail.append(connection, [event])
        except DmpError as refused:
            typer.echo(f"feuillet: {refused}", err=True)
            return ExitCode.FAILED
    typer.echo("The hold is lifted." if reason is None else "The record is held.")
    return ExitCode.DONE


def list_openings(settings: Sections, *, as_json: bool) -> ExitCode:
    """List the entries in an emergency that await a review; it is in the trail before. Raises what `_rooms` raises."""
    with _rooms(settings) as rooms:
        record_activity(rooms.trail, Transaction.EMERGENCY_REVIEW, reason="list")
        with reading(rooms.engine) as connection:
            for one in awaiting_review(connection):
                often = openings_within_a_day(connection, one.national_id, one.opened_at, one.mode)
                typer.echo(_opening(one, often, as_json=as_json))
    return ExitCode.DONE


def review_opening(settings: Sections, number: int, *, note: str) -> ExitCode:
    """Take an entry in an emergency off the list. Raises what `_rooms` raises."""
    by = Author(national_id=operator())
    with _rooms(settings) as rooms:
        now = _now()
        try:
            with writing(rooms.engine) as connection:
                record_pk = review(connection, number, by=by, note=note, at=now)
                patient = record_of(connection, record_pk).patient
                occasion = Occasion(transaction=Transaction.EMERGENCY_REVIEW)
                what = {"action": Action.UPDATE, "patient": patient, "reason": f"reviewed {number}"}
                rooms.trail.append(connection, [Event.on(occasion, now, name=by.national_id, **what)])
        except DmpError as refused:
            typer.echo(f"feuillet: {refused}", err=True)
            return ExitCode.FAILED
    typer.echo("The review is noted.")
    return ExitCode.DONE


def _opening(one: EmergencyOpening, often: int, *, as_json: bool) -> str:
    """An entry as a line: who and why, not whose record it is."""
    moment = f"{one.opened_at:%Y-%m-%d %H:%M:%S}Z"
    if not as_json:
        who = f"{one.national_id} {one.name} ({one.structure_id} {one.structure_name})"
        return f"{one.pk:6} {moment}  {one.mode.value}  {who}  {often} in a day  {one.reason}"
    told = {
        "number": one.pk,
        "opened_at": moment,
        "mode": one.mode.value,
        "national_id": one.national_id,
        "name": one.name,
        "structure_id": one.structure_id,
        "within_a_day": often,
        "reason": one.reason,
    }
    return json.dumps(told, ensure_ascii=False)


@contextmanager
def _rooms(settings: Sections) -> Iterator[Rooms]:
    """The rooms, as long as they are needed. Raises `ConfigurationRefused`, `NotMigrated`, `PartUnavailable`."""
    if settings.repository.registry is not None:
        raise ConfigurationRefused([_ELSEWHERE])
    require_parts(settings)
    rooms = open_rooms(settings)
    try:
        yield rooms
    except (SQLAlchemyError, AuditNotWritten) as error:
        raise PartUnavailable(f"broken off, and to be run again: {type(error).__name__}") from None
    finally:
        rooms.close()


def _tell(records: Iterable[Destroyed], *, as_json: bool) -> int:
    """A line for each record, which names it by its number: no patient's identifier ends in a log of cron."""
    count = 0
    for one in records:
        count += 1
        resumed = "  (begun by an earlier run)" if one.resumed else ""
        line = json.dumps(one.as_json()) if as_json else f"record {one.record}: {one.documents} documents{resumed}"
        typer.echo(line)
    return count


def _now() -> datetime:
    return datetime.now(UTC)
