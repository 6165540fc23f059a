"""Blobs as files of one directory: written aside, made durable, then linked into place.

    root/ab/cd/abcd….….….….…   one blob, named by its key
    root/spool/                  received parts and unfinished writes; nothing here has been acknowledged

The order of a write is its promise: fsync of the file, link (which cannot replace), removal of the first name, fsync of
the directory and of every directory above it that may be new. Only then does `put` return.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from xds_repository.stores.configuration import FilesystemConfiguration
from xds_repository.stores.contract import (
    BlobConflict,
    BlobCorrupt,
    BlobKey,
    BlobMissing,
    BlobSource,
    BlobStat,
    Digest,
    StoreFull,
    StoreUnavailable,
)
from xds_repository.stores.verification import CHUNK, VerifiedStream, prove_copy

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700
_SPOOL: Final = "spool"


class FilesystemStore:
    """An `ObjectStore` in a directory of one file system. Several processes may share it."""

    def __init__(self, configuration: FilesystemConfiguration) -> None:
        """Create what is missing and delete abandoned spool files. Raises `StoreUnavailable`."""
        self._configuration = configuration
        self._root = str(configuration.root)
        self._spool = os.path.join(self._root, _SPOOL)
        self._read_only = False
        # Another process may have made a directory without having made it durable yet, so each process does so once
        # for each of the 65,536 directories before it relies on it.
        self._durable = bytearray(65_536)
        try:
            os.makedirs(self._root, _DIRECTORY_MODE, exist_ok=True)
            os.makedirs(self._spool, _DIRECTORY_MODE, exist_ok=True)
            _sync_directory(os.path.dirname(self._root), os.fsync)
            _sync_directory(self._root, os.fsync)
            self._delete_abandoned(time.time() - configuration.stale_after)
        except OSError as error:
            raise StoreUnavailable("the store's directory cannot be used") from error

    @property
    def spool_directory(self) -> Path:
        """Where parts should be received: a file of this directory is stored by a link, without copying a byte."""
        return Path(self._spool)

    @property
    def read_only(self) -> bool:
        """True once the file system has failed to keep what it was given. Only a new start ends this."""
        return self._read_only

    def put(self, key: BlobKey, source: BlobSource) -> None:
        """See `ObjectStore.put`. A source file of the spool directory is adopted and keeps its name there too."""
        if self._read_only:
            raise StoreUnavailable("the store is read-only since a write to it failed")
        path = source.path
        adopted = path is not None and str(path.parent) == self._spool
        try:
            self._keep_reserve(0 if adopted else source.size)
            if path is not None and adopted:
                self._make_durable(key, path, source.size)
                self._link(key, source, str(path), temporary=False)
                return
            name = os.path.join(self._spool, f"put-{uuid.uuid4().hex}")
            try:
                self._write(key, source, name)
                self._link(key, source, name, temporary=True)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
        except OSError as error:
            raise _translated(error) from error

    def stat(self, key: BlobKey) -> BlobStat | None:
        """See `ObjectStore.stat`. A file system records no hash."""
        try:
            found = os.lstat(self._path(key))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _translated(error) from error
        return _stat(key, found)

    def open(self, key: BlobKey, expected: Digest) -> VerifiedStream:
        """See `ObjectStore.open`."""
        try:
            descriptor = os.open(self._path(key), _READ)
        except FileNotFoundError as error:
            raise BlobMissing(f"blob {key} is not in the store") from error
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise BlobCorrupt(f"blob {key} was replaced by a link") from error
            raise _translated(error) from error

        def read() -> bytes:
            try:
                return os.read(descriptor, CHUNK)
            except OSError as error:
                raise _translated(error) from error

        return VerifiedStream(key, expected, read, lambda: os.close(descriptor))

    def delete(self, key: BlobKey) -> None:
        """See `ObjectStore.delete`. The removal is durable on return."""
        try:
            directory = os.open(self._directory(key), _DIRECTORY)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _translated(error) from error
        try:
            os.unlink(key.text, dir_fd=directory)
            self._sync(directory)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _translated(error) from error
        finally:
            os.close(directory)

    def blobs(self) -> Iterator[BlobStat]:
        """See `ObjectStore.blobs`. Files that are not named like a blob are not the store's and are passed over."""
        try:
            for first in _levels(self._root):
                for second in _levels(first):
                    yield from _blobs_of(second)
        except OSError as error:
            raise _translated(error) from error

    def probe(self) -> None:
        """See `ObjectStore.probe`. A store below its reserve passes: it refuses writes, but it reads."""
        if self._read_only:
            raise StoreUnavailable("the store is read-only since a write to it failed")
        try:
            mounted = os.statvfs(self._spool)
            usable = os.access(self._spool, os.R_OK | os.W_OK | os.X_OK)
        except OSError as error:
            raise _translated(error) from error
        if mounted.f_flag & os.ST_RDONLY or not usable:
            raise StoreUnavailable("the store's directory cannot be written to")

    def _directory(self, key: BlobKey) -> str:
        return f"{self._root}/{key.text[:2]}/{key.text[2:4]}"

    def _path(self, key: BlobKey) -> str:
        return f"{self._root}/{key.text[:2]}/{key.text[2:4]}/{key.text}"

    def _keep_reserve(self, size: int) -> None:
        found = os.statvfs(self._spool)
        share = self._configuration.reserve_share
        reserve = max(share * found.f_blocks * found.f_frsize, self._configuration.reserve_bytes)
        if found.f_bavail * found.f_frsize - size < reserve:
            raise StoreFull("the store has come down to its reserve of free space")
        # Some file systems make inodes as they are needed and announce none.
        if found.f_files and found.f_favail < share * found.f_files:
            raise StoreFull("the store has come down to its reserve of free inodes")

    def _make_durable(self, key: BlobKey, path: Path, size: int) -> None:
        descriptor = os.open(path, _READ)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size != size:
                raise BlobCorrupt(f"the source of blob {key} is not what its digest says")
            if stat.S_IMODE(found.st_mode) != _FILE_MODE:
                os.fchmod(descriptor, _FILE_MODE)
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    def _write(self, key: BlobKey, source: BlobSource, name: str) -> None:
        descriptor = os.open(name, _CREATE, _FILE_MODE)
        try:
            if source.path is None:
                # Hashed as it was received, and in our memory since: it need not be hashed again.
                with source.open() as file:
                    content = file.read()
                if len(content) != source.size:
                    raise BlobCorrupt(f"the source of blob {key} is not what its digest says")
                _write_all(descriptor, content)
            else:
                sha256, size = hashlib.sha256(), 0
                with source.open() as file:
                    while chunk := file.read(CHUNK):
                        sha256.update(chunk)
                        size += len(chunk)
                        _write_all(descriptor, chunk)
                prove_copy(key, source, size, sha256.hexdigest())
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    def _link(self, key: BlobKey, source: BlobSource, name: str, *, temporary: bool) -> None:
        """Give the durable file `name` the name of its blob too, and make that durable."""
        try:
            directory = os.open(self._directory(key), _DIRECTORY)
        except FileNotFoundError:
            self._make_directory(key)
            directory = os.open(self._directory(key), _DIRECTORY)
        try:
            try:
                os.link(name, key.text, dst_dir_fd=directory, follow_symlinks=False)
            except FileExistsError:
                self._accept_existing(key, source)
            if temporary:
                os.unlink(name)
            # Who finds the blob already there must not answer before it is durable either.
            self._sync(directory)
        finally:
            os.close(directory)
        number = int(key.text[:4], 16)
        if not self._durable[number]:
            _sync_directory(os.path.dirname(self._directory(key)), self._sync)
            _sync_directory(self._root, self._sync)
            self._durable[number] = 1

    def _make_directory(self, key: BlobKey) -> None:
        second = self._directory(key)
        for path in (os.path.dirname(second), second):
            # Another writer may be making it too.
            with suppress(FileExistsError):
                os.mkdir(path, _DIRECTORY_MODE)

    def _accept_existing(self, key: BlobKey, source: BlobSource) -> None:
        try:
            for _ in self.open(key, Digest(source.size, source.sha256)):
                pass
        except BlobCorrupt as error:
            raise BlobConflict(f"blob {key} holds other bytes already") from error
        except BlobMissing as error:
            raise StoreUnavailable(f"blob {key} was removed while it was being stored") from error

    def _sync(self, descriptor: int) -> None:
        """fsync, once. After a failure the kernel may have dropped the pages: a second success would prove nothing."""
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
            self._read_only = True
            raise StoreUnavailable("a write did not reach the disk: the store is now read-only") from error

    def _delete_abandoned(self, before: float) -> None:
        with os.scandir(self._spool) as entries:
            for entry in entries:
                # Another process may be cleaning at the same time.
                with suppress(FileNotFoundError):
                    if not entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < before:
                        os.unlink(entry.path)


def _sync_directory(path: str, sync: Callable[[int], None]) -> None:
    descriptor = os.open(path, _DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _stat(key: BlobKey, found: os.stat_result) -> BlobStat:
    return BlobStat(key, found.st_size, None, datetime.fromtimestamp(found.st_mtime, UTC))


def _levels(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(entry.path for entry in entries if len(entry.name) == 2 and entry.is_dir(follow_symlinks=False))


def _blobs_of(directory: str) -> Iterator[BlobStat]:
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                key = BlobKey(entry.name)
                found = entry.stat(follow_symlinks=False)
            except (ValueError, FileNotFoundError):
                continue
            yield _stat(key, found)


def _translated(error: OSError) -> StoreFull | StoreUnavailable:
    if error.errno in _NO_ROOM:
        return StoreFull("the store has no room left")
    return StoreUnavailable(f"the store failed: {errno.errorcode.get(error.errno or 0, 'unknown')}")
