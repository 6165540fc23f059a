"""A scrub finds everything that is wrong, nothing that is right, and changes neither."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from soap.parts import Spool
from tests.xds_repository.house import Client, House, succeeded
from tests.xds_repository.submissions import NOWHERE, Paper, submission
from xds_registry import tables as registry_tables
from xds_repository import tables
from xds_repository.stores import BlobKey
from xds_repository.upkeep.scrub import ScrubFindingKind, ScrubPhase, ScrubProgress, ScrubReport

Opens = Callable[..., tuple[House, Client]]


def scrubbed(house: House) -> tuple[ScrubReport, list[ScrubProgress]]:
    run, seen = house.repository.scrub(), []
    while True:
        try:
            seen.append(next(run))
        except StopIteration as ended:
            return ended.value, seen


def stored(client: Client, count: int, size: int = 100) -> list[Paper]:
    papers = submission(*(bytes([n % 256]) * (size + n) for n in range(count)))
    assert succeeded(client.provide(papers))
    return list(papers.papers)


def key_of(house: House, paper: Paper) -> BlobKey:
    with house.engine.connect() as connection:
        columns = tables.stored_document.c
        return BlobKey(
            connection.execute(select(columns.blob_key).where(columns.unique_id == paper.unique_id)).scalar_one()
        )


def write(house: House, content: bytes, key: BlobKey) -> None:
    writer = Spool(house.spool).writer(len(content))
    writer.write(content)
    house.store.put(key, writer.finish(None, "application/octet-stream"))


def test_a_repository_in_which_nothing_is_wrong_is_clean(open_house: Opens) -> None:
    house, client = open_house()
    papers = stored(client, 5, 300_000)
    client.provide(replace(submission(b"refused, but not expired"), replaces=NOWHERE))
    report, progress = scrubbed(house)
    assert report.clean
    assert report.findings == ()
    assert (report.documents, report.blobs, report.entries) == (5, 6, 5)
    assert report.bytes == sum(len(paper.content) for paper in papers)
    assert report.registry_compared
    assert report.documents_compared
    assert {step.phase for step in progress} == set(ScrubPhase)
    assert progress[-1].done_bytes == progress[-1].total_bytes == report.bytes


def test_an_empty_repository_is_clean(house: House) -> None:
    report, _ = scrubbed(house)
    assert (report.clean, report.documents, report.blobs, report.entries) == (True, 0, 0, 0)


def test_each_thing_that_is_wrong_is_found_and_nothing_else(open_house: Opens) -> None:
    house, client = open_house()
    papers = stored(client, 60)
    house.repository.reap()
    missing, corrupt, unregistered, not_stored, different, _right = (papers[n : n + 10] for n in range(0, 60, 10))
    expected: set[tuple[ScrubFindingKind, str | None, str | None]] = set()
    entry, document = registry_tables.document_entry, tables.stored_document
    for paper in missing:
        key = key_of(house, paper)
        house.store.delete(key)
        expected.add((ScrubFindingKind.MISSING, paper.unique_id, key.text))
    for paper in corrupt:
        key = key_of(house, paper)
        house.store.delete(key)
        write(house, bytes(len(paper.content)), key) if any(paper.content) else write(house, b"x", key)
        expected.add((ScrubFindingKind.CORRUPT, paper.unique_id, key.text))
    with house.engine.begin() as connection:
        for paper in unregistered:
            pk = connection.execute(select(entry.c.pk).where(entry.c.unique_id == paper.unique_id)).scalar_one()
            for table in (registry_tables.document_entry_code, registry_tables.document_entry_author):
                connection.execute(delete(table).where(table.c.document_entry_pk == pk))
            connection.execute(delete(entry).where(entry.c.pk == pk))
            expected.add((ScrubFindingKind.UNREGISTERED, paper.unique_id, key_of(house, paper).text))
    for paper in not_stored:
        key = key_of(house, paper)
        with house.engine.begin() as connection:
            connection.execute(delete(document).where(document.c.unique_id == paper.unique_id))
        expected.add((ScrubFindingKind.NOT_STORED, paper.unique_id, None))
        expected.add((ScrubFindingKind.ORPHAN, None, key.text))
    with house.engine.begin() as connection:
        for number, paper in enumerate(different):
            wrong = {"size": 1} if number % 2 else {"hash": "0" * 40}
            connection.execute(update(entry).where(entry.c.unique_id == paper.unique_id).values(**wrong))
            expected.add((ScrubFindingKind.DIFFERENT, paper.unique_id, None))
    orphan = BlobKey.new()
    write(house, b"nobody's", orphan)
    expected.add((ScrubFindingKind.ORPHAN, None, orphan.text))
    before = house.rows()

    report, _ = scrubbed(house)
    found = {(f.kind, f.unique_id, None if f.kind is ScrubFindingKind.DIFFERENT else f.blob) for f in report.findings}
    assert found == expected
    assert len(report.findings) == len(expected)
    assert not report.clean
    assert house.rows() == before


def test_a_report_is_written_as_json(house: House, client: Client) -> None:
    (paper,) = stored(client, 1)
    key = key_of(house, paper)
    house.store.delete(key)
    report, _ = scrubbed(house)
    read = json.loads(json.dumps(report.as_json()))
    assert read["clean"] is False
    assert read["counts"]["missing"] == 1
    assert read["findings"] == [{"kind": "missing", "unique_id": paper.unique_id, "blob": key.text}]
    assert read["documents"] == 1


def test_progress_is_given_within_a_large_document(house: House, client: Client) -> None:
    stored(client, 1, 20_000_000)
    _, progress = scrubbed(house)
    within = [step for step in progress if step.phase is ScrubPhase.DOCUMENTS and step.done == 0]
    assert [step.done_bytes for step in within] == sorted(step.done_bytes for step in within)
    assert len(within) >= 2


def test_a_given_up_write_is_an_orphan_only_if_nothing_explains_it(house: House, client: Client) -> None:
    client.provide(replace(submission(b"a"), replaces=NOWHERE))
    house.clock.ahead = timedelta(days=2)
    assert scrubbed(house)[0].clean
    with house.engine.begin() as connection:
        connection.execute(delete(tables.write_intent))
    (finding,) = scrubbed(house)[0].findings
    assert finding.kind is ScrubFindingKind.ORPHAN


def test_a_scrub_that_cannot_look_reports_nothing(house: House, client: Client, tmp_path: Path) -> None:
    stored(client, 1)
    house.engine.dispose()
    (tmp_path / "rows.db").rename(tmp_path / "gone.db")
    (tmp_path / "rows.db").mkdir()
    with pytest.raises(Exception, match="database"):
        scrubbed(house)
