"""A whole server and a whole syslog server: what one decides, the other has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.services.engine import PATIENT_AUTHORITY, Engine, run_engine
from tests.services.pki import Pki
from tests.services.syslog import SyslogAbsent, SyslogServer, make_server, program

_HASH = re.compile(r'ParticipantObjectID="([0-9a-f]{64})"')


def exported(engine: Engine) -> list[str]:
    """The hashes of the trail's events."""
    command = [Path(sys.executable).with_name("feuillet"), "audit", "export", "--config", engine.configuration]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    return [json.loads(line)["hash"] for line in said.splitlines()]


def arrive(server: SyslogServer, wanted: set[str]) -> Counter[str]:
    """What the syslog server has, once it has those."""
    deadline = time.monotonic() + 120
    while True:
        had = Counter(match[1] for line in server.messages() if (match := _HASH.search(line)))
        if wanted <= had.keys() or time.monotonic() > deadline:
            return had
        time.sleep(0.2)


def test_events_reach_the_syslog_server_once_though_it_was_away(tmp_path: Path, pki: Pki) -> None:
    try:
        program()
    except SyslogAbsent as absent:
        pytest.skip(str(absent))
    server = make_server(tmp_path / "syslog", pki)
    syslog = (
        f'[audit.syslog]\naddress = "localhost:{server.port}"\nca = "{pki.ca}"\nsource = "test"\n'
        f'certificate = "{pki.client.certificate}"\nkey = "{pki.client.key}"\n[housekeeping]\naudit_seconds = 0.3\n'
    )
    with run_engine(tmp_path / "engine", pki, more=syslog) as engine:
        with server.running():
            engine.announce(f"A^^^&{PATIENT_AUTHORITY}&ISO")
            first = set(exported(engine))
            assert first <= arrive(server, first).keys()
        for number in range(20):
            engine.announce(f"B{number}^^^&{PATIENT_AUTHORITY}&ISO")
        time.sleep(1)  # a few deliveries fail
        with server.running():
            everything = set(exported(engine))
            assert len(everything) > len(first) + 20
            had = arrive(server, everything)
    assert everything <= had.keys()
    assert set(had.values()) == {1}
    assert any('EventID csd-code="110100"' in line for line in server.messages())
