"""Databases full of DocumentEntries, filled by SQL as fast as the disk takes them, and kept for the next run."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.product import Setup
from bench.rows import Captured, TableRows, Value, fill
from bench.workload import patient_id

CACHE: Final = Path(__file__).resolve().parents[1] / ".cache" / "bench"
#: How many documents each patient has.
EACH: Final = 100
#: The tables of one entry. What hangs on its SubmissionSet is not looked at by FindDocuments.
_ENTRY_TABLES: Final = ("document_entry", "document_entry_code", "document_entry_author")
_BATCH: Final = 5_000
_BYTES_PER_ENTRY: Final = 9_500

Say = Callable[[str], None]


class NoRoom(Exception):
    """The disk has no room for the database; the message says how much is needed."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A database with `entries` entries, `each` for each of the patients 1, 2, 3…"""

    url: str
    entries: int
    each: int = EACH

    @property
    def patients(self) -> int:
        return self.entries // self.each


def sqlite_database(entries: int, captured: Captured, say: Say, *, each: int = EACH) -> Filled:
    """A SQLite database of so many entries: the one of an earlier run, or a new one. Raises `NoRoom`."""
    CACHE.mkdir(parents=True, exist_ok=True)
    name = f"entries-{entries}" if each == EACH else f"entries-{entries}-by-{each}"
    path = CACHE / f"{name}-{captured.key}.db"
    filled = Filled(f"sqlite:///{path}", entries, each)
    if path.exists():
        return filled
    for old in CACHE.glob(f"{name}-{'[0-9a-f]' * len(captured.key)}.*"):
        old.unlink()
    needed = entries * _BYTES_PER_ENTRY
    if shutil.disk_usage(CACHE).free < needed * 1.2:
        raise NoRoom(f"{CACHE} needs {needed / 1e9:.1f} GB for {entries:,} entries")
    started = time.monotonic()
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    Setup(f"sqlite:///{draft}", CACHE).create_tables()
    connection = sqlite3.connect(draft, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000", "locking_mode = EXCLUSIVE"):
        connection.execute(f"PRAGMA {pragma}")
    indexes = _drop_indexes(connection)
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO patient (pk, patient_id, created_at) VALUES (?, ?, ?)", _patients(filled))
    for inserts, batch in _batches(captured, filled):
        for statement, rows in zip(inserts, batch, strict=True):
            connection.executemany(statement, rows)
    for statement in indexes:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    os.replace(draft, path)
    say(f"{entries:,} entries in {time.monotonic() - started:.0f} s, {path.stat().st_size / 1e9:.2f} GB")
    return filled


def _drop_indexes(connection: sqlite3.Connection) -> list[str]:
    """Drop the indexes of the entries' tables; the statements that make them again."""
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL AND tbl_name LIKE 'document_entry%'"
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    return [sql for _, sql in found]


def postgresql_database(url: str, entries: int, captured: Captured, say: Say, *, each: int = EACH) -> Filled:
    """Fill the empty PostgreSQL database at a SQLAlchemy URL."""
    import psycopg  # noqa: PLC0415 - the driver is an optional extra

    started = time.monotonic()
    Setup(url, CACHE).create_tables()
    filled = Filled(url, entries, each)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=False) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
            with cursor.copy("COPY patient (pk, patient_id, created_at) FROM STDIN") as copy:
                for known in _patients(filled):
                    copy.write_row(known)
            for _, batch in _batches(captured, filled):
                for name, rows in zip(_ENTRY_TABLES, batch, strict=True):
                    columns = ", ".join(f'"{column}"' for column in captured.table(name).columns)
                    with cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as copy:
                        for row in rows:
                            copy.write_row(row)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    say(f"{entries:,} entries in {time.monotonic() - started:.0f} s")
    return filled


def _patients(filled: Filled) -> Iterator[tuple[int, str, str]]:
    for number in range(1, filled.patients + 1):
        yield number, patient_id(number), "2026-01-01 00:00:00.000000"


def _batches(captured: Captured, filled: Filled) -> Iterator[tuple[list[str], list[list[tuple[Value, ...]]]]]:
    """Entries as they would arrive over years: each patient's documents lie far apart from one another."""
    tables = [captured.table(name) for name in _ENTRY_TABLES]
    inserts = [table.insert for table in tables]
    for start in range(0, filled.entries, _BATCH):
        batch: list[list[tuple[Value, ...]]] = [[] for _ in tables]
        for number in range(start, min(start + _BATCH, filled.entries)):
            patient = 1 + number % filled.patients
            names = _names(captured, patient)
            for rows, table in zip(batch, tables, strict=True):
                rows.extend(_filled(table, names, number, patient))
        yield inserts, batch


def _names(captured: Captured, patient: int) -> dict[str, bytes]:
    names: dict[str, bytes] = dict.fromkeys(captured.holes, b"")
    fresh = os.urandom(16)
    for hole in captured.holes:
        if hole.startswith("entry_uuid"):
            names[hole] = str(uuid.UUID(bytes=fresh)).encode()
    names["name"] = b"2.25.%039d" % int.from_bytes(fresh, "big")
    names["patient"] = b"%015d" % patient
    return names


def _filled(table: TableRows, names: dict[str, bytes], base: int, patient: int) -> Iterator[tuple[Any, ...]]:
    for row in table.rows:
        yield fill(table, row, names, base, patient)
