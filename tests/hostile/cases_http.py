"""Requests whose HTTP says the wrong thing: method, type, coding, length."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator

from tests.hostile.case import CANARY, REPOSITORY, SOAP, Case, Fault, Unheard
from tests.hostile.messages import content_type, document, message, one_document, package, root

UNSUPPORTED = Fault(415)


def _right() -> bytes:
    return message().encode()


def _case(
    name: str,
    rule: str,
    expected: Fault | Unheard,
    *headers: tuple[str, str],
    body: Callable[[], bytes] = _right,
    method: str = "POST",
    framed: bool = False,
    path: str | None = None,
) -> Case:
    if not any(key == "Content-Type" for key, _ in headers):
        headers = (("Content-Type", SOAP), *headers)
    case = Case(f"HTTP: {name}", rule, expected, body, headers, method=method, framed=framed)
    return case if path is None else Case(case.name, rule, expected, body, headers, path, method, framed)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (_types, _methods, _codings, _lengths, _chunks, _heads):
        yield from family()


def _types() -> Iterator[Case]:
    rule = "application/soap+xml, or multipart/related for a package"
    for value in (
        "text/xml; charset=utf-8",
        "application/xml",
        "text/plain",
        "application/octet-stream",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/mixed; boundary=x",
        "application/xop+xml",
        "application/soap+xmlx",
        "application/fastinfoset",
        f"text/{CANARY}",
        "*/*",
    ):
        shown = "another text" if CANARY in value else value
        yield _case(f"Content-Type {shown}", rule, UNSUPPORTED, ("Content-Type", value))
    malformed = "a Content-Type that can be read in one way"
    for name, value in {
        "empty": "",
        "without slash": "soap",
        "with two slashes": "application/soap/xml",
        "with a blank inside": "application /soap+xml",
        "of a list": "application/soap+xml, text/xml",
        "with a parameter twice": "application/soap+xml; charset=utf-8; charset=utf-16",
        "with a parameter without value": "application/soap+xml; charset",
        "with an empty value": "application/soap+xml; charset=",
        "with an open quote": 'application/soap+xml; action="urn:x',
        "with an escape at the end": 'application/soap+xml; action="urn:x\\',
        "with text behind a quote": 'application/soap+xml; action="x"y',
        "with a strange parameter name": "application/soap+xml; a b=c",
        "with seventeen parameters": "application/soap+xml" + "".join(f"; p{n}=1" for n in range(17)),
        "of 4,097 characters": "application/soap+xml; a=" + "x" * 4073,
        "of semicolons and a quote": "application/soap+xml" + ";" * 3000 + '"',
        "of 1,500 escapes": 'application/soap+xml; a="' + "\\" * 3001,
        "with letters that are not ASCII": "application/soap+xml; a=\u00e9",
    }.items():
        yield _case(f"a Content-Type {name}", malformed, UNSUPPORTED, ("Content-Type", value))


def _methods() -> Iterator[Case]:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "GET", "PROPFIND"):
        yield _case(f"{method} with a message", "only POST exchanges messages", Fault(405), method=method)
    for name, query in {
        "a schema outside": "?xsd=../../../../etc/passwd",
        "an encoded path": "?xsd=..%2F..%2Fetc%2Fpasswd",
        "a null byte": "?xsd=rim.xsd%00",
        "an absolute path": "?xsd=/etc/passwd",
        "a schema that does not exist": f"?xsd={CANARY}",
        "another query": f"?{CANARY}",
    }.items():
        yield _case(
            f"GET {name}", "only our own description is served", Fault(405), method="GET", path=f"/registry{query}"
        )


def _codings() -> Iterator[Case]:
    rule = "no content coding is accepted, hence none is expanded"
    deflated: dict[str, tuple[str, Callable[[], bytes]]] = {
        "gzip": ("gzip", lambda: gzip.compress(_right())),
        "a bomb of gzip": ("gzip", lambda: gzip.compress(bytes(30_000_000), 9)),
        "gzip twice": ("gzip, gzip", lambda: gzip.compress(gzip.compress(_right()))),
        "a thousand members of gzip": ("gzip", lambda: gzip.compress(b"x") * 1000),
        "gzip cut off": ("gzip", lambda: gzip.compress(_right())[:-9]),
        "deflate": ("deflate", lambda: zlib.compress(_right())),
        "brotli": ("br", lambda: b"\x1b\x00\x00"),
        "a coding that nobody knows": (f"x-{CANARY}", _right),
        "identity and gzip": ("identity, gzip", _right),
        "gzip in capitals": ("GZIP", lambda: gzip.compress(_right())),
    }
    for name, (coding, body) in deflated.items():
        yield _case(f"Content-Encoding: {name}", rule, UNSUPPORTED, ("Content-Encoding", coding), body=body)
    yield _case("gzip that is not announced", "a gzip file is no XML", Fault(), body=lambda: gzip.compress(_right()))
    yield _case(
        "gzip as a transfer coding",
        "the length can be read in one way",
        Unheard(400),
        ("Transfer-Encoding", "gzip"),
        framed=True,
    )


def _lengths() -> Iterator[Case]:
    rule = "the length of a message can be read in one way"
    size = str(len(_right()))
    chunked = ("Transfer-Encoding", "chunked")
    for name, headers in {
        "a length and chunks": (("Content-Length", size), chunked),
        "chunks and a length": (chunked, ("Content-Length", size)),
        "two lengths": (("Content-Length", size), ("Content-Length", "0")),
        "one length twice": (("Content-Length", size), ("Content-Length", size)),
        "a list of lengths": (("Content-Length", f"{size}, {size}"),),
        "a negative length": (("Content-Length", "-1"),),
        "a signed length": (("Content-Length", f"+{size}"),),
        "a length in hexadecimal": (("Content-Length", "0x10"),),
        "a length of a word": (("Content-Length", CANARY),),
        "a length with a fraction": (("Content-Length", "10.0"),),
        "a length with an underscore": (("Content-Length", "1_0"),),
        "chunks of another spelling": (("Transfer-Encoding", "xchunked"),),
        "chunks twice": (chunked, chunked),
    }.items():
        status = 501 if "another" in name else 400
        yield _case(name, rule, Unheard(status), *headers, framed=True)
    yield _case("a length below the truth", "the message is whole", Fault(), ("Content-Length", "200"), framed=True)
    yield _case(
        "a length above the truth",
        "the message is whole",
        Fault(),
        ("Content-Length", str(len(_right()) + 1)),
        framed=True,
    )
    yield _case("a length of nothing", "the message is whole", Fault(), ("Content-Length", "0"), framed=True)
    yield _case("no length", "the message is whole", Fault(), framed=True)
    for name, announced in {"64,000,001 bytes": 64_000_001, "an exabyte": 10**18 - 1}.items():
        yield _case(
            f"{name} announced",
            "a body has at most 64 MB",
            Fault(413),
            ("Content-Length", str(announced)),
            framed=True,
        )
    yield _case(
        "12,000,001 bytes announced without a package",
        "a message without attachments has at most 12 MB",
        Fault(413),
        ("Content-Length", "12000001"),
        framed=True,
    )
    package_type = ("Content-Type", content_type())
    yield _case(
        "a package cut by its length",
        "the message is whole",
        Fault(),
        package_type,
        body=lambda: package(root(one_document()), document())[:-30],
        path=REPOSITORY,
    )


def _chunks() -> Iterator[Case]:
    chunked = ("Transfer-Encoding", "chunked")

    def of(data: bytes, size: bytes | None = None) -> bytes:
        return (size or f"{len(data):x}".encode()) + b"\r\n" + data + b"\r\n"

    right = _right()
    for name, wire in {
        "without an end": of(right),
        "cut in the middle": of(right)[:500],
        "with a negative size": of(right, b"-5") + b"0\r\n\r\n",
        "with a size of letters": of(right, CANARY.encode()) + b"0\r\n\r\n",
        "with a size with 0x": of(right, f"0x{len(right):x}".encode()) + b"0\r\n\r\n",
        "with a size too small": of(right, b"10") + b"0\r\n\r\n",
        "with a size too large": of(right, b"ffffff") + b"0\r\n\r\n",
        "with an enormous size": of(right, b"f" * 40) + b"0\r\n\r\n",
        "with no line ends": right,
    }.items():
        yield _case(f"chunks {name}", "chunks are well-formed", Fault(), chunked, body=lambda w=wire: w, framed=True)
    yield _case(
        "chunks of a message cut short",
        "well-formed",
        Fault(),
        chunked,
        body=lambda: of(right[:300]) + b"0\r\n\r\n",
        framed=True,
    )
    yield _case(
        "13 MB in chunks",
        "a message without attachments has at most 12 MB",
        Fault(413),
        chunked,
        body=lambda: of(b" " * 1_000_000) * 13 + b"0\r\n\r\n",
        framed=True,
    )
    yield _case(
        "a chunk of one byte, a hundred thousand times",
        "well-formed",
        Fault(),
        chunked,
        body=lambda: of(b"<") * 100_000 + b"0\r\n\r\n",
        framed=True,
    )


def _heads() -> Iterator[Case]:
    rule = "headers that can be read in one way, and not too many"
    yield _case("101 headers", rule, Unheard(431), *((f"X-{n}", CANARY) for n in range(101)))
    yield _case("a header of 9 KB", rule, Unheard(431), ("X-Long", CANARY * 900))
    yield _case("a header with a blank in its name", rule, Unheard(400), ("X Name", CANARY))
    yield _case("a header with a blank behind its name", rule, Unheard(400), ("X-Name ", CANARY))
    yield _case("a header with NUL", rule, Unheard(400), ("X-Name", f"{CANARY}\0"))
    yield _case("a header with a bare carriage return", rule, Unheard(400), ("X-Name", f"{CANARY}\rX: y"))
    yield _case("an expectation that nobody meets", rule, Unheard(417), ("Expect", "a-miracle"))
    yield _case("a request line of 5 KB", rule, Unheard(414), path="/registry?" + CANARY * 450)
