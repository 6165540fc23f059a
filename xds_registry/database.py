"""Opening the database: SQLite as the embedded default, PostgreSQL in production, both durable before they answer."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How long a writer waits for another one on SQLite, in milliseconds.
BUSY_TIMEOUT_MS = 10_000
#: How long a transaction on PostgreSQL waits for a row that another one holds, in milliseconds; then it fails.
LOCK_TIMEOUT_MS = 5_000
#: What one connection may keep of the SQLite file in memory, in KiB.
SQLITE_CACHE_KIB = 32_768


class DatabaseNotDurable(Exception):
    """The database may lose what it has acknowledged; the message names the setting and the value that is needed."""


def open_database(url: str, *, pool_size: int = 8, lock_timeout_ms: int = LOCK_TIMEOUT_MS) -> Engine:
    """An engine for a SQLAlchemy URL (`sqlite:///path`, `postgresql://…`).

    `lock_timeout_ms` counts on PostgreSQL: what a session left locked, the head of an audit chain above all, costs a
    request so long and no longer.

    Raises DatabaseNotDurable when a PostgreSQL server is set to acknowledge before it has written.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed.render_as_string(hide_password=False), pool_size)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10},
    )
    event.listen(engine, "first_connect", _assert_durable)

    @event.listens_for(engine, "connect")
    def _bound_waiting(connection: Any, _record: Any) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"SET lock_timeout = {lock_timeout_ms:d}")
        connection.commit()  # a rollback would undo it

    return engine


def _open_sqlite(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = connection.cursor()
        cursor.execute("PRAGMA page_size = 8192")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA case_sensitive_like = ON")  # as LIKE is in PostgreSQL and in the standard
        cursor.execute(f"PRAGMA cache_size = -{SQLITE_CACHE_KIB}")
        cursor.execute("PRAGMA mmap_size = 268435456")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: two that read first and write later would dead-lock.
        immediate = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _assert_durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    try:
        for setting in ("fsync", "full_page_writes"):
            cursor.execute(f"SHOW {setting}")
            (value,) = cursor.fetchone()
            if value != "on":
                raise DatabaseNotDurable(f"PostgreSQL has {setting} = {value}; it must be on")
        cursor.execute("SHOW synchronous_commit")
        (value,) = cursor.fetchone()
        if value == "off":
            raise DatabaseNotDurable("PostgreSQL has synchronous_commit = off; it must be on, local or stronger")
    finally:
        cursor.close()
        connection.rollback()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write; committed when the block ends, rolled back when it raises."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one consistent view of what is committed."""
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def ping(engine: Engine) -> None:
    """Ask the database for nothing; raises what the driver raises when it does not answer."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
