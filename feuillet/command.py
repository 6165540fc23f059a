"""The command `feuillet`.

Exit codes: 0 done; 1 the work failed or found something wrong; 2 the command line or the configuration is wrong;
3 the database has not the tables of this version; 4 the database or the store does not answer.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Annotated, Final

import typer

from feuillet import logs
from feuillet.commands import audit, pki, record, workstation
from feuillet.commands.cards import agent, card
from feuillet.commands.exits import ExitCode, explained
from feuillet.configuration import load, opened
from feuillet.server.runtime import shared_directory

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

app.add_typer(pki.app)
card.app.command(epilog=agent.EXAMPLES)(agent.agent)
app.add_typer(card.app)
app.add_typer(workstation.app)
app.add_typer(audit.app)
app.add_typer(record.app)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="FEUILLET_CONFIG",
        help="The configuration, a TOML file; the environment (FEUILLET_SECTION__KEY) goes before it.",
        metavar="FILE",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write the result as one JSON object.")]


def main() -> None:
    """Run the command."""
    app()


@app.command(
    epilog="""
Examples:

- `feuillet serve --demo`: keys, database and documents of its own in ./demo-data
- `feuillet serve --demo --insecure-demo`: the same, and requests need no assertion
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
        typer.Option(
            "--documents",
            envvar="FEUILLET_DEMO_DOCUMENTS",
            help="A directory of CDA documents for the demo.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    insecure_demo: Annotated[
        bool,
        typer.Option(
            "--insecure-demo",
            help="Take requests without an assertion too. Only where no other machine can reach the server.",
        ),
    ] = False,
) -> None:
    """Serve registry, repository and patient feed until SIGTERM."""
    if demo == (config is not None):
        raise typer.BadParameter("give either --config FILE or --demo")
    with shared_directory(), explained():
        # The figures choose how they are kept when they are imported: after the directory is known.
        if demo:
            from feuillet.demo.run import serve_demo  # noqa: PLC0415

            ended_well = serve_demo(data, documents, insecure=insecure_demo)
        else:
            from feuillet.commands.serving import serve as serve_settings  # noqa: PLC0415

            settings = load(config)
            if insecure_demo:
                settings = opened(settings)
            logs.set_up(settings.logs)
            ended_well = serve_settings(settings)
    raise typer.Exit(ExitCode.DONE if ended_well else ExitCode.FAILED)


@app.command(
    epilog="""
Examples:

- `feuillet check --config /etc/feuillet.toml`
- `feuillet check --config /etc/feuillet.toml --json | jq .passed`
"""
)
def check(config: ConfigOption = None, json: JsonOption = False) -> None:
    """See whether configuration, keys, database, store and clock are as a server needs them. Changes no data."""
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import checking  # noqa: PLC0415 - help is quicker without

        findings = checking.check(load(config))
    checking.show(findings, as_json=json)
    raise typer.Exit(checking.exit_code(findings))


@app.command(
    epilog="""
Examples:

- `feuillet migrate --config /etc/feuillet.toml`
- `feuillet migrate --config /etc/feuillet.toml --check`: exit code 3 when there is something to do
"""
)
def migrate(
    config: ConfigOption = None,
    only_check: Annotated[bool, typer.Option("--check", help="Only tell whether there is something to do.")] = False,
) -> None:
    """Bring the database to the tables of this version, in one transaction. Others may use it meanwhile."""
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import migrating  # noqa: PLC0415 - help is quicker without

        raise typer.Exit(migrating.migrate_database(load(config), only_check=only_check))


@app.command(
    epilog="""
Examples:

- `feuillet scrub --config /etc/feuillet.toml`
- `feuillet scrub --config /etc/feuillet.toml --json --rate 50 > report.json`
"""
)
def scrub(
    config: ConfigOption = None,
    json: JsonOption = False,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Megabytes per second to read at most.", min=0.001)
    ] = None,
) -> None:
    """Hash every document again and compare store, repository and registry both ways. Changes nothing."""
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import scrubbing  # noqa: PLC0415 - help is quicker without

        raise typer.Exit(scrubbing.scrub_repository(load(config), megabytes_per_second=rate, as_json=json))


@app.command(
    epilog="""
Examples:

- `feuillet alerts --config /etc/feuillet.toml`: exit code 1 when messages were given up
- `feuillet alerts --config /etc/feuillet.toml --retry`: when the mail server is right again
- `feuillet alerts --config /etc/feuillet.toml --json | jq .messages`
"""
)
def alerts(
    config: ConfigOption = None,
    json: JsonOption = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try once more what was given up.")] = False,
) -> None:
    """Say how many alerts wait to be sent, and how many were given up."""
    with explained():
        logs.set_up_for_command()
        from feuillet.commands import alerting  # noqa: PLC0415 - help is quicker without

        raise typer.Exit(alerting.show_alerts(load(config), retry=retry, as_json=json))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(importlib.metadata.version("feuillet"))
