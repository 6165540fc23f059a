"""What an operator decides: one TOML file and environment variables, as frozen, typed values.

Secrets are `SecretStr`: they show in no error, log or report.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, PrivateAttr, SecretStr, model_validator

from feuillet.alerts.settings import AlertSettings
from feuillet.setting_values import (
    Address,
    DatabaseUrl,
    Directory,
    Fingerprint,
    HomeCommunity,
    LoopbackAddress,
    Oid,
    ReadableFile,
    Section,
    SocketPath,
    loopback_address,
)
from soap.intake import SoapLimits
from soap.xml import XmlLimits
from xds_registry.configuration import UnknownPatientPolicy
from xds_repository.signatures import SignaturePolicy
from xds_repository.stores import Encryption


class TlsSettings(Section):
    """`[server.tls]`: PEM files. `client_authorities` are the authorities whose certificates callers must show."""

    certificate: ReadableFile
    key: ReadableFile
    client_authorities: ReadableFile
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"


class LimitSettings(Section):
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


class ServerSettings(Section):
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


class DatabaseSettings(Section):
    """`[database]`: a SQLAlchemy URL, and the connections that each process keeps at most."""

    url: DatabaseUrl
    pool_size: int = Field(default=8, ge=1, le=256)


class FilesystemSettings(Section):
    """`[store.filesystem]`: documents in a directory."""

    root: Path
    reserve_share: float = Field(default=0.05, ge=0, lt=1)
    reserve_bytes: int = Field(default=0, ge=0)


class S3Settings(Section):
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


class StoreSettings(Section):
    """`[store]`: exactly one of `filesystem` and `s3`."""

    filesystem: FilesystemSettings | None = None
    s3: S3Settings | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> StoreSettings:
        if (self.filesystem is None) == (self.s3 is None):
            raise ValueError("expected exactly one of [store.filesystem] and [store.s3]")
        return self


class RegistrySettings(Section):
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


class RemoteRegistrySettings(Section):
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


class RepositorySettings(Section):
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


class FeedSettings(Section):
    """`[feed]`: where HL7 v2 patient messages are taken in.

    Without `[feed.tls]` anybody who reaches the address may announce and merge patients.
    """

    mllp: Address | None = None
    tls: TlsSettings | None = None


class TrustSettings(Section):
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


class LawSettings(Section):
    """`[law]`: whether the rules of the shared record are enforced, and files that take the place of the shipped ones.

    Without it whoever is trusted may read and change everything: a registry between trusted systems. `feeders` are
    structures (Struct_IdNat) whose systems announce and merge patients by ITI-44.
    """

    enforced: bool = True
    feeders: tuple[str, ...] = ()
    matrix: ReadableFile | None = None
    professions: ReadableFile | None = None


class RecordSettings(Section):
    """`[record]`: what the deployment decides about records; what it leaves out is as `dmp/records/rules.toml` has it.

    `minors` and `masked_and_invisible` are the parameters `fonctions-gestion-mineurs` and
    `cumul-invisible_patient-masque_ps` of the French service.
    """

    minors: bool = True
    masked_and_invisible: bool = False
    dependants_of_general_regime: bool | None = None
    reading_minutes: float | None = Field(default=None, gt=0, le=1440)
    authorisation_months: int | None = Field(default=None, ge=1, le=120)
    break_glass_minutes: float | None = Field(default=None, gt=0, le=1440)
    retention_years: int | None = Field(default=None, ge=1, le=100)


class SignatureSettings(Section):
    """`[signatures]`: what is asked of the signature of a submission (IHE DSG)."""

    policy: SignaturePolicy = SignaturePolicy.VERIFY
    window_hours: float = Field(default=24.0, gt=0, le=8760)


class SyslogSettings(Section):
    """`[audit.syslog]`: where audit events go as ATNA messages. `source` is the AuditSourceID."""

    address: Address
    ca: ReadableFile | None = None
    certificate: ReadableFile | None = None
    key: ReadableFile | None = None
    source: str = Field(default="feuillet", min_length=1)
    enterprise_site: str = ""

    @model_validator(mode="after")
    def _pair(self) -> SyslogSettings:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("expected certificate and key together")
        return self


class AuditSettings(Section):
    """`[audit]`: the key that signs the trail, and where its signed heads are kept outside the database."""

    key: ReadableFile
    anchor: Path | None = None
    checkpoint_minutes: float = Field(default=5.0, gt=0, le=1440)
    syslog: SyslogSettings | None = None


class LogLevel(StrEnum):
    """From how important on a line is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogSettings(Section):
    """`[logs]`: from which level on, and where to; `access` writes a line for each exchange.

    Audit events are written whatever the level.
    """

    level: LogLevel = LogLevel.INFO
    access: bool = True
    file: Path | None = None
    format: Literal["json", "text"] = "json"


class HousekeepingSettings(Section):
    """`[housekeeping]`: seconds between two runs of the reaper, and of the delivery of audit events."""

    reaper_seconds: float = Field(default=300.0, ge=1)
    audit_seconds: float = Field(default=2.0, gt=0)


class Sections(Section):
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
    law: LawSettings = LawSettings()
    record: RecordSettings = RecordSettings()
    signatures: SignatureSettings = SignatureSettings()
    audit: AuditSettings | None = None
    alerts: AlertSettings | None = None
    logs: LogSettings = LogSettings()
    housekeeping: HousekeepingSettings = HousekeepingSettings()

    _insecure_demo: bool = PrivateAttr(default=False)
    _passing_audit_key: Ed25519PrivateKey | None = PrivateAttr(default=None)

    @property
    def insecure_demo(self) -> bool:
        """Whether requests pass without an assertion."""
        return self._insecure_demo

    @property
    def passing_audit_key(self) -> Ed25519PrivateKey | None:
        """The key of an insecure demonstration without `[audit]`: made at its start, gone at its end."""
        return self._passing_audit_key

    def as_insecure_demo(self) -> Self:
        """The same, open to whoever is on this machine. Raises ValueError when it can be reached from elsewhere."""
        for address in filter(None, (self.server.https, self.server.plain)):
            loopback_address(address)
        copy = self.model_copy()
        copy._insecure_demo = True
        if copy.audit is None:
            copy._passing_audit_key = Ed25519PrivateKey.generate()
        return copy

    def shown(self) -> dict[str, Any]:
        """The configuration in the values that JSON has, without secrets."""
        return self.model_dump(mode="json")
