"""A server that is killed at each step of a write, and started again: nothing acknowledged is lost, nothing else shows.

The invariants, as the checks below name them:
  I1 what was acknowledged can be read with the same bytes       I5 one Approved head per chain of replacements
  I2 what is registered has its blob, and the hash matches       I6 one audit row for each change of state
  I3 a submission is there as a whole or not at all              I7 after an error or none at all, a retry ends in the
  I4 a blob that nothing refers to stays until its intent ends      same state as one request
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from dmp.audit import Event
from dmp.audit.delivery import backlog
from feuillet.server.outbox import LOG
from schemas.vocabulary import AvailabilityStatus, ResponseStatus
from soap.client.caller import NoAnswer
from tests.services.trail import changes_of
from tests.xds_repository.house import Backend, Client, House, listening, succeeded
from tests.xds_repository.server import describe, running
from tests.xds_repository.submissions import Paper, Submission, submission
from xds_registry import tables as registry_tables
from xds_registry.encoding import STATUS_NUMBER
from xds_repository import tables
from xds_repository.crash_points import VARIABLE, CrashPoint
from xds_repository.stores import BlobKey, Digest
from xds_repository.upkeep.scrub import ScrubFinding

PROVIDING = [
    CrashPoint.REQUEST_ACCEPTED,
    CrashPoint.CONTENT_RECEIVED,
    CrashPoint.CHECKED,
    CrashPoint.INTENT_COMMITTED,
    CrashPoint.BLOB_STARTED,
    CrashPoint.BLOB_DURABLE,
    CrashPoint.BLOB_VERIFIED,
    CrashPoint.ROWS_WRITTEN,
    CrashPoint.COMMITTED,
    CrashPoint.ANSWERED,
]
COMMITTED = {CrashPoint.COMMITTED, CrashPoint.ANSWERED}


def contents() -> list[bytes]:
    """One document that stays in memory while it is received and one that goes through a file."""
    return [b"<small/>", bytes(range(256)) * 3000]


def provide(house: House, papers: Submission) -> None:
    """Send a submission to a server that lives."""
    with listening(house.application) as url:
        assert succeeded(Client(url, house.spool.parent / "client").provide(papers))


def crashing(backend: Backend, directory: Path, point: CrashPoint, papers: Submission) -> bool:
    """Send the submission to a server that dies at the point; whether the client was told of success."""
    with running(backend, directory, environment={VARIABLE: point.value}) as (url, server):
        try:
            acknowledged = succeeded(Client(url, directory / "client").provide(papers))
        except NoAnswer:
            acknowledged = False
        assert server.wait(20) == -signal.SIGKILL
    return acknowledged


def check_invariants(house: House, expected: dict[str, list[Paper]]) -> None:
    """I2, I3, I5 and I6 on what is there: `expected` names the submissions (by uniqueId) that are."""
    with house.engine.connect() as connection:
        sets = connection.execute(select(registry_tables.submission_set)).all()
        entries = connection.execute(select(registry_tables.document_entry)).all()
        documents = {row.unique_id: row for row in connection.execute(select(tables.stored_document))}
    audited = [event.submission_set for event in changes_of(house.engine)]
    papers = {paper.unique_id: paper for wanted in expected.values() for paper in wanted}
    assert {row.unique_id for row in sets} == expected.keys()  # I3
    assert sorted(row.unique_id for row in entries) == sorted(papers)  # I3
    assert documents.keys() == papers.keys()
    for row in entries:  # I2
        document = documents[row.unique_id]
        content = b"".join(house.store.open(BlobKey(document.blob_key), Digest(document.size, document.sha256)))
        assert content == papers[row.unique_id].content
        assert (row.hash, row.size) == (document.sha1, document.size) == (papers[row.unique_id].sha1, len(content))
    assert sorted(audited) == sorted(row.unique_id for row in sets)  # I6
    approved = STATUS_NUMBER[AvailabilityStatus.APPROVED]
    assert [row.status for row in entries].count(approved) == len(papers) - sum(
        row.association_type == 2 for row in _associations(house)
    )  # I5


def _associations(house: House) -> list[object]:
    with house.engine.connect() as connection:
        return list(connection.execute(select(registry_tables.association)))


@pytest.mark.parametrize("point", PROVIDING, ids=lambda point: f"{point.value}-{point.name}")
def test_a_crash_at_any_step_of_a_write_loses_nothing_and_shows_nothing_half_done(
    backend: Backend, tmp_path: Path, point: CrashPoint
) -> None:
    earlier, papers = submission(b"before"), submission(*contents())
    house = House(backend, tmp_path / "spool")
    provide(house, earlier)
    acknowledged = crashing(backend, tmp_path, point, papers)

    there = {earlier.unique_id: list(earlier.papers)}
    if point in COMMITTED:
        there[papers.unique_id] = list(papers.papers)
    # The one point after the answer is the one at which the client has it.
    assert acknowledged == (point is CrashPoint.ANSWERED)
    check_invariants(house, there)
    left = set(house.blobs())
    assert house.repository.reap().collected == 0  # I4: not before the intent has expired
    assert set(house.blobs()) == left

    with running(backend, tmp_path) as (url, _):
        client = Client(url, tmp_path / "client")
        if acknowledged:  # I1
            assert client.retrieve(*(paper.unique_id for paper in papers.papers)).contents == contents()
        elif point not in COMMITTED:
            hidden = client.retrieve(papers.papers[0].unique_id)
            assert hidden.codes == [("XDSDocumentUniqueIdError", papers.papers[0].unique_id)]
        assert succeeded(client.provide(papers))  # I7
        assert client.retrieve(*(paper.unique_id for paper in papers.papers)).contents == contents()
        assert client.retrieve(earlier.papers[0].unique_id).contents == [b"before"]
    there[papers.unique_id] = list(papers.papers)
    check_invariants(house, there)

    house.clock.ahead = house.configuration.intent_lifetime * 2
    house.repository.reap()
    check_invariants(house, there)
    assert house.count(tables.write_intent) == 0
    assert len(house.blobs()) == 3  # I4: what was left behind is gone, what is referred to is not
    house.engine.dispose()


@pytest.mark.parametrize("point", [CrashPoint.INTENT_CLEANED, CrashPoint.BLOB_COLLECTED], ids=lambda p: p.name)
def test_a_crash_while_clearing_away_is_made_good_by_the_next_run(
    backend: Backend, tmp_path: Path, point: CrashPoint
) -> None:
    kept, given_up = submission(b"kept"), submission(b"given up", b"this too")
    house = House(backend, tmp_path / "spool")
    provide(house, kept)
    crashing(backend, tmp_path, CrashPoint.ROWS_WRITTEN, given_up)
    assert len(house.blobs()) == 3

    assert _errand("reap", backend, tmp_path, point) == -signal.SIGKILL
    check_invariants(house, {kept.unique_id: list(kept.papers)})
    assert _errand("reap", backend, tmp_path, None) == 0
    check_invariants(house, {kept.unique_id: list(kept.papers)})
    assert house.rows() == {"sets": 1, "entries": 1, "audited": 1, "documents": 1, "intents": 0, "blobs": 1}
    provide(house, given_up)
    check_invariants(house, {kept.unique_id: list(kept.papers), given_up.unique_id: list(given_up.papers)})
    house.engine.dispose()


def test_an_audit_event_whose_publication_was_cut_short_is_published_again_and_is_still_one(
    backend: Backend, tmp_path: Path
) -> None:
    papers = submission(b"audited")
    house = House(backend, tmp_path / "spool")
    provide(house, papers)
    assert _errand("publish", backend, tmp_path, CrashPoint.OUTBOX_PUBLISHED) == -signal.SIGKILL
    assert backlog(house.engine, LOG) == 1
    assert _errand("publish", backend, tmp_path, None) == 0
    assert backlog(house.engine, LOG) == 0
    check_invariants(house, {papers.unique_id: list(papers.papers)})  # I6
    house.engine.dispose()


def test_a_crash_before_a_replacement_commits_leaves_the_old_document_approved(
    backend: Backend, tmp_path: Path
) -> None:
    old = submission(b"version 1")
    house = House(backend, tmp_path / "spool")
    provide(house, old)
    with house.engine.connect() as connection:
        target = connection.execute(select(registry_tables.document_entry.c.entry_uuid)).scalar_one()
    new = replace(submission(b"version 2"), replaces=target)
    assert not crashing(backend, tmp_path, CrashPoint.ROWS_WRITTEN, new)
    check_invariants(house, {old.unique_id: list(old.papers)})
    provide(house, new)
    check_invariants(house, {old.unique_id: list(old.papers), new.unique_id: list(new.papers)})
    house.engine.dispose()


REMOVING = [CrashPoint.REMOVAL_WRITTEN, CrashPoint.REMOVED, CrashPoint.BLOB_ERASED, CrashPoint.ANSWERED]


@pytest.mark.parametrize("point", REMOVING, ids=lambda point: f"{point.value}-{point.name}")
def test_a_crash_at_any_step_of_a_removal_removes_the_documents_or_leaves_them_whole(
    backend: Backend, tmp_path: Path, point: CrashPoint
) -> None:
    stays, goes = submission(b"stays"), submission(*contents())
    named = [paper.unique_id for paper in goes.papers]
    house = House(backend, tmp_path / "spool")
    provide(house, stays)
    provide(house, goes)
    with running(backend, tmp_path, environment={VARIABLE: point.value}) as (url, server):
        try:
            acknowledged = succeeded(Client(url, tmp_path / "client").remove(*named))
        except NoAnswer:
            acknowledged = False
        assert server.wait(20) == -signal.SIGKILL
    assert acknowledged == (point is CrashPoint.ANSWERED)

    committed = point is not CrashPoint.REMOVAL_WRITTEN
    assert len(_removals(house)) == committed  # I6
    assert house.count(tables.stored_document) == (1 if committed else 3)
    blobs_left = {CrashPoint.REMOVED: 3, CrashPoint.BLOB_ERASED: 2, CrashPoint.ANSWERED: 1}.get(point, 3)
    assert len(house.blobs()) == blobs_left
    assert _damage(house) == ()

    with running(backend, tmp_path) as (url, _):
        client = Client(url, tmp_path / "client")
        answered = client.retrieve(*named)
        if committed:
            assert answered.codes == [("XDSDocumentUniqueIdError", unique_id) for unique_id in named]
        else:
            assert answered.contents == contents()
        again = client.remove(*named)  # I7: the same state as after one request
        assert again.status is (ResponseStatus.FAILURE if committed else ResponseStatus.SUCCESS)
        assert client.retrieve(stays.papers[0].unique_id).contents == [b"stays"]
    assert house.repository.reap().erased == {CrashPoint.REMOVED: 2, CrashPoint.BLOB_ERASED: 2}.get(point, 0)
    assert len(house.blobs()) == 1
    assert len(_removals(house)) == 1
    assert _damage(house) == ()
    house.engine.dispose()


def test_a_crash_while_the_reaper_erases_is_made_good_by_the_next_run(backend: Backend, tmp_path: Path) -> None:
    stays, goes = submission(b"stays"), submission(*contents())
    house = House(backend, tmp_path / "spool")
    provide(house, stays)
    provide(house, goes)
    with running(backend, tmp_path, environment={VARIABLE: CrashPoint.REMOVED.value}) as (url, server):
        with pytest.raises(NoAnswer):
            Client(url, tmp_path / "client").remove(*(paper.unique_id for paper in goes.papers))
        assert server.wait(20) == -signal.SIGKILL
    assert _errand("reap", backend, tmp_path, CrashPoint.BLOB_ERASED) == -signal.SIGKILL
    assert len(house.blobs()) == 2
    assert _damage(house) == ()
    assert _errand("reap", backend, tmp_path, None) == 0
    assert len(house.blobs()) == 1
    assert _damage(house) == ()
    house.engine.dispose()


def _removals(house: House) -> list[Event]:
    return [event for event in changes_of(house.engine) if event.transaction == "ITI-86"]


def _damage(house: House) -> tuple[ScrubFinding, ...]:
    steps = house.repository.scrub()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            findings: tuple[ScrubFinding, ...] = end.value.findings
            return findings


def test_an_unknown_point_stops_the_process_with_the_names_that_are_known() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import xds_repository.crash_points"],
        env={**os.environ, VARIABLE: "C99"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode != 0
    assert "FEUILLET_CRASH_AT: expected one of C0, C1" in said.stderr


def test_every_point_has_its_number() -> None:
    assert [point.value for point in CrashPoint] == [f"C{number}" for number in range(18)]


def _errand(errand: str, backend: Backend, directory: Path, point: CrashPoint | None) -> int:
    """Run an errand in a process that dies at the point; its exit status."""
    environment = {**os.environ, **describe(backend, directory / "spooled"), "FEUILLET_TEST_ERRAND": errand}
    if point is not None:
        environment[VARIABLE] = point.value
    return subprocess.run(
        [sys.executable, "-m", "tests.xds_repository.server"],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    ).returncode
