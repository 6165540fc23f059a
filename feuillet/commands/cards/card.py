"""`feuillet card`: readers and cards at a workstation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

app: Final = typer.Typer(
    name="card", help="Card readers, CPS and Vitale cards.", no_args_is_help=True, rich_markup_mode="markdown"
)

JsonOption = Annotated[bool, typer.Option("--json", help="Write the result as JSON.")]
ReaderOption = Annotated[
    str | None, typer.Option("--reader", help="The slot: its PC/SC name, or a part of it that no other has.")
]
ModuleOption = Annotated[
    Path | None,
    typer.Option(
        "--module",
        envvar="FEUILLET_PKCS11_MODULE",
        help="The PKCS#11 module of the card's software; by default the installed one.",
        metavar="FILE",
    ),
]
TokenOption = Annotated[
    str | None, typer.Option("--token", help="The token's label, where the module shows several.", metavar="LABEL")
]


@app.command(
    "list",
    epilog="""
Examples:

- `feuillet card list`
- `feuillet card list --json | jq '.[].slots[].card'`
""",
)
def list_cards(json: JsonOption = False) -> None:
    """Show readers, their slots, and which card is in each."""
    from feuillet.commands.cards import carding  # noqa: PLC0415 - help is quicker without

    with carding.explained():
        carding.show_readers(as_json=json)


@app.command(
    epilog="""
Examples:

- `feuillet card watch`
- `feuillet card watch --json --seconds 60`: one JSON object per line, for a minute
"""
)
def watch(
    json: JsonOption = False,
    seconds: Annotated[float | None, typer.Option("--seconds", help="End after that time.", min=0.1)] = None,
) -> None:
    """Tell of cards and readers that come and go, until Ctrl-C. Bears that the PC/SC service stops and starts."""
    from feuillet.commands.cards import carding  # noqa: PLC0415

    with carding.explained():
        carding.show_events(seconds=seconds, as_json=json)


@app.command(
    epilog="""
Examples:

- `feuillet card show`
- `feuillet card show --module /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so --json`
"""
)
def show(module: ModuleOption = None, token: TokenOption = None, json: JsonOption = False) -> None:
    """Show the holder of a CPS card, certificates and practice situations. Needs no PIN.

    Exit code 1 when a certificate is not valid now, or the PIN is blocked.
    """
    from feuillet.commands.cards import carding  # noqa: PLC0415

    with carding.explained():
        carding.show_cps(module, token, as_json=json)


@app.command(
    epilog="""
Examples:

- `feuillet card vitale`: names and birth dates, numbers masked
- `feuillet card vitale --ins --full --json`
"""
)
def vitale(
    reader: ReaderOption = None,
    full: Annotated[bool, typer.Option("--full", help="Show the numbers (NIR, INS-C) in full.")] = False,
    ins: Annotated[bool, typer.Option("--ins", help="Compute the INS-C of each person.")] = False,
    json: JsonOption = False,
) -> None:
    """Show the persons on a Vitale card."""
    from feuillet.commands.cards import carding  # noqa: PLC0415

    with carding.explained():
        carding.show_vitale(reader, full=full, ins=ins, as_json=json)


@app.command(
    epilog="""
Examples:

- `feuillet card sign report.xml -o signed.xml`: an enveloped XML signature, the certificate within
- `feuillet card sign letter.pdf`: the signature alone (RSA PKCS#1 v1.5, SHA-256) in letter.pdf.sig
- `feuillet card sign report.xml --pin-fd 3 3< <(pass card)`: for scripts; or the PIN in FEUILLET_PIN
"""
)
def sign(
    *,
    file: Annotated[Path, typer.Argument(help="What is signed.", exists=True, dir_okay=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where it goes; by default beside the file.", metavar="FILE")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The signature alone, also of XML.")] = False,
    pin_fd: Annotated[
        int | None, typer.Option("--pin-fd", help="Read the PIN from this file descriptor.", min=0, metavar="NUMBER")
    ] = None,
    module: ModuleOption = None,
    token: TokenOption = None,
    json: JsonOption = False,
) -> None:
    """Sign a file with the card's signature key. Asks for the PIN; each wrong one costs a try."""
    from feuillet.commands.cards import carding, signing  # noqa: PLC0415

    ask: Callable[[], str] = lambda: typer.prompt("PIN", hide_input=True, err=True)  # noqa: E731
    with carding.explained():
        pin = signing.given_pin(pin_fd) or ask()
        made = signing.sign_file(file, output, raw=raw, module=module, token=token, pin=pin)
    carding.show_signed(made, as_json=json)
