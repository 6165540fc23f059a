"""The rooms put together from the settings: database, store, registry, repository."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import requests
from lxml import etree
from sqlalchemy import Connection, Engine

from card_auth.dsg import DsgPolicy, Verifier
from card_auth.trust import TrustStore
from dmp.alerts import AlertPolicy, Announcement, ByConfidentiality, DocumentsAdded, announce
from dmp.audit import Trail
from dmp.authorisations.listing import note_document
from dmp.services import Setting
from feuillet.alerts.notifying import open_broker
from feuillet.audit.opening import open_trail
from feuillet.configuration import ConfigurationRefused
from feuillet.law import RecordLaw
from feuillet.law.merging import follow_merge
from feuillet.law.opening import open_law, open_services
from feuillet.law.telling import Telling
from feuillet.settings import RemoteRegistrySettings, Sections
from schemas.affinity_domain import AffinityDomain, AffinityDomainError, load_affinity_domain
from soap.parts import Spool
from soap.xml import parse_untrusted
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database
from xds_registry.registry import Registry
from xds_registry.subscriptions.announcing import Announcer
from xds_registry.subscriptions.broker import Broker
from xds_registry.visibility import anybody
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.registry_port import InProcessRegistry, RegistryPort, SoapRegistry
from xds_repository.repository import Repository
from xds_repository.retrieve import everybody
from xds_repository.signatures import SignatureExamination, SignaturePolicy
from xds_repository.stores import (
    FilesystemConfiguration,
    ObjectStore,
    S3Configuration,
    StoreMisconfigured,
    open_store,
)

#: Of an XML document that is signed in canonical form; clinical documents often name one style sheet.
_INSTRUCTIONS: Final = 16


@dataclass(frozen=True, slots=True)
class Rooms:
    """What one process works with.

    `registry` and the DMP's own `services` are None when they are elsewhere, `law` when none is enforced.
    """

    settings: Sections
    engine: Engine
    store: ObjectStore
    spool_directory: Path
    trail: Trail
    registry: Registry | None
    repository: Repository
    law: RecordLaw | None = None
    broker: Broker | None = None
    alert_policy: AlertPolicy = field(default_factory=ByConfidentiality)
    services: Setting | None = None

    def close(self) -> None:
        """Give the database connections back."""
        self.engine.dispose()


def open_rooms(settings: Sections, trust: TrustStore | None = None) -> Rooms:
    """Open everything, in the process that will use it.

    `trust` is for processes that receive documents, whose signatures it judges. Nothing is asked of the database or of
    an S3 store yet. Raises `ConfigurationRefused`, `StoreUnavailable`.
    """
    domain = affinity_domain(settings)
    engine = open_engine(settings)
    store = open_store(store_configuration(settings))
    spool_directory = _spool_directory(settings)
    limits = settings.server.limits
    trail = open_trail(settings, engine)
    law = open_law(settings, engine)
    registry = None
    port: RegistryPort
    if settings.repository.registry is None:
        registry = Registry(
            engine,
            _registry_configuration(settings, domain),
            trail=trail,
            law=anybody if law is None else law.submission,
            merging=follow_merge,
            announce=_announcer(settings, law),
        )
        port = InProcessRegistry(registry)
    else:
        port = _remote_registry(settings.repository.registry, engine, trail, spool_directory)
    repository = Repository(
        engine,
        store,
        port,
        repository_configuration(settings),
        spool=Spool(spool_directory, threshold=limits.spool_threshold, reserve=limits.spool_reserve),
        trail=trail,
        readable=everybody if law is None else law.readable,
        removable=everybody if law is None else law.removable,
        signatures=open_signatures(settings, trust),
    )
    broker = None if registry is None else open_broker(settings, engine, trail)
    services = None if registry is None else open_services(settings, engine, trail)
    return Rooms(
        settings,
        engine,
        store,
        spool_directory,
        trail,
        registry,
        repository,
        law=law,
        broker=broker,
        services=services,
        alert_policy=ByConfidentiality() if law is None else Telling(law),
    )


def _announcer(settings: Sections, law: RecordLaw | None) -> Announcer | None:
    """What is written down when documents come: who is to be told, and that the record has news."""
    told = [announce] if settings.alerts is not None else []
    if law is not None:
        told.append(_note_documents)
    if not told:
        return None

    def announcing(connection: Connection, added: DocumentsAdded) -> None:
        for each in told:
            each(connection, added)

    return announcing


def _note_documents(connection: Connection, announcement: Announcement) -> None:
    if isinstance(announcement, DocumentsAdded) and announcement.entries:
        note_document(connection, announcement.patient, announcement.happened_at)


def open_signatures(settings: Sections, trust: TrustStore | None) -> SignatureExamination:
    """Who examines the signatures of submissions. Raises `ConfigurationRefused`: required, and nobody is trusted."""
    policy = settings.signatures.policy
    if policy is SignaturePolicy.REQUIRED and settings.trust is None:
        raise ConfigurationRefused(["signatures.policy: expected [trust] beside required"])
    if trust is None or settings.trust is None:
        return SignatureExamination(policy, None)
    dsg_policy = DsgPolicy(
        window=timedelta(hours=settings.signatures.window_hours),
        skew=timedelta(seconds=settings.trust.skew_seconds),
    )
    documents = replace(settings.server.limits.soap().xml, processing_instructions=_INSTRUCTIONS)

    def parse_document(data: bytes) -> etree._Element:
        return parse_untrusted(data, documents)

    verifier = Verifier(trust, parse=parse_untrusted, parse_document=parse_document, policy=dsg_policy)
    return SignatureExamination(policy, verifier)


def open_engine(settings: Sections) -> Engine:
    """The database. Nothing is asked of it yet. Raises `ConfigurationRefused`."""
    try:
        return open_database(settings.database.url.get_secret_value(), pool_size=settings.database.pool_size)
    except ModuleNotFoundError:
        raise ConfigurationRefused(
            ["database.url: expected the extra postgres to be installed (feuillet[postgres]) for PostgreSQL"]
        ) from None


def affinity_domain(settings: Sections) -> AffinityDomain:
    """The affinity domain that the settings name. Raises `ConfigurationRefused`."""
    registry = settings.registry
    try:
        return load_affinity_domain(
            registry.affinity_domain,
            patient_authorities=registry.patient_authorities,
            patient_namespace=registry.patient_namespace,
        )
    except AffinityDomainError as error:
        raise ConfigurationRefused([f"registry.affinity_domain: {error}"]) from None


def store_configuration(settings: Sections) -> FilesystemConfiguration | S3Configuration:
    """Which store the settings describe. Raises `ConfigurationRefused`."""
    files, s3 = settings.store.filesystem, settings.store.s3
    section = "store.filesystem" if files is not None else "store.s3"
    try:
        if files is not None:
            return FilesystemConfiguration(files.root, files.reserve_share, files.reserve_bytes)
        assert s3 is not None  # noqa: S101 - the settings hold exactly one
        values = s3.model_dump(exclude={"access_key", "secret_key"})
        return S3Configuration(
            access_key=s3.access_key.get_secret_value(), secret_key=s3.secret_key.get_secret_value(), **values
        )
    except StoreMisconfigured as error:
        raise ConfigurationRefused([f"{section}.{error}"]) from None


def repository_configuration(settings: Sections) -> RepositoryConfiguration:
    """What the repository keeps to."""
    repository = settings.repository
    return RepositoryConfiguration(
        repository_unique_id=repository.unique_id,
        home_community_id=settings.registry.home_community_id,
        intent_lifetime=repository.intent_lifetime,
        settle_after=timedelta(minutes=repository.settle_minutes),
        most_documents=repository.most_documents,
        proven_ahead=repository.proven_ahead,
    )


def _registry_configuration(settings: Sections, domain: AffinityDomain) -> RegistryConfiguration:
    registry = settings.registry
    return RegistryConfiguration(
        affinity_domain=domain,
        unknown_patient=registry.unknown_patient,
        home_community_id=registry.home_community_id,
        max_results=registry.max_results,
        register_unknown_patients=registry.register_unknown_patients,
        own_repositories=frozenset({settings.repository.unique_id}),
    )


def _remote_registry(
    remote: RemoteRegistrySettings, engine: Engine, trail: Trail, spool_directory: Path
) -> SoapRegistry:
    session = requests.Session()
    session.trust_env = False
    if remote.ca is not None:
        session.verify = str(remote.ca)
    if remote.certificate is not None and remote.key is not None:
        session.cert = (str(remote.certificate), str(remote.key))
    timeout = (remote.connect_seconds, remote.answer_seconds)
    return SoapRegistry(
        remote.url, engine, trail=trail, session=session, timeout=timeout, spool_directory=spool_directory
    )


def _spool_directory(settings: Sections) -> Path:
    """Where attachments are received. Inside the filesystem store, so that storing them is a link and no copy."""
    if settings.server.spool_directory is not None:
        directory = settings.server.spool_directory
    elif settings.store.filesystem is not None:
        directory = settings.store.filesystem.root / "spool"
    else:
        directory = Path(tempfile.gettempdir()) / f"feuillet-spool-{os.getuid()}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError:
        raise ConfigurationRefused(["server.spool_directory: expected a usable directory"]) from None
    if found.st_uid != os.getuid() or not directory.is_dir() or directory.is_symlink():
        raise ConfigurationRefused(["server.spool_directory: expected a directory of the user that runs the server"])
    return directory
