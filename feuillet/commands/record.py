"""`feuillet record`: what an operator does about patients' records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from feuillet import logs
from feuillet.commands.exits import explained
from feuillet.configuration import load

app: Final = typer.Typer(
    name="record",
    help="Patients' records: destruction, legal holds, entries in an emergency.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="FEUILLET_CONFIG", help="The configuration, a TOML file.", metavar="FILE"),
]
_Json = Annotated[bool, typer.Option("--json", help="Write the result as JSON, one object in a line.")]
_Patient = Annotated[str, typer.Argument(help="The patient's identifier: ID^^^&OID&ISO.", metavar="PATIENT")]


@app.command(
    epilog="""
Examples:

- `feuillet record destroy --due --dry-run --config /etc/feuillet.toml`: only tell what is due
- `feuillet record destroy --due --json`
"""
)
def destroy(
    config: _Config = None,
    due: Annotated[bool, typer.Option("--due", help="The records that were closed long enough ago.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be destroyed.")] = False,
    json: _Json = False,
) -> None:
    """Destroy the records whose time is over, with all their documents. Goes on where an earlier run was stopped."""
    if not due:
        raise typer.BadParameter("give --due: records are destroyed when their time is over, not before")
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import recording  # noqa: PLC0415 - help is quicker without

        raise typer.Exit(recording.destroy_due(load(config), dry_run=dry_run, as_json=json))


@app.command(
    epilog="""
Examples:

- `feuillet record hold '2012345678901234567890^^^&1.2.250.1.213.1.4.2&ISO' --reason 'court order 26/1234'`
"""
)
def hold(
    patient: _Patient,
    reason: Annotated[str, typer.Option(help="Why: the order's reference. It is kept with the record.")],
    config: _Config = None,
) -> None:
    """Keep a record from destruction, for a court or an inquiry."""
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import recording  # noqa: PLC0415 - help is quicker without

        raise typer.Exit(recording.change_hold(load(config), patient, reason=reason))


@app.command(
    epilog="""
Examples:

- `feuillet record release '2012345678901234567890^^^&1.2.250.1.213.1.4.2&ISO'`
"""
)
def release(patient: _Patient, config: _Config = None) -> None:
    """Let a record be destroyed again when it is due."""
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import recording  # noqa: PLC0415 - help is quicker without

        raise typer.Exit(recording.change_hold(load(config), patient, reason=None))
