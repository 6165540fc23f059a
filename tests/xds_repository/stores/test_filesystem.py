"""The directory store: the common contract, and the discipline by which its writes survive."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.xds_repository.stores.contract_suite import (
    ObjectStoreContract,
    digest,
    pattern,
    read_all,
    receive,
)
from xds_repository.stores import (
    BlobConflict,
    BlobCorrupt,
    BlobKey,
    FilesystemConfiguration,
    StoreUnavailable,
)
from xds_repository.stores.filesystem import FilesystemStore


def path_of(root: Path, key: BlobKey) -> Path:
    return root / str(key)[:2] / str(key)[2:4] / str(key)


def open_filesystem(root: Path) -> FilesystemStore:
    """A store without reserve, so that a full disk of the machine is no reason for a test to fail."""
    return FilesystemStore(FilesystemConfiguration(root, reserve_share=0))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> FilesystemStore:
    return open_filesystem(root)


class TestContract(ObjectStoreContract):
    @pytest.fixture
    def damage(self, root: Path) -> Callable[[BlobKey, bytes], None]:
        return lambda key, content: path_of(root, key).write_bytes(content) and None


class TestContractWithAdoption(ObjectStoreContract):
    """The same, where parts are received in the store's own spool directory."""

    @pytest.fixture
    def spool(self, store: FilesystemStore) -> Path:
        return store.spool_directory

    @pytest.fixture
    def damage(self, root: Path) -> Callable[[BlobKey, bytes], None]:
        return lambda key, content: path_of(root, key).write_bytes(content) and None

    def test_a_source_that_is_not_what_it_says_is_not_stored(self, store: FilesystemStore, spool: Path) -> None:
        """An adopted file is not read again, so only its size can be held against it; reading finds the rest."""
        key, source = BlobKey.new(), receive(pattern(5000), spool, in_memory=False)
        assert source.path is not None
        source.path.write_bytes(pattern(5000, seed=1))
        store.put(key, source)
        with pytest.raises(BlobCorrupt):
            read_all(store, key, digest(source))


def test_a_received_file_is_adopted_without_a_copy_and_outlives_its_spool_name(
    store: FilesystemStore, root: Path
) -> None:
    key, source = BlobKey.new(), receive(pattern(300_000), store.spool_directory, in_memory=False)
    assert source.path is not None
    inode = source.path.stat().st_ino
    store.put(key, source)
    assert path_of(root, key).stat().st_ino == inode
    with source.open() as file:
        assert file.read() == pattern(300_000)
    source.release()
    assert list(store.spool_directory.iterdir()) == []
    assert read_all(store, key, digest(source)) == pattern(300_000)


def test_a_file_from_elsewhere_is_copied(store: FilesystemStore, root: Path, tmp_path: Path) -> None:
    key, source = BlobKey.new(), receive(pattern(300_000), tmp_path / "elsewhere", in_memory=False)
    assert source.path is not None
    store.put(key, source)
    assert path_of(root, key).stat().st_ino != source.path.stat().st_ino
    assert path_of(root, key).stat().st_nlink == 1


@pytest.mark.parametrize("adopted", [True, False])
def test_only_the_owner_may_read_what_is_stored(root: Path, tmp_path: Path, adopted: bool) -> None:
    before = os.umask(0)
    try:
        store = open_filesystem(root)
        key = BlobKey.new()
        source = receive(pattern(1000), store.spool_directory if adopted else tmp_path / "other", in_memory=False)
        assert source.path is not None
        source.path.chmod(0o644)
        store.put(key, source)
    finally:
        os.umask(before)
    blob = path_of(root, key)
    assert stat.S_IMODE(blob.stat().st_mode) == 0o600
    assert [stat.S_IMODE(path.stat().st_mode) for path in (blob.parent, blob.parent.parent)] == [0o700, 0o700]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (root, store.spool_directory)] == [0o700, 0o700]


def test_a_link_in_place_of_a_blob_is_not_followed(store: FilesystemStore, root: Path, tmp_path: Path) -> None:
    key, source = BlobKey.new(), receive(b"secret", tmp_path / "other", in_memory=False)
    assert source.path is not None
    blob = path_of(root, key)
    blob.parent.mkdir(parents=True)
    blob.symlink_to(source.path)
    with pytest.raises(BlobCorrupt):
        store.open(key, digest(source))
    with pytest.raises(BlobConflict):
        store.put(key, source)


def test_a_link_in_place_of_a_received_file_is_not_followed(store: FilesystemStore, tmp_path: Path) -> None:
    key, source = BlobKey.new(), receive(pattern(1000), store.spool_directory, in_memory=False)
    assert source.path is not None
    target = tmp_path / "target"
    source.path.rename(target)
    source.path.symlink_to(target)
    with pytest.raises(StoreUnavailable):
        store.put(key, source)
    assert store.stat(key) is None


def test_files_that_are_not_blobs_are_not_listed(store: FilesystemStore, root: Path, tmp_path: Path) -> None:
    key, source = BlobKey.new(), receive(b"one", tmp_path / "other", in_memory=True)
    store.put(key, source)
    (path_of(root, key).parent / "README").write_text("not a blob")
    (root / "zz").write_text("not a directory")
    (store.spool_directory / str(BlobKey.new())).write_text("not stored")
    assert [blob.key for blob in store.blobs()] == [key]


def test_abandoned_spool_files_are_deleted_at_start_and_recent_ones_kept(root: Path) -> None:
    spool = open_filesystem(root).spool_directory
    old, recent = spool / "put-old", spool / "part-recent"
    for path in (old, recent):
        path.write_bytes(b"unfinished")
    day_ago = time.time() - 86_400
    os.utime(old, (day_ago, day_ago))
    FilesystemStore(FilesystemConfiguration(root, reserve_share=0, stale_after=3600))
    assert list(spool.iterdir()) == [recent]


def test_a_root_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable):
        open_filesystem(tmp_path / "file" / "store")


def test_a_root_that_has_gone_fails_its_probe(store: FilesystemStore, root: Path) -> None:
    shutil.rmtree(root)
    with pytest.raises(StoreUnavailable):
        store.probe()
