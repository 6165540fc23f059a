"""What the commands of `feuillet audit` do."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from dmp.audit import AuditNotWritten, Trail, Transaction
from dmp.audit.atna import message
from dmp.audit.canonical import NoEvent, encode
from dmp.audit.chain import AuditKeyError, load_public_key
from dmp.audit.search import Found, Search, find
from dmp.audit.verification import Progress as Step
from dmp.audit.verification import Report, verify
from feuillet.audit.opening import audit_source, required_key, signing_key
from feuillet.audit.recording import record_activity
from feuillet.commands.exits import ExitCode, PartUnavailable
from feuillet.composition import open_engine
from feuillet.configuration import ConfigurationRefused
from feuillet.settings import Sections

_COLUMNS: Final = ("when", "transaction", "outcome", "who", "patient", "what", "correlation id")


def criteria(*, transaction: str | None, **others: Any) -> Search:
    """What is looked for. Raises `ConfigurationRefused` for a transaction that is none."""
    try:
        kind = None if transaction is None else Transaction(transaction)
    except ValueError:
        raise ConfigurationRefused([f"--transaction: expected one of {', '.join(Transaction)}"]) from None
    return Search(transaction=kind, **others)


def verify_trail(settings: Sections, public_keys: list[Path], anchor: Path | None, *, as_json: bool) -> ExitCode:
    """Verify and report: `FAILED` when something is wrong. Raises `ConfigurationRefused`, `PartUnavailable`."""
    keys = _keys(settings, public_keys)
    if anchor is None and settings.audit is not None:
        anchor = settings.audit.anchor
    with _database(settings) as engine:
        report = _followed(verify(engine, keys, anchor=anchor))
    if as_json:
        findings = [{"chain": f.shard, "number": f.number, "kind": f.kind.name} for f in report.findings]
        counted = {"events": report.events, "checkpoints": report.checkpoints, "anchored": report.anchored}
        typer.echo(json.dumps({"intact": report.intact, **counted, "findings": findings}))
    else:
        typer.echo(
            f"{report.events} events, {report.checkpoints} checkpoints and {report.anchored} anchored heads verified."
        )
        for finding in report.findings:
            typer.echo(str(finding))
        typer.echo("The trail is intact." if report.intact else "The trail was tampered with.")
    return ExitCode.DONE if report.intact else ExitCode.FAILED


def search_trail(settings: Sections, search: Search, *, as_json: bool) -> ExitCode:
    """Print what is found. Raises `ConfigurationRefused`, `PartUnavailable`."""
    with _found(settings, search) as found:
        if as_json:
            for one in found:
                typer.echo(_as_json(one))
            return ExitCode.DONE
        table = Table(*_COLUMNS, box=None, pad_edge=False)
        for one in found:
            table.add_row(*_cells(one))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(table if table.row_count else "Nothing was found.")
    return ExitCode.DONE


def export_trail(settings: Sections, search: Search, *, dicom: bool) -> ExitCode:
    """Write what is found. Raises `ConfigurationRefused`, `PartUnavailable`."""
    source = audit_source(None if settings.audit is None else settings.audit.syslog)
    with _found(settings, search) as found:
        for one in found:
            typer.echo(message(one.event, one.position, source) if dicom else _as_json(one))
    return ExitCode.DONE


def _keys(settings: Sections, files: list[Path]) -> tuple[Ed25519PublicKey, ...]:
    if not files:
        return (required_key(settings).public_key(),)
    try:
        return tuple(load_public_key(file) for file in files)
    except AuditKeyError as error:
        raise ConfigurationRefused([f"--public-key: {error}"]) from None


@contextmanager
def _database(settings: Sections) -> Iterator[Engine]:
    engine = open_engine(settings)
    try:
        yield engine
    except SQLAlchemyError as error:
        raise PartUnavailable(f"database: the trail cannot be read ({type(error).__name__})") from None
    finally:
        engine.dispose()


@contextmanager
def _found(settings: Sections, search: Search) -> Iterator[Iterator[Found]]:
    """What is found; that it was looked for is in the trail before. DICOM PS3.15 A.5.3.2"""
    with _database(settings) as engine:
        try:
            record_activity(Trail(engine, signing_key(settings)), Transaction.AUDIT_LOG_USED, reason=str(search))
        except AuditNotWritten as error:
            raise PartUnavailable(f"audit: nobody may read what cannot be added to ({error})") from None
        with engine.connect() as connection:
            try:
                yield find(connection, search)
            except NoEvent:
                raise PartUnavailable("audit: an event cannot be read; `feuillet audit verify` tells which") from None


def _as_json(found: Found) -> str:
    stated = {"happened_at": found.event.happened_at.isoformat(), "outcome": found.event.outcome.value}
    event = json.loads(encode(found.event)) | stated
    position = {"chain": found.position.shard, "number": found.position.number, "hash": found.position.hash}
    return json.dumps(position | event, ensure_ascii=False)


def _cells(found: Found) -> tuple[str, ...]:
    event = found.event
    who = event.national_id or event.name or event.client_address
    refused = "" if event.refusal is None else event.refusal.value
    outcome = "allowed" if event.succeeded else f"refused: {refused} {event.reason}"
    what = event.submission_set or event.query_id or " ".join(event.documents) or event.act
    moment = f"{event.happened_at:%Y-%m-%d %H:%M:%S}Z"
    return moment, event.transaction.value, outcome, who, event.patient, what, event.correlation_id


def _followed(steps: Generator[Step, None, Report]) -> Report:
    """Run a verification to its end behind a progress bar, which goes to standard error and only to a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("verifying events", total=None)
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                report: Report = end.value
                return report
            progress.update(task, total=step.total, completed=step.done)
