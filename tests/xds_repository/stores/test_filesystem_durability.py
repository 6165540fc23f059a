"""What the directory store asks of the kernel, in which order, and what becomes of a write that the kernel refuses."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.xds_repository.stores.contract_suite import MEBIBYTE, digest, pattern, read_all, receive
from tests.xds_repository.stores.test_filesystem import open_filesystem, path_of
from xds_repository.stores import BlobKey, FilesystemConfiguration, StoreFull, StoreUnavailable
from xds_repository.stores.filesystem import FilesystemStore

#: Every call of `put` that the kernel may refuse.
CALLS = ("statvfs", "open", "fstat", "write", "fsync", "link", "unlink", "mkdir", "close")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="the paths behind descriptors are read from /proc"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> FilesystemStore:
    return open_filesystem(root)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The calls that decide on durability, in their order, with the path each was about."""
    seen: list[tuple[str, str]] = []

    def record(name: str, path_of_call: Callable[..., str]) -> None:
        real = getattr(os, name)

        def recorded(*arguments: object, **options: object) -> object:
            seen.append((name, path_of_call(*arguments)))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, recorded)

    record("fsync", lambda descriptor: os.readlink(f"/proc/self/fd/{descriptor}"))
    record("write", lambda descriptor, _: os.readlink(f"/proc/self/fd/{descriptor}"))
    record("link", lambda source, *_: str(source))
    record("unlink", str)
    return seen


def test_a_new_blob_is_synced_linked_and_its_directories_synced_in_this_order(
    store: FilesystemStore, root: Path, tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    key, source = BlobKey.new(), receive(pattern(100_000), tmp_path / "other", in_memory=True)
    calls.clear()
    store.put(key, source)
    temporary = calls[0][1]
    assert Path(temporary).parent == store.spool_directory
    leaf = path_of(root, key).parent
    assert calls == [
        ("write", temporary),
        ("fsync", temporary),
        ("link", temporary),
        ("unlink", temporary),
        ("fsync", str(leaf)),
        ("fsync", str(leaf.parent)),
        ("fsync", str(root)),
    ]


def test_directories_known_to_be_durable_are_not_synced_again_but_the_blobs_own_is(
    store: FilesystemStore, root: Path, tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    first = BlobKey.new()
    second = BlobKey(str(first)[:-6] + ("000000" if str(first)[-6:] != "000000" else "000001"))
    store.put(first, receive(b"one", tmp_path / "other", in_memory=True))
    calls.clear()
    store.put(second, receive(b"two", tmp_path / "other", in_memory=True))
    assert [call for call, _ in calls] == ["write", "fsync", "link", "unlink", "fsync"]
    assert calls[-1][1] == str(path_of(root, second).parent)


def test_an_adopted_file_is_synced_before_it_is_linked(
    store: FilesystemStore, root: Path, calls: list[tuple[str, str]]
) -> None:
    key, source = BlobKey.new(), receive(pattern(100_000), store.spool_directory, in_memory=False)
    calls.clear()
    store.put(key, source)
    assert calls[:3] == [
        ("fsync", str(source.path)),
        ("link", str(source.path)),
        ("fsync", str(path_of(root, key).parent)),
    ]


def test_who_finds_the_blob_there_makes_its_name_durable_before_answering(
    store: FilesystemStore, root: Path, tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    key, source = BlobKey.new(), receive(pattern(100_000), tmp_path / "other", in_memory=True)
    store.put(key, source)
    another_process = open_filesystem(root)
    calls.clear()
    another_process.put(key, source)
    leaf = path_of(root, key).parent
    assert [path for call, path in calls if call == "fsync"][1:] == [str(leaf), str(leaf.parent), str(root)]


STRACED = """
import os
import sys
from pathlib import Path
from soap.parts import Spool
from xds_repository.stores import BlobKey, FilesystemConfiguration, open_store
store = open_store(FilesystemConfiguration(Path(sys.argv[1]), reserve_share=0))
writer = Spool(Path(sys.argv[1]), threshold=100_000).writer(100_000)
writer.write(bytes(100_000))
source = writer.finish(None, "application/octet-stream")
os.write(1, b"BEGIN")
store.put(BlobKey.new(), source)
os.write(1, b"END")
"""


def test_the_kernel_sees_the_same_order(root: Path, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    log = tmp_path / "calls"
    traced = "trace=write,fsync,fdatasync,link,linkat,unlink,unlinkat,rename"
    result = subprocess.run(
        [strace, "-f", "-y", "-o", str(log), "-e", traced, sys.executable, "-c", STRACED, str(root)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in result.stderr:
        pytest.skip("this machine does not let strace attach")
    assert result.returncode == 0, result.stderr
    lines = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
    begin = next(number for number, line in enumerate(lines) if "BEGIN" in line)
    end = next(number for number, line in enumerate(lines) if "END" in line)
    names = [line.split("(")[0] for line in lines[begin + 1 : end] if "(" in line]
    assert names == ["write", "fsync", "linkat", "unlink", "fsync", "fsync", "fsync"]
    assert all(" = 0" in line or line.startswith("write") for line in lines[begin + 1 : end])


def test_an_input_output_error_on_fsync_ends_all_writing_but_not_reading(
    store: FilesystemStore, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, source = BlobKey.new(), receive(pattern(1000), tmp_path / "other", in_memory=True)
    store.put(kept, source)
    refused = BlobKey.new()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _raising(OSError(errno.EIO, "broken")))
        with pytest.raises(StoreUnavailable):
            store.put(refused, source)
    # The disk answers again, but what it dropped is unknown: nothing is retried as if it had succeeded.
    assert store.read_only
    assert store.stat(refused) is None
    with pytest.raises(StoreUnavailable):
        store.put(BlobKey.new(), source)
    with pytest.raises(StoreUnavailable):
        store.probe()
    assert read_all(store, kept, digest(source)) == pattern(1000)
    assert list(store.spool_directory.iterdir()) == []
    open_filesystem(root).put(refused, source)


def _raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("failure", [errno.EIO, errno.ENOSPC, errno.EACCES], ids=["EIO", "ENOSPC", "EACCES"])
@pytest.mark.parametrize("way", ["memory", "copy", "adopt"])
def test_whichever_call_fails_the_key_is_absent_or_whole_and_a_retry_succeeds(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, failure: int
) -> None:
    """The Nth call of the kernel fails, for N = 1, 2, 3… until none is left to fail."""
    sites = 0
    while True:
        store, key = open_filesystem(root), BlobKey.new()
        spool = store.spool_directory if way == "adopt" else tmp_path / "other"
        source = receive(pattern(700_000), spool, in_memory=way == "memory")
        countdown = _Countdown(sites + 1, failure)
        with monkeypatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, countdown.around(getattr(os, name), closes=name == "close"))
            try:
                store.put(key, source)
            except (StoreFull, StoreUnavailable):
                assert countdown.fired
        if not countdown.fired:
            break
        sites += 1
        after = open_filesystem(root)
        if after.stat(key) is not None:
            assert read_all(after, key, digest(source)) == pattern(700_000)
        after.put(key, source)
        assert read_all(after, key, digest(source)) == pattern(700_000)
        source.release()
    assert sites >= 10


class _Countdown:
    """Lets calls pass until the Nth, which fails as the kernel would."""

    def __init__(self, turns: int, failure: int) -> None:
        self.turns = turns
        self.failure = failure
        self.fired = False

    def around(self, real: Callable[..., object], *, closes: bool) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            self.turns -= 1
            if self.turns == 0:
                self.fired = True
                if closes:
                    # The descriptor is gone even when close reports an error.
                    real(*arguments, **options)
                raise OSError(self.failure, os.strerror(self.failure))
            return real(*arguments, **options)

        return call


# Room


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    path = tmp_path / "small"
    path.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(path)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk_refuses_the_write_leaves_nothing_and_recovers_by_itself(small_disk: Path, tmp_path: Path) -> None:
    store = open_filesystem(small_disk / "store")
    kept, source = BlobKey.new(), receive(pattern(1000), tmp_path / "other", in_memory=True)
    store.put(kept, source)
    # Nothing announces this lack of room: it is met in the middle of the write.
    filler = small_disk / "filler"
    filler.write_bytes(bytes(7 * MEBIBYTE))
    key, large = BlobKey.new(), receive(pattern(2 * MEBIBYTE), tmp_path / "other", in_memory=False)
    real = os.statvfs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "statvfs", lambda _: real("/"))
        with pytest.raises(StoreFull):
            store.put(key, large)
    assert store.stat(key) is None
    assert list(store.spool_directory.iterdir()) == []
    assert read_all(store, kept, digest(source)) == pattern(1000)
    assert not store.read_only
    store.probe()
    filler.unlink()
    store.put(key, large)
    assert read_all(store, key, digest(large)) == pattern(2 * MEBIBYTE)


def test_the_reserve_is_refused_before_the_disk_is_full(small_disk: Path, tmp_path: Path) -> None:
    store = FilesystemStore(FilesystemConfiguration(small_disk / "store", reserve_bytes=2 * MEBIBYTE))
    source = receive(pattern(MEBIBYTE), tmp_path / "other", in_memory=True)
    keys = []
    with pytest.raises(StoreFull):  # noqa: PT012 - which of the writes is refused depends on the file system
        for _ in range(9):
            key = BlobKey.new()
            store.put(key, source)
            keys.append(key)
    found = os.statvfs(small_disk)
    assert found.f_bavail * found.f_frsize >= 2 * MEBIBYTE
    assert 3 <= len(keys) <= 6
    store.probe()
    store.delete(keys[0])
    store.put(BlobKey.new(), source)


def test_the_share_of_the_disk_counts_when_it_is_the_larger_reserve(small_disk: Path, tmp_path: Path) -> None:
    store = FilesystemStore(FilesystemConfiguration(small_disk / "store", reserve_share=0.9, reserve_bytes=1))
    store.put(BlobKey.new(), receive(b"small", tmp_path / "other", in_memory=True))
    with pytest.raises(StoreFull):
        store.put(BlobKey.new(), receive(pattern(MEBIBYTE), tmp_path / "other", in_memory=True))
