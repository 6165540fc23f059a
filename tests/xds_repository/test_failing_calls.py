"""Every call of a write fails once, in turn, until a write has no further call to fail: whatever happens, the answer is
an error, what is visible is whole, and the same request sent again ends as one request would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tests.services.trail import changes_of
from tests.xds_repository.house import Backend, Client, House, listening, succeeded
from tests.xds_repository.submissions import Submission, submission
from tests.xds_repository.test_crash_points import check_invariants
from xds_repository import tables
from xds_repository.ledger import RemovalState
from xds_repository.stores import FilesystemConfiguration, StoreFull, StoreUnavailable

TEMPORARY = {"XDSRepositoryBusy", "XDSRegistryBusy", "XDSRepositoryError", "XDSRepositoryOutOfResources"}


@dataclass
class Nth:
    """Fails the `number`th call that asks."""

    number: int
    error: Callable[[], Exception]
    calls: int = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self.number:
            raise self.error()


def database_error() -> Exception:
    return OperationalError("a statement", {}, Exception("the line is cut"))


@contextmanager
def failing_statements(house: House, fail: Nth) -> Iterator[None]:
    """A statement does not reach the database."""

    def before(*_: Any) -> None:
        fail()

    event.listen(house.engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(house.engine, "before_cursor_execute", before)


@contextmanager
def failing_commits(house: House, fail: Nth, *, after: bool) -> Iterator[None]:
    """A commit fails before it takes place, or its success is not heard of."""
    dialect: Any = house.engine.dialect
    real = dialect.do_commit

    def commit(connection: Any) -> None:
        if not after:
            fail()
        real(connection)
        if after:
            fail()

    dialect.do_commit = commit
    try:
        yield
    finally:
        del dialect.do_commit


@contextmanager
def failing_store(house: House, fail: Nth, method: str, *, after: bool) -> Iterator[None]:
    """The store fails before it does something, or after it has."""
    store: Any = house.store
    real = getattr(store, method)

    def call(*arguments: Any) -> Any:
        if not after:
            fail()
        result = real(*arguments)
        if after:
            fail()
        return result

    setattr(store, method, call)
    try:
        yield
    finally:
        delattr(store, method)


CALLS: dict[str, tuple[Callable[[], Exception], Callable[[House, Nth], Any], int]] = {
    "statement": (database_error, failing_statements, 15),
    "commit": (database_error, lambda h, f: failing_commits(h, f, after=False), 2),
    "commit, unheard": (database_error, lambda h, f: failing_commits(h, f, after=True), 2),
    "put": (lambda: StoreUnavailable("away"), lambda h, f: failing_store(h, f, "put", after=False), 2),
    "put, full": (lambda: StoreFull("full"), lambda h, f: failing_store(h, f, "put", after=False), 2),
    "put, unheard": (lambda: StoreUnavailable("away"), lambda h, f: failing_store(h, f, "put", after=True), 2),
    "stat": (lambda: StoreUnavailable("away"), lambda h, f: failing_store(h, f, "stat", after=False), 2),
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_failing_call_ends_in_an_error_and_a_retry_in_one_submission(tmp_path: Path, kind: str) -> None:
    error, failing, at_least = CALLS[kind]
    for number in range(1, 200):
        directory = tmp_path / str(number)
        directory.mkdir()
        store = FilesystemConfiguration(directory / "store", reserve_share=0.0)
        backend = Backend(f"sqlite:///{directory / 'rows.db'}", store)
        backend.prepare()
        house = House(backend, directory / "spool")
        papers, fail = submission(b"a", b"b" * 300_000), Nth(number, error)
        with listening(house.application) as url:
            client = Client(url, directory / "client")
            with failing(house, fail):
                outcome = client.provide(papers)
            if fail.calls < number:
                assert succeeded(outcome)
                break
            assert not outcome.succeeded
            assert {one.code for one in outcome.errors} <= TEMPORARY
            committed = kind == "commit, unheard" and number == 2
            check_invariants(house, {papers.unique_id: list(papers.papers)} if committed else {})
            assert succeeded(client.provide(papers))
            check_end(house, papers)
        house.engine.dispose()
    assert number - 1 >= at_least


REMOVING: dict[str, tuple[Callable[[], Exception], Callable[[House, Nth], Any], int]] = {
    "statement": (database_error, failing_statements, 8),
    "commit": (database_error, lambda h, f: failing_commits(h, f, after=False), 3),
    "commit, unheard": (database_error, lambda h, f: failing_commits(h, f, after=True), 3),
    "delete": (lambda: StoreUnavailable("away"), lambda h, f: failing_store(h, f, "delete", after=False), 2),
    "delete, unheard": (lambda: StoreUnavailable("away"), lambda h, f: failing_store(h, f, "delete", after=True), 2),
}


@pytest.mark.parametrize("kind", REMOVING)
def test_a_failing_call_removes_every_document_or_none_and_the_reaper_ends_it(tmp_path: Path, kind: str) -> None:
    error, failing, at_least = REMOVING[kind]
    for number in range(1, 200):
        directory = tmp_path / str(number)
        directory.mkdir()
        store = FilesystemConfiguration(directory / "store", reserve_share=0.0)
        backend = Backend(f"sqlite:///{directory / 'rows.db'}", store)
        backend.prepare()
        house = House(backend, directory / "spool")
        papers, fail = submission(b"a", b"b" * 300_000), Nth(number, error)
        named = [paper.unique_id for paper in papers.papers]
        with listening(house.application) as url:
            client = Client(url, directory / "client")
            assert succeeded(client.provide(papers))
            with failing(house, fail):
                outcome = client.remove(*named)
            removed = house.count(tables.removed_document)
            if outcome.succeeded:
                assert removed == 2
            else:
                assert {one.code for one in outcome.errors} <= TEMPORARY
                # Where the success of the commit is not heard of, it has taken place all the same.
                assert removed == (2 if kind == "commit, unheard" else 0)
            if removed:
                assert [code for code, _ in client.retrieve(*named).codes] == ["XDSDocumentUniqueIdError"] * 2
            else:
                assert client.retrieve(*named).contents == [paper.content for paper in papers.papers]
                assert succeeded(client.remove(*named))
        house.repository.reap()
        assert house.blobs() == []
        assert house.count(tables.removed_document, tables.removed_document.c.state == RemovalState.ERASED) == 2
        assert len([event for event in changes_of(house.engine) if event.transaction == "ITI-86"]) == 1
        house.engine.dispose()
        if fail.calls < number:
            break
    assert number - 1 >= at_least


def check_end(house: House, papers: Submission) -> None:
    """The submission is there once, and after the reaper nothing else is."""
    there = {papers.unique_id: list(papers.papers)}
    check_invariants(house, there)
    house.clock.ahead = house.configuration.intent_lifetime * 2
    house.repository.reap()
    check_invariants(house, there)
    assert house.count(tables.write_intent) == 0
    assert len(house.blobs()) == len(papers.papers)
