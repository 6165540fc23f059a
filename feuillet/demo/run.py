"""`feuillet serve --demo`: prepare, serve, load, and say where everything is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from feuillet import logs
from feuillet.commands.serving import serve
from feuillet.demo.loading import Loaded, NotLoaded, load_documents
from feuillet.demo.site import DemoSite, prepare
from feuillet.server.supervisor import Part

#: Real documents beside the project, for those who have them.
_BESIDE: Final = Path("../shared/data/cda")


def serve_demo(data: Path, documents: Path | None, *, insecure: bool) -> bool:
    """Serve the demo until told to stop; True when everything ended by itself. Raises what `serving.serve` raises."""
    site = prepare(data, insecure=insecure)
    logs.set_up(site.settings.logs)
    if documents is None and _BESIDE.is_dir():
        documents = _BESIDE
    return serve(site.settings, [Part("demo", lambda: _fill(site, documents), lasting=False)])


def _fill(site: DemoSite, documents: Path | None) -> None:
    console = Console(soft_wrap=True, highlight=False)
    try:
        loaded = load_documents(site, documents)
    except NotLoaded as error:
        console.print(f"[red]The demo's documents could not be loaded:[/] {escape(str(error))}")
    else:
        console.print(welcome(site, loaded))


def welcome(site: DemoSite, loaded: Loaded) -> str:
    """What a person who has just started the demo wants to read, in rich's markup."""
    server, keys = site.settings.server, site.directory / "keys"
    curl = f"curl --cacert {keys}/ca.pem --cert {keys}/client.pem --key {keys}/client.key"
    lines = [
        "",
        "[bold]Feuillet is ready.[/]",
        "",
        f"  registry      https://{server.https}/registry      (client certificate: {keys}/client.pem)",
        f"  repository    https://{server.https}/repository",
    ]
    if server.plain is not None:
        lines += [
            f"  without TLS   http://{server.plain}/registry, /repository   (this machine only)",
            f"  health        http://{server.plain}/healthz, /readyz, /metrics",
        ]
    lines += [
        f"  patient feed  mllp://{site.settings.feed.mllp}",
        f"  log           {site.settings.logs.file}",
        f"  settings      {site.configuration}",
        f"  documents     {loaded.documents}, of {len(loaded.patients)} patients: {', '.join(loaded.patients)}",
    ]
    if loaded.refused:
        lines.append(f"  not taken     {', '.join(loaded.refused)}")
    if loaded.patients:
        lines += [
            "",
            "Find the documents of a patient:",
            "",
            f"  examples/find '{loaded.patients[0]}' |",
            f"    {curl} \\",
            f"      -H 'Content-Type: application/soap+xml' --data-binary @- https://{server.https}/registry",
        ]
    lines += ["", "Stop with Ctrl-C.", ""]
    return "\n".join(escape(line) if "[" in line and not line.startswith("[bold]") else line for line in lines)
