"""What unfinished writes leave behind goes when its time has come, and nothing else does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.xds_repository.house import Client, House, succeeded
from tests.xds_repository.submissions import NOWHERE, submission
from xds_repository import tables
from xds_repository.ledger import IntentState
from xds_repository.stores import StoreUnavailable
from xds_repository.upkeep.reaper import ReaperReport

NOTHING_DONE = ReaperReport(cleaned=0, adopted=0, collected=0, deferred=0)


def test_finished_intents_go_at_once_and_their_documents_stay(house: House, client: Client) -> None:
    papers = submission(b"a", b"b")
    assert succeeded(client.provide(papers))
    assert house.repository.reap() == replace(NOTHING_DONE, cleaned=2)
    assert house.repository.reap() == NOTHING_DONE
    assert client.retrieve(papers.papers[1].unique_id).contents == [b"b"]


def test_a_write_is_given_up_24_hours_after_it_began_and_not_before(house: House, client: Client) -> None:
    client.provide(replace(submission(b"a"), replaces=NOWHERE))
    house.clock.ahead = timedelta(hours=23, minutes=59)
    assert house.repository.reap() == NOTHING_DONE
    assert len(house.blobs()) == 1
    house.clock.ahead = timedelta(hours=24, minutes=1)
    assert house.repository.reap() == replace(NOTHING_DONE, collected=1)
    assert (house.blobs(), house.count(tables.write_intent)) == ([], 0)


def test_documents_outlive_any_number_of_runs(house: House, client: Client) -> None:
    papers = submission(*(bytes([n]) for n in range(20)))
    assert succeeded(client.provide(papers))
    house.clock.ahead = timedelta(days=1000)
    for _ in range(3):
        assert house.repository.reap().collected == 0
    assert client.retrieve(*(paper.unique_id for paper in papers.papers)).outcome.succeeded


def test_an_expired_intent_whose_blob_is_a_document_is_only_finished(house: House, client: Client) -> None:
    papers = submission(b"a")
    assert succeeded(client.provide(papers))
    with house.engine.begin() as connection:
        connection.execute(tables.write_intent.update().values(state=IntentState.PENDING))
    house.clock.ahead = timedelta(days=2)
    assert house.repository.reap() == replace(NOTHING_DONE, cleaned=1)
    assert client.retrieve(papers.papers[0].unique_id).contents == [b"a"]


def test_a_store_that_is_away_leaves_the_work_to_the_next_run(
    house: House, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.provide(replace(submission(b"a"), replaces=NOWHERE))
    house.clock.ahead = timedelta(days=2)

    def away(_key: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(house.store, "delete", away)
        with pytest.raises(StoreUnavailable):
            house.repository.reap()
    assert house.repository.reap().collected == 1
    assert house.blobs() == []


def test_several_runs_at_once_do_the_work_once(open_house: Callable[..., tuple[House, Client]]) -> None:
    house, client = open_house()
    kept = submission(b"kept")
    assert succeeded(client.provide(kept))
    for _ in range(5):
        client.provide(replace(submission(b"a", b"b"), replaces=NOWHERE))
    house.clock.ahead = timedelta(days=2)
    failed: list[BaseException] = []

    def reap() -> None:
        try:
            house.repository.reap()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=reap) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert house.rows() == {"sets": 1, "entries": 1, "audited": 1, "documents": 1, "intents": 0, "blobs": 1}
    assert client.retrieve(kept.papers[0].unique_id).contents == [b"kept"]
