"""Which store, where, and within which bounds. Wrong values are refused here, with what would be accepted."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from xds_repository.stores.contract import ObjectStore


class Encryption(StrEnum):
    """Which server-side encryption an S3 store is asked for."""

    NONE = "none"
    S3 = "sse-s3"
    KMS = "sse-kms"


class StoreMisconfigured(ValueError):
    """A configuration value cannot be used. The message names the key and what would be accepted."""

    def __init__(self, key: str, accepted: str) -> None:
        super().__init__(f"{key}: expected {accepted}")
        self.key = key
        self.accepted = accepted


@dataclass(frozen=True, slots=True)
class FilesystemConfiguration:
    """A store in a directory.

    `reserve_share` (0 to below 1, of the file system) and `reserve_bytes` bound what must stay free: the larger counts.
    `stale_after` is the age in seconds from which an abandoned spool or temporary file is deleted at start-up.
    """

    root: Path
    reserve_share: float = 0.05
    reserve_bytes: int = 0
    stale_after: float = 86_400.0

    def __post_init__(self) -> None:
        if not self.root.is_absolute():
            raise StoreMisconfigured("root", "an absolute path")
        if not 0 <= self.reserve_share < 1:
            raise StoreMisconfigured("reserve_share", "a share from 0 to below 1")
        if self.reserve_bytes < 0:
            raise StoreMisconfigured("reserve_bytes", "a number of bytes, 0 or more")
        if self.stale_after <= 0:
            raise StoreMisconfigured("stale_after", "a number of seconds above 0")


@dataclass(frozen=True, slots=True)
class S3Configuration:
    """A store in a bucket of any S3 server.

    `endpoint` is host or host:port. `prefix` is put before every key, so that a bucket can be shared.
    `ca` is a PEM file of the authorities to trust, None for the system's. Timeouts are in seconds, per attempt;
    `retries` attempts follow a failed one. Sources above `part_size` bytes are sent in parts of that size: it is also
    the memory one upload takes. `connections` are kept open and shared by threads.
    `conditional_writes` says whether the server honours If-None-Match on writes; None finds out at first use.
    """

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    prefix: str = ""
    secure: bool = True
    ca: Path | None = None
    encryption: Encryption = Encryption.NONE
    kms_key: str | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    retries: int = 2
    connections: int = 32
    part_size: int = 8_388_608
    conditional_writes: bool | None = None

    def __post_init__(self) -> None:
        if not self.endpoint or "/" in self.endpoint:
            raise StoreMisconfigured("endpoint", "host or host:port, without scheme or path")
        if not 3 <= len(self.bucket) <= 63:
            raise StoreMisconfigured("bucket", "a bucket name of 3 to 63 characters")
        if not self.access_key or not self.secret_key:
            raise StoreMisconfigured("access_key, secret_key", "both to be given")
        if self.prefix.startswith("/") or (self.prefix and not self.prefix.endswith("/")):
            raise StoreMisconfigured("prefix", "nothing, or a path that ends with / and does not begin with it")
        if self.ca is not None and not self.ca.is_file():
            raise StoreMisconfigured("ca", "a readable PEM file")
        if (self.encryption is Encryption.KMS) != (self.kms_key is not None):
            raise StoreMisconfigured("kms_key", "a key name with encryption sse-kms, and only then")
        if self.connect_timeout <= 0 or self.read_timeout <= 0:
            raise StoreMisconfigured("connect_timeout, read_timeout", "seconds above 0")
        if not 0 <= self.retries <= 10:
            raise StoreMisconfigured("retries", "0 to 10")
        if self.connections < 1:
            raise StoreMisconfigured("connections", "1 or more")
        # The smallest part S3 takes is 5 MiB.
        if not 5_242_880 <= self.part_size <= 1_073_741_824:
            raise StoreMisconfigured("part_size", "5242880 to 1073741824 bytes")


def open_store(configuration: FilesystemConfiguration | S3Configuration) -> ObjectStore:
    """The store that `configuration` describes.

    Nothing is asked of an S3 server yet: `probe` does. Raises `StoreUnavailable` when a directory cannot be used,
    `StoreMisconfigured` when S3 is asked for and its client is not installed.
    """
    if isinstance(configuration, FilesystemConfiguration):
        from xds_repository.stores.filesystem import FilesystemStore  # noqa: PLC0415 - only what is used is loaded

        return FilesystemStore(configuration)
    try:
        from xds_repository.stores.s3 import S3Store  # noqa: PLC0415 - the client is an optional extra
    except ModuleNotFoundError as error:
        raise StoreMisconfigured("store", "the extra s3 to be installed (feuillet[s3]) for an S3 store") from error
    return S3Store(configuration)
