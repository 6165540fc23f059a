"""What the repository has written down: which blobs it means to write, and which documents it keeps.

An intent is committed before its blob is written, so that no blob is ever without a row that explains it:

    PENDING   the blob may exist, nothing refers to it yet
    DONE      the document is registered; the row may go
    REAPING   given up: nobody may register it any more, the blob is being deleted

What is removed leaves the documents and is remembered, in the transaction that removes it, before its blob goes:

    ERASING   nothing refers to the blob any more, it may still be there
    ERASED    the blob was deleted; a write that had found it before may yet bring it back
    SETTLED   no such write can be under way any more: the blob is gone for good
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from schemas.errors import XdsError, XdsErrors, XDSNonIdenticalHash, XDSNonIdenticalSize, XDSRepositoryError
from xds_repository.stores import BlobKey, Digest
from xds_repository.tables import removed_document, stored_document, write_intent

#: How many identifiers one statement asks for; SQLite takes 32,766 parameters.
BATCH: Final = 500
#: What a database raises that cannot be reached, or has no connection to give.
DATABASE_AWAY: Final = (OperationalError, InterfaceError, PoolTimeout)

# The statements of every request are built once.
_OF_UNIQUE_IDS: Final = select(stored_document).where(
    stored_document.c.unique_id.in_(bindparam("unique_ids", expanding=True))
)

_HELD: Final = _OF_UNIQUE_IDS.order_by(stored_document.c.unique_id).with_for_update(read=True, key_share=True)


class IntentState(enum.IntEnum):
    """How far a write has come."""

    PENDING = 1
    DONE = 2
    REAPING = 3


class RemovalState(enum.IntEnum):
    """How far the erasure of a removed document has come."""

    ERASING = 1
    ERASED = 2
    SETTLED = 3


@dataclass(frozen=True, slots=True)
class Document:
    """A document and its blob. `unique_id` is in NFC; hashes are lower-case hexadecimal, `size` is in bytes."""

    unique_id: str
    blob_key: BlobKey
    size: int
    sha1: str
    sha256: str
    mime_type: str

    @property
    def digest(self) -> Digest:
        return Digest(self.size, self.sha256)


@dataclass(frozen=True, slots=True)
class Intent:
    """A write under way, finished or given up."""

    pk: int
    document: Document
    state: IntentState
    created_at: datetime
    expired: bool


@dataclass(frozen=True, slots=True)
class Erasure:
    """A removed document whose blob is to be deleted, and the state it is in afterwards."""

    blob_key: BlobKey
    afterwards: RemovalState


def normal(unique_id: str) -> str:
    """An identifier in the form in which it is compared (ITI TF-2: Appendix F)."""
    return unique_id if unique_id.isascii() else unicodedata.normalize("NFC", unique_id)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: it takes SQLite's write lock at once."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def differences(known: Document, unique_id: str, size: int, sha256: str, location: str | None) -> list[XdsError]:
    """The errors of a uniqueId that comes again with other bytes; none for the same ones (ITI TF-2: 3.41.4.1.3)."""
    if known.sha256 == sha256 and known.size == size:
        return []
    errors: list[XdsError] = [XDSNonIdenticalHash(unique_id, location=location)]
    if known.size != size:
        errors.append(XDSNonIdenticalSize(unique_id, location=location))
    return errors


def record(connection: Connection, fresh: Sequence[Document], reused: Sequence[Document], now: datetime) -> None:
    """Say that documents are kept, in the transaction that registers them.

    Raises `XdsErrors` when a uniqueId was taken by other bytes meanwhile, a document to be used again is gone, or the
    write was given up because it took too long.
    """
    known = {item.unique_id: item for item in _held(connection, [d.unique_id for d in (*fresh, *reused)])}
    errors: list[XdsError] = []
    added = []
    for document in fresh:
        other = known.get(document.unique_id)
        if other is None:
            added.append(document)
        else:
            errors += differences(other, document.unique_id, document.size, document.sha256, None)
    for document in reused:
        other = known.get(document.unique_id)
        if other is None or other.blob_key != document.blob_key:
            errors.append(XDSRepositoryError("the document was removed meanwhile; try again"))
    if added and not errors:
        keys = [document.blob_key.text for document in added]
        finished = connection.execute(
            update(write_intent)
            .where(write_intent.c.blob_key.in_(keys), write_intent.c.state == IntentState.PENDING)
            .values(state=IntentState.DONE)
        )
        if finished.rowcount != len(added):
            errors.append(XDSRepositoryError("the write took longer than it may; try again"))
    if errors:
        raise XdsErrors(tuple(errors))
    if added:
        # In one order for everybody: two submissions of the same documents then wait for, not on, each other.
        added.sort(key=lambda document: document.unique_id)
        connection.execute(insert(stored_document), [{**_columns(d), "stored_at": now} for d in added])


def take_away(connection: Connection, documents: Iterable[Document], now: datetime) -> list[Document]:
    """Stop keeping documents, and remember that; those that were kept until now. Their blobs are to be deleted next."""
    # In one order for everybody: two removals of the same documents then wait for, not on, each other.
    taken = [
        document
        for document in sorted(documents, key=lambda document: document.unique_id)
        if connection.execute(delete(stored_document).where(*_is(document))).rowcount == 1
    ]
    if taken:
        connection.execute(
            insert(removed_document),
            [
                {
                    "unique_id": document.unique_id,
                    "blob_key": document.blob_key.text,
                    "state": RemovalState.ERASING,
                    "removed_at": now,
                }
                for document in taken
            ],
        )
    return taken


def kept(connection: Connection, unique_ids: Collection[str]) -> list[Document]:
    """What is kept under these identifiers (in NFC), as a transaction under way sees it."""
    return _documents(connection, unique_ids)


class Ledger:
    """The rows of one repository. Errors of the database pass through as SQLAlchemy raises them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def documents(self, unique_ids: Collection[str]) -> dict[str, Document]:
        """What is kept under these identifiers (in NFC)."""
        with self.engine.connect() as connection:
            return {document.unique_id: document for document in _documents(connection, unique_ids)}

    def keeps(self, document: Document) -> bool:
        """Whether this very document is kept."""
        with self.engine.connect() as connection:
            return connection.execute(select(stored_document.c.pk).where(*_is(document))).first() is not None

    def removed(self, unique_ids: Collection[str], since: datetime | None = None) -> set[str]:
        """Those identifiers (in NFC) whose document was removed, ever or `since` then."""
        columns, wanted, found = removed_document.c, list(unique_ids), set[str]()
        with self.engine.connect() as connection:
            for start in range(0, len(wanted), BATCH):
                query = select(columns.unique_id).where(columns.unique_id.in_(wanted[start : start + BATCH]))
                found.update(connection.scalars(query if since is None else query.where(columns.removed_at >= since)))
        return found

    def erasures(self, settled_before: datetime) -> Iterator[list[Erasure]]:
        """Blobs to delete: those of removed documents, and once more those of documents removed before that time."""
        columns, last = removed_document.c, 0
        old = columns.removed_at <= settled_before
        due = or_(columns.state == RemovalState.ERASING, and_(columns.state == RemovalState.ERASED, old))
        while True:
            query = select(columns.pk, columns.blob_key, old.label("old")).where(columns.pk > last, due)
            with self.engine.connect() as connection:
                rows = connection.execute(query.order_by(columns.pk).limit(BATCH)).all()
            if not rows:
                return
            last = rows[-1].pk
            yield [
                Erasure(BlobKey(row.blob_key), RemovalState.SETTLED if row.old else RemovalState.ERASED) for row in rows
            ]

    def note_erased(self, erasure: Erasure) -> None:
        """Say that the blob of a removed document was deleted."""
        columns = removed_document.c
        with writing(self.engine) as connection:
            connection.execute(
                update(removed_document)
                .where(columns.blob_key == erasure.blob_key.text, columns.state < erasure.afterwards)
                .values(state=erasure.afterwards)
            )

    def all_documents(self) -> Iterator[list[Document]]:
        """Every document that is kept, in batches; each batch is read in a transaction of its own."""
        last = 0
        while True:
            query = select(stored_document).where(stored_document.c.pk > last).order_by(stored_document.c.pk)
            with self.engine.connect() as connection:
                rows = connection.execute(query.limit(BATCH)).all()
            if not rows:
                return
            last = rows[-1].pk
            yield [_document(row) for row in rows]

    def totals(self) -> tuple[int, int]:
        """How many documents are kept, and their bytes in all."""
        query = select(func.count(), func.coalesce(func.sum(stored_document.c.size), 0)).select_from(stored_document)
        with self.engine.connect() as connection:
            count, size = connection.execute(query).one()
        return int(count), int(size)

    def explained(self, keys: Collection[str]) -> set[str]:
        """Those blob keys that a document, kept or removed, or an intent speaks of."""
        found: set[str] = set()
        with self.engine.connect() as connection:
            for table in (write_intent, stored_document, removed_document):
                column = table.c.blob_key
                found.update(connection.execute(select(column).where(column.in_(keys))).scalars())
        return found

    def open_intents(
        self, documents: Sequence[Document], digest: str, correlation_id: str, now: datetime, expires: datetime
    ) -> None:
        """Commit the intention to write these blobs."""
        common = {
            "digest": digest,
            "correlation_id": correlation_id[:64],
            "state": IntentState.PENDING,
            "created_at": now,
            "expires_at": expires,
        }
        with writing(self.engine) as connection:
            connection.execute(insert(write_intent), [_columns(document) | common for document in documents])

    def unfinished(self, now: datetime, created_before: datetime | None) -> Iterator[Intent]:
        """Intents that have expired or are being reaped; with `created_before`, younger ones of that age too."""
        columns, last = write_intent.c, 0
        due = or_(columns.expires_at <= now, columns.state == IntentState.REAPING)
        if created_before is not None:
            due = or_(due, columns.created_at <= created_before)
        while True:
            query = (
                select(write_intent, (columns.expires_at <= now).label("expired"))
                .where(columns.state != IntentState.DONE, columns.pk > last, due)
                .order_by(columns.pk)
                .limit(BATCH)
            )
            with self.engine.connect() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            last = rows[-1].pk
            for row in rows:
                yield Intent(row.pk, _document(row), IntentState(row.state), row.created_at, bool(row.expired))

    def adopt(self, intent: Intent, now: datetime) -> None:
        """Keep the document of a write whose registration became known later. Raises `XdsErrors`."""
        with writing(self.engine) as connection:
            record(connection, [intent.document], [], now)

    def claim(self, intent: Intent, now: datetime) -> bool:
        """Give an expired write up: nobody can register it any more. False when it is registered or has not expired."""
        columns = write_intent.c
        with writing(self.engine) as connection:
            # The row is locked from here on: a registration that is about to commit comes first, or fails.
            claimed = connection.execute(
                update(write_intent)
                .where(columns.pk == intent.pk, columns.state != IntentState.DONE, columns.expires_at <= now)
                .values(state=IntentState.REAPING)
            )
            if claimed.rowcount != 1:
                return False
            kept = select(stored_document.c.pk).where(stored_document.c.blob_key == intent.document.blob_key.text)
            if connection.execute(kept).first() is None:
                return True
            connection.execute(update(write_intent).where(columns.pk == intent.pk).values(state=IntentState.DONE))
            return False

    def forget(self, intent: Intent) -> None:
        """Delete the row of a write whose blob is gone."""
        with writing(self.engine) as connection:
            connection.execute(
                delete(write_intent).where(write_intent.c.pk == intent.pk, write_intent.c.state == IntentState.REAPING)
            )


def delete_finished(connection: Connection) -> int:
    """Delete the intents of registered documents; how many there were."""
    return connection.execute(delete(write_intent).where(write_intent.c.state == IntentState.DONE)).rowcount


def _held(connection: Connection, unique_ids: Collection[str]) -> list[Document]:
    """What is kept under these identifiers, and is not removed before the transaction ends."""
    wanted, found = sorted(set(unique_ids)), list[Document]()
    for start in range(0, len(wanted), BATCH):
        rows = connection.execute(_HELD, {"unique_ids": wanted[start : start + BATCH]})
        found += [_document(row) for row in rows]
    return found


def _is(document: Document) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    columns = stored_document.c
    return columns.unique_id == document.unique_id, columns.blob_key == document.blob_key.text


def _documents(connection: Connection, unique_ids: Collection[str]) -> list[Document]:
    wanted = list(unique_ids)
    found: list[Document] = []
    for start in range(0, len(wanted), BATCH):
        rows = connection.execute(_OF_UNIQUE_IDS, {"unique_ids": wanted[start : start + BATCH]})
        found += [_document(row) for row in rows]
    return found


def _document(row: Row[Any]) -> Document:
    return Document(row.unique_id, BlobKey(row.blob_key), row.size, row.sha1, row.sha256, row.mime_type)


def _columns(document: Document) -> dict[str, object]:
    return {
        "unique_id": document.unique_id,
        "blob_key": document.blob_key.text,
        "size": document.size,
        "sha1": document.sha1,
        "sha256": document.sha256,
        "mime_type": document.mime_type,
    }
