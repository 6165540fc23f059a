"""The requests to an S3 server that the minio client does not make by itself.

Its public calls cannot make a write conditional and hash every body once more. Here a body goes out under the SHA-256
its sender already knows: the request's signature covers it, so the server refuses bytes that changed on the way.
Only this module relies on the client's inner methods.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import BinaryIO, Final, cast

from minio import Minio
from minio.credentials.credentials import Credentials
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.helpers import DictType
from urllib3 import BaseHTTPResponse, PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from xds_repository.stores.configuration import S3Configuration
from xds_repository.stores.contract import BlobCorrupt, BlobMissing, StoreError, StoreFull, StoreUnavailable
from xds_repository.stores.verification import CHUNK

_PAYLOAD: Final = "x-amz-content-sha256"
_FULL_CODES: Final = frozenset({"XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded"})
_MISSING_CODES: Final = frozenset({"NoSuchKey", "NoSuchVersion"})
_ALTERED_CODES: Final = frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"})
#: 304 is what some servers answer to a conditional write instead of 412.
_EXISTS_STATUS: Final = frozenset({304, 412})
#: Another conditional write of the same key is under way.
_CONTENDED_STATUS: Final = 409
_INSUFFICIENT_STORAGE: Final = 507


class Requests(Minio):
    """A minio client whose uploads may carry their own hash and conditions. Shared by threads."""

    def __init__(self, configuration: S3Configuration) -> None:
        super().__init__(
            configuration.endpoint,
            access_key=configuration.access_key,
            secret_key=configuration.secret_key,
            secure=configuration.secure,
            region=configuration.region,
            http_client=PoolManager(
                timeout=Timeout(connect=configuration.connect_timeout, read=configuration.read_timeout),
                maxsize=configuration.connections,
                # With None the system's authorities are trusted.
                ca_certs=str(configuration.ca) if configuration.ca else None,
                cert_reqs="CERT_REQUIRED",
                blocksize=CHUNK,
                retries=Retry(
                    total=configuration.retries,
                    backoff_factor=0.2,
                    backoff_jitter=0.2,
                    status_forcelist=(500, 502, 503, 504),
                    # A server must not make us wait longer than the configuration says.
                    respect_retry_after_header=False,
                    raise_on_status=False,
                ),
            ),
        )
        self._bucket = configuration.bucket

    def _build_headers(
        self,
        host: str,
        headers: DictType | None = None,
        body: bytes | None = None,
        creds: Credentials | None = None,
    ) -> tuple[DictType, datetime]:
        declared = headers.get(_PAYLOAD) if headers else None
        if declared is None:
            return super()._build_headers(host, headers, body, creds)
        built, date = super()._build_headers(host, headers, None, creds)
        built[_PAYLOAD] = declared
        return built, date

    def put(self, name: str, body: bytes | BinaryIO, size: int, sha256: str, headers: Mapping[str, str]) -> None:
        """Send an object of `size` bytes whose SHA-256 is `sha256` (hexadecimal), from memory or from a file."""
        self._upload(name, body, size, sha256, headers=headers, query={})

    def begin(self, name: str, headers: Mapping[str, str]) -> str:
        """Open an upload in parts; its id."""
        return self._create_multipart_upload(self._bucket, name, dict(headers))

    def put_part(self, name: str, upload: str, number: int, body: bytes) -> str:
        """Send part `number` (from 1); its entity tag."""
        query = {"partNumber": str(number), "uploadId": upload}
        sha256 = hashlib.sha256(body).hexdigest()
        response = self._upload(name, body, len(body), sha256, headers={}, query=query)
        return response.headers.get("etag", "").strip('"')

    def complete(self, name: str, upload: str, tags: list[str], headers: Mapping[str, str]) -> None:
        """Make the object of the parts with these entity tags, in their order."""
        parts = "".join(
            f'<Part><PartNumber>{number}</PartNumber><ETag>"{tag}"</ETag></Part>' for number, tag in enumerate(tags, 1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        md5 = hashlib.md5(body, usedforsecurity=False).digest()
        self._execute(
            "POST",
            self._bucket,
            name,
            body=body,
            headers={"Content-Type": "application/xml", "Content-MD5": base64.b64encode(md5).decode(), **headers},
            query_params={"uploadId": upload},
        )

    def abort(self, name: str, upload: str) -> None:
        """Drop the parts sent so far."""
        self._abort_multipart_upload(self._bucket, name, upload)

    def get(self, name: str) -> BaseHTTPResponse:
        """The object, unread. The caller closes the response."""
        return self._execute("GET", self._bucket, name, preload_content=False)

    def _upload(
        self,
        name: str,
        body: bytes | BinaryIO,
        size: int,
        sha256: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str],
    ) -> BaseHTTPResponse:
        return self._execute(
            "PUT",
            self._bucket,
            name,
            # urllib3 takes a file as well as bytes, and rewinds it for another attempt.
            body=cast(bytes, body),
            headers={"Content-Length": str(size), _PAYLOAD: sha256, **headers},
            query_params=dict(query),
        )


def status_of(error: MinioException) -> int | None:
    """The HTTP status behind an error of the client."""
    if isinstance(error, S3Error):
        return error.response.status
    if isinstance(error, ServerError):
        return error.status_code
    if isinstance(error, InvalidResponseError):
        return error._code
    return None


def already_exists(error: MinioException) -> bool:
    """Whether a conditional write was refused because the key is taken."""
    return status_of(error) in _EXISTS_STATUS


def contended(error: MinioException) -> bool:
    """Whether a conditional write met another one of the same key."""
    return status_of(error) == _CONTENDED_STATUS


def translated(error: MinioException | HTTPError, name: str) -> StoreError:
    """The error of our contract for an error of the client. Nothing the server wrote goes into its message."""
    if isinstance(error, HTTPError):
        return StoreUnavailable(f"the S3 server did not answer: {type(error).__name__}")
    status = status_of(error)
    code = (error.code if isinstance(error, S3Error) else None) or ""
    if code in _MISSING_CODES:
        return BlobMissing(f"blob {name} is not in the store")
    if code in _ALTERED_CODES:
        return BlobCorrupt(f"the source of blob {name} is not what its digest says")
    if code in _FULL_CODES or status == _INSUFFICIENT_STORAGE:
        return StoreFull("the S3 server has no room left")
    return StoreUnavailable(f"the S3 server answered {status} {code if code.isalnum() else ''}".rstrip())
