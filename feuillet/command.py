"""The command `feuillet`.

Exit codes: 0 done; 1 the work failed or found something wrong; 2 the command line or the configuration is wrong;
3 the database has not the tables of this version; 4 the database or the store does not answer.
"""

from __future__ import annotations

import enum
import importlib.metadata
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from feuillet import logs
from feuillet.configuration import ConfigurationRefused, load
from feuillet.server.runtime import shared_directory


class ExitCode(enum.IntEnum):
    """What the command's exit status means."""

    DONE = 0
    FAILED = 1
    MISCONFIGURED = 2
    NOT_MIGRATED = 3
    UNAVAILABLE = 4


_EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 failed, or something was found; 2 wrong command line or configuration; "
    "3 the database needs `feuillet migrate`; 4 the database or the store does not answer."
)

app: Final = typer.Typer(
    name="feuillet",
    help="Document exchange for shared medical records: an IHE XDS.b registry and repository.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="FEUILLET_CONFIG", help="The configuration, a TOML file.", metavar="FILE"),
]


def main() -> None:
    """Run the command."""
    app()


@app.command(
    epilog="""
Examples:

- `feuillet serve --demo` makes keys, database and documents of its own in ./demo-data
- `feuillet serve --config /etc/feuillet.toml`
"""
)
def serve(
    config: ConfigOption = None,
    demo: Annotated[bool, typer.Option("--demo", help="Make demo keys and data, and serve them.")] = False,
    data: Annotated[
        Path, typer.Option("--data", envvar="FEUILLET_DEMO_DATA", help="Where the demo keeps its files.")
    ] = Path("demo-data"),
    documents: Annotated[
        Path | None,
        typer.Option("--documents", envvar="FEUILLET_DEMO_DOCUMENTS", help="CDA documents for the demo.", exists=True),
    ] = None,
) -> None:
    """Serve registry, repository and patient feed until SIGTERM."""
    if demo == (config is not None):
        _refuse(["expected either --config FILE or --demo"])
    with shared_directory():
        # The figures choose how they are kept when they are imported: after the directory is known.
        from feuillet.serving import NotMigrated, PartUnavailable  # noqa: PLC0415
        from feuillet.serving import serve as serve_settings  # noqa: PLC0415

        try:
            if demo:
                from feuillet.demo.run import serve_demo  # noqa: PLC0415 - it is rarely wanted

                ended_well = serve_demo(data, documents)
            else:
                settings = load(config)
                logs.set_up(settings.logs)
                ended_well = serve_settings(settings)
        except ConfigurationRefused as refused:
            _refuse(refused.problems)
        except NotMigrated as error:
            _fail(ExitCode.NOT_MIGRATED, error)
        except PartUnavailable as error:
            _fail(ExitCode.UNAVAILABLE, error)
    raise typer.Exit(ExitCode.DONE if ended_well else ExitCode.FAILED)


@app.command()
def migrate(config: ConfigOption = None) -> None:
    """Bring the database to the tables of this version."""
    from feuillet.composition import open_engine  # noqa: PLC0415
    from feuillet.migrations.schema import migrate as migrate_engine  # noqa: PLC0415

    before, after = migrate_engine(open_engine(load(config)))
    typer.echo(f"before: {before.value}; now: {after.value}")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(importlib.metadata.version("feuillet"))


def _refuse(problems: tuple[str, ...] | list[str]) -> NoReturn:
    for problem in problems:
        typer.echo(f"feuillet: {problem}", err=True)
    raise typer.Exit(ExitCode.MISCONFIGURED)


def _fail(code: ExitCode, error: Exception) -> NoReturn:
    typer.echo(f"feuillet: {error}", err=True)
    raise typer.Exit(code)
