"""What an object store promises, and the values and errors of that promise.

    StoreError
      BlobMissing        nothing is stored under this key
      BlobConflict       the key holds other bytes: they stay
      BlobCorrupt        the bytes are not those that were promised
      StoreUnavailable   the store cannot answer, or may not be written to any more
      StoreFull          the store has no room; reading goes on

A message names a key at most, never content.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol, Self

_CANONICAL_UUID: Final = re.compile("[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_SHA256_LENGTH: Final = 64
_HEXADECIMAL: Final = frozenset("0123456789abcdef")


class StoreError(Exception):
    """Something an object store could not do."""


class BlobMissing(StoreError):
    """Nothing is stored under the key."""


class BlobConflict(StoreError):
    """The key already holds other bytes. They are untouched."""


class BlobCorrupt(StoreError):
    """Bytes differ from the size or SHA-256 that was promised for them: at rest, or in the source of a write."""


class StoreUnavailable(StoreError):
    """The store does not answer, refuses us, or may not be written to any more. Whether a write took place is open."""


class StoreFull(StoreError):
    """The store has no room for this write. Reads are not concerned."""


@dataclass(frozen=True, slots=True)
class BlobKey:
    """The name of one blob: a UUID in its canonical lower-case form, and nothing a client could choose.

    Raises `ValueError` for any other text, so that a key is always safe as a file or object name.
    """

    text: str

    def __post_init__(self) -> None:
        if not _CANONICAL_UUID.fullmatch(self.text):
            raise ValueError("a blob key is a UUID in canonical lower-case form")

    @classmethod
    def new(cls) -> Self:
        """A key nobody else has."""
        return cls(str(uuid.uuid4()))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Digest:
    """What bytes must be: `size` in bytes, `sha256` in lower-case hexadecimal."""

    size: int
    sha256: str

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.sha256) != _SHA256_LENGTH or not _HEXADECIMAL.issuperset(self.sha256):
            raise ValueError("a digest is a size and a SHA-256 in lower-case hexadecimal")


@dataclass(frozen=True, slots=True)
class BlobStat:
    """What a store knows of a blob without reading it.

    `sha256` is the one recorded at the write, None where the store records none; `modified` has a time zone.
    """

    key: BlobKey
    size: int
    sha256: str | None
    modified: datetime


class BlobSource(Protocol):
    """Bytes received and hashed, ready to be stored.

    `size` is in bytes, the hashes are lower-case hexadecimal. `path` is the file that holds the bytes, None while they
    are in memory. Nobody writes to that file any more.
    """

    @property
    def size(self) -> int: ...
    @property
    def sha1(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def path(self) -> Path | None: ...

    def open(self) -> BinaryIO:
        """The bytes from their start. The caller closes it."""


class BlobStream(Iterator[bytes], Protocol):
    """The chunks of one blob. Reading it to its end, or `close`, gives the resources behind it back."""

    def close(self) -> None:
        """Stop reading. May be called again."""


class ObjectStore(Protocol):
    """Keeps blobs under UUIDs, each written once. Safe for use by several threads and processes at a time."""

    def put(self, key: BlobKey, source: BlobSource) -> None:
        """Store the bytes of `source`; on return they survive a loss of power.

        Never overwrites: the same bytes under the same key succeed again. Raises `BlobConflict` for other bytes,
        `BlobCorrupt` when the source is not what its digest says, `StoreFull`, `StoreUnavailable`.
        """

    def stat(self, key: BlobKey) -> BlobStat | None:
        """What is stored under `key`; None when nothing is. Raises `StoreUnavailable`."""

    def open(self, key: BlobKey, expected: Digest) -> BlobStream:
        """The blob in chunks, verified on the way: the last chunk is only given once size and SHA-256 are right.

        Raises `BlobMissing` and `StoreUnavailable`; `BlobCorrupt` here or from the stream.
        """

    def delete(self, key: BlobKey) -> None:
        """Remove the blob. Succeeds when there is none. Raises `StoreUnavailable`."""

    def blobs(self) -> Iterator[BlobStat]:
        """Every blob, in no order worth relying on. Raises `StoreUnavailable`."""

    def probe(self) -> None:
        """Raises `StoreUnavailable` unless the store can be read and written to now. Being full is not being away."""
