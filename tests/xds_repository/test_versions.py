"""A document whose metadata has several versions is one document of the repository."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import select

from schemas import vocabulary as v
from schemas.ebrim.fragment import new_uuid
from soap.xml import parse_trusted
from tests.services.trail import events_of
from tests.xds_repository.house import Client, House, succeeded
from tests.xds_repository.submissions import PATIENT, REPOSITORY, Paper, Submission, submission
from tests.xds_repository.test_registry_port import Elsewhere, elsewhere
from tests.xds_repository.upkeep.test_scrub import Opens, scrubbed
from xds_registry import tables as t
from xds_registry.registry import Registry
from xds_repository.registry_port import InProcessRegistry, RegistryEntry

__all__ = ["elsewhere"]

OTHER_PATIENT = PATIENT.replace("^^^", "9^^^", 1)


def updated(
    registry: Registry, paper: Paper, *, patient: str = PATIENT, offline: bool = False, previous: int = 1
) -> None:
    """Make a new version of a paper's entry, by ITI-57."""
    with registry.engine.connect() as connection:
        columns = t.document_entry.c
        latest = connection.execute(
            select(t.document_entry).where(columns.unique_id == paper.unique_id, columns.version == previous)
        ).one()
    slots: dict[str, Any] = {"hash": paper.sha1, "size": str(len(paper.content)), "repositoryUniqueId": REPOSITORY}
    if offline:
        slots["documentAvailability"] = v.DocumentAvailability.OFFLINE.value
    new = Paper(paper.content, unique_id=paper.unique_id, entry_id=new_uuid(), slots=tuple(slots.items()))
    request = parse_trusted(Submission((new,), patient=patient).metadata().encode())
    (entry,) = request.iter(f"{{{v.RIM}}}ExtrinsicObject")
    entry.set("lid", latest.logical_id)
    (link,) = request.iter(f"{{{v.RIM}}}Association")
    slot = f'<rim:Slot xmlns:rim="{v.RIM}" name="PreviousVersion"><rim:ValueList><rim:Value>{previous}</rim:Value>'
    link.append(parse_trusted(f"{slot}</rim:ValueList></rim:Slot>".encode()))
    outcome = registry.update_document_set(request, digest=hashlib.sha256(etree.tostring(request)).hexdigest())
    assert outcome.succeeded, outcome.errors


@pytest.fixture
def paper(house: House, client: Client) -> Paper:
    """A document whose entry has two versions, of two patients."""
    papers = submission(b"content")
    assert succeeded(client.provide(papers))
    updated(house.registry, papers.papers[0], patient=OTHER_PATIENT)
    return papers.papers[0]


def test_the_registry_knows_a_document_of_several_versions_once(house: House, paper: Paper) -> None:
    port = InProcessRegistry(house.registry)
    expected = [RegistryEntry(paper.unique_id, len(paper.content), paper.sha1)]
    assert port.entries_of([paper.unique_id], REPOSITORY) == expected
    assert list(port.document_entries(REPOSITORY)) == expected


def test_a_document_is_retrieved_as_that_of_its_present_patient(house: House, client: Client, paper: Paper) -> None:
    assert client.retrieve(paper.unique_id).contents == [b"content"]
    event = [event for event in events_of(house.engine) if event.transaction == "ITI-43"][-1]
    assert event.patient == OTHER_PATIENT


def test_a_scrub_finds_nothing_wrong_with_versions(open_house: Opens) -> None:
    house, client = open_house()
    papers = submission(b"a", b"b")
    assert succeeded(client.provide(papers))
    updated(house.registry, papers.papers[0], offline=True)
    updated(house.registry, papers.papers[0], patient=OTHER_PATIENT, previous=2)
    report, _ = scrubbed(house)
    assert report.clean
    assert report.findings == ()


def test_a_document_is_provided_again_whatever_became_of_its_metadata(client: Client, paper: Paper) -> None:
    again = Paper(paper.content, unique_id=paper.unique_id)
    assert succeeded(client.provide(submission(again)))
    other = Paper(b"other", unique_id=paper.unique_id)
    assert not client.provide(submission(other)).succeeded


def test_a_registry_elsewhere_is_asked_for_every_version_and_every_patient(elsewhere: Elsewhere) -> None:
    papers = submission(b"a", b"b", b"c")
    assert succeeded(elsewhere.client.provide(papers))
    offline, moved, plain = papers.papers
    updated(elsewhere.registry, offline, offline=True)
    updated(elsewhere.registry, moved, patient=OTHER_PATIENT)
    port = elsewhere.house.registry_port
    assert port is not None
    found = port.entries_of([paper.unique_id for paper in papers.papers], REPOSITORY)
    wanted = [RegistryEntry(paper.unique_id, 1, paper.sha1) for paper in (offline, moved, plain)]
    assert sorted(found, key=repr) == sorted(wanted, key=repr)
    report, _ = scrubbed(elsewhere.house)
    assert (report.clean, report.documents_compared) == (True, True)
