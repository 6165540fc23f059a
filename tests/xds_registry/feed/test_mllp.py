"""ITI-8 over real sockets."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import some
from tests.services.pki import Pki
from tests.xds_registry.feed.hospital import Ack, Link, adt, cx, events, known
from xds_registry.feed.mllp import FrameReader, FramingError, MllpLimits, framed
from xds_registry.registry import Registry

Serve = Callable[..., Any]


def test_several_messages_travel_on_one_connection(either_registry: Registry, serve: Serve) -> None:
    with serve(either_registry) as server, Link(server.address) as link:
        for number in range(3):
            ack = link.ask(adt("A01", cx(f"p{number}"), control_id=f"M{number}"))
            assert (ack.code, ack.control_id) == ("AA", f"M{number}")
            assert known(either_registry, cx(f"p{number}"))
        assert link.ask(adt("A40", cx("p0"), cx("p1"))).code == "AA"


def test_a_refused_message_leaves_the_connection_open(registry: Registry, serve: Serve) -> None:
    with serve(registry) as server, Link(server.address) as link:
        assert link.ask("nonsense").code == "AR"
        assert link.ask("").code == "AR"
        assert link.ask(adt("A01", "")).code == "AE"
        assert link.ask(adt("A01", cx("7"))).code == "AA"


def test_messages_sent_together_or_in_pieces_are_answered_in_order(registry: Registry, serve: Serve) -> None:
    both = framed(adt("A01", cx("1"), control_id="M1").encode()) + framed(adt("A01", cx("2"), control_id="M2").encode())
    with serve(registry) as server, Link(server.address) as link:
        link.send(both)
        assert [ack.control_id for ack in (link.receive(), link.receive()) if ack] == ["M1", "M2"]
        for byte in both[: both.index(b"\x1c") + 2]:
            link.send(bytes((byte,)))
        again = link.receive()
        assert again is not None
        assert again.control_id == "M1"


def test_several_senders_announce_the_same_patients(either_registry: Registry, serve: Serve) -> None:
    codes: list[str] = []

    def send(address: tuple[str, int]) -> None:
        with Link(address) as link:
            codes.extend(link.ask(adt("A01", cx(f"p{number}"))).code for number in range(5))

    with serve(either_registry) as server:
        threads = [threading.Thread(target=send, args=(server.address,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert codes == ["AA"] * 30
    assert len(events(either_registry)) == 5


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        adt("A01", cx("7")).encode(),
        b"\x0b" + adt("A01", cx("7")).encode() + b"\x1c\n",
        b"\x0b\x0b" + adt("A01", cx("7")).encode() + b"\x1c\r",
        b"\x0b" + adt("A01", cx("7")).encode() + b"\x0b\x1c\r",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x1c\r",
    ],
)
def test_wrong_framing_ends_the_connection_and_does_nothing(registry: Registry, serve: Serve, data: bytes) -> None:
    with serve(registry) as server:
        with Link(server.address) as link:
            link.send(data)
            assert link.receive() is None
        with Link(server.address) as link:
            assert link.ask(adt("A01", cx("8"))).code == "AA"
    assert not known(registry, cx("7"))


def test_a_message_cut_short_does_nothing(registry: Registry, serve: Serve) -> None:
    with serve(registry) as server, Link(server.address) as link:
        link.send(b"\x0b" + adt("A01", cx("7")).encode())
        link.socket.shutdown(socket.SHUT_WR)
        assert link.receive() is None
    assert not known(registry, cx("7"))


def test_a_message_of_the_largest_size_is_taken_and_one_byte_more_is_not(registry: Registry, serve: Serve) -> None:
    limits = MllpLimits(message_bytes=5000)
    message = adt("A01", cx("7"))
    fitting = message + "ZZZ|" + "x" * (5000 - len(message) - 5) + "\r"
    assert len(fitting) == 5000
    with serve(registry, limits=limits) as server:
        with Link(server.address) as link:
            assert link.ask(fitting).code == "AA"
        with Link(server.address) as link:
            link.send(framed(fitting.encode() + b"\r"))
            assert link.receive() is None


def test_an_endless_message_is_cut_off(registry: Registry, serve: Serve) -> None:
    with serve(registry) as server, Link(server.address) as link:
        link.send(b"\x0b")
        with suppress(OSError):  # the connection breaks while we still send
            for _ in range(1000):
                link.send(b"MSH|" * 4096)
            pytest.fail("16 MB were taken for one message")
        with Link(server.address) as other:
            assert other.ask(adt("A01", cx("7"))).code == "AA"


def test_a_megabyte_of_separators_is_answered(registry: Registry, serve: Serve) -> None:
    head = adt("A01", "~").split("\r", 1)[0]
    with serve(registry) as server, Link(server.address) as link:
        for filling in ("|", "~", "^", "&", "\\", "\\E"):
            assert link.ask(f"{head}\rPID|||{filling * (900_000 // len(filling))}\r").code == "AE"
        assert link.ask(head + "\r" * 900_000).code == "AR"


def test_an_idle_connection_is_closed(registry: Registry, serve: Serve) -> None:
    with serve(registry, limits=MllpLimits(idle=0.1)) as server, Link(server.address) as link:
        assert link.receive() is None


def test_a_message_that_trickles_in_is_cut_off(registry: Registry, serve: Serve) -> None:
    with serve(registry, limits=MllpLimits(message=0.2)) as server, Link(server.address) as link:
        link.send(b"\x0bMSH|")
        assert link.receive() is None


def test_more_connections_than_allowed_are_closed_and_the_others_live(registry: Registry, serve: Serve) -> None:
    with (
        serve(registry, limits=MllpLimits(connections=2)) as server,
        Link(server.address) as first,
        Link(server.address) as second,
    ):
        assert first.ask(adt("A01", cx("1"))).code == "AA"
        assert second.ask(adt("A01", cx("2"))).code == "AA"
        with Link(server.address) as third:
            assert third.receive() is None
        assert first.ask(adt("A01", cx("3"))).code == "AA"


def test_stopping_ends_idle_connections_and_frees_the_address(registry: Registry, serve: Serve) -> None:
    with serve(registry) as server:
        link = Link(server.address)
        assert link.ask(adt("A01", cx("1"))).code == "AA"
        server.stop()
        server.stop()
        assert link.receive() is None
        link.socket.close()
    with pytest.raises(OSError):  # noqa: PT011
        Link(server.address)


def test_when_the_listener_stops_what_is_being_done_is_acknowledged_and_nothing_more_is_done(
    registry: Registry, serve: Serve
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    clock = registry.clock

    def held() -> Any:
        reached.set()
        go_on.wait(10)
        return clock()

    registry.clock = held
    with serve(registry) as server, Link(server.address) as link:
        link.send(framed(adt("A01", cx("7")).encode()) + framed(adt("A01", cx("8")).encode()))
        assert reached.wait(10)
        server.stop()
        go_on.set()
        ack = link.receive()
        assert ack is not None
        assert ack.code == "AA"
        assert link.receive() is None
    assert known(registry, cx("7"))
    assert not known(registry, cx("8"))


def _contexts(pki: Pki) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*pki.server.files)
    server.load_verify_locations(pki.ca)
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=str(pki.ca))
    return server, client


def test_over_tls_a_sender_with_a_certificate_is_served_also_while_stopping(
    registry: Registry, serve: Serve, pki: Pki
) -> None:
    server_context, client_context = _contexts(pki)
    client_context.load_cert_chain(*pki.client.files)
    with serve(registry, ssl_context=server_context) as server, Link(server.address) as link:
        link.socket = client_context.wrap_socket(link.socket, server_hostname="localhost")
        assert link.ask(adt("A01", cx("7"))).code == "AA"
        reached, go_on = threading.Event(), threading.Event()
        clock = registry.clock

        def held() -> Any:
            reached.set()
            go_on.wait(10)
            return clock()

        registry.clock = held
        link.send(framed(adt("A01", cx("8")).encode()))
        assert reached.wait(10)
        server.stop()
        go_on.set()
        assert isinstance(ack := link.receive(), Ack)
        assert ack.code == "AA"


def test_over_tls_a_sender_without_a_certificate_or_without_tls_is_not_served(
    registry: Registry, serve: Serve, pki: Pki
) -> None:
    server_context, client_context = _contexts(pki)
    with serve(registry, ssl_context=server_context) as server:
        with Link(server.address) as link, suppress(ssl.SSLError, ConnectionError):
            link.socket = client_context.wrap_socket(link.socket, server_hostname="localhost")
            link.send(framed(adt("A01", cx("7")).encode()))
            assert link.receive() is None
        with Link(server.address) as link:
            link.send(framed(adt("A01", cx("7")).encode()))
            with suppress(OSError):  # it may have hung up already
                link.socket.shutdown(socket.SHUT_WR)
                assert b"MSA" not in link.socket.recv(4096)
    assert not known(registry, cx("7"))


_CONTENT = st.binary(max_size=60).map(lambda data: bytes(b for b in data if b not in (0x0B, 0x1C)))


@settings(max_examples=some(60))
@given(st.lists(_CONTENT, max_size=5), st.integers(1, 7))
def test_frames_come_out_as_they_went_in_however_they_are_cut(messages: list[bytes], piece: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = b"".join(map(framed, messages))
        for start in range(0, len(stream), piece):
            theirs.sendall(stream[start : start + piece])
        theirs.shutdown(socket.SHUT_WR)
        reader = FrameReader(ours, MllpLimits())
        assert [reader.next() for _ in messages] == messages
        assert reader.next() is None


@settings(max_examples=some(60))
@given(st.binary(max_size=200))
def test_any_stream_ends_in_messages_or_in_a_framing_error(stream: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(stream)
        theirs.shutdown(socket.SHUT_WR)
        reader = FrameReader(ours, MllpLimits())
        with suppress(FramingError):
            while (message := reader.next()) is not None:
                assert not set(message) & {0x0B, 0x1C}
