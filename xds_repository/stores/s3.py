"""Blobs as objects of a bucket on any S3 server.

A write is conditional (`If-None-Match: *`) where the server honours that, preceded by a look where it does not, and
always followed by one: only an object whose size and recorded SHA-256 are the source's is a success.

Uploads in parts that a killed process leaves behind are invisible; a life cycle rule of the bucket
(AbortIncompleteMultipartUpload) removes them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from minio.error import MinioException
from minio.sse import SseKMS, SseS3
from urllib3.exceptions import HTTPError

from xds_repository.stores.configuration import Encryption, S3Configuration
from xds_repository.stores.contract import (
    BlobConflict,
    BlobCorrupt,
    BlobKey,
    BlobMissing,
    BlobSource,
    BlobStat,
    Digest,
    StoreUnavailable,
)
from xds_repository.stores.s3_requests import Requests, already_exists, contended, status_of, translated
from xds_repository.stores.verification import CHUNK, VerifiedStream, prove_copy

_SHA256: Final = "x-amz-meta-sha256"
_ONLY_NEW: Final = {"If-None-Match": "*"}
#: An object that stays, to learn once per process whether the server honours conditions on writes.
_PROBE: Final = "conditional-write-probe"
_ATTEMPTS_WHEN_CONTENDED: Final = 5
#: Statuses by which servers say that they know no conditions on writes.
_NOT_KNOWN: Final = frozenset({400, 501})


class S3Store:
    """An `ObjectStore` in a bucket. One instance serves all threads of a process; make it after forking."""

    def __init__(self, configuration: S3Configuration) -> None:
        self._configuration = configuration
        self._requests = Requests(configuration)
        self._encryption = _encryption_headers(configuration)
        self._conditional = configuration.conditional_writes
        self._asking = threading.Lock()

    def put(self, key: BlobKey, source: BlobSource) -> None:
        """See `ObjectStore.put`. Memory stays below two parts whatever the size of the source."""
        with _translating(key):
            conditional = self._conditional_writes()
            if not conditional and self._taken(key, source):
                return
            condition = _ONLY_NEW if conditional else {}
            send = self._send_whole if source.size <= self._configuration.part_size else self._send_parts
            for attempt in range(1, _ATTEMPTS_WHEN_CONTENDED + 1):
                try:
                    send(key, source, condition)
                    break
                except MinioException as error:
                    if conditional and already_exists(error):
                        break
                    if not (conditional and contended(error)) or attempt == _ATTEMPTS_WHEN_CONTENDED:
                        raise
                    time.sleep(0.05 * attempt)
            if not self._taken(key, source):
                raise StoreUnavailable(f"blob {key} cannot be found again after it was stored")

    def stat(self, key: BlobKey) -> BlobStat | None:
        """See `ObjectStore.stat`. The SHA-256 is the one recorded when the blob was written."""
        try:
            with _translating(key):
                found = self._requests.stat_object(self._configuration.bucket, self._name(key))
        except BlobMissing:
            return None
        headers = found.metadata or {}
        return BlobStat(key, found.size or 0, headers.get(_SHA256), _modified(found.last_modified))

    def open(self, key: BlobKey, expected: Digest) -> VerifiedStream:
        """See `ObjectStore.open`."""
        with _translating(key):
            response = self._requests.get(self._name(key))

        def read() -> bytes:
            with _translating(key):
                return response.read(CHUNK, decode_content=False)

        # Closing a response that was read to its end gives the connection back to the pool, otherwise it is cut.
        return VerifiedStream(key, expected, read, response.close)

    def delete(self, key: BlobKey) -> None:
        """See `ObjectStore.delete`. In a bucket with versions, earlier versions stay as its rules say."""
        with _translating(key), suppress(BlobMissing):
            self._requests.remove_object(self._configuration.bucket, self._name(key))

    def blobs(self) -> Iterator[BlobStat]:
        """See `ObjectStore.blobs`. A listing carries no hash. Objects not named like a blob are passed over."""
        prefix = self._configuration.prefix
        with _translating("listing"):
            for found in self._requests.list_objects(self._configuration.bucket, prefix=prefix, recursive=True):
                try:
                    key = BlobKey((found.object_name or "").removeprefix(prefix))
                except ValueError:
                    continue
                yield BlobStat(key, found.size or 0, None, _modified(found.last_modified))

    def probe(self) -> None:
        """See `ObjectStore.probe`. Asks for the bucket, and once whether conditional writes are honoured."""
        with _translating("probe"):
            if not self._requests.bucket_exists(self._configuration.bucket):
                raise StoreUnavailable("the bucket does not exist")
            self._conditional_writes()

    @property
    def conditional_writes(self) -> bool | None:
        """Whether the server honours `If-None-Match: *`; None while it has not been asked."""
        return self._conditional

    def _name(self, key: BlobKey) -> str:
        return self._configuration.prefix + key.text

    def _headers(self, source: BlobSource) -> dict[str, str]:
        return {"Content-Type": "application/octet-stream", _SHA256: source.sha256, **self._encryption}

    def _taken(self, key: BlobKey, source: BlobSource) -> bool:
        """Whether the key holds the source's bytes. Raises `BlobConflict` when it holds others."""
        found = self.stat(key)
        if found is None:
            return False
        if found.size != source.size:
            raise BlobConflict(f"blob {key} holds other bytes already")
        if found.sha256 is None:
            # Not written by us, or restored without its metadata: only the bytes themselves can tell.
            try:
                for _ in self.open(key, Digest(source.size, source.sha256)):
                    pass
            except BlobCorrupt as error:
                raise BlobConflict(f"blob {key} holds other bytes already") from error
        elif found.sha256 != source.sha256:
            raise BlobConflict(f"blob {key} holds other bytes already")
        return True

    def _send_whole(self, key: BlobKey, source: BlobSource, condition: dict[str, str]) -> None:
        checksum = base64.b64encode(bytes.fromhex(source.sha256)).decode()
        headers = self._headers(source) | condition | {"x-amz-checksum-sha256": checksum}
        with source.open() as file:
            # A body shorter than its announced length would keep the server waiting for the rest.
            if file.seek(0, os.SEEK_END) != source.size:
                raise BlobCorrupt(f"the source of blob {key} is not what its digest says")
            file.seek(0)
            body = file.read() if source.path is None else file
            self._requests.put(self._name(key), body, source.size, source.sha256, headers)

    def _send_parts(self, key: BlobKey, source: BlobSource, condition: dict[str, str]) -> None:
        name = self._name(key)
        upload = self._requests.begin(name, self._headers(source))
        try:
            tags: list[str] = []
            sha256, size = hashlib.sha256(), 0
            with source.open() as file:
                while part := file.read(self._configuration.part_size):
                    sha256.update(part)
                    size += len(part)
                    tags.append(self._requests.put_part(name, upload, len(tags) + 1, part))
            # Each part was verified by the server; that they are the source's is verified here.
            prove_copy(key, source, size, sha256.hexdigest())
            self._requests.complete(name, upload, tags, condition)
        except BaseException:
            with suppress(MinioException, HTTPError):
                self._requests.abort(name, upload)
            raise

    def _conditional_writes(self) -> bool:
        if self._conditional is None:
            with self._asking:
                if self._conditional is None:
                    self._conditional = self._ask_for_conditional_writes()
        return self._conditional

    def _ask_for_conditional_writes(self) -> bool:
        """Write one object twice under the condition that it does not exist: an honest server refuses the second."""
        empty = hashlib.sha256().hexdigest()
        return any(self._refuses_probe(empty) for _ in range(2))

    def _refuses_probe(self, sha256: str) -> bool:
        headers = self._encryption | _ONLY_NEW
        try:
            self._requests.put(self._configuration.prefix + _PROBE, b"", 0, sha256, headers)
        except MinioException as error:
            if already_exists(error):
                return True
            if status_of(error) not in _NOT_KNOWN and not contended(error):
                raise
        return False


@contextmanager
def _translating(subject: BlobKey | str) -> Iterator[None]:
    """Errors of the client leave as errors of the contract."""
    try:
        yield
    except (MinioException, HTTPError) as error:
        raise translated(error, str(subject)) from error


def _encryption_headers(configuration: S3Configuration) -> dict[str, str]:
    makers: dict[Encryption, Callable[[], dict[str, str]]] = {
        Encryption.NONE: dict,
        Encryption.S3: lambda: SseS3().headers(),
        Encryption.KMS: lambda: SseKMS(configuration.kms_key or "", {}).headers(),
    }
    return makers[configuration.encryption]()


def _modified(moment: datetime | None) -> datetime:
    # A blob without a date must not look old enough to be collected.
    return moment or datetime.now(UTC)
