"""A registry elsewhere, reached by ITI-42 and ITI-18 over SOAP: same results, and a lost answer does no harm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from soap.service import SoapLimits, wsgi_application
from tests.services.process import free_port
from tests.services.trail import make_trail
from tests.xds_repository.house import CONFIGURATION, Backend, Client, House, listening, make_registry, succeeded
from tests.xds_repository.submissions import REPOSITORY, Paper, submission
from tests.xds_repository.test_provide import codes
from tests.xds_repository.upkeep.test_scrub import scrubbed
from xds_registry import tables as registry_tables
from xds_registry.database import open_database
from xds_registry.endpoint import registry_service
from xds_repository import tables
from xds_repository.registry_port import InProcessRegistry, RegistryEntry, RegistryUnreachable, SoapRegistry
from xds_repository.upkeep.scrub import ScrubFindingKind


@dataclass
class Line:
    """The way to a registry: `lossy` lets it do its work and cuts the connection before the answer."""

    application: Any
    lossy: bool = False
    broken: bool = False
    calls: int = field(default=0)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.calls += 1
        if self.broken:
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        chunks = self.application(environ, start_response if not self.lossy else lambda *_: None)
        if not self.lossy:
            return chunks
        list(chunks)
        chunks.close()
        raise ConnectionResetError("the line is cut")


@dataclass
class Elsewhere:
    """A repository and a registry with a database each."""

    house: House
    client: Client
    line: Line
    registry: Any

    def registered(self) -> int:
        """How many SubmissionSets the registry has."""
        with self.registry.engine.connect() as connection:
            return len(connection.execute(registry_tables.submission_set.select()).all())


@pytest.fixture
def elsewhere(embedded: Backend, tmp_path: Path) -> Iterator[Elsewhere]:
    engine = open_database(f"sqlite:///{tmp_path / 'registry.db'}")
    registry_tables.metadata.create_all(engine)
    registry = make_registry(engine)
    line = Line(wsgi_application(registry_service(registry), limits=SoapLimits(), spool_directory=tmp_path))
    with listening(line) as url:
        own = open_database(embedded.database)
        house = House(embedded, tmp_path / "spool", registry_port=SoapRegistry(url, own, trail=make_trail(own)))
        with listening(house.application) as repository_url:
            yield Elsewhere(house, Client(repository_url, tmp_path / "client"), line, registry)
        for opened in (engine, own, house.engine):
            opened.dispose()


def test_documents_are_registered_elsewhere_and_kept_here(elsewhere: Elsewhere) -> None:
    papers = submission(b"a", b"b" * 700_000)
    assert succeeded(elsewhere.client.provide(papers))
    retrieved = elsewhere.client.retrieve(*(paper.unique_id for paper in papers.papers))
    assert retrieved.contents == [paper.content for paper in papers.papers]
    assert elsewhere.registered() == 1
    assert elsewhere.house.rows() == {"sets": 0, "entries": 0, "audited": 1, "documents": 2, "intents": 2, "blobs": 2}


def test_a_retry_is_a_success_and_stores_nothing_twice(elsewhere: Elsewhere) -> None:
    papers = submission(b"a")
    assert succeeded(elsewhere.client.provide(papers))
    before = elsewhere.house.rows()
    assert succeeded(elsewhere.client.provide(papers))
    # whether the registry did anything is not known here, so it is audited as if it had
    assert elsewhere.house.rows() == before | {"audited": 2}
    assert elsewhere.registered() == 1


def test_errors_of_the_registry_come_back_with_their_code_context_and_location(elsewhere: Elsewhere) -> None:
    outcome = elsewhere.client.provide(replace(submission(b"a"), patient="1^^^&2.9.9&ISO"))
    assert set(codes(outcome)) == {"XDSUnknownPatientId"}
    assert all("1^^^&2.9.9&ISO" in error.code_context and error.location for error in outcome.errors)


@pytest.mark.parametrize("trouble", ["nobody", "503"])
def test_a_registry_that_does_not_answer_is_not_available(elsewhere: Elsewhere, trouble: str) -> None:
    papers = submission(b"a")
    if trouble == "503":
        elsewhere.line.broken = True
    else:
        elsewhere.house.registry_port._caller._url = f"http://127.0.0.1:{free_port()}/"  # type: ignore[union-attr]
    assert codes(elsewhere.client.provide(papers)) == ["XDSRegistryNotAvailable"]
    assert elsewhere.house.count(tables.stored_document) == 0
    with pytest.raises(RegistryUnreachable):
        elsewhere.house.registry_port.entries_of(["1.2.3"], REPOSITORY)  # type: ignore[union-attr]


def test_a_retry_after_a_lost_answer_ends_in_one_document(elsewhere: Elsewhere) -> None:
    papers = submission(b"a")
    elsewhere.line.lossy = True
    assert codes(elsewhere.client.provide(papers)) == ["XDSRegistryNotAvailable"]
    assert elsewhere.registered() == 1
    elsewhere.line.lossy = False
    assert succeeded(elsewhere.client.provide(papers))
    assert elsewhere.client.retrieve(papers.papers[0].unique_id).contents == [b"a"]
    elsewhere.house.clock.ahead = CONFIGURATION.intent_lifetime * 2
    assert elsewhere.house.repository.reap().collected == 1
    rows = elsewhere.house.rows()
    assert (rows["documents"], rows["intents"], rows["blobs"]) == (1, 0, 1)
    assert elsewhere.registered() == 1
    assert elsewhere.client.retrieve(papers.papers[0].unique_id).contents == [b"a"]


def test_the_reaper_keeps_what_was_registered_although_the_answer_was_lost(elsewhere: Elsewhere) -> None:
    papers = submission(b"a", b"b")
    elsewhere.line.lossy = True
    assert not elsewhere.client.provide(papers).succeeded
    elsewhere.line.lossy = False
    assert elsewhere.house.repository.reap().adopted == 0
    elsewhere.house.clock.ahead = CONFIGURATION.settle_after * 2
    assert elsewhere.house.repository.reap().adopted == 2
    retrieved = elsewhere.client.retrieve(*(paper.unique_id for paper in papers.papers))
    assert retrieved.contents == [b"a", b"b"]
    elsewhere.house.clock.ahead = CONFIGURATION.intent_lifetime * 2
    assert elsewhere.house.repository.reap().collected == 0
    assert elsewhere.client.retrieve(papers.papers[0].unique_id).contents == [b"a"]


def test_nothing_is_given_up_while_the_registry_cannot_be_asked(elsewhere: Elsewhere) -> None:
    elsewhere.line.broken = True
    assert not elsewhere.client.provide(submission(b"a")).succeeded
    elsewhere.house.clock.ahead = CONFIGURATION.intent_lifetime * 2
    report = elsewhere.house.repository.reap()
    assert (report.collected, report.deferred) == (0, 1)
    assert len(elsewhere.house.blobs()) == 1
    elsewhere.line.broken = False
    assert elsewhere.house.repository.reap().collected == 1
    assert elsewhere.house.blobs() == []


def test_both_ways_to_a_registry_know_the_same_entries(elsewhere: Elsewhere) -> None:
    quoted = Paper(b"abc", unique_id="urn:x:it's\u00e9&<b>")
    assert succeeded(elsewhere.client.provide(submission(quoted)))
    expected = [RegistryEntry(quoted.unique_id, 3, quoted.sha1)]
    ids = [quoted.unique_id, "1.2.3.4.5"]
    over_soap = elsewhere.house.registry_port
    assert over_soap is not None
    in_process = InProcessRegistry(elsewhere.registry)
    for port in (over_soap, in_process):
        assert port.entries_of(ids, REPOSITORY) == expected
        assert port.entries_of(ids, "1.2.3") == []
        assert port.entries_of([], REPOSITORY) == []
    assert over_soap.document_entries(REPOSITORY) is None
    assert list(in_process.document_entries(REPOSITORY)) == expected


def test_a_scrub_asks_the_registry_for_each_document(elsewhere: Elsewhere) -> None:
    papers = submission(b"a", b"b", b"c")
    assert succeeded(elsewhere.client.provide(papers))
    report, _ = scrubbed(elsewhere.house)
    assert (report.clean, report.documents_compared, report.registry_compared) == (True, True, False)
    entry = registry_tables.document_entry
    with elsewhere.registry.engine.begin() as connection:
        changed, gone, _ = (entry.c.unique_id == paper.unique_id for paper in papers.papers)
        row = connection.execute(entry.select().where(changed)).one()
        fragment = row.fragment.replace(papers.papers[0].sha1.encode(), b"0" * 40)
        connection.execute(entry.update().where(changed).values(fragment=fragment))
        connection.execute(entry.update().where(gone).values(unique_id="9.9.9"))
    report, _ = scrubbed(elsewhere.house)
    assert sorted((finding.kind, finding.unique_id) for finding in report.findings) == [
        (ScrubFindingKind.DIFFERENT, papers.papers[0].unique_id),
        (ScrubFindingKind.UNREGISTERED, papers.papers[1].unique_id),
    ]
    elsewhere.line.broken = True
    report, _ = scrubbed(elsewhere.house)
    assert (report.clean, report.documents_compared) == (True, False)
