"""Wrong values are refused by name, and secrets do not show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from xds_repository.stores import (
    Encryption,
    FilesystemConfiguration,
    S3Configuration,
    StoreMisconfigured,
    open_store,
)
from xds_repository.stores.filesystem import FilesystemStore
from xds_repository.stores.s3 import S3Store

S3 = S3Configuration("localhost:9000", "documents", "name", "very secret")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpoint", ""),
        ("endpoint", "https://localhost"),
        ("bucket", "ab"),
        ("access_key", ""),
        ("secret_key", ""),
        ("prefix", "/documents/"),
        ("prefix", "documents"),
        ("ca", Path("/does/not/exist.pem")),
        ("kms_key", "key-without-kms"),
        ("connect_timeout", 0),
        ("read_timeout", -1),
        ("retries", 11),
        ("connections", 0),
        ("part_size", 1024),
    ],
)
def test_a_wrong_s3_value_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(StoreMisconfigured) as refusal:
        replace(S3, **{key: value})
    assert key in refusal.value.key.split(", ")
    assert refusal.value.accepted in str(refusal.value)


def test_encryption_with_a_managed_key_needs_its_name() -> None:
    with pytest.raises(StoreMisconfigured, match="kms_key"):
        replace(S3, encryption=Encryption.KMS)


@pytest.mark.parametrize(
    ("key", "value"),
    [("root", Path("relative")), ("reserve_share", 1.0), ("reserve_bytes", -1), ("stale_after", 0)],
)
def test_a_wrong_directory_value_is_refused_by_name(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(StoreMisconfigured) as refusal:
        replace(FilesystemConfiguration(tmp_path), **{key: value})
    assert refusal.value.key == key


def test_the_secret_key_is_not_shown() -> None:
    assert "very secret" not in repr(S3)


def test_the_configuration_decides_on_the_store(tmp_path: Path) -> None:
    assert isinstance(open_store(FilesystemConfiguration(tmp_path / "store")), FilesystemStore)
    # Made without a word to the server, which may be away while the process starts.
    assert isinstance(open_store(S3), S3Store)
