"""What a handler receives and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lxml import etree

from soap.parts import SpooledPart
from soap.vocabulary import DOCUMENT


@dataclass(frozen=True, slots=True)
class Addressing:
    """The WS-Addressing properties of a request. ITI TF-2: V.3

    `reply_to` is the address as sent, None when the header is absent, which means anonymous.
    """

    action: str
    message_id: str
    to: str | None = None
    reply_to: str | None = None
    fault_to: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service: dispatch is by `action`, and the body must be the element that it declares.

    `body` is a Clark name. `mtom` is the transaction's format by the standard; a request in the other one is served
    too. `binaries` are the Clark names of the elements that may hold an `xop:Include`.
    """

    name: str
    action: str
    reply_action: str
    body: str
    mtom: bool
    handler: Callable[[IncomingMessage], Reply]
    binaries: frozenset[str] = frozenset({DOCUMENT})


@dataclass(slots=True)
class IncomingMessage:
    """A request whose envelope has been checked. Parts are released when the response is finished.

    `body` is the single child of soap:Body, `security` the wsse:Security header block, not interpreted here. `parts`
    are the attachments by Content-ID (percent-decoded, without angle brackets), each referenced exactly once by the
    body; while `admit` runs, none has been read yet. `caller` is what `admit` made of `security` and
    `peer_certificate`: who asks, which is nothing to the wire. `client_address` is the IP address of the peer.
    """

    operation: Operation
    addressing: Addressing
    body: etree._Element
    security: etree._Element | None
    mtom: bool
    peer_certificate: bytes | None
    correlation_id: str
    client_address: str = ""
    caller: object | None = None
    parts: Mapping[str, SpooledPart] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutgoingPart:
    """A binary on its way out: `size` bytes in `chunks`. `content_id` holds only letters, digits and `.@_-`."""

    content_id: str
    content_type: str
    size: int
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: one serialised, self-contained XML element in chunks, and the parts it includes.

    Each part is referred to once by `soap.parts.include(content_id)`, written as it stands. When the request was no
    MTOM message the parts travel as base64 in that place.
    """

    body: Iterable[bytes]
    parts: Sequence[OutgoingPart] = ()
