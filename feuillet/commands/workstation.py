"""`feuillet workstation`: whether a computer can work with cards and the service, and what to do where it cannot."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from card_auth.workstation.findings import Finding, Inspection, Verdict
from feuillet.commands.exits import ExitCode

app: Final = typer.Typer(
    name="workstation",
    help="The computer that cards are read on.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_MARKS: Final = {
    Verdict.PASS: "[green]✔[/green]",
    Verdict.WARN: "[yellow]⚠[/yellow]",
    Verdict.FAIL: "[red]✘[/red]",
    Verdict.NOT_TRIED: "[dim]-[/dim]",
    Verdict.NOT_APPLICABLE: "[dim]-[/dim]",
}


@app.callback()
def _group() -> None:
    """Keeps `check` a command of its own: typer would fold a group of one into its command."""


@app.command(
    epilog="""
Examples:

- `feuillet workstation check`: readers, cards, PKCS#11 module, certificates, versions
- `feuillet workstation check --service https://dmp.example.org/ --html report.html`
- `feuillet workstation check --json | jq '.findings[] | select(.verdict == "fail")'`
"""
)
def check(
    *,
    service: Annotated[
        str | None, typer.Option(help="Address of the service (https), for TLS and the clock.", metavar="URL")
    ] = None,
    module: Annotated[
        Path | None,
        typer.Option(
            envvar="FEUILLET_PKCS11_MODULE",
            help="The PKCS#11 module of the cards; without it, the first of the usual ones.",
            metavar="FILE",
        ),
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="Label of the one token to look at; without it, all.", metavar="LABEL")
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(help="A trust profile that the cards' certificates must be trusted by.", metavar="DIRECTORY"),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(help="Authorities that the service is known by (PEM); without it, the system's.", metavar="FILE"),
    ] = None,
    client_certificate: Annotated[
        Path | None, typer.Option(help="A certificate to show to the service (PEM).", metavar="FILE")
    ] = None,
    client_key: Annotated[
        Path | None,
        typer.Option(help="Its key (PEM, without password); without it, in the certificate's file.", metavar="FILE"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write the result as one JSON object.")] = False,
    html: Annotated[
        Path | None, typer.Option(help="Also write the report as an HTML file.", metavar="FILE", dir_okay=False)
    ] = None,
) -> None:
    """Check this computer: system, PC/SC, readers, cards, PKCS#11, certificates, clock, TLS to the service, versions.

    A green tick works; under a red cross stands what to do. Enters no PIN and changes nothing. Exit code 1 when
    something failed.
    """
    from card_auth.workstation import ClientKey, Questions, as_html, inspect  # noqa: PLC0415 - help is quicker without

    if client_key and not client_certificate:
        raise typer.BadParameter("--client-key needs --client-certificate")
    questions = Questions(
        service=service,
        authorities=ca,
        client=ClientKey(client_certificate, client_key) if client_certificate else None,
        module=module,
        token=token,
        profile=profile,
    )
    console = Console(highlight=False, soft_wrap=True)
    inspection = inspect(questions, told=(lambda _finding: None) if json else (lambda one: _show(console, one)))
    if json:
        typer.echo(jsons.dumps(inspection.as_json(), indent=2, ensure_ascii=False))
    else:
        _conclude(console, inspection)
    if html is not None:
        try:
            html.write_text(as_html(inspection), encoding="utf-8")
        except OSError as error:
            typer.echo(f"feuillet: the report cannot be written: {error.strerror}", err=True)
            raise typer.Exit(ExitCode.MISCONFIGURED) from None
    raise typer.Exit(ExitCode.DONE if inspection.passed else ExitCode.FAILED)


def _show(console: Console, finding: Finding) -> None:
    console.print(f"{_MARKS[finding.verdict]} [bold]{escape(finding.title)}[/bold]  {escape(finding.detail)}")
    if finding.remedy:
        console.print(f"  → {escape(finding.remedy)}")


def _conclude(console: Console, inspection: Inspection) -> None:
    failed = len(inspection.failed)
    if failed:
        console.print(f"\n[red]{failed} {'check' if failed == 1 else 'checks'} failed.[/red]")
    else:
        console.print("\n[green]Nothing failed.[/green]")
