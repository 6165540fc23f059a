"""Packages that are cut, nested, doubled, endless, or that refer to what they do not hold.

RFC 2046 §5.1, RFC 2387, XOP 1.0
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

from schemas import vocabulary as v
from soap.vocabulary import WSSE, XOP
from tests.hostile.case import CANARY, REGISTRY, REPOSITORY, SOAP, Case, Fault, bait_url
from tests.hostile.messages import (
    BOUNDARY,
    PROVIDE,
    Piece,
    action_block,
    content_type,
    document,
    message,
    one_document,
    package,
    piece,
    provide,
    root,
    two_documents,
    xop,
)

SENDER, TOO_LARGE = Fault(), Fault(413)
TYPE = content_type()


def _case(
    name: str,
    rule: str,
    body: Callable[[], bytes],
    media: str = TYPE,
    expected: Fault = SENDER,
    *,
    path: str = REPOSITORY,
) -> Case:
    return Case(f"MTOM: {name}", rule, expected, body, (("Content-Type", media),), path)


def right() -> bytes:
    """A package that is accepted."""
    return package(root(one_document()), document())


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (
        _parameters,
        _roots,
        _references,
        _places,
        _headers,
        _sizes,
        _nested,
        _cuts,
        _boundaries,
        _encodings,
    ):
        yield from family()


def _parameters() -> Iterator[Case]:
    rule = "boundary, type, start and start-info say what XOP wants"
    for name, media in {
        "no boundary": content_type(None),
        "an empty boundary": content_type(""),
        "a boundary of 71": content_type("x" * 71),
        "a boundary of 3,000": content_type("x" * 3000),
        "a boundary with a brace": content_type("x{y"),
        "a boundary with a tabulator": content_type("x\ty"),
        "a boundary that ends in a blank": content_type("x "),
        "a boundary that is not ASCII": content_type("fronti\u00e8re"),
        "a boundary with a quote": content_type('x\\"y'),
        "no type": content_type(type_=None),
        "the type of a message": content_type(type_="application/soap+xml"),
        "the type of a text": content_type(type_="text/xml"),
        "an empty type": content_type(type_=""),
        "no start-info": content_type(start_info=None),
        "the start-info of SOAP 1.1": content_type(start_info="text/xml"),
        "a start-info of nonsense": content_type(start_info=CANARY),
        "an empty start-info": content_type(start_info=""),
        "an empty start": content_type(start=""),
        "a start of brackets": content_type(start="<>"),
        "a start of 513": content_type(start="x" * 513),
        "a start with a control character": content_type(start="%00"),
    }.items():
        used = media.partition('boundary="')[2].partition('"')[0] or BOUNDARY
        sent = used if used.isascii() else BOUNDARY
        yield _case(name, rule, lambda b=sent: package(root(one_document()), document(), boundary=b), media)
    yield _case("the boundary twice", "one boundary", right, TYPE + "; boundary=other", Fault(415))


def _roots() -> Iterator[Case]:
    rule = "the root is the part that start names, and a SOAP 1.2 message in XOP form"
    for name, start in {"nobody": "<nobody@x>", "an attachment": "<d0@x>", "the root in capitals": "<ROOT@X>"}.items():
        yield _case(f"start names {name}", rule, right, content_type(start=start))
    for name, type_ in {
        "a message that is no XOP": "application/soap+xml",
        "XML": "text/xml",
        "nothing known": f"application/{CANARY}",
        "SOAP 1.1 in XOP form": 'application/xop+xml; type="text/xml"',
        "XOP with a malformed type": 'application/xop+xml; type="nonsense"',
        "nonsense": CANARY,
        "a package": f'multipart/related; boundary="{BOUNDARY}2"',
    }.items():
        yield _case(f"a root of {name}", rule, lambda t=type_: package(root(one_document(), type_=t), document()))
    yield _case("no parts", "a package has a root part", package)
    yield _case("an attachment alone", "a package has a root part", lambda: package(document()))
    first = content_type(start=None)
    yield _case(
        "an attachment in the first place and no start", rule, lambda: package(document(), root(one_document())), first
    )
    yield _case(
        "an attachment of 300,000 bytes before the root",
        "nobody has been admitted yet",
        lambda: package(piece("d0@x", bytes(300_000)), root(one_document())),
        expected=TOO_LARGE,
    )
    yield _case("a root that is no envelope", "the message is an envelope", lambda: package(root(b"<y/>"), document()))
    yield _case("a root that is empty", "well-formed", lambda: package(root(b""), document()))
    yield _case(
        "a root of another charset",
        "one encoding",
        lambda: package(
            root(one_document(), type_='application/xop+xml; charset=utf-16; type="application/soap+xml"'), document()
        ),
    )
    yield _case(
        "two roots", "Content-IDs are unique", lambda: package(root(one_document()), root(one_document()), document())
    )
    yield _case(
        "a query in a package for the repository",
        "the action is one of the service",
        lambda: package(root(message().encode())),
        expected=Fault(subcode="ActionNotSupported"),
    )


def _references() -> Iterator[Case]:
    rule = "each reference has its attachment, each attachment one reference"

    def sent(href: str, *pieces: Piece) -> Callable[[], bytes]:
        return lambda: package(root(provide(xop(href))), *(pieces or (document(),)))

    for name, href in {
        "to nobody": "cid:nobody@x",
        "to the root": "cid:root@x",
        "without scheme": "d0@x",
        "of nothing": "",
        "of a scheme alone": "cid:",
        "over HTTP": bait_url("d0@x"),
        "over HTTPS": "https://127.0.0.1/d0@x",
        "to a file": "file:///etc/passwd",
        "over FTP": "ftp://127.0.0.1/d0",
        "of data": "data:text/plain,d0",
        "by message id": "mid:d0@x",
        "in brackets": "cid:&lt;d0@x&gt;",
        "with a blank": "cid:d0@x%20",
        "with a NUL": "cid:d0@x%00",
        "with a tail": f"cid:d0@x#{CANARY}",
        "with a path": "cid:/d0@x",
        "in capitals": "cid:D0@X",
        "encoded three times": "cid:d0%25252540x",
        "with half a percent escape": "cid:d0%4",
        "of a megabyte": "cid:" + "%20" * 20_000,
        "overlong": "cid:d0%c1%80x",
    }.items():
        yield _case(f"a reference {name}", rule, sent(href))
    yield _case("an attachment that nobody refers to", rule, sent("cid:d0@x", document(), piece("other@x")))
    yield _case(
        "ten attachments that nobody refers to",
        rule,
        sent("cid:d0@x", document(), *(piece(f"o{n}@x") for n in range(10))),
    )
    yield _case(
        "a reference without href", rule, lambda: package(root(provide(f'<i:Include xmlns:i="{XOP}"/>')), document())
    )
    yield _case(
        "a reference with href in a namespace",
        rule,
        lambda: package(root(provide(f'<i:Include xmlns:i="{XOP}" i:href="cid:d0@x"/>')), document()),
    )
    yield _case(
        "two references to one attachment",
        rule,
        lambda: package(root(provide(xop("cid:d0@x"), xop("cid:d0@x"))), document()),
    )
    yield _case(
        "two spellings of one reference",
        rule,
        lambda: package(root(provide(xop("cid:d0@x"), xop("cid:%640%40x"))), document()),
    )
    yield _case("one attachment for two references", rule, lambda: package(root(two_documents()), document(0)))
    yield _case("no attachment at all", rule, lambda: package(root(one_document())))
    twice = "Content-IDs are unique, however they are written"
    for name, second in {
        "the same": piece("d0@x"),
        "percent-encoded": piece("d0%40x"),
        "without brackets": Piece(b"", "Content-ID: d0@x\r\n"),
        "encoded and without brackets": Piece(b"", "Content-ID: %640@x\r\n"),
        "with blanks around": Piece(b"", "Content-ID:   <d0@x>  \r\n"),
        "folded": Piece(b"", "Content-ID:\r\n <d0@x>\r\n"),
        "that of the root": piece("root@x"),
    }.items():
        yield _case(f"a Content-ID twice: {name}", twice, sent("cid:d0@x", document(), second))
    named = "each attachment has a Content-ID"
    for name, unnamed in {
        "no": piece(None),
        "an empty": Piece(b"x", "Content-ID:\r\n"),
        "a bracketed empty": piece(""),
        "a too long": piece("x" * 513),
        "an unprintable": piece("x%0D%0Ay"),
        "a NUL in a": piece("x%00y"),
    }.items():
        yield _case(f"{name} Content-ID", named, sent("cid:d0@x", document(), unnamed))


def _places() -> Iterator[Case]:
    rule = "xop:Include stands alone in xdsb:Document, and nowhere else"
    reference = xop("cid:d0@x")
    bodies: dict[str, Callable[[], bytes]] = {
        "beside text": lambda: provide(f"AAAA{reference}"),
        "before text": lambda: provide(f"{reference}AAAA"),
        "twice in one place": lambda: provide(reference + xop("cid:d1@x")),
        "beside an element": lambda: provide(f"{reference}<y/>"),
        "beside a comment": lambda: provide(f"{reference}<!-- {CANARY} -->"),
        "with an element inside": lambda: provide(xop("cid:d0@x", inside=f"<y>{CANARY}</y>")),
        "with another inside": lambda: provide(xop("cid:d0@x", inside=xop("cid:d1@x"))),
        "with a comment inside": lambda: provide(xop("cid:d0@x", inside=f"<!-- {CANARY} -->")),
        "one level too deep": lambda: provide(f"<y>{reference}</y>"),
        "beside the documents": lambda: provide(wrap=reference),
        "for the metadata": lambda: provide(wrap="{}", metadata=reference),
        "in the metadata": lambda: provide(metadata=f'<m xmlns="{v.LCM}">{reference}</m>'),
        "in the header": lambda: one_document().replace(b"</s:Header>", f"{reference}</s:Header>".encode()),
        "in the security header": lambda: one_document().replace(
            b"</s:Header>", f'<w:Security xmlns:w="{WSSE}">{reference}</w:Security></s:Header>'.encode()
        ),
        "in a document in the header": lambda: one_document().replace(
            b"</s:Header>", f'<x:Document xmlns:x="{v.XDSB}">{reference}</x:Document></s:Header>'.encode()
        ),
        "in the action": lambda: one_document().replace(b"</a:MessageID>", f"{reference}</a:MessageID>".encode()),
        "for the body": lambda: message(reference, action=action_block(PROVIDE)).encode(),
        "in a document of another namespace": lambda: (
            one_document()
            .replace(b"<x:Document ", b'<z:Document xmlns:z="urn:z" ')
            .replace(b"</x:Document>", b"</z:Document>")
        ),
    }
    subcodes = {"in the action": "InvalidAddressingHeader", "for the body": "ActionMismatch"}
    for name, body in bodies.items():
        yield _case(
            f"an xop:Include {name}",
            rule,
            lambda b=body: package(root(b()), document()),
            expected=Fault(subcode=subcodes.get(name)),
        )
    simple = "an xop:Include belongs in a package"
    yield _case("an xop:Include in a simple message", simple, one_document, SOAP)
    yield _case(
        "an xop:Include in a simple query", simple, lambda: message(headers=reference).encode(), SOAP, path=REGISTRY
    )
    yield _case(
        "an xop:Include in a query",
        rule,
        lambda: package(root(message().replace("</q:Adhoc", f"{reference}</q:Adhoc").encode()), document()),
        path=REGISTRY,
    )


def _headers() -> Iterator[Case]:
    rule = "headers of parts are few, short and well-formed"
    forms = {
        "17 headers": "".join(f"X-{n}: {CANARY}\r\n" for n in range(15)),
        "a thousand headers": "".join(f"X-{n}: y\r\n" for n in range(1000)),
        "a header of 4,097": f"X: {'y' * 4094}\r\n",
        "a header of a megabyte": f"X: {'y' * 1_000_000}\r\n",
        "a header folded 3,000 times": "X: y\r\n" + " y\r\n" * 3000,
        "a header without colon": f"{CANARY}\r\n",
        "a header without name": f": {CANARY}\r\n",
        "a header with a blank in its name": f"X Y: {CANARY}\r\n",
        "a header with a blank behind its name": f"X : {CANARY}\r\n",
        "a header with NUL": f"X: {CANARY}\0\r\n",
        "a header with a bare line feed": f"X: y\nZ: {CANARY}\r\n",
        "a header with a bare carriage return": f"X: y\rZ: {CANARY}\r\n",
        "a header name that is not ASCII": "X\u00e9: y\r\n",
        "two Content-IDs": "Content-ID: <other@x>\r\n",
        "two Content-Types": "Content-Type: text/plain\r\n",
        "two transfer encodings": "Content-Transfer-Encoding: binary\r\n" * 2,
    }
    for name, lines in forms.items():
        yield _case(name, rule, lambda more=lines: package(root(one_document()), piece("d0@x", more=more)))
        yield _case(
            f"{name} on the root", rule, lambda more=lines: package(root(one_document(), more=more), document())
        )
    yield _case(
        "a folded line for a first header",
        rule,
        lambda: package(root(one_document()), Piece(b"x", " folded\r\nContent-ID: <d0@x>\r\n")),
    )
    yield _case("headers that never end", rule, lambda: package(root(one_document()), Piece(b"", "X: y\r\n" * 500_000)))
    yield _case(
        "no headers", "each attachment has a Content-ID", lambda: package(root(one_document()), Piece(b"x", ""))
    )
    for type_ in ("nonsense", "text/", "/plain", f"text/plain; {CANARY}", "text/plain; a=b; a=c", 'text/plain; a="b'):
        shown = "text/plain with a bare parameter" if CANARY in type_ else type_
        yield _case(
            f"an attachment of type {shown}",
            rule,
            lambda t=type_: package(root(one_document()), piece("d0@x", type_=t)),
        )


def _sizes() -> Iterator[Case]:
    rule = "so many parts of such a size, and little around them"
    many = [piece(f"p{n}@x", b"") for n in range(64)]
    yield _case("65 parts", rule, lambda: package(root(one_document()), *many), expected=TOO_LARGE)
    yield _case(
        "10,000 parts",
        rule,
        lambda: package(root(one_document()), *(piece(f"p{n}@x", b"") for n in range(10_000))),
        expected=TOO_LARGE,
    )
    yield _case(
        "an attachment of 25,000,001 bytes",
        rule,
        lambda: package(root(one_document()), piece("d0@x", bytes(25_000_001))),
        expected=TOO_LARGE,
    )
    yield _case(
        "attachments of 66 MB",
        rule,
        lambda: package(root(two_documents()), *(piece(f"d{n}@x", bytes(22_000_000)) for n in range(3))),
        expected=TOO_LARGE,
    )
    around = "little text around the parts"
    for name, before, after in (
        ("a preamble of 1,025", b"x" * 1025, b""),
        ("a preamble of 10 MB", b"x" * 10_000_000, b""),
        ("an epilogue of 1,025", b"", b"x" * 1025),
        ("an epilogue of 10 MB", b"", b"\r\n" + b"x" * 10_000_000),
        ("preamble and epilogue of 1,100 together", b"x" * 550, b"y" * 550),
        ("a preamble of line ends", b"\r\n" * 600, b""),
        ("a preamble of near-boundaries", f"\r\n--{BOUNDARY[:-1]}".encode() * 200, b""),
        ("a second package behind the first", b"", right()),
    ):
        yield _case(
            name, around, lambda b=before, a=after: package(root(one_document()), document(), before=b, after=a)
        )


def _nested() -> Iterator[Case]:
    rule = "an attachment is no package, and is not read as one"
    for type_ in (
        "multipart/mixed; boundary=y",
        "multipart/related; boundary=y",
        "MULTIPART/ALTERNATIVE; boundary=y",
        "multipart/form-data",
        "message/rfc822",
        "message/partial",
        "message/external-body; access-type=URL",
        "Message/HTTP",
    ):
        inner = b"--y\r\n\r\n" + CANARY.encode() + b"\r\n--y--"
        yield _case(
            f"an attachment of type {type_}",
            rule,
            lambda t=type_, i=inner: package(root(one_document()), piece("d0@x", i, type_=t)),
        )


def _cuts() -> Iterator[Case]:
    rule = "a package ends with its last boundary"
    marks = {
        "the first boundary": f"--{BOUNDARY}".encode(),
        "the first header": b"Content-Type",
        "the Content-ID of the root": b"Content-ID: <root@x>",
        "the headers of the root": b"\r\n\r\n",
        "the envelope": b"<s:Envelope",
        "the header": b"</s:Header>",
        "the include": b"Include",
        "the document": b"</x:Document>",
        "the root": b"</s:Envelope>",
        "the second boundary": f"\r\n--{BOUNDARY}\r\nContent-Type: text/xml\r\n".encode(),
        "the headers of the attachment": b"<d0@x>\r\n\r\n",
        "the attachment": f"{CANARY}0\r\n".encode(),
        "the last boundary": f"\r\n--{BOUNDARY}--".encode(),
    }

    def cut(mark: bytes, offset: int) -> bytes:
        whole = right()
        return (
            whole[: whole.rindex(mark) + offset] if mark.startswith(b"\r\n--") else whole[: whole.index(mark) + offset]
        )

    for name, mark in marks.items():
        for place, offset in (("before", 0), ("inside", len(mark) // 2), ("behind", len(mark))):
            if name == "the last boundary" and place == "behind":
                continue
            yield _case(f"cut {place} {name}", rule, lambda m=mark, o=offset: cut(m, o))
    yield _case("one hyphen short", rule, lambda: cut(f"\r\n--{BOUNDARY}--".encode(), -1 + len(f"\r\n--{BOUNDARY}--")))
    yield _case("cut to nothing", rule, lambda: b"")


def _boundaries() -> Iterator[Case]:
    rule = "parts are divided by CR LF, two hyphens and the boundary"
    line = f"--{BOUNDARY}".encode()
    for name, spoil in {
        "another boundary": lambda data: data.replace(line, b"--other"),
        "a boundary in capitals": lambda data: data.replace(line, line.upper()),
        "a boundary with a tail": lambda data: data.replace(line, line + b"x"),
        "a boundary that goes on inside": lambda data: data.replace(
            f"{CANARY}0\r\n".encode(), b"x\r\n" + line + b"-in\r\n"
        ),
        "the boundary inside an attachment": lambda data: data.replace(
            f"{CANARY}0\r\n".encode(), b"x\r\n" + line + b"\r\ny\r\n"
        ),
        "the last boundary inside an attachment": lambda data: data.replace(
            f"{CANARY}0\r\n".encode(), b"x\r\n" + line + b"--\r\n" + b"y" * 2000 + b"\r\n"
        ),
        "one hyphen": lambda data: data.replace(line, line[1:]),
        "line feeds alone": lambda data: data.replace(b"\r\n", b"\n"),
        "carriage returns alone": lambda data: data.replace(b"\r\n", b"\r"),
        "line feeds around the boundary": lambda data: data.replace(b"\r\n" + line, b"\n" + line),
        "text behind a boundary": lambda data: data.replace(line + b"\r\n", line + b" x\r\n"),
        "65 blanks behind a boundary": lambda data: data.replace(line + b"\r\n", line + b" " * 65 + b"\r\n"),
        "a megabyte of blanks behind a boundary": lambda data: data.replace(line + b"\r\n", line + b" " * 1_000_000, 1),
        "a NUL in a boundary": lambda data: data.replace(line, line[:5] + b"\0" + line[5:]),
        "no boundary at all": lambda data: data.replace(line, b""),
    }.items():
        yield _case(name, rule, lambda s=spoil: s(right()))


def _encodings() -> Iterator[Case]:
    rule = "a transfer encoding is binary, 8bit, 7bit or strict base64"
    for encoding in ("quoted-printable", "x-uuencode", "gzip", "base64url", "base64, base64", "binary; x", "", CANARY):
        shown = "nonsense" if encoding == CANARY else encoding or "nothing"
        more = f"Content-Transfer-Encoding: {encoding}\r\n"
        yield _case(
            f"{shown} for an attachment", rule, lambda m=more: package(root(one_document()), piece("d0@x", more=m))
        )
        yield _case(f"{shown} for the root", rule, lambda m=more: package(root(one_document(), more=m), document()))
    declared = "Content-Transfer-Encoding: base64\r\n"
    for name, content in {
        "of plain text": CANARY.encode(),
        "with a strange character": b"AA!A",
        "without padding": b"AAA",
        "padded in the middle": b"AA==AAAA",
        "of the URL alphabet": b"AA-_",
        "with unused bits": b"AB==",
        "of padding": b"====",
        "with a NUL": b"AA\0A",
        "spoiled at the end of a megabyte": b"A" * 1_000_000 + b"*",
    }.items():
        yield _case(f"base64 {name}", rule, lambda c=content: package(root(one_document()), piece("d0@x", c, declared)))
    yield _case("a root of broken base64", rule, lambda: package(root(b"PHk*", more=declared), document()))
    yield _case(
        "a root of base64 that is no envelope",
        "the message is an envelope",
        lambda: package(root(base64.b64encode(b"<y/>"), more=declared), document()),
    )
