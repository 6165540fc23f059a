"""The demo's directory: its configuration, keys, database and documents. A second start finds it and keeps it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dmp.audit.chain import make_key
from feuillet.composition import open_engine
from feuillet.configuration import ConfigurationRefused, Settings, load, opened
from feuillet.demo.identities import PATIENT_AUTHORITIES, authorities, make_identities
from feuillet.demo.keys import DemoKeys, make_keys
from feuillet.migrations.schema import migrate

REPOSITORY_UNIQUE_ID: Final = "1.2.250.1.213.4.1.1.1.2"

_CONFIGURATION: Final = f"""\
# The demo's configuration. Change it as you like: it is written once and then kept.
# Relative paths are relative to this file. docs/operator-guide.md explains every key.

[server]
https = "127.0.0.1:8443"    # asks for a client certificate
plain = "127.0.0.1:8080"    # for first tries on this machine

[server.tls]
certificate = "keys/server.pem"
key = "keys/server.key"
client_authorities = "keys/clients.pem"

[database]
url = "sqlite:///feuillet.db"

[store.filesystem]
root = "documents"
reserve_share = 0.01

[registry]
affinity_domain = "ci-sis"

[repository]
unique_id = "{REPOSITORY_UNIQUE_ID}"

# Whose assertions count: those of the test IGC in trust/demo, with the card of a doctor and the keys of a hospital.
[trust]
profiles = "trust"
test_profiles = true
patient_authorities = {json.dumps(PATIENT_AUTHORITIES)}

# The key that signs the audit trail, and the file that keeps its signed heads outside the database.
[audit]
key = "keys/audit.key"
anchor = "audit.anchor"

[feed]
mllp = "127.0.0.1:2575"

[logs]
file = "feuillet.log"
"""


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A demo that is ready to be served."""

    directory: Path
    configuration: Path
    keys: DemoKeys
    identities: Path
    settings: Settings


def prepare(directory: Path, *, insecure: bool = False) -> DemoSite:
    """Make what is missing in the directory and bring the database to this version. Raises `ConfigurationRefused`.

    With `insecure` requests pass without an assertion.
    """
    directory = directory.absolute()
    configuration = directory / "feuillet.toml"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = make_keys(directory / "keys")
        if not keys.audit.exists():
            make_key(keys.audit)
        identities = directory / "trust" / "demo"
        clients = keys.authority.read_bytes() + authorities(make_identities(identities))
        (keys.directory / "clients.pem").write_bytes(clients)
        if not configuration.exists():
            configuration.write_text(_CONFIGURATION, encoding="utf-8")
    except OSError as error:
        raise ConfigurationRefused([f"--data: expected a directory to write to ({error.strerror})"]) from None
    settings = load(configuration)
    if insecure:
        settings = opened(settings)
    engine = open_engine(settings)
    migrate(engine)
    engine.dispose()
    return DemoSite(directory, configuration, keys, identities, settings)
