"""`feuillet scrub`: everything that is kept proven again, with a progress bar and a report."""

from __future__ import annotations

import json
from collections.abc import Generator

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from sqlalchemy.exc import SQLAlchemyError

from feuillet.commands.exits import ExitCode, PartUnavailable
from feuillet.commands.serving import require_parts
from feuillet.composition import open_rooms
from feuillet.settings import Sections
from xds_repository.stores import StoreError
from xds_repository.upkeep.scrub import ScrubPhase, ScrubProgress, ScrubReport

_PHASES = {
    ScrubPhase.DOCUMENTS: "hashing documents",
    ScrubPhase.BLOBS: "looking for orphans",
    ScrubPhase.ENTRIES: "comparing with the registry",
}


def scrub_repository(settings: Sections, *, megabytes_per_second: float | None, as_json: bool) -> ExitCode:
    """Scrub and report: `FAILED` when something is wrong. Raises `NotMigrated`, `PartUnavailable`."""
    require_parts(settings)
    rooms = open_rooms(settings)
    rate = None if megabytes_per_second is None else megabytes_per_second * 1_000_000
    try:
        report = _followed(rooms.repository.scrub(bytes_per_second=rate))
    except (StoreError, SQLAlchemyError) as error:
        raise PartUnavailable(f"the scrub was broken off: {type(error).__name__}") from None
    finally:
        rooms.close()
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else "\n".join(_lines(report)))
    return ExitCode.DONE if report.clean else ExitCode.FAILED


def _followed(steps: Generator[ScrubProgress, None, ScrubReport]) -> ScrubReport:
    """Run a scrub to its end behind a progress bar, which goes to standard error and only to a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[findings]} found wrong"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("scrub", total=None, findings=0)
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                report: ScrubReport = end.value
                return report
            progress.update(
                task,
                description=_PHASES[step.phase],
                total=step.total_bytes,
                completed=step.done_bytes,
                findings=step.findings,
            )


def _lines(report: ScrubReport) -> list[str]:
    lines = [
        f"{report.documents} documents ({report.bytes} bytes) hashed, {report.blobs} blobs and "
        f"{report.entries} registry entries compared."
    ]
    if not report.documents_compared:
        lines.append("The registry did not answer: documents were not compared with it.")
    elif not report.registry_compared:
        lines.append("The registry is elsewhere and lists no entries: only the way from here to there was compared.")
    if report.removed:
        lines.append(f"{report.removed} registry entries are of documents that were removed.")
    lines += [
        f"{finding.kind.value:13} document {finding.unique_id or '-'}  blob {finding.blob or '-'}"
        for finding in report.findings
    ]
    lines.append("Nothing is wrong." if report.clean else f"{len(report.findings)} things are wrong.")
    return lines
