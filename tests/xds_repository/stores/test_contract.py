"""Keys and digests hold nothing that could name another file."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds_repository.stores import BlobKey, Digest


@given(st.uuids())
def test_a_key_is_the_canonical_text_of_a_uuid(value: uuid.UUID) -> None:
    assert str(BlobKey(str(value))) == str(value)


def test_new_keys_differ() -> None:
    assert len({BlobKey.new() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../../../../../../../../etc/passwd..",
        "ab/cd",
        "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        "{f81d4fae-7dec-11d0-a765-00a0c91e6bf}",
        "f81d4fae7dec11d0a76500a0c91e6bf6",
        "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf\n",
        "f81d4fae-7dec-11d0-a765-00a0c91e6b/.",
        "f81d4fae-7dec-11d0-a765-00a0c91e6_f6",
    ],
)
def test_any_other_text_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        BlobKey(text)


@pytest.mark.parametrize(("size", "sha256"), [(-1, "0" * 64), (1, "0" * 63), (1, "G" * 64), (1, "A" * 64)])
def test_a_digest_is_a_size_and_a_lower_case_sha256(size: int, sha256: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        Digest(size, sha256)
