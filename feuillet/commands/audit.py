"""`feuillet audit`: the trail's key, and reading what the trail says."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_type_hints

import typer

from feuillet import logs
from feuillet.commands.exits import ExitCode, explained
from feuillet.configuration import load

if TYPE_CHECKING:
    from dmp.audit.search import Search

app: Final = typer.Typer(
    name="audit", help="The audit trail: who asked what.", no_args_is_help=True, rich_markup_mode="markdown"
)

_Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="FEUILLET_CONFIG", help="The configuration, a TOML file.", metavar="FILE"),
]
_Json = Annotated[bool, typer.Option("--json", help="Write the result as JSON, one object in a line.")]


class Decision(enum.StrEnum):
    """How a request ended."""

    ALLOWED = "allowed"
    REFUSED = "refused"


class Format(enum.StrEnum):
    """In which form events leave."""

    JSON = "json"
    DICOM = "dicom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options that say which events: those of every command that finds some."""

    patient: Annotated[str | None, typer.Option(help="The patient's identifier: ID^^^&OID&ISO.")] = None
    person: Annotated[
        str | None, typer.Option(help="National identifier of who asked (PS_IdNat, or structure/person).")
    ] = None
    since: Annotated[str | None, typer.Option(help="From this moment on: 2026-01-31 or 2026-01-31T08:00:00Z.")] = None
    until: Annotated[str | None, typer.Option(help="Before this moment.")] = None
    transaction: Annotated[
        str | None, typer.Option(help="ITI-8, -18, -41, …; TD0.2, TD1.1, …; start, stop, security-alert, …")
    ] = None
    outcome: Annotated[Decision | None, typer.Option(help="Only what was allowed, or only what was refused.")] = None

    def search(self, *, limit: int | None = None) -> Search:
        """The same as the trail takes it. Raises `ConfigurationRefused`, `typer.BadParameter`."""
        from feuillet.commands import auditing  # noqa: PLC0415 - help is quicker without

        return auditing.criteria(
            patient=self.patient,
            person=self.person,
            since=_moment(self.since),
            until=_moment(self.until),
            transaction=self.transaction,
            allowed=None if self.outcome is None else self.outcome is Decision.ALLOWED,
            limit=limit,
        )


def _finding(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `Wanted` in the place of its parameter `wanted`."""
    own, kinds = signature(command).parameters, get_type_hints(command, include_extras=True)
    options = get_type_hints(Wanted, include_extras=True)
    parameters = [Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default) for f in fields(Wanted)]
    parameters += [own[name].replace(kind=Parameter.KEYWORD_ONLY) for name in own if name != "wanted"]

    @wraps(command)
    def run(**given: Any) -> None:
        command(wanted=Wanted(**{name: given.pop(name) for name in options}), **given)

    kinds |= options
    run.__signature__ = Signature([one.replace(annotation=kinds[one.name]) for one in parameters])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: kinds[one.name] for one in parameters}
    return run


@app.command(
    epilog="""
Examples:

- `feuillet audit key /etc/feuillet/audit.key > audit.pub`: the public key goes to those who verify
"""
)
def key(
    file: Annotated[Path, typer.Argument(help="Where the key is written; it must not be there yet.", dir_okay=False)],
) -> None:
    """Make the Ed25519 key that signs the trail (mode 0600), and print its public key."""
    from dmp.audit.chain import make_key, public_pem  # noqa: PLC0415 - help is quicker without

    try:
        typer.echo(public_pem(make_key(file)), nl=False)
    except OSError as error:
        typer.echo(f"feuillet: {file}: no key was made ({error.strerror})", err=True)
        raise typer.Exit(ExitCode.FAILED) from None


@app.command(
    epilog="""
Examples:

- `feuillet audit verify --config /etc/feuillet.toml`
- `feuillet audit verify --config /etc/auditor.toml --public-key audit.pub --anchor /mnt/worm/audit.anchor`
"""
)
def verify(
    config: _Config = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(help="The trail's public key; once for each key it ever had. By default the configured key's."),
    ] = None,
    anchor: Annotated[Path | None, typer.Option(help="The anchor file. By default the configured one.")] = None,
    json: _Json = False,
) -> None:
    """Look through the whole trail for anything that was changed, removed, moved or added. Exit code 1 if so."""
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import auditing  # noqa: PLC0415 - help is quicker without

        raise typer.Exit(auditing.verify_trail(load(config), public_key or [], anchor, as_json=json))


@app.command(
    epilog="""
Examples:

- `feuillet audit search --person 899700218896 --since 2026-01-01`
- `feuillet audit search --patient '279035121518989^^^&1.2.250.1.213.1.4.10&ISO' --json | jq .national_id`
- `feuillet audit search --outcome refused --transaction security-alert`
"""
)
@_finding
def search(
    wanted: Wanted,
    config: _Config = None,
    limit: Annotated[int, typer.Option(help="How many events at most.", min=1)] = 1000,
    json: _Json = False,
) -> None:
    """Find events. The search itself is an event."""
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import auditing  # noqa: PLC0415 - help is quicker without

        raise typer.Exit(auditing.search_trail(load(config), wanted.search(limit=limit), as_json=json))


@app.command(
    epilog="""
Examples:

- `feuillet audit export --since 2026-01-01 --until 2026-02-01 > january.jsonl`
- `feuillet audit export --format dicom --patient '279035121518989^^^&1.2.250.1.213.1.4.10&ISO'`
"""
)
@_finding
def export(
    wanted: Wanted,
    config: _Config = None,
    format: Annotated[Format, typer.Option(help="JSON lines, or an AuditMessage of DICOM PS3.15 a line.")] = (
        Format.JSON
    ),
) -> None:
    """Write events to standard output, one in a line, in the order in which they happened. That is an event too."""
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import auditing  # noqa: PLC0415 - help is quicker without

        raise typer.Exit(auditing.export_trail(load(config), wanted.search(), dicom=format is Format.DICOM))


def _moment(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter(f"{value}: expected a moment such as 2026-01-31T08:00:00Z") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
