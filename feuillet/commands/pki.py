"""`feuillet pki`: a test IGC to try things out with."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import Annotated, Final

import typer

from feuillet.commands.exits import ExitCode

app: Final = typer.Typer(
    name="pki", help="Certificates for demonstrations and tests.", no_args_is_help=True, rich_markup_mode="markdown"
)


@app.command(
    epilog="""
Examples:

- `feuillet pki demo trust/demo`: whom a server with `trust.profiles = "trust"` then trusts
- `feuillet pki demo trust/demo --doctor 899700218897 --hospital 10B0127190`: two more holders
"""
)
def demo(
    directory: Annotated[Path, typer.Argument(help="Where it is made, or found.", file_okay=False)],
    doctor: Annotated[str, typer.Option(help="National identifier (PS_IdNat) of a card's holder.")] = "899700218896",
    hospital: Annotated[
        str, typer.Option(help="National identifier (Struct_IdNat) of an establishment.")
    ] = "10B0127189",
    json: Annotated[bool, typer.Option("--json", help="Write the result as one JSON object.")] = False,
) -> None:
    """Make a test IGC: root and authorities, a CPS card's and an establishment's certificates, revocation lists.

    What is there is kept; revocation lists are issued anew. All keys lie beside their certificates, unprotected.
    """
    from feuillet.demo.identities import make_identities  # noqa: PLC0415 - help is quicker without

    try:
        make_identities(directory, doctor=doctor, hospital=hospital)
    except (OSError, ValueError) as error:
        typer.echo(f"The test IGC cannot be made: {error}", err=True)
        raise typer.Exit(ExitCode.FAILED) from None
    made = {
        "profile": directory / "profile.toml",
        "authorities": directory / "authorities",
        "revocation lists": directory / "crl",
        "doctor": directory / "cards" / doctor.replace("/", "_"),
        "hospital": directory / "organisations" / hospital,
    }
    if json:
        typer.echo(jsons.dumps({name: str(path) for name, path in made.items()}))
        return
    for name, path in made.items():
        typer.echo(f"{name:16}  {path}")
