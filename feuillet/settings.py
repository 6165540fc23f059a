"""What an operator decides: one TOML file and environment variables, as frozen, typed values.

Secrets are `SecretStr`: they show in no error, log or report.
"""

from __future__ import annotations

import ipaddress
import os
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from schemas.datatypes import is_oid
from soap.intake import SoapLimits
from soap.xml import XmlLimits
from xds_registry.configuration import UnknownPatientPolicy
from xds_repository.stores import Encryption

_HIGHEST_PORT: Final = 65_535
_LONGEST_SOCKET_PATH: Final = 107


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) <= _HIGHEST_PORT:
        raise ValueError("expected HOST:PORT, such as 0.0.0.0:8443 or [::1]:8443")
    return text


def _loopback_address(text: str) -> str:
    host = _address(text).rpartition(":")[0].strip("[]")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError("expected a loopback address, such as 127.0.0.1:8080: this port asks for no certificate")
    return text


def _oid(text: str) -> str:
    if not is_oid(text):
        raise ValueError("expected an OID of at most 64 characters, such as 1.2.250.1.213.4.1.1.1.2")
    return text


def _home_community(text: str) -> str:
    if not text.startswith("urn:oid:") or not is_oid(text.removeprefix("urn:oid:")):
        raise ValueError("expected urn:oid: and an OID")
    return text


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("expected the path of a readable file")
    return path


def _socket_path(path: Path) -> Path:
    # sun_path of unix(7) holds 108 bytes with the terminating one
    if not path.is_absolute() or len(os.fsencode(path)) > _LONGEST_SOCKET_PATH or not path.parent.is_dir():
        raise ValueError("expected the absolute path of a Unix socket of at most 107 bytes, in an existing directory")
    return path


def _directory(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("expected the path of a directory")
    return path


def _fingerprint(text: str) -> str:
    plain = text.replace(":", "").lower()
    if len(plain) != 64 or not all(digit in "0123456789abcdef" for digit in plain):
        raise ValueError("expected the SHA-256 of a certificate: 64 hexadecimal digits, colons between them or not")
    return plain


def _database_url(secret: SecretStr) -> SecretStr:
    expected = "expected sqlite:////absolute/path or postgresql://user:password@host/database"
    try:
        url = make_url(secret.get_secret_value())
    except ArgumentError:
        raise ValueError(expected) from None
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ValueError(expected)
    if backend == "sqlite" and not Path(url.database or "").is_absolute():
        raise ValueError("expected an absolute path to a file for SQLite: sqlite:////absolute/path")
    return secret


Address = Annotated[str, AfterValidator(_address)]
LoopbackAddress = Annotated[str, AfterValidator(_loopback_address)]
Oid = Annotated[str, AfterValidator(_oid)]
HomeCommunity = Annotated[str, AfterValidator(_home_community)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]
SocketPath = Annotated[Path, AfterValidator(_socket_path)]
Directory = Annotated[Path, AfterValidator(_directory)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]


class TlsSettings(_Section):
    """`[server.tls]`: PEM files. `client_authorities` are the authorities whose certificates callers must show."""

    certificate: ReadableFile
    key: ReadableFile
    client_authorities: ReadableFile
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"


class LimitSettings(_Section):
    """`[server.limits]`: what one request may cost. Sizes in bytes, times in seconds."""

    body: int = Field(default=2_100_000_000, ge=10_000)
    part: int = Field(default=2_000_000_000, ge=1)
    parts: int = Field(default=256, ge=2, le=10_000)
    document: int = Field(default=12_000_000, ge=10_000, le=12_000_000)
    root: int = Field(default=2_000_000, ge=10_000, le=12_000_000)
    spool_threshold: int = Field(default=262_144, ge=0, le=16_777_216)
    spool_reserve: int = Field(default=67_108_864, ge=0)
    body_seconds: float = Field(default=900.0, gt=0)
    rate_seconds: float = Field(default=30.0, gt=0)
    rate: int = Field(default=1024, ge=1)
    xml_depth: int = Field(default=100, ge=16, le=250)
    xml_elements: int = Field(default=100_000, ge=100)

    def soap(self) -> SoapLimits:
        """The same for the wire."""
        values = self.model_dump()
        xml = XmlLimits(depth=values.pop("xml_depth"), elements=values.pop("xml_elements"))
        return SoapLimits(**values, xml=xml)


class ServerSettings(_Section):
    """`[server]`: where it listens, and with how many processes and threads.

    `https` needs `[server.tls]`. `plain` asks for no certificate, and so may only be a loopback address. `proxy` is a
    Unix socket for a reverse proxy, which verifies the client's certificate and states it (`feuillet.callers.peer`).
    """

    https: Address | None = None
    plain: LoopbackAddress | None = None
    proxy: SocketPath | None = None
    tls: TlsSettings | None = None
    workers: int = Field(default=2, ge=1, le=256)
    plain_workers: int = Field(default=1, ge=1, le=256)
    threads: int = Field(default=16, ge=1, le=256)
    connections: int = Field(default=1000, ge=1, le=65_536)
    keepalive_seconds: int = Field(default=15, ge=0, le=600)
    silence_seconds: int = Field(default=30, ge=1, le=600)
    stop_seconds: int = Field(default=30, ge=1, le=3600)
    operations_on_https: bool = False
    spool_directory: Path | None = None
    limits: LimitSettings = LimitSettings()

    @model_validator(mode="after")
    def _somewhere(self) -> ServerSettings:
        if self.https is None and self.plain is None and self.proxy is None:
            raise ValueError("expected https, plain or proxy: the server would listen nowhere")
        if self.https is not None and self.tls is None:
            raise ValueError("expected [server.tls] with certificate, key and client_authorities for https")
        return self


class DatabaseSettings(_Section):
    """`[database]`: a SQLAlchemy URL, and the connections that each process keeps at most."""

    url: DatabaseUrl
    pool_size: int = Field(default=8, ge=1, le=256)


class FilesystemSettings(_Section):
    """`[store.filesystem]`: documents in a directory."""

    root: Path
    reserve_share: float = Field(default=0.05, ge=0, lt=1)
    reserve_bytes: int = Field(default=0, ge=0)


class S3Settings(_Section):
    """`[store.s3]`: documents in a bucket."""

    endpoint: str = Field(min_length=1)
    bucket: str = Field(min_length=3, max_length=63)
    access_key: SecretStr
    secret_key: SecretStr
    region: str = "us-east-1"
    prefix: str = ""
    secure: bool = True
    ca: ReadableFile | None = None
    encryption: Encryption = Encryption.NONE
    kms_key: str | None = None
    connect_timeout: float = Field(default=5.0, gt=0)
    read_timeout: float = Field(default=30.0, gt=0)
    retries: int = Field(default=2, ge=0, le=10)
    connections: int = Field(default=32, ge=1)
    part_size: int = Field(default=8_388_608, ge=5_242_880, le=1_073_741_824)
    conditional_writes: bool | None = None


class StoreSettings(_Section):
    """`[store]`: exactly one of `filesystem` and `s3`."""

    filesystem: FilesystemSettings | None = None
    s3: S3Settings | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> StoreSettings:
        if (self.filesystem is None) == (self.s3 is None):
            raise ValueError("expected exactly one of [store.filesystem] and [store.s3]")
        return self


class RegistrySettings(_Section):
    """`[registry]`: the affinity domain (`ihe`, `ci-sis`, or a TOML file) and what the standard leaves to it.

    `patient_authorities` and `patient_namespace` take the place of the affinity domain's own.
    """

    affinity_domain: str = "ihe"
    patient_authorities: tuple[Oid, ...] | None = Field(default=None, min_length=1)
    patient_namespace: str | None = None
    unknown_patient: UnknownPatientPolicy = UnknownPatientPolicy.EMPTY
    home_community_id: HomeCommunity | None = None
    max_results: int = Field(default=10_000, ge=1, le=1_000_000)
    register_unknown_patients: bool = False


class RemoteRegistrySettings(_Section):
    """`[repository.registry]`: a registry elsewhere. With it, this server is a repository alone."""

    url: str = Field(pattern=r"^https?://")
    ca: ReadableFile | None = None
    certificate: ReadableFile | None = None
    key: ReadableFile | None = None
    connect_seconds: float = Field(default=2.0, gt=0)
    answer_seconds: float = Field(default=60.0, gt=0)

    @model_validator(mode="after")
    def _pair(self) -> RemoteRegistrySettings:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("expected certificate and key together")
        return self


class RepositorySettings(_Section):
    """`[repository]`: who the repository is, and what it keeps to."""

    unique_id: Oid
    registry: RemoteRegistrySettings | None = None
    intent_hours: float = Field(default=24.0, ge=24)
    settle_minutes: float = Field(default=10.0, gt=0)
    most_documents: int = Field(default=1000, ge=1)
    proven_ahead: int = Field(default=4_194_304, ge=0)

    @property
    def intent_lifetime(self) -> timedelta:
        return timedelta(hours=self.intent_hours)


class FeedSettings(_Section):
    """`[feed]`: where HL7 v2 patient messages are taken in.

    Without `[feed.tls]` anybody who reaches the address may announce and merge patients.
    """

    mllp: Address | None = None
    tls: TlsSettings | None = None


class TrustSettings(_Section):
    """`[trust]`: whose assertions count. `profiles` is a directory with a trust profile in each of its directories.

    `peers` are SHA-256 fingerprints (hex) of the certificates of repositories that register without an assertion.
    """

    profiles: Directory
    test_profiles: bool = False
    peers: tuple[Fingerprint, ...] = ()
    revocation: bool = True
    revocation_lists: Path | None = None
    revocation_refresh_minutes: float = Field(default=60.0, ge=1)
    revocation_grace_hours: float = Field(default=24.0, ge=0, le=168)
    window_seconds: float = Field(default=300.0, ge=10, le=86_400)
    skew_seconds: float = Field(default=60.0, ge=0, le=600)
    session_hours: float = Field(default=12.0, gt=0, le=24)
    patient_authorities: tuple[Oid, ...] | None = Field(default=None, min_length=1)
    audiences: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    homologations: tuple[str, ...] | None = None


class LogLevel(StrEnum):
    """From how important on a line is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogSettings(_Section):
    """`[logs]`: from which level on, and where to; `access` writes a line for each exchange.

    Audit events are written whatever the level.
    """

    level: LogLevel = LogLevel.INFO
    access: bool = True
    file: Path | None = None
    format: Literal["json", "text"] = "json"


class HousekeepingSettings(_Section):
    """`[housekeeping]`: seconds between two runs of the reaper, and of the publisher of audit events."""

    reaper_seconds: float = Field(default=300.0, ge=1)
    audit_seconds: float = Field(default=2.0, gt=0)


class Sections(_Section):
    """All sections of a configuration.

    `insecure_demo` is no key: only the command's option of that name sets it, and only on loopback addresses.
    """

    server: ServerSettings
    database: DatabaseSettings
    store: StoreSettings
    registry: RegistrySettings = RegistrySettings()
    repository: RepositorySettings
    feed: FeedSettings = FeedSettings()
    trust: TrustSettings | None = None
    logs: LogSettings = LogSettings()
    housekeeping: HousekeepingSettings = HousekeepingSettings()

    _insecure_demo: bool = PrivateAttr(default=False)

    @property
    def insecure_demo(self) -> bool:
        """Whether requests pass without an assertion."""
        return self._insecure_demo

    def as_insecure_demo(self) -> Self:
        """The same, open to whoever is on this machine. Raises ValueError when it can be reached from elsewhere."""
        for address in filter(None, (self.server.https, self.server.plain)):
            _loopback_address(address)
        copy = self.model_copy()
        copy._insecure_demo = True
        return copy

    def shown(self) -> dict[str, Any]:
        """The configuration in the values that JSON has, without secrets."""
        return self.model_dump(mode="json")
