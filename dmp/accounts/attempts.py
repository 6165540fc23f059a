"""How often something was asked for or tried: sliding windows, by account and by network address.

Subjects are kept as hashes: the table tells nobody which login or which address was there. A login that is nobody's is
counted like any other.
"""

from __future__ import annotations

import enum
import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, text

from dmp.errors import TooManyAttempts
from dmp.records import tables as t

_LONGEST_WINDOW = timedelta(days=1)


class AttemptKind(enum.IntEnum):
    """What is counted. The numbers are those in the database."""

    CODE_FOR_ACCOUNT = 1
    CODE_FOR_ADDRESS = 2
    WRONG_CODE = 3


def count(connection: Connection, kind: AttemptKind, subject: str, *, window: timedelta, at: datetime) -> int:
    """How many attempts there were within a window before a moment."""
    table = t.access_attempt
    number: int = connection.execute(
        select(func.count())
        .select_from(table)
        .where(table.c.subject == _hash(kind, subject), table.c.kind == int(kind), table.c.at > at - window)
    ).scalar_one()
    return number


def note(connection: Connection, kind: AttemptKind, subject: str, at: datetime) -> None:
    """Count an attempt, and forget those that no window reaches any more."""
    table = t.access_attempt
    connection.execute(delete(table).where(table.c.at <= at - _LONGEST_WINDOW))
    connection.execute(insert(table).values(subject=_hash(kind, subject), kind=int(kind), at=at))


def admit(
    connection: Connection, kind: AttemptKind, subject: str, *, most: int, window: timedelta, at: datetime
) -> None:
    """Count an attempt, unless there were too many within the window: `TooManyAttempts`."""
    alone(connection, kind, subject)
    if count(connection, kind, subject, window=window, at=at) >= most:
        raise TooManyAttempts
    note(connection, kind, subject, at)


def alone(connection: Connection, kind: AttemptKind, subject: str) -> None:
    """Keep attempts of the same subject waiting until the transaction ends; a writer in SQLite is alone anyway."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(_hash(kind, subject)[:8], "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _hash(kind: AttemptKind, subject: str) -> bytes:
    return hashlib.sha256(f"{kind.value}\0{subject}".encode()).digest()
