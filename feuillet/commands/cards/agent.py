"""`feuillet card agent`: the service on the workstation through which a portal in the browser uses the card reader."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from feuillet.commands.exits import ExitCode

EXAMPLES: Final = """
Examples:

- `feuillet card agent --origin https://portal.example.org`
- `feuillet card agent --origin https://portal.example.org --port 0`: on a port that the system chooses
"""


def agent(
    *,
    origin: Annotated[
        list[str], typer.Option(help="A portal that may use the reader; repeat it for several.", metavar="URL")
    ],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for any.", min=0, max=65535)] = 18465,
    module: Annotated[
        Path | None,
        typer.Option(
            envvar="FEUILLET_PKCS11_MODULE",
            help="The PKCS#11 module of the card; without it, the first of the usual ones.",
            metavar="FILE",
        ),
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="Label of the token to sign with, where there are several.", metavar="LABEL")
    ] = None,
) -> None:
    """Let portals in this computer's browser use its card reader, until Ctrl-C.

    Answers to 127.0.0.1 alone and to those origins alone. Sessions and signatures are confirmed here, the PIN is
    entered here; neither keys nor PIN leave this computer.
    """
    from card_auth import agent as agents  # noqa: PLC0415 - help is quicker without
    from card_auth.keys import modules  # noqa: PLC0415

    try:
        origins = agents.allowed_origins(origin)
    except agents.OriginRefused as refused:
        raise typer.BadParameter(str(refused), param_hint="--origin") from None
    found = module or next(iter(modules.installed_modules()), None)
    service = agents.Service(
        card=agents.HolderCard(found, token=token) if found else None,
        peripherals=agents.PcscPeripherals(),
        sessions=agents.Sessions(),
        desk=agents.OneQuestion(agents.TerminalDesk()),
    )
    try:
        server = agents.AgentServer(service, origins, port)
    except OSError as error:
        typer.echo(f"feuillet: port {port} cannot be used: {error.strerror}", err=True)
        raise typer.Exit(ExitCode.UNAVAILABLE) from None
    with server:
        typer.echo(f"The agent answers at http://127.0.0.1:{server.port} to {', '.join(sorted(origins))}.")
        typer.echo("Leave this window open: it asks here before anything is signed. Ctrl-C ends it.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("Ended.")
