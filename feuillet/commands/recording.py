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
from dmp.errors import DmpError
from dmp.records import Author
from dmp.records.changes import lift_legal_hold, set_legal_hold
from feuillet.audit.recording import operator
from feuillet.commands.exits import ExitCode, PartUnavailable
from feuillet.commands.serving import require_parts
from feuillet.composition import Rooms, open_rooms
from feuillet.configuration import ConfigurationRefused
from feuillet.law.destruction import Destroyed, Destroyer
from feuillet.law.rules import record_rules
from feuillet.settings import Sections
from xds_registry.database import writing

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
