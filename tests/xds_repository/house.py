"""A repository with its registry, on real parts, and a client that talks to it over HTTP."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from sqlalchemy import Engine, func, select

from schemas.affinity_domain import load_affinity_domain
from schemas.responses import RegistryOutcome, read_registry_response
from schemas.vocabulary import RS, XDSB, ResponseStatus
from soap.client.caller import SoapAnswer, SoapCaller
from soap.parts import Spool, binary_of
from soap.service import SoapLimits, wsgi_application
from tests.services.trail import changes_of, make_trail
from tests.xds_repository.submissions import PROVIDE, REMOVE, REPOSITORY, RETRIEVE, Submission, removal, retrieval
from xds_registry import tables as registry_tables
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database
from xds_registry.registry import Registry
from xds_repository import tables
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.endpoint import repository_service
from xds_repository.registry_port import InProcessRegistry, RegistryPort
from xds_repository.repository import Repository
from xds_repository.stores import FilesystemConfiguration, ObjectStore, S3Configuration, open_store

CONFIGURATION = RepositoryConfiguration(REPOSITORY)


@dataclass(frozen=True)
class Backend:
    """Where a house keeps its rows and its bytes."""

    database: str
    store: FilesystemConfiguration | S3Configuration

    def prepare(self) -> None:
        """Make the tables."""
        engine = open_database(self.database)
        registry_tables.metadata.create_all(engine)
        tables.metadata.create_all(engine)
        make_trail(engine)
        engine.dispose()


def make_registry(engine: Engine) -> Registry:
    """A registry that takes every code and every patient of the domain."""
    return Registry(
        engine,
        RegistryConfiguration(load_affinity_domain("ihe"), register_unknown_patients=True),
        trail=make_trail(engine),
    )


class Clock:
    """The time, which tests may put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class House:
    """A repository opened on a backend."""

    backend: Backend
    spool: Path
    configuration: RepositoryConfiguration = CONFIGURATION
    registry_port: RegistryPort | None = None
    limits: SoapLimits = field(default_factory=lambda: SoapLimits(spool_reserve=0))
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.engine = open_database(self.backend.database)
        self.store: ObjectStore = open_store(self.backend.store)
        self.registry = make_registry(self.engine)
        self.spool.mkdir(exist_ok=True)
        self.repository = Repository(
            self.engine,
            self.store,
            self.registry_port or InProcessRegistry(self.registry),
            self.configuration,
            spool=Spool(self.spool),
            trail=self.registry.trail,
            clock=self.clock,
            **self.options,
        )
        self.application = wsgi_application(
            repository_service(self.repository), limits=self.limits, spool_directory=self.spool
        )

    def count(self, table: Any, *conditions: Any) -> int:
        """How many rows of a table there are."""
        with self.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()

    def blobs(self) -> list[str]:
        """The keys of all blobs."""
        return sorted(blob.key.text for blob in self.store.blobs())

    def rows(self) -> dict[str, int]:
        """What is registered and what is kept."""
        return {
            "sets": self.count(registry_tables.submission_set),
            "entries": self.count(registry_tables.document_entry),
            "audited": len(changes_of(self.engine)),
            "documents": self.count(tables.stored_document),
            "intents": self.count(tables.write_intent),
            "blobs": len(self.blobs()),
        }


@dataclass
class Retrieved:
    """The answer to ITI-43: documents in the order of the answer, as (uniqueId, mimeType, bytes)."""

    outcome: RegistryOutcome
    documents: list[tuple[str, str, bytes]]
    homes: list[str | None]

    @property
    def contents(self) -> list[bytes]:
        return [content for _, _, content in self.documents]

    @property
    def codes(self) -> list[tuple[str, str | None]]:
        return [(error.code, error.location) for error in self.outcome.errors]


class Client:
    """A document source and consumer."""

    def __init__(self, url: str, spool: Path, **options: Any) -> None:
        spool.mkdir(exist_ok=True)
        self.spool = spool
        self.caller = SoapCaller(url, spool_directory=spool, **options)

    def provide(self, submission: Submission, *, mtom: bool = True) -> RegistryOutcome:
        """ITI-41."""
        body, parts = submission.mtom() if mtom else (submission.inline(), [])
        return self.send(body, parts, mtom=mtom)

    def send(self, body: bytes, parts: Sequence[Any] = (), *, mtom: bool = True) -> RegistryOutcome:
        """ITI-41 with a body of the test's own."""
        with self.caller.call(PROVIDE, body, parts=parts, mtom=mtom) as answer:
            assert answer.body.tag == f"{{{RS}}}RegistryResponse"
            return read_registry_response(answer.body)

    def retrieve(self, *unique_ids: str, mtom: bool = True, **request: Any) -> Retrieved:
        """ITI-43."""
        with self.caller.call(RETRIEVE, retrieval(*unique_ids, **request), mtom=mtom) as answer:
            return self.read(answer)

    def remove(self, *unique_ids: str, mtom: bool = False, **request: Any) -> RegistryOutcome:
        """ITI-86."""
        with self.caller.call(REMOVE, removal(*unique_ids, **request), mtom=mtom) as answer:
            assert answer.body.tag == f"{{{RS}}}RegistryResponse"
            return read_registry_response(answer.body)

    def read(self, answer: SoapAnswer) -> Retrieved:
        """What an answer to ITI-43 holds."""
        documents, homes = [], []
        for response in answer.body.iterfind(f"{{{XDSB}}}DocumentResponse"):
            texts = {child.tag.partition("}")[2]: child.text or "" for child in response}
            element = response.find(f"{{{XDSB}}}Document")
            assert element is not None
            part = binary_of(element, answer.parts, Spool(self.spool))
            with part.open() as file:
                documents.append((texts["DocumentUniqueId"], texts["mimeType"], file.read()))
            part.release()
            homes.append(texts.get("HomeCommunityId"))
        outcome = answer.body.find(f"{{{RS}}}RegistryResponse")
        assert outcome is not None
        return Retrieved(read_registry_response(outcome), documents, homes)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def listening(application: Any, *, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve a WSGI application from a thread, with TLS where there is a context; the URL as without."""
    with make_server("127.0.0.1", 0, application, server_class=_Server, handler_class=_Quiet) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def succeeded(outcome: RegistryOutcome) -> bool:
    """Success, with every error shown when it is not."""
    assert outcome.status is ResponseStatus.SUCCESS, outcome.errors
    return True
