from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soap.faults import SoapFault
from soap.intake import (
    MalformedMediaType,
    RequestBody,
    SoapLimits,
    announced_length,
    bound_chunks,
    media_type,
    soap_action,
)

_TOKEN = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=12)
_VALUE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(
    _TOKEN,
    _TOKEN,
    st.dictionaries(_TOKEN.map(str.lower), _VALUE, max_size=6),
    st.sampled_from(["; ", ";", " ;\t", ";;"]),
)
def test_a_content_type_is_read_as_it_was_meant(kind: str, subtype: str, parameters: dict[str, str], gap: str) -> None:
    text = f"{kind}/{subtype}" + "".join(f"{gap}{name}={quoted(value)}" for name, value in parameters.items())
    read = media_type(text)
    assert read.name == f"{kind}/{subtype}".lower()
    assert read.parameters == parameters


@given(st.text(max_size=200))
def test_any_text_is_a_content_type_or_is_refused(text: str) -> None:
    try:
        read = media_type(text)
    except MalformedMediaType:
        return
    assert "/" in read.name


@pytest.mark.parametrize(
    ("text", "parameter", "value"),
    [
        ("application/soap+xml; charset=UTF-8", "charset", "UTF-8"),
        ('application/soap+xml;charset="UTF-8"', "charset", "UTF-8"),
        ("APPLICATION/SOAP+XML; CHARSET=utf-8", "charset", "utf-8"),
        ('multipart/related; start="<a@b>"', "start", "<a@b>"),
        ("multipart/related; type=application/xop+xml", "type", "application/xop+xml"),
        ("multipart/related; start=<a@b>", "start", "<a@b>"),
        ("text/plain ; a = b", "a", "b"),
        ("text/plain; a=b;", "a", "b"),
    ],
)
def test_parameters_are_read_the_way_senders_write_them(text: str, parameter: str, value: str) -> None:
    assert media_type(text).get(parameter) == value


@pytest.mark.parametrize(
    ("content_type", "header", "action"),
    [
        ('application/soap+xml; action="urn:a"', "", "urn:a"),
        ("application/soap+xml", '"urn:a"', "urn:a"),
        ("application/soap+xml", "urn:a", "urn:a"),
        ("application/soap+xml", '""', None),
        ('application/soap+xml; action=""', "", None),
        ('application/soap+xml; action="urn:a"', '"urn:a"', "urn:a"),
        (r'multipart/related; start-info="application/soap+xml; action=\"urn:a\""', "", "urn:a"),
        ('multipart/related; start-info="nonsense"', "", None),
        ('multipart/related; start-info="application/soap+xml"; action="urn:a"', "", "urn:a"),
    ],
)
def test_the_http_action_is_found_wherever_senders_put_it(content_type: str, header: str, action: str | None) -> None:
    assert soap_action({"HTTP_SOAPACTION": header}, media_type(content_type)) == action


def test_two_http_actions_that_disagree_agree_with_nothing() -> None:
    action = soap_action({"HTTP_SOAPACTION": "urn:b"}, media_type('application/soap+xml; action="urn:a"'))
    assert action not in ("urn:a", "urn:b", None)


@pytest.mark.parametrize(
    ("environ", "length"),
    [
        ({"CONTENT_LENGTH": "17"}, 17),
        ({"CONTENT_LENGTH": "0"}, 0),
        ({}, 0),
        ({"wsgi.input_terminated": True}, None),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, None),
        ({"HTTP_TRANSFER_ENCODING": " Chunked "}, None),
    ],
)
def test_the_length_is_announced_or_the_body_says_where_it_ends(environ: dict[str, Any], length: int | None) -> None:
    assert announced_length(environ) == length


@pytest.mark.parametrize(
    "environ",
    [
        {"CONTENT_LENGTH": "17", "HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_TRANSFER_ENCODING": "gzip, chunked"},
        {"HTTP_TRANSFER_ENCODING": "xchunked"},
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "+1"},
        {"CONTENT_LENGTH": "1,1"},
        {"CONTENT_LENGTH": "0x1"},
        {"CONTENT_LENGTH": "\u0661"},
        {"CONTENT_LENGTH": "1" * 19},
    ],
)
def test_a_length_that_can_be_read_in_two_ways_is_refused(environ: dict[str, Any]) -> None:
    with pytest.raises(SoapFault) as fault:
        announced_length(environ)
    assert fault.value.http_status == 400


class Clock:
    """Time that passes when somebody lets it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Trickle:
    """A peer that sends `step` bytes at most per read, each of which takes `seconds`."""

    def __init__(self, clock: Clock, step: int, seconds: float, size: int = 1 << 40) -> None:
        self._clock, self._step, self._seconds, self._left = clock, step, seconds, size
        self.reads: list[int] = []

    def read(self, size: int) -> bytes:
        self.reads.append(size)
        self._clock.now += self._seconds
        count = min(size, self._step, self._left)
        self._left -= count
        return b"x" * count


def taken(body: RequestBody) -> int:
    """How many bytes come out of a body."""
    return sum(map(len, iter(lambda: body.read(65_536), b"")))


def body_of(source: Any, clock: Clock | None = None, length: int | None = None, **limits: Any) -> RequestBody:
    environ: dict[str, Any] = {"wsgi.input": source, "wsgi.input_terminated": True}
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    return RequestBody(environ, SoapLimits(**limits), clock or Clock())


@pytest.mark.parametrize(("seconds", "accepted"), [(0.5, True), (1.0, True), (1.1, False), (60.0, False)])
def test_after_half_a_minute_a_body_must_come_at_a_kilobyte_per_second(seconds: float, accepted: bool) -> None:
    clock = Clock()
    body = body_of(Trickle(clock, 1024, seconds), clock, length=50 * 1024)
    if accepted:
        assert taken(body) == 50 * 1024
        return
    with pytest.raises(SoapFault) as fault:
        taken(body)
    assert fault.value.http_status == 408
    assert clock.now <= 30 + 2 * seconds


def test_a_peer_that_sends_one_byte_at_a_time_is_cut_off_after_half_a_minute() -> None:
    clock = Clock()
    with pytest.raises(SoapFault) as fault:
        taken(body_of(Trickle(clock, 1, 5.0), clock))
    assert fault.value.http_status == 408
    assert clock.now <= 40


def test_no_body_takes_longer_than_two_minutes_whatever_its_rate() -> None:
    clock = Clock()
    with pytest.raises(SoapFault) as fault:
        taken(body_of(Trickle(clock, 65_536, 1.0), clock))
    assert fault.value.http_status == 408
    assert clock.now <= 122


def test_a_slow_body_is_read_in_small_steps() -> None:
    clock = Clock()
    source = Trickle(clock, 100, 0.4, 2000)
    assert taken(body_of(source, clock)) == 2000
    assert source.reads[0] == 65_536
    assert max(source.reads[5:]) <= 8192


@pytest.mark.parametrize(("sent", "announced"), [(b"abc", 3), (b"abcdef", 3), (b"", 0)])
def test_exactly_the_announced_bytes_are_read(sent: bytes, announced: int) -> None:
    assert body_of(io.BytesIO(sent), length=announced).read_all(100) == sent[:announced]


def test_a_body_that_ends_early_is_refused() -> None:
    with pytest.raises(SoapFault) as fault:
        body_of(io.BytesIO(b"ab"), length=3).read_all(100)
    assert fault.value.http_status == 400


def test_a_body_that_breaks_is_refused_whatever_the_server_raises() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise RuntimeError("secret")

    with pytest.raises(SoapFault) as fault:
        body_of(Broken()).read(10)
    assert fault.value.http_status == 400
    assert "secret" not in fault.value.reason


@pytest.mark.parametrize(("size", "accepted"), [(9, True), (10, True), (11, False)])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_has_its_limit(size: int, accepted: bool, announced: bool) -> None:
    def read() -> bytes:
        return body_of(io.BytesIO(b"x" * size), length=size if announced else None, body=10).read_all(100)

    if accepted:
        assert len(read()) == size
        return
    with pytest.raises(SoapFault) as fault:
        read()
    assert fault.value.http_status == 413


def test_a_document_has_a_lower_limit_than_a_body() -> None:
    for length in (11, None):
        with pytest.raises(SoapFault) as fault:
            body_of(io.BytesIO(b"x" * 11), length=length).read_all(10)
        assert fault.value.http_status == 413


def test_draining_reads_some_of_the_rest_and_never_fails() -> None:
    def drained(source: Iterable[bytes] | io.BytesIO, **options: Any) -> None:
        body_of(source, **options).drain(100_000)

    source = io.BytesIO(bytes(300_000))
    drained(source)
    assert 100_000 <= source.tell() <= 200_000
    drained(io.BytesIO(b"ab"), length=10)


class Chunked:
    """A body as gunicorn hands it over: its reader takes pieces from a parser."""

    def __init__(self, *pieces: bytes) -> None:
        self.reader = self
        self.parser: Any = iter(pieces)

    def read(self, size: int) -> bytes:
        """The next piece."""
        return next(self.parser, b"")


def chunked(count: int, size: int) -> RequestBody:
    """A body of so many chunks of that size."""
    source = Chunked(*[b"x" * size] * count)
    environ = {"wsgi.input": source, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return RequestBody(environ, SoapLimits())


@pytest.mark.parametrize(("count", "size"), [(1000, 1), (5000, 16)])
def test_few_small_chunks_or_many_larger_ones_are_read(count: int, size: int) -> None:
    assert len(chunked(count, size).read_all(1_000_000)) == count * size


@pytest.mark.parametrize(("count", "size"), [(100_000, 1), (5000, 15)])
def test_chunks_that_are_small_and_many_are_refused(count: int, size: int) -> None:
    body = chunked(count, size)
    with pytest.raises(SoapFault):
        body.read_all(1_000_000)


def test_after_a_flood_of_chunks_nothing_more_is_read_from_the_connection() -> None:
    source = bound_chunks(bound_chunks(Chunked(*[b"x"] * 2000, b"POST / HTTP/1.1")))
    assert all(source.read(1) for _ in range(1025))
    for _ in range(3):
        with pytest.raises(ValueError, match="too small"):
            source.read(1)
