"""Reading with proof: a stream that gives its last chunk only once the whole is known to be right."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, Self

from xds_repository.stores.contract import BlobCorrupt, BlobKey, BlobSource, Digest

#: Bytes per chunk. At most one chunk is withheld, so this also bounds how late the first byte leaves.
CHUNK: Final = 524_288


class VerifiedStream:
    """The chunks that `read` yields until it yields none, withheld by one until size and SHA-256 are proven.

    A reader that stops at `BlobCorrupt` therefore never holds a complete document, whatever was altered.
    """

    __slots__ = ("_close", "_expected", "_held", "_key", "_read", "_sha256", "_size")

    def __init__(self, key: BlobKey, expected: Digest, read: Callable[[], bytes], close: Callable[[], None]) -> None:
        self._key = key
        self._expected = expected
        self._read = read
        self._close: Callable[[], None] | None = close
        self._sha256 = hashlib.sha256()
        self._size = 0
        self._held = b""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._close is None:
            raise StopIteration
        try:
            return self._advance()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the file or the connection back. May be called again."""
        close, self._close = self._close, None
        self._held = b""
        if close is not None:
            close()

    def __del__(self) -> None:
        # A response may be dropped before its first chunk was asked for.
        if getattr(self, "_close", None) is not None:
            self.close()

    def _advance(self) -> bytes:
        while True:
            chunk = self._read()
            self._size += len(chunk)
            self._sha256.update(chunk)
            if self._size > self._expected.size:
                raise BlobCorrupt(f"blob {self._key} is longer than it was when stored")
            held, self._held = self._held, chunk
            if not chunk:
                self._prove()
                self.close()
                if not held:
                    raise StopIteration
                return held
            if held:
                return held

    def _prove(self) -> None:
        if self._size != self._expected.size:
            raise BlobCorrupt(f"blob {self._key} is shorter than it was when stored")
        if self._sha256.hexdigest() != self._expected.sha256:
            raise BlobCorrupt(f"blob {self._key} differs from what was stored")


def prove_copy(key: BlobKey, source: BlobSource, size: int, sha256: str) -> None:
    """Raises `BlobCorrupt` unless what was copied is what the source announced."""
    if size != source.size or sha256 != source.sha256:
        raise BlobCorrupt(f"the source of blob {key} is not what its digest says")
