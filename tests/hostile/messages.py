"""Correct messages for the registry and the repository; each hostile one changes one thing of them."""

from __future__ import annotations

from dataclasses import dataclass

from schemas import vocabulary as v
from soap.vocabulary import ANONYMOUS, SOAP12, WSA, XOP
from tests.hostile.case import CANARY
from tests.xds_repository.submissions import submission

STORED_QUERY = "urn:ihe:iti:2007:RegistryStoredQuery"
MULTI_PATIENT = "urn:ihe:iti:2009:MultiPatientStoredQuery"
REGISTER = "urn:ihe:iti:2007:RegisterDocumentSet-b"
ON_DEMAND = "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry"
PROVIDE = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
RETRIEVE = "urn:ihe:iti:2007:RetrieveDocumentSet"

MESSAGE_ID = "urn:uuid:0f5f4a8e-6a0c-4b6e-9d0e-1a2b3c4d5e6f"
QUERY = (
    f'<q:AdhocQueryRequest xmlns:q="{v.QUERY}" xmlns:rim="{v.RIM}"><q:ResponseOption returnType="ObjectRef"/>'
    '<rim:AdhocQuery id="urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"><rim:Slot name="$XDSDocumentEntryEntryUUID">'
    "<rim:ValueList><rim:Value>('urn:uuid:00000000-0000-4000-8000-000000000001')</rim:Value></rim:ValueList></rim:Slot>"
    f'<rim:Slot name="$note"><rim:ValueList><rim:Value>{CANARY}</rim:Value></rim:ValueList></rim:Slot>'
    "</rim:AdhocQuery></q:AdhocQueryRequest>"
)
SUBMIT = f'<lcm:SubmitObjectsRequest xmlns:lcm="{v.LCM}"><note>{CANARY}</note></lcm:SubmitObjectsRequest>'
FETCH = f'<x:RetrieveDocumentSetRequest xmlns:x="{v.XDSB}"><note>{CANARY}</note></x:RetrieveDocumentSetRequest>'
PUT = FETCH.replace("RetrieveDocumentSetRequest", "ProvideAndRegisterDocumentSetRequest")

ACTION_BLOCK = f'<a:Action s:mustUnderstand="1">{STORED_QUERY}</a:Action>'
ID_BLOCK = f"<a:MessageID>{MESSAGE_ID}</a:MessageID>"
REPLY_BLOCK = f"<a:ReplyTo><a:Address>{ANONYMOUS}</a:Address></a:ReplyTo>"
NOTE = f'<c:note xmlns:c="urn:note">{CANARY}</c:note>'


def action_block(action: str) -> str:
    """The wsa:Action header."""
    return f'<a:Action s:mustUnderstand="1">{action}</a:Action>'


def message(
    body: str = QUERY,
    *,
    before: str = "",
    after: str = "",
    headers: str = "",
    action: str = ACTION_BLOCK,
    message_id: str = ID_BLOCK,
    reply_to: str = REPLY_BLOCK,
) -> str:
    """A stored query that is answered; each argument changes one thing of it."""
    return (
        f'{before}<s:Envelope xmlns:s="{SOAP12}" xmlns:a="{WSA}"><s:Header>{action}{message_id}{reply_to}'
        f"{NOTE}{headers}</s:Header><s:Body>{body}</s:Body></s:Envelope>{after}"
    )


BOUNDARY = "frontiere"


def content_type(
    boundary: str | None = BOUNDARY,
    *,
    type_: str | None = "application/xop+xml",
    start: str | None = "<root@x>",
    start_info: str | None = "application/soap+xml",
    more: str = "",
) -> str:
    """The Content-Type of a package."""
    parameters = (("boundary", boundary), ("type", type_), ("start", start), ("start-info", start_info))
    return "multipart/related" + "".join(f'; {k}="{value}"' for k, value in parameters if value is not None) + more


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a package, as written."""

    content: bytes
    headers: str

    def encoded(self, boundary: str) -> bytes:
        return f"\r\n--{boundary}\r\n{self.headers}\r\n".encode("latin-1") + self.content


def piece(
    content_id: str | None, content: bytes = CANARY.encode(), more: str = "", type_: str | None = "text/xml"
) -> Piece:
    """An attachment."""
    named = f"Content-ID: <{content_id}>\r\n" if content_id is not None else ""
    typed = f"Content-Type: {type_}\r\n" if type_ is not None else ""
    return Piece(content, f"{typed}{named}{more}")


def xop(href: str, *, inside: str = "", attributes: str = "") -> str:
    """An `xop:Include`."""
    return f'<i:Include xmlns:i="{XOP}" href="{href}"{attributes}>{inside}</i:Include>'


def provide(*contents: str, metadata: str | None = None, ids: tuple[str, ...] | None = None, wrap: str = "{}") -> bytes:
    """The envelope of a submission whose Document elements hold `contents`; `wrap` goes around the list of them."""
    made = submission(*(f"{CANARY}{n}".encode() for n in range(len(contents))))
    names = ids if ids is not None else tuple(paper.entry_id for paper in made.papers)
    documents = "".join(f'<x:Document id="{name}">{c}</x:Document>' for name, c in zip(names, contents, strict=True))
    body = (
        f'<x:ProvideAndRegisterDocumentSetRequest xmlns:x="{v.XDSB}">{metadata or made.metadata()}'
        f"{wrap.format(documents)}</x:ProvideAndRegisterDocumentSetRequest>"
    )
    return message(body, action=action_block(PROVIDE)).encode()


def root(content: bytes, *, type_: str = 'application/xop+xml; type="application/soap+xml"', more: str = "") -> Piece:
    """The root part of a package."""
    return Piece(content, f"Content-Type: {type_}\r\nContent-ID: <root@x>\r\n{more}")


def one_document() -> bytes:
    """The root of a package with one document, attached as `d0@x`."""
    return provide(xop("cid:d0@x"))


def two_documents() -> bytes:
    """The root of a package with two documents, attached as `d0@x` and `d1@x`."""
    return provide(xop("cid:d0@x"), xop("cid:d1@x"))


def document(number: int = 0) -> Piece:
    """The attachment that `one_document` and `two_documents` refer to, with the bytes that their metadata describe."""
    return piece(f"d{number}@x", f"{CANARY}{number}".encode())


def package(*pieces: Piece, boundary: str = BOUNDARY, before: bytes = b"", after: bytes = b"\r\n") -> bytes:
    """A package of these parts."""
    parts = b"".join(part.encoded(boundary) for part in pieces)
    return before + parts + f"\r\n--{boundary}--".encode("latin-1") + after
