"""What every object store must do. A test module makes a subclass with the fixtures `store` and `damage`."""

from __future__ import annotations

import gc
import hashlib
import threading
import tracemalloc
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soap.parts import Spool, SpooledPart
from xds_repository.stores import (
    BlobConflict,
    BlobCorrupt,
    BlobKey,
    BlobMissing,
    Digest,
    ObjectStore,
    StoreError,
)

#: Replaces the bytes of a blob without the store's knowledge.
Damage = Callable[[BlobKey, bytes], None]
MEBIBYTE = 1_048_576
SIZES = [0, 1, 100_000, 524_288, 524_289, 3 * MEBIBYTE]


def pattern(size: int, seed: int = 0) -> bytes:
    """Bytes that differ from place to place, so that a swapped or missing piece shows."""
    block = b"".join(hashlib.sha256(f"{seed}:{number}".encode()).digest() for number in range(2048))
    return (block * (size // len(block) + 1))[:size]


def receive(content: bytes, spool: Path, *, in_memory: bool) -> SpooledPart:
    """The content as the server receives it."""
    spool.mkdir(exist_ok=True)
    writer = Spool(spool, threshold=len(content) if in_memory else 0).writer(len(content))
    for start in range(0, len(content), MEBIBYTE):
        writer.write(content[start : start + MEBIBYTE])
    return writer.finish(None, "application/octet-stream")


def digest(source: SpooledPart) -> Digest:
    return Digest(source.size, source.sha256)


def read_all(store: ObjectStore, key: BlobKey, expected: Digest) -> bytes:
    return b"".join(store.open(key, expected))


def read_into(delivered: list[bytes], store: ObjectStore, key: BlobKey, expected: Digest) -> None:
    """Keep what is delivered, also when reading ends in an error."""
    for chunk in store.open(key, expected):
        delivered.append(chunk)


class ObjectStoreContract:
    @pytest.fixture
    def spool(self, tmp_path: Path) -> Path:
        return tmp_path / "received"

    @pytest.fixture
    def put(self, store: ObjectStore, spool: Path) -> Callable[[bytes], tuple[BlobKey, Digest]]:
        def put(content: bytes) -> tuple[BlobKey, Digest]:
            key, source = BlobKey.new(), receive(content, spool, in_memory=True)
            store.put(key, source)
            return key, digest(source)

        return put

    @pytest.mark.parametrize("in_memory", [True, False], ids=["memory", "file"])
    @pytest.mark.parametrize("size", SIZES)
    def test_what_was_put_is_what_is_read(self, store: ObjectStore, spool: Path, size: int, in_memory: bool) -> None:
        content, key = pattern(size), BlobKey.new()
        source = receive(content, spool, in_memory=in_memory)
        store.put(key, source)
        source.release()
        assert read_all(store, key, digest(source)) == content

    def test_stat_tells_size_and_age_and_no_wrong_hash(self, store: ObjectStore, put) -> None:
        key, expected = put(pattern(1000))
        found = store.stat(key)
        assert found is not None
        assert (found.key, found.size) == (key, 1000)
        assert found.sha256 in {None, expected.sha256}
        assert abs(found.modified - datetime.now(UTC)) < timedelta(minutes=5)

    def test_nothing_is_known_of_an_unused_key(self, store: ObjectStore) -> None:
        assert store.stat(BlobKey.new()) is None

    def test_an_unused_key_cannot_be_read(self, store: ObjectStore) -> None:
        with pytest.raises(BlobMissing):
            store.open(BlobKey.new(), Digest(1, "0" * 64))

    @pytest.mark.parametrize("size", [1000, 10 * MEBIBYTE])
    def test_the_same_bytes_may_be_put_again(self, store: ObjectStore, spool: Path, size: int) -> None:
        content, key = pattern(size), BlobKey.new()
        for in_memory in (True, False, True):
            store.put(key, receive(content, spool, in_memory=in_memory))
        assert read_all(store, key, digest(receive(content, spool, in_memory=True))) == content
        assert [blob.key for blob in store.blobs()] == [key]

    @pytest.mark.parametrize("size", [1000, 10 * MEBIBYTE])
    @pytest.mark.parametrize("longer", [0, 1])
    def test_other_bytes_under_a_used_key_are_refused_and_change_nothing(
        self, store: ObjectStore, spool: Path, size: int, longer: int
    ) -> None:
        key, first = BlobKey.new(), receive(pattern(size), spool, in_memory=True)
        store.put(key, first)
        for in_memory in (True, False):
            with pytest.raises(BlobConflict):
                store.put(key, receive(pattern(size + longer, seed=1), spool, in_memory=in_memory))
        assert read_all(store, key, digest(first)) == pattern(size)

    @pytest.mark.parametrize("size", [1000, 10 * MEBIBYTE])
    def test_eight_writers_of_the_same_bytes_all_succeed(self, store: ObjectStore, spool: Path, size: int) -> None:
        key, content = BlobKey.new(), pattern(size)
        outcomes = _together([(store, key, receive(content, spool, in_memory=number % 2 == 0)) for number in range(8)])
        assert outcomes == [None] * 8
        assert [(blob.key, blob.size) for blob in store.blobs()] == [(key, size)]
        assert read_all(store, key, Digest(size, hashlib.sha256(content).hexdigest())) == content

    def test_of_eight_writers_of_different_bytes_one_wins(self, store: ObjectStore, spool: Path) -> None:
        key = BlobKey.new()
        sources = [receive(pattern(50_000, seed), spool, in_memory=seed % 2 == 0) for seed in range(8)]
        outcomes = _together([(store, key, source) for source in sources])
        (winner,) = [source for source, outcome in zip(sources, outcomes, strict=True) if outcome is None]
        assert {type(outcome) for outcome in outcomes if outcome is not None} == {BlobConflict}
        assert hashlib.sha256(read_all(store, key, digest(winner))).hexdigest() == winner.sha256

    @pytest.mark.parametrize("size", [1, 100_000, 3 * MEBIBYTE])
    @pytest.mark.parametrize("place", ["first", "middle", "last"])
    def test_one_flipped_bit_is_found_before_the_last_chunk_leaves(
        self, store: ObjectStore, damage: Damage, put, size: int, place: str
    ) -> None:
        content = bytearray(pattern(size))
        key, expected = put(bytes(content))
        content[{"first": 0, "middle": size // 2, "last": size - 1}[place]] ^= 0x10
        damage(key, bytes(content))
        self._assert_never_delivered(store, key, expected)

    @pytest.mark.parametrize("change", [-1, 1, -100_000, 100_000])
    def test_a_shorter_or_longer_blob_is_never_delivered(
        self, store: ObjectStore, damage: Damage, put, change: int
    ) -> None:
        key, expected = put(pattern(600_000))
        damage(key, pattern(600_000 + change))
        self._assert_never_delivered(store, key, expected)

    def test_a_wrong_expectation_is_never_met(self, store: ObjectStore, put) -> None:
        key, expected = put(pattern(2000))
        self._assert_never_delivered(store, key, Digest(expected.size, "0" * 64))
        self._assert_never_delivered(store, key, Digest(expected.size - 1, expected.sha256))

    def test_a_source_that_is_not_what_it_says_is_not_stored(self, store: ObjectStore, spool: Path) -> None:
        for size in (5000, 10 * MEBIBYTE):
            key, source = BlobKey.new(), receive(pattern(size), spool, in_memory=False)
            assert source.path is not None
            source.path.write_bytes(pattern(size - 1) + b"\0")
            with pytest.raises(BlobCorrupt):
                store.put(key, source)
            assert store.stat(key) is None

    def test_a_source_that_lost_bytes_is_not_stored(self, store: ObjectStore, spool: Path) -> None:
        key, source = BlobKey.new(), receive(pattern(9000), spool, in_memory=False)
        assert source.path is not None
        source.path.write_bytes(pattern(8999))
        with pytest.raises(BlobCorrupt):
            store.put(key, source)
        assert store.stat(key) is None

    def test_a_deleted_blob_is_gone_and_may_be_deleted_again(self, store: ObjectStore, put) -> None:
        key, expected = put(pattern(1000))
        store.delete(key)
        assert store.stat(key) is None
        with pytest.raises(BlobMissing):
            store.open(key, expected)
        store.delete(key)
        store.delete(BlobKey.new())

    def test_every_blob_is_listed_once(self, store: ObjectStore, put) -> None:
        assert list(store.blobs()) == []
        sizes = {put(pattern(size))[0]: size for size in range(1, 40)}
        gone, _ = put(b"gone")
        store.delete(gone)
        listed = list(store.blobs())
        assert len(listed) == len(sizes)
        assert {blob.key: blob.size for blob in listed} == sizes

    def test_a_reader_may_stop_early_or_never_begin(self, store: ObjectStore, put) -> None:
        key, expected = put(pattern(3 * MEBIBYTE))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            never_begun = store.open(key, expected)
            del never_begun
            stopped = store.open(key, expected)
            next(stopped)
            stopped.close()
            stopped.close()
            assert list(stopped) == []
            gc.collect()
        assert read_all(store, key, expected) == pattern(3 * MEBIBYTE)

    def test_the_last_chunk_is_withheld_until_the_whole_is_proven(
        self, store: ObjectStore, damage: Damage, put
    ) -> None:
        key, expected = put(pattern(3 * MEBIBYTE))
        damage(key, pattern(3 * MEBIBYTE - 1) + b"\0")
        delivered: list[bytes] = []
        with pytest.raises(BlobCorrupt):
            read_into(delivered, store, key, expected)
        assert max(map(len, delivered)) <= MEBIBYTE
        assert 0 < len(b"".join(delivered)) < expected.size

    def test_memory_stays_flat_for_a_large_document(self, store: ObjectStore, spool: Path) -> None:
        key, source = BlobKey.new(), receive(pattern(40 * MEBIBYTE), spool, in_memory=False)
        tracemalloc.start()
        try:
            store.put(key, source)
            size = sum(len(chunk) for chunk in store.open(key, digest(source)))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert size == 40 * MEBIBYTE
        assert peak < 24 * MEBIBYTE

    def test_a_usable_store_passes_its_probe(self, store: ObjectStore) -> None:
        store.probe()
        store.probe()
        assert list(store.blobs()) == []

    @staticmethod
    def _assert_never_delivered(store: ObjectStore, key: BlobKey, expected: Digest) -> None:
        delivered: list[bytes] = []
        with pytest.raises(BlobCorrupt):
            read_into(delivered, store, key, expected)
        assert len(b"".join(delivered)) < expected.size


def _together(calls: list[tuple[ObjectStore, BlobKey, SpooledPart]]) -> list[StoreError | None]:
    """Start all writes at one moment; the error of each, or None."""
    outcomes: list[StoreError | None] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def write(number: int, store: ObjectStore, key: BlobKey, source: SpooledPart) -> None:
        gate.wait()
        try:
            store.put(key, source)
        except StoreError as error:
            outcomes[number] = error

    threads = [threading.Thread(target=write, args=(number, *call)) for number, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
