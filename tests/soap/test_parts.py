from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soap.faults import SoapFault
from soap.parts import BinaryRefused, PartWriter, Spool, SpooledPart, binary_of, content_id_of, decoded, include
from soap.vocabulary import XOP
from soap.xml import parse_untrusted


def written(spool: Spool, *pieces: bytes, limit: int = 10**9) -> SpooledPart:
    writer = spool.writer(limit)
    for piece in pieces:
        writer.write(piece)
    return writer.finish("id", "text/plain")


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1000])
def test_a_part_is_hashed_and_counted_wherever_it_is_kept(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    part = written(Spool(tmp_path, threshold=100), content[:37], content[37:])
    assert (part.size, part.sha1) == (size, hashlib.sha1(content).hexdigest())
    assert part.sha256 == hashlib.sha256(content).hexdigest()
    assert (part.path is None) is (size <= 100)
    with part.open() as file:
        assert file.read() == content
    assert b"".join(part.chunks(7)) == content


def test_a_released_part_leaves_no_file(tmp_path: Path) -> None:
    part = written(Spool(tmp_path, threshold=0), b"content")
    assert len(list(tmp_path.iterdir())) == 1
    part.release()
    part.release()
    assert list(tmp_path.iterdir()) == []


def test_a_store_may_adopt_the_file(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    part = written(Spool(spool, threshold=0), b"content")
    assert part.path is not None
    part.path.rename(tmp_path / "adopted")
    part.release()
    assert (tmp_path / "adopted").read_bytes() == b"content"


def test_an_aborted_part_leaves_no_file(tmp_path: Path) -> None:
    writer = Spool(tmp_path, threshold=3).writer(10)
    writer.write(b"12345678")
    with pytest.raises(SoapFault) as fault:
        writer.write(b"123")
    assert fault.value.http_status == 413
    writer.abort()
    assert list(tmp_path.iterdir()) == []


def test_the_reserve_of_the_file_system_is_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path, threshold=3, reserve=1 << 62)
    writer = PartWriter(spool, 100)
    writer.write(b"123")
    with pytest.raises(SoapFault) as fault:
        writer.write(b"4")
    assert fault.value.http_status == 503
    assert list(tmp_path.iterdir()) == []


@given(st.binary(max_size=2000), st.integers(1, 80))
def test_base64_text_is_the_bytes_it_stands_for(content: bytes, width: int) -> None:
    text = base64.b64encode(content).decode()
    assert b"".join(decoded(text)) == content
    lines = "\n".join(text[i : i + width] for i in range(0, len(text), width))
    assert b"".join(decoded(f" {lines}\r\n\t")) == content


def test_long_base64_text_is_decoded_in_steps() -> None:
    content = os.urandom(1_000_001)
    pieces = list(decoded(base64.b64encode(content).decode()))
    assert len(pieces) > 1
    assert b"".join(pieces) == content


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AA",
        "AAA",
        "AA=",
        "====",
        "=",
        "A===",
        "AA==AA==",
        "AAA=AAAA",
        "AA-_",
        "AA!A",
        "AAAA=",
        "AB==",
        "AAB=",
        "AAéA",
    ],
)
def test_base64_that_is_not_strict_is_refused(text: str) -> None:
    with pytest.raises(BinaryRefused):
        list(decoded(text))


def test_padding_in_the_middle_of_long_text_is_refused() -> None:
    text = "A" * (4 * 65_536 - 4) + "AAA=" + "AAAA"
    with pytest.raises(BinaryRefused):
        list(decoded(text))


def test_a_binary_element_holds_text_or_one_include(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    part = written(spool, b"attached")
    parts = {"a b@c": part}
    assert binary_of(parse_untrusted(b"<d>aGVsbG8=</d>"), {}, spool).size == 5
    assert binary_of(parse_untrusted(b"<d/>"), {}, spool).size == 0
    reference = f'<d><i:Include xmlns:i="{XOP}" href="cid:a%20b@c"/></d>'.encode()
    assert binary_of(parse_untrusted(reference), parts, spool) is part
    for document in (reference.replace(b"cid:", b"http:"), b"<d>aGVs<!-- -->bG8=</d>", b"<d><e/></d>", b"<d>%</d>"):
        with pytest.raises(BinaryRefused):
            binary_of(parse_untrusted(document), parts, spool)


@pytest.mark.parametrize(
    ("href", "found"),
    [
        ("cid:plain@x", "plain@x"),
        ("CID:plain@x", "plain@x"),
        ("cid:with%20blank@x", "with blank@x"),
        ("cid:100%2525@x", "100%@x"),
        ("cid:100%25@x", "100%@x"),
        ("plain@x", None),
        ("http://plain@x", None),
        ("file:///etc/passwd", None),
        ("cid:", None),
        ("", None),
    ],
)
def test_a_cid_uri_means_the_percent_decoded_content_id(href: str, found: str | None) -> None:
    assert content_id_of(href, dict.fromkeys(["plain@x", "with blank@x", "100%@x"])) == found


@pytest.mark.parametrize("content_id", ["", "a b", 'a"b', "a>b", "a\r\nb", "a%20b", "é"])
def test_our_own_content_ids_hold_nothing_that_needs_escaping(content_id: str) -> None:
    with pytest.raises(ValueError, match="content id"):
        include(content_id)
