"""Every event reaches the syslog server, once, whatever ends in between."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from dmp.audit import Trail, Transaction
from dmp.audit.atna import AuditSource
from dmp.audit.delivery import BATCH, Entry, backlog, deliver, to_syslog
from dmp.audit.syslog import NotDelivered, SyslogServer, formatted, framed, tls_client
from tests.dmp.audit.events import START, event
from tests.services.pki import Pki
from tests.services.syslog import SyslogAbsent, make_server, program
from tests.services.syslog import SyslogServer as RealServer

SOURCE = AuditSource("feuillet-test", "site", "feuillet.example", 7)
_HASH = re.compile(r'ParticipantObjectID="([0-9a-f]{64})"')


@pytest.fixture
def real(tmp_path: Path, pki: Pki) -> RealServer:
    """A syslog server that is stopped."""
    try:
        program()
    except SyslogAbsent as absent:
        pytest.skip(str(absent))
    return make_server(tmp_path / "syslog", pki)


def towards(real: RealServer) -> SyslogServer:
    """How the product reaches it."""
    context = tls_client(real.pki.ca, real.pki.client.certificate, real.pki.client.key)
    return SyslogServer("localhost", real.port, context)


def arrived(real: RealServer, count: int) -> Counter[str]:
    """The hashes of what has arrived, once the server has written so many down."""
    deadline = time.monotonic() + 60
    while len(real.messages()) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return Counter(match[1] for line in real.messages() if (match := _HASH.search(line)))


def test_a_server_that_was_away_for_an_hour_gets_all_and_nothing_twice(trail: Trail, real: RealServer) -> None:
    receive = to_syslog(towards(real), SOURCE)
    written = 0
    with real.running():
        for second in range(10):
            trail.record(event(after=second))
            written += 1
            assert deliver(trail.engine, "syslog", receive) == 1
    for minute in range(1, 61):  # an hour of simulated time, an event every few seconds, a delivery tried each minute
        for second in range(0, 60, 5):
            kind = Transaction.RETRIEVE if second % 2 else Transaction.STORED_QUERY
            trail.record(event(kind, after=60 * minute + second, query_id="urn:uuid:1", query="<q/>" * 400))
            written += 1
        with pytest.raises(NotDelivered):
            deliver(trail.engine, "syslog", receive)
    assert backlog(trail.engine, "syslog") == written - 10 == 720 > BATCH
    with real.running():
        assert deliver(trail.engine, "syslog", receive) == 720
        assert backlog(trail.engine, "syslog") == 0
        assert deliver(trail.engine, "syslog", receive) == 0
        hashes = arrived(real, written)
    assert len(hashes) == written
    assert set(hashes.values()) == {1}
    last = real.messages()[-1]
    moment = (START + timedelta(seconds=3655)).isoformat().replace("+00:00", ".000000Z")
    assert last.startswith(f"<85>1 {moment} feuillet.example feuillet 7 IHE+RFC-3881 - <AuditMessage>")
    assert last.endswith("</AuditMessage>")


def test_a_server_that_is_killed_while_it_is_sent_to_loses_nothing(embedded_trail: Trail, real: RealServer) -> None:
    trail = embedded_trail
    receive = to_syslog(towards(real), SOURCE)
    for second in range(300):
        trail.record(event(after=second))
    for _ in range(3):
        with real.running() as server:
            server.send_signal(signal.SIGSTOP)  # it accepts and reads nothing any more

            def killed(entries: Sequence[Entry], server: object = server) -> None:
                server.kill()  # type: ignore[attr-defined]
                receive(entries)

            with pytest.raises(NotDelivered):
                deliver(trail.engine, "syslog", killed)
    assert backlog(trail.engine, "syslog") == 300
    with real.running():
        deliver(trail.engine, "syslog", receive)
        assert len(arrived(real, 300)) == 300


def test_a_cursor_moves_only_when_the_receiver_has_the_events(trail: Trail) -> None:
    for second in range(5):
        trail.record(event(after=second))
    seen: list[int] = []

    def note(entries: Sequence[Entry]) -> None:
        seen.extend(entry.event.happened_at.second for entry in entries if entry.event is not None)

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(trail.engine, "log", note, received=die)
    assert deliver(trail.engine, "log", note) == 5
    assert seen == [0, 1, 2, 3, 4] * 2
    assert deliver(trail.engine, "log", note) == 0
    assert deliver(trail.engine, "another", note) == 5  # each receiver has a cursor of its own


def test_a_server_of_another_authority_gets_nothing(embedded_trail: Trail, real: RealServer, tmp_path: Path) -> None:
    embedded_trail.record(event())
    stranger = SyslogServer("localhost", real.port, tls_client(None, None, None))
    with real.running(), pytest.raises(NotDelivered, match="SSL"):
        deliver(embedded_trail.engine, "syslog", to_syslog(stranger, SOURCE))
    assert real.messages() == []


def test_a_frame_says_its_length_in_octets() -> None:
    message = formatted("<AuditMessage>é</AuditMessage>", happened_at=START, host="h t", process=7)
    assert message.startswith(b"<85>1 2026-03-01T08:00:00.000000Z ht feuillet 7 IHE+RFC-3881 - <AuditMessage>")
    length, _, rest = framed(message).partition(b" ")
    assert int(length) == len(rest) == len(message)


def test_of_two_nodes_one_delivers_at_a_time(trail: Trail) -> None:
    for second in range(5):
        trail.record(event(after=second))
    seen: list[int] = []

    def other_node(entries: Sequence[Entry]) -> None:
        if trail.engine.dialect.name == "postgresql":
            assert deliver(trail.engine, "log", lambda _: pytest.fail("the first node is not done")) == 0
        seen.extend(entry.position.number for entry in entries)

    assert deliver(trail.engine, "log", other_node) == 5
    assert len(seen) == 5
