from __future__ import annotations

import base64
import io
import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soap.faults import SoapFault
from soap.intake import SoapLimits, media_type
from soap.message import OutgoingPart
from soap.mtom.reader import MtomReader
from soap.mtom.writer import inlined, package
from soap.parts import Spool, include

B = "b0undary"
TYPE = f'multipart/related; boundary={B}; type="application/xop+xml"; start-info="application/soap+xml"; start="<root>"'
ROOT_HEAD = 'Content-Type: application/xop+xml; type="application/soap+xml"\r\nContent-ID: <root>\r\n'
LIMITS = SoapLimits(spool_reserve=0)


def part(content_id: str, content: bytes, headers: str = "") -> bytes:
    return f"--{B}\r\nContent-ID: <{content_id}>\r\n{headers}\r\n".encode() + content + b"\r\n"


ROOT = f"--{B}\r\n{ROOT_HEAD}\r\n<root/>\r\n".encode()
END = f"--{B}--\r\n".encode()


def reader(
    body: bytes, tmp_path: Path, content_type: str = TYPE, limits: SoapLimits = LIMITS, step: int | None = None
) -> MtomReader:
    stream = io.BytesIO(body)
    spool = Spool(tmp_path, threshold=limits.spool_threshold)
    return MtomReader(lambda n: stream.read(min(n, step or n)), media_type(content_type), limits, spool)


def read(
    body: bytes, tmp_path: Path, content_type: str = TYPE, limits: SoapLimits = LIMITS, step: int | None = None
) -> tuple[bytes, dict[str, bytes]]:
    package = reader(body, tmp_path, content_type, limits, step)
    try:
        root = package.root()
        return root, {key: b"".join(part.chunks()) for key, part in package.attachments().items()}
    finally:
        package.release()


def refused(body: bytes, tmp_path: Path, content_type: str = TYPE, limits: SoapLimits = LIMITS) -> SoapFault:
    with pytest.raises(SoapFault) as fault:
        read(body, tmp_path, content_type, limits)
    assert list(tmp_path.iterdir()) == []
    return fault.value


def pieces(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    return (content[a:b] for a, b in itertools.pairwise(edges))


_CONTENT = st.one_of(st.binary(max_size=400), st.text("\r\n-bu0ndary=", max_size=200).map(str.encode))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(_CONTENT, st.lists(_CONTENT, max_size=4), st.lists(st.integers(0, 999), max_size=4), st.integers(1, 300))
def test_what_is_written_is_read_back(
    tmp_path: Path, root: bytes, contents: list[bytes], cuts: list[int], step: int
) -> None:
    parts = [OutgoingPart(f"p{n}@x", "text/plain", len(c), pieces(c, cuts)) for n, c in enumerate(contents)]
    packed = package(list(pieces(root, cuts)), parts)
    body = b"".join(packed.chunks)
    assert packed.length == len(body)
    limits = SoapLimits(spool_threshold=100, spool_reserve=0)
    got_root, got = read(body, tmp_path, packed.content_type, limits, step)
    assert got_root == root
    assert got == {f"p{n}@x": content for n, content in enumerate(contents)}
    assert list(tmp_path.iterdir()) == []


ODD_BUT_LEGAL = {
    "a preamble": (b"This is a MIME message\r\n" + ROOT + END, TYPE),
    "a preamble with bare line feeds": (b"one\ntwo\n\r\n" + ROOT + END, TYPE),
    "an empty line first": (b"\r\n" + ROOT + END, TYPE),
    "an epilogue": (ROOT + END + b"the end\r\n", TYPE),
    "no line end after the last boundary": (ROOT + END[:-2], TYPE),
    "padding after a boundary": (ROOT.replace(B.encode(), B.encode() + b" \t "), TYPE),
    "folded headers": (
        ROOT.replace(b'; type="application/soap+xml"', b';\r\n\ttype="application/soap+xml"') + END,
        TYPE,
    ),
    "header names in any case": (
        ROOT.replace(b"Content-ID", b"content-id").replace(b"Content-T", b"CONTENT-T") + END,
        TYPE,
    ),
    "a charset on the root": (ROOT.replace(b"+xml;", b"+xml;charset=utf-8;", 1) + END, TYPE),
    "start without brackets": (ROOT + END, TYPE.replace("<root>", "root")),
    "no start": (ROOT + END, TYPE.replace('; start="<root>"', "")),
    "content id without brackets": (ROOT.replace(b"<root>\r\n\r", b"root\r\n\r") + END, TYPE),
    "unquoted parameters": (ROOT + END, TYPE.replace('"', "")),
    "quoted boundary": (ROOT + END, TYPE.replace(B, f'"{B}"')),
    "escaped quote": (ROOT + END, TYPE + r'; note="a\"b;c"'),
    "parameters in capitals": (ROOT + END, TYPE.replace("type=", "TYPE=").replace("boundary", "Boundary")),
    "action in start-info": (ROOT + END, TYPE.replace('soap+xml"', r'soap+xml; action=\"urn:x\""')),
    "a root without type": (ROOT.replace(b'; type="application/soap+xml"', b"") + END, TYPE),
    "other headers": (ROOT.replace(b"Content-ID", b"X-Other: 1\r\nX-Other: 2\r\nContent-ID") + END, TYPE),
    "root in the second place": (part("a", b"x") + ROOT + END, TYPE),
    "encoding 8bit": (ROOT.replace(b"Content-ID", b"Content-Transfer-Encoding: 8BIT\r\nContent-ID") + END, TYPE),
}


@pytest.mark.parametrize(("body", "content_type"), ODD_BUT_LEGAL.values(), ids=ODD_BUT_LEGAL.keys())
@pytest.mark.parametrize("step", [1, 7, None])
def test_odd_but_legal_packages_are_read(tmp_path: Path, body: bytes, content_type: str, step: int | None) -> None:
    if not body.endswith((END, END[:-2], b"the end\r\n")):
        body += END
    assert read(body, tmp_path, content_type, step=step)[0] == b"<root/>"


@pytest.mark.parametrize(
    "content",
    [b"", b"\r\n", b"\r", b"\n", b"--", b"\r\n--", b"\r\n--b0undar", b"\r\n-b0undary", b"--b0undary", b"x\r\n\r\n"],
)
@pytest.mark.parametrize("step", [1, 2, 3, None])
def test_content_that_resembles_a_boundary_is_content(tmp_path: Path, content: bytes, step: int | None) -> None:
    if content == b"--b0undary":
        content = b"x--b0undary"
    assert read(ROOT + part("a", content) + part("b", b"") + END, tmp_path, step=step)[1] == {"a": content, "b": b""}


def test_a_part_may_have_headers_and_no_body(tmp_path: Path) -> None:
    body = ROOT + f"--{B}\r\nContent-ID: <a>\r\n\r\n--{B}--".encode()
    assert read(body, tmp_path)[1] == {"a": b""}


@pytest.mark.parametrize("step", [1, 5, None])
def test_a_base64_part_is_decoded(tmp_path: Path, step: int | None) -> None:
    content = bytes(range(256)) * 3 + b"x"
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    body = (
        ROOT
        + part("a", encoded, "Content-Transfer-Encoding: BASE64\r\n")
        + part("b", b"", "Content-Transfer-Encoding: base64\r\n")
        + END
    )
    assert read(body, tmp_path, step=step)[1] == {"a": content, "b": b""}


def test_content_ids_are_percent_decoded(tmp_path: Path) -> None:
    assert read(ROOT + part("a%20b@c", b"x") + END, tmp_path)[1] == {"a b@c": b"x"}


def test_parts_go_to_the_spool_and_are_released(tmp_path: Path) -> None:
    package = reader(
        ROOT + part("a", b"x" * 1000) + END, tmp_path, limits=SoapLimits(spool_threshold=10, spool_reserve=0)
    )
    package.root()
    assert list(tmp_path.iterdir()) == []
    assert package.attachments()["a"].path in list(tmp_path.iterdir())
    package.release()
    assert list(tmp_path.iterdir()) == []


HOSTILE: dict[str, tuple[bytes, str]] = {
    "no last boundary": (ROOT, TYPE),
    "cut in the root": (ROOT[:-8], TYPE),
    "cut in a header": (ROOT[:30], TYPE),
    "nothing": (b"", TYPE),
    "no parts": (END, TYPE),
    "another boundary": ((ROOT + END).replace(B.encode(), b"other"), TYPE),
    "a longer boundary": (ROOT.replace(B.encode(), B.encode() + b"x") + END, TYPE),
    "a longer boundary in a part": (ROOT + part("a", f"x\r\n--{B}-inner\r\ny".encode()) + END, TYPE),
    "the boundary inside a part": (ROOT + part("a", f"x\r\n--{B}\r\ny".encode()) + END, TYPE),
    "line feeds only": ((ROOT + END).replace(b"\r\n", b"\n"), TYPE),
    "a line feed in headers": (ROOT.replace(b"\r\nContent-ID", b"\nContent-ID") + END, TYPE),
    "NUL in a header": (ROOT.replace(b"<root>", b"<ro\0ot>") + END, TYPE),
    "a header without colon": (ROOT.replace(b"Content-ID", b"nonsense\r\nContent-ID") + END, TYPE),
    "a folded line first": (ROOT.replace(b"Content-Type", b" x\r\nContent-Type", 1) + END, TYPE),
    "two content ids": (ROOT.replace(b"Content-ID", b"Content-ID: <x>\r\nContent-ID") + END, TYPE),
    "two encodings": (ROOT + part("a", b"", "Content-Transfer-Encoding: binary\r\n" * 2) + END, TYPE),
    "duplicate content id": (ROOT + part("a", b"x") * 2 + END, TYPE),
    "duplicate after decoding": (ROOT + part("a%20b", b"x") + part("a b", b"y") + END, TYPE),
    "duplicate after stripping": (ROOT + part("a", b"x") + part("a", b"y").replace(b"<a>", b"a") + END, TYPE),
    "duplicate of the root": (ROOT + part("root", b"x") + END, TYPE),
    "no content id": (ROOT + f"--{B}\r\n\r\nx\r\n".encode() + END, TYPE),
    "empty content id": (ROOT + part("", b"x") + END, TYPE),
    "start names nothing": (ROOT + END, TYPE.replace("<root>", "<other>")),
    "root of another type": (ROOT.replace(b"xop+xml", b"soap+xml") + END, TYPE),
    "root of SOAP 1.1": (ROOT.replace(b"application/soap+xml", b"text/xml") + END, TYPE),
    "package type missing": (ROOT + END, TYPE.replace('type="application/xop+xml"; ', "")),
    "package type wrong": (ROOT + END, TYPE.replace("xop+xml", "soap+xml")),
    "start-info missing": (ROOT + END, TYPE.replace('start-info="application/soap+xml"; ', "")),
    "start-info of SOAP 1.1": (ROOT + END, TYPE.replace("application/soap+xml", "text/xml")),
    "boundary missing": (ROOT + END, TYPE.replace(f"boundary={B}; ", "")),
    "boundary empty": (ROOT + END, TYPE.replace(f"boundary={B}", 'boundary=""')),
    "boundary too long": ((ROOT + END).replace(B.encode(), b"x" * 71), TYPE.replace(B, "x" * 71)),
    "boundary with a bad character": ((ROOT + END).replace(B.encode(), b"x{y"), TYPE.replace(B, '"x{y"')),
    "boundary ending in a blank": ((ROOT + END).replace(B.encode(), b"x "), TYPE.replace(B, '"x "')),
    "nested multipart": (ROOT + part("a", b"x", "Content-Type: multipart/mixed; boundary=y\r\n") + END, TYPE),
    "nested message": (ROOT + part("a", b"x", "Content-Type: message/rfc822\r\n") + END, TYPE),
    "quoted-printable": (ROOT + part("a", b"x", "Content-Transfer-Encoding: quoted-printable\r\n") + END, TYPE),
    "unknown encoding": (ROOT + part("a", b"x", "Content-Transfer-Encoding: x-uu\r\n") + END, TYPE),
    "bad base64": (ROOT + part("a", b"AA!A", "Content-Transfer-Encoding: base64\r\n") + END, TYPE),
    "unpadded base64": (ROOT + part("a", b"AAA", "Content-Transfer-Encoding: base64\r\n") + END, TYPE),
    "padding inside base64": (ROOT + part("a", b"AA==AAAA", "Content-Transfer-Encoding: base64\r\n") + END, TYPE),
    "malformed part type": (ROOT + part("a", b"x", "Content-Type: nonsense\r\n") + END, TYPE),
    "long preamble": (b"x" * 1100 + b"\r\n" + ROOT + END, TYPE),
    "long epilogue": (ROOT + END + b"x" * 1100, TYPE),
    "text after a boundary": (ROOT.replace(B.encode(), B.encode() + b" x") + END, TYPE),
    "endless padding": (ROOT.replace(B.encode(), B.encode() + b" " * 100) + END, TYPE),
    "a big part before the root": (part("a", b"x" * 300_000) + ROOT + END, TYPE),
}


@pytest.mark.parametrize(("body", "content_type"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_packages_are_refused_and_leave_nothing(tmp_path: Path, body: bytes, content_type: str) -> None:
    assert refused(body, tmp_path, content_type).http_status in (400, 413)


def _with_headers(count: int) -> bytes:
    return ROOT + part("a", b"x", "".join(f"X-{n}: y\r\n" for n in range(count - 1))) + END


LIMITED: dict[str, tuple[SoapLimits, Callable[[int], bytes], int, int]] = {
    "parts": (LIMITS, lambda n: ROOT + b"".join(part(f"p{i}", b"") for i in range(n - 1)) + END, 64, 413),
    "headers": (LIMITS, _with_headers, 16, 400),
    "header": (LIMITS, lambda n: ROOT + part("a", b"x", f"X: {'y' * (n - 3)}\r\n") + END, 4096, 400),
    "preamble": (LIMITS, lambda n: b"x" * n + b"\r\n" + ROOT + END[:-2], 1024, 400),
    "epilogue": (LIMITS, lambda n: ROOT + END[:-2] + b"x" * n, 1024, 400),
    "both": (LIMITS, lambda n: b"x" * 512 + b"\r\n" + ROOT + END[:-2] + b"y" * (n - 512), 1024, 400),
    "part": (SoapLimits(part=1000, spool_reserve=0), lambda n: ROOT + part("a", b"x" * n) + END, 1000, 413),
    "root": (SoapLimits(root=1000), lambda n: ROOT.replace(b"<root/>", b"x" * n) + END, 1000, 413),
    "boundary": (LIMITS, lambda n: (ROOT + END).replace(B.encode(), b"x" * n), 70, 400),
}


@pytest.mark.parametrize("name", LIMITED)
def test_each_limit_holds_at_its_boundary(tmp_path: Path, name: str) -> None:
    limits, make, limit, status = LIMITED[name]
    for size in (limit - 1, limit):
        read(make(size), tmp_path, TYPE.replace(B, "x" * size) if name == "boundary" else TYPE, limits)
    content_type = TYPE.replace(B, "x" * (limit + 1)) if name == "boundary" else TYPE
    assert refused(make(limit + 1), tmp_path, content_type, limits).http_status == status


def test_memory_stays_flat_for_a_large_part(tmp_path: Path) -> None:
    block = bytes(1 << 20)
    head = ROOT + f"--{B}\r\nContent-ID: <a>\r\n\r\n".encode()

    def stream() -> Iterator[bytes]:
        yield head
        for _ in range(64):
            yield block
        yield b"\r\n" + END

    source, rest = stream(), b""

    def read_some(size: int) -> bytes:
        nonlocal rest
        rest = rest or next(source, b"")
        data, rest = rest[:size], rest[size:]
        return data

    limits = SoapLimits(part=1 << 30, spool_reserve=0)
    package = MtomReader(read_some, media_type(TYPE), limits, Spool(tmp_path, threshold=limits.spool_threshold))
    tracemalloc.start()
    package.root()
    part = package.attachments()["a"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    package.release()
    assert part.size == 64 << 20
    # Two blocks of the source stand in for the network here; the rest is ours.
    assert peak < 2 * limits.spool_threshold + 2 * len(block) + 600_000


def test_parts_become_base64_where_the_request_was_simple() -> None:
    body = b"<a><b>" + include("x@y") + b"</b><c>" + include("z@y") + b"</c></a>"
    parts = [OutgoingPart("z@y", "", 4, iter([b"12", b"34"])), OutgoingPart("x@y", "", 5, iter([b"a", b"b", b"cde"]))]
    assert b"".join(inlined(body, parts)) == b"<a><b>YWJjZGU=</b><c>MTIzNA==</c></a>"


def test_a_part_that_is_not_included_once_is_our_own_mistake() -> None:
    for body in (b"<a/>", b"<a>" + include("x@y") * 2 + b"</a>"):
        with pytest.raises(ValueError, match="exactly once"):
            inlined(body, [OutgoingPart("x@y", "", 1, iter([b"a"]))])


@pytest.mark.parametrize("content", [b"", b"ab", b"abcd"])
def test_a_part_of_another_size_than_announced_breaks_off(content: bytes) -> None:
    packed = package([b"<a/>"], [OutgoingPart("x@y", "text/plain", 3, iter([content]))])
    with pytest.raises(ValueError, match="as long as announced"):
        b"".join(packed.chunks)


FULL = SoapLimits(part_headers=3, part_header=40, spool_reserve=0)
FULL_HEADERS = {
    "as many and as long as allowed": f"X: {'x' * 37}\r\nY: {'y' * 37}\r\n",
    "one character longer": f"X: {'x' * 37}\r\nY: {'y' * 38}\r\n",
    "folded at every character": "X: y\r\n" + " \r\n" * 36,
    "folded once more": "X: y\r\n" + " \r\n" * 37,
    "all of them folded": ("X: y\r\n" + " \r\n" * 36) * 2,
}


@pytest.mark.parametrize("lines", FULL_HEADERS.values(), ids=FULL_HEADERS.keys())
def test_the_verdict_on_headers_does_not_depend_on_how_they_arrive(tmp_path: Path, lines: str) -> None:
    root = ROOT.replace(ROOT_HEAD.encode(), b"Content-Type: application/xop+xml\r\nContent-ID: <root>\r\n")
    body = root + f"--{B}\r\nContent-ID: <{'a' * 26}>\r\n{lines}\r\n\r\n".encode() + END

    def accepted(step: int | None) -> bool:
        try:
            read(body, tmp_path, limits=FULL, step=step)
        except SoapFault:
            return False
        return True

    assert {accepted(step) for step in (1, 2, 17, None)} == {accepted(None)}
