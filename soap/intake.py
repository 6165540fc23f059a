"""The HTTP side of a request: which requests are read at all, their media type, and their body as a bounded stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from soap.faults import SoapFault, sender
from soap.xml import DEFAULT_LIMITS, XmlLimits

_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_MEDIA_TYPE_LENGTH: Final = 4096
_MEDIA_PARAMETERS: Final = 16
# A body that trickles in is read in small steps, so that its rate can be judged in time.
_SLOW_STEP: Final = 8192
# So many chunks come unjudged; of more, each must hold so many bytes on average.
_MANY_CHUNKS: Final = 1024
_SMALLEST_CHUNK: Final = 16


@dataclass(frozen=True, slots=True)
class SoapLimits:
    """What a request may cost. Sizes in bytes.

    `document` is a SOAP message without attachments, `root` the root part of an MTOM message, `body` the whole HTTP
    body. `parts` counts the root too. `preamble` is preamble and epilogue together. `spool_threshold` bytes of a part
    may stay in memory; `spool_reserve` bytes of the spool's file system stay free. A body must arrive within
    `body_seconds` and, after `rate_seconds`, at no less than `rate` bytes per second.
    """

    body: int = 64_000_000
    document: int = 12_000_000
    root: int = 2_000_000
    part: int = 25_000_000
    parts: int = 64
    part_headers: int = 16
    part_header: int = 4096
    preamble: int = 1024
    spool_threshold: int = 262_144
    spool_reserve: int = 67_108_864
    body_seconds: float = 120.0
    rate_seconds: float = 30.0
    rate: int = 1024
    xml: XmlLimits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class MediaType:
    """A Content-Type: `type/subtype` in lower case, parameter names in lower case, values as sent."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def get(self, parameter: str) -> str | None:
        """The value of a parameter, None when it is absent."""
        return self.parameters.get(parameter)


class MalformedMediaType(ValueError):
    """The value is no Content-Type of RFC 9110 §8.3."""


def media_type(value: str) -> MediaType:
    """Read a Content-Type in one pass (RFC 9110 §5.6.6, §8.3.1). Raises `MalformedMediaType`."""
    if len(value) > _MEDIA_TYPE_LENGTH:
        raise MalformedMediaType
    name, _, rest = value.partition(";")
    name = name.strip(" \t").lower()
    kind, slash, subtype = name.partition("/")
    if not slash or not _is_token(kind) or not _is_token(subtype):
        raise MalformedMediaType
    parameters: dict[str, str] = {}
    while rest := rest.strip(" \t"):
        if rest[0] == ";":
            rest = rest[1:]
            continue
        key, equals, rest = rest.partition("=")
        key = key.rstrip(" \t").lower()
        rest = rest.lstrip(" \t")
        if not equals or not _is_token(key) or key in parameters or len(parameters) >= _MEDIA_PARAMETERS:
            raise MalformedMediaType
        if rest[:1] == '"':
            parameters[key], rest = _quoted(rest)
            if rest and rest.lstrip(" \t")[:1] not in ("", ";"):
                raise MalformedMediaType
        else:
            parameters[key], _, rest = rest.partition(";")
            parameters[key] = parameters[key].rstrip(" \t")
            # Senders leave `application/xop+xml` unquoted although a slash is no token character.
            if not _is_token(parameters[key].replace("/", "").replace("<", "").replace(">", "").replace("@", "")):
                raise MalformedMediaType
    return MediaType(name, parameters)


def _is_token(value: str) -> bool:
    return bool(value) and _TOKEN.issuperset(value)


def _quoted(value: str) -> tuple[str, str]:
    """The content of the quoted string that `value` starts with, and what follows it."""
    characters: list[str] = []
    position = 1
    while position < len(value):
        character = value[position]
        if character == '"':
            return "".join(characters), value[position + 1 :]
        if character == "\\":
            position += 1
            if position == len(value):
                break
            character = value[position]
        if character < " " and character != "\t":
            break
        characters.append(character)
        position += 1
    raise MalformedMediaType


def soap_action(environ: Mapping[str, Any], content_type: MediaType) -> str | None:
    """The action that HTTP states, or None. Missing and empty are the same: IHE receivers ignore both. ITI TF-2: V.3"""
    action = content_type.get("action")
    if not action and content_type.get("start-info"):
        try:
            action = media_type(content_type.get("start-info") or "").get("action")
        except MalformedMediaType:
            action = None
    header: str = environ.get("HTTP_SOAPACTION", "")
    header = header.strip().strip('"')
    if action and header and action != header:
        # Two statements that disagree agree with no wsa:Action either.
        return f"{action} {header}"
    return action or header or None


def announced_length(environ: Mapping[str, Any]) -> int | None:
    """The Content-Length, or None for a chunked body. Raises `SoapFault` where a request could be read in two ways."""
    length: str = environ.get("CONTENT_LENGTH") or ""
    transfer = environ.get("HTTP_TRANSFER_ENCODING", "")
    if transfer:
        # RFC 9112 §6.1: a request with both is an attempt at smuggling, or looks like one.
        if length or transfer.strip().lower() != "chunked":
            raise sender("The length of the message is stated in contradictory ways")
        return None
    if not length:
        return None if environ.get("wsgi.input_terminated") else 0
    if not length.isascii() or not length.isdigit() or len(length) > 18:
        raise sender("The length of the message is stated in contradictory ways")
    return int(length)


def bound_chunks(source: Any) -> Any:
    """The body of a request, which fails once it comes in too many chunks that are too small (RFC 9112: 7.1).

    Each chunk costs gunicorn's reader some microseconds, whatever it holds: bytes sent one by one would cost more to
    receive than to refuse. A body of another server, or one of announced length, is left as it is.
    """
    reader = getattr(source, "reader", None)
    pieces = getattr(reader, "parser", None)
    if reader is not None and isinstance(pieces, Iterator) and not isinstance(pieces, _BoundedChunks):
        reader.parser = _BoundedChunks(pieces)
    return source


class _BoundedChunks:
    """The pieces of a chunked body, in the place where gunicorn's reader takes them from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._count = self._size = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        # Once it has failed it fails for good: what follows on the connection must never be taken for another request.
        if self._count > _MANY_CHUNKS and self._size < self._count * _SMALLEST_CHUNK:
            raise ValueError("chunks that are too small")
        piece = next(self._pieces)
        self._count += 1
        self._size += len(piece)
        return piece


class RequestBody:
    """The body of a request, read once and forward, within size, time and rate."""

    def __init__(self, environ: Mapping[str, Any], limits: SoapLimits, clock: Callable[[], float] = time.monotonic):
        self._limits = limits
        self._clock = clock
        self._started = clock()
        self._input = bound_chunks(environ["wsgi.input"])
        self.length = announced_length(environ)
        if self.length is not None and self.length > limits.body:
            raise sender("The message is too large", http_status=413)
        self._received = 0
        self._ended = self.length == 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes; b"" at the end of the body.

        Raises `SoapFault`: 400 when the body ends early, 408 when it is too slow, 413 when it is too large.
        """
        if self._ended:
            return b""
        if self.length is not None:
            size = min(size, self.length - self._received)
        if self._clock() - self._started > 1.0 and self._rate() < self._limits.rate * 64:
            size = min(size, _SLOW_STEP)
        try:
            data: bytes = self._input.read(size)
        except Exception as error:  # whatever the server's reader raises, the peer broke the transfer
            self._ended = True
            raise sender("The message could not be read to its end") from error
        self._received += len(data)
        if self._received > self._limits.body:
            raise sender("The message is too large", http_status=413)
        if not data:
            self._ended = True
            if self.length is not None:
                raise sender("The message could not be read to its end")
        elif self._received == self.length:
            self._ended = True
        self._check_pace()
        return data

    def read_all(self, limit: int) -> bytes:
        """The whole body. Raises `SoapFault` 413 above `limit` bytes, and what `read` raises."""
        if self.length is not None and self.length > limit:
            raise sender("The message is too large", http_status=413)
        pieces = []
        size = 0
        while piece := self.read(65_536):
            size += len(piece)
            if size > limit:
                raise sender("The message is too large", http_status=413)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def drain(self, limit: int) -> None:
        """Read on and forget, up to `limit` bytes, so that a peer that still sends gets to see the answer."""
        try:
            while limit > 0 and (piece := self.read(65_536)):
                limit -= len(piece)
        except SoapFault:
            return

    def _rate(self) -> float:
        elapsed = self._clock() - self._started
        return self._received / elapsed if elapsed > 0 else float("inf")

    def _check_pace(self) -> None:
        elapsed = self._clock() - self._started
        if elapsed > self._limits.body_seconds or (
            elapsed > self._limits.rate_seconds and self._rate() < self._limits.rate
        ):
            raise sender("The message arrives too slowly", http_status=408)
