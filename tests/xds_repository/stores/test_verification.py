"""A verified stream, whatever the content, the pieces it comes in and the way it was altered."""

from __future__ import annotations

import hashlib
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds_repository.stores import BlobCorrupt, BlobKey, Digest
from xds_repository.stores.verification import VerifiedStream

KEY = BlobKey.new()
pieces = st.lists(st.binary(min_size=1, max_size=64), max_size=8)


def stream(came: list[bytes], content: bytes, closed: list[bool]) -> VerifiedStream:
    reader = chain(came, repeat(b""))
    expected = Digest(len(content), hashlib.sha256(content).hexdigest())
    return VerifiedStream(KEY, expected, lambda: next(reader), lambda: closed.append(True))


def read_into(delivered: list[bytes], chunks: VerifiedStream) -> None:
    """Keep what is delivered, also when reading ends in an error."""
    for chunk in chunks:
        delivered.append(chunk)


@given(pieces)
def test_unaltered_content_comes_whole_and_is_closed_once(came: list[bytes]) -> None:
    closed: list[bool] = []
    content = b"".join(came)
    assert b"".join(stream(came, content, closed)) == content
    assert closed == [True]


@given(pieces, st.binary(max_size=256))
def test_other_content_never_comes_whole(came: list[bytes], content: bytes) -> None:
    if b"".join(came) == content:
        return
    closed: list[bool] = []
    delivered: list[bytes] = []
    with pytest.raises(BlobCorrupt):
        read_into(delivered, stream(came, content, closed))
    assert len(delivered) < len(came) or not came
    assert len(b"".join(delivered)) <= len(content)
    assert closed == [True]


def test_a_failure_of_the_reader_closes_it() -> None:
    closed: list[bool] = []

    def fail() -> bytes:
        raise ConnectionError

    broken = VerifiedStream(KEY, Digest(1, "0" * 64), fail, lambda: closed.append(True))
    with pytest.raises(ConnectionError):
        next(broken)
    assert closed == [True]
    assert list(broken) == []
