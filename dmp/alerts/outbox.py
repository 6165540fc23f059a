"""The messages that wait: spread from announcements, leased by the process that sends them, tried again, given up.

An announcement becomes messages in one transaction, in which it is removed. A message is leased before it is sent and
removed after: a process that dies in between leaves a lease that ends, and the message is sent once more. Of one
recipient only the oldest message can be leased, so that the order holds; one that was given up lets the next ones pass.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine, Select, delete, exists, func, insert, select, text, update

from dmp.alerts.announcement import Announcement, decode
from dmp.alerts.tables import alert_event, alert_message
from dmp.audit.event import microseconds

#: Announcements spread in one transaction, for which writers on SQLite wait.
BATCH: Final = 20
#: Any number that nothing else on the server takes for its advisory locks.
_LOCK: Final = 0x616C7274


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to a recipient, whose key (80 characters at most) is what order is kept by."""

    recipient: str
    channel: str
    content: str


class Addressees(Protocol):
    """Those who asked to be told of something."""

    def drafts(self, connection: Connection, announcement: Announcement) -> Iterable[Draft]:
        """A message for each whom an announcement concerns."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """A message that this process has leased. `attempts` have failed before."""

    number: int
    recipient: str
    channel: str
    content: str
    attempts: int
    lease: str


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a message is tried, how long apart, and how long a process may take to send it."""

    attempts: int = 12
    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)
    lease: timedelta = timedelta(minutes=5)

    def wait(self, failed: int) -> timedelta:
        """How long to wait after the attempt of this number: twice as long each time."""
        doublings = min(max(failed, 1) - 1, 30)
        return min(self.longest, self.first * (1 << doublings))


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: announcements and messages, the age of the oldest of them, and the messages that were given up."""

    announcements: int
    messages: int
    oldest: timedelta
    dead: int


def spread(engine: Engine, addressees: Sequence[Addressees], *, at: datetime) -> int:
    """Make messages of the announcements that wait; how many announcements. Of several processes one does it."""
    spread_so_far = 0
    while _any(engine, select(alert_event.c.pk)):
        with _writing(engine) as connection:
            if not _alone(connection):
                return spread_so_far
            rows = connection.execute(select(alert_event).order_by(alert_event.c.pk).limit(BATCH)).all()
            for row in rows:
                announcement = decode(row.content)
                drafts = [draft for each in addressees for draft in each.drafts(connection, announcement)]
                _keep(connection, drafts, row.happened_at, at)
            if rows:
                connection.execute(delete(alert_event).where(alert_event.c.pk.in_([row.pk for row in rows])))
        spread_so_far += len(rows)
        if len(rows) < BATCH:
            break
    return spread_so_far


def lease(engine: Engine, channels: Collection[str], retry: Retry, *, at: datetime) -> Message | None:
    """Take the oldest message that is due and goes by one of the channels; None when there is none."""
    now, columns = microseconds(at), alert_message.c
    earlier = alert_message.alias("earlier")
    in_the_way = exists().where(
        earlier.c.recipient == columns.recipient, earlier.c.pk < columns.pk, earlier.c.dead.is_(False)
    )
    statement = (
        select(alert_message)
        .where(
            columns.dead.is_(False),
            columns.due_at <= now,
            columns.lease_until <= now,
            columns.channel.in_(sorted(channels)),
            ~in_the_way,
        )
        .order_by(columns.due_at, columns.pk)
        .limit(1)
    )
    if not _any(engine, statement):
        return None
    with _writing(engine) as connection:
        row = connection.execute(statement.with_for_update(skip_locked=True, of=alert_message)).first()
        if row is None:
            return None
        token = str(uuid.uuid4())
        until = microseconds(at + retry.lease)
        connection.execute(update(alert_message).where(columns.pk == row.pk).values(lease=token, lease_until=until))
    return Message(row.pk, row.recipient, row.channel, row.content, row.attempts, token)


def sent(engine: Engine, message: Message) -> bool:
    """Forget a message that has been sent; False when its lease had ended and another process has it."""
    columns = alert_message.c
    with _writing(engine) as connection:
        statement = delete(alert_message).where(columns.pk == message.number, columns.lease == message.lease)
        return bool(connection.execute(statement).rowcount)


def failed(engine: Engine, message: Message, retry: Retry, *, permanent: bool, at: datetime) -> bool:
    """Put a message back that could not be sent; whether it is given up now."""
    attempts = message.attempts + 1
    dead = permanent or attempts >= retry.attempts
    columns = alert_message.c
    due_at = microseconds(at + retry.wait(attempts))
    values = {"attempts": attempts, "due_at": due_at, "dead": dead, "lease": "", "lease_until": 0}
    with _writing(engine) as connection:
        connection.execute(
            update(alert_message).where(columns.pk == message.number, columns.lease == message.lease).values(**values)
        )
    return dead


def revive(engine: Engine, *, at: datetime) -> int:
    """Try once more what was given up, from the first attempt on; how many messages."""
    values = {"dead": False, "attempts": 0, "due_at": microseconds(at)}
    with _writing(engine) as connection:
        return connection.execute(update(alert_message).where(alert_message.c.dead.is_(True)).values(values)).rowcount


def backlog(engine: Engine, *, at: datetime) -> Backlog:
    """What waits at this moment."""
    events, columns = alert_event.c, alert_message.c
    waiting = select(func.count(), func.min(columns.created_at)).where(columns.dead.is_(False))
    given_up = select(func.count()).where(columns.dead.is_(True))
    with engine.connect() as connection:
        announcements, first_event = connection.execute(select(func.count(), func.min(events.happened_at))).one()
        messages, first_message = connection.execute(waiting).one()
        dead = connection.execute(given_up).scalar_one()
    oldest = min((moment for moment in (first_event, first_message) if moment is not None), default=microseconds(at))
    return Backlog(announcements, messages, timedelta(microseconds=max(0, microseconds(at) - oldest)), dead)


def _keep(connection: Connection, drafts: Sequence[Draft], happened_at: int, at: datetime) -> None:
    if drafts:
        state = {"created_at": happened_at, "attempts": 0, "due_at": microseconds(at)}
        state |= {"lease_until": 0, "dead": False}
        rows = [
            {"recipient": d.recipient, "channel": d.channel, "content": d.content, "lease": "", **state} for d in drafts
        ]
        connection.execute(insert(alert_message), rows)


def _any(engine: Engine, statement: Select[Any]) -> bool:
    """Whether there is a row; asked without the lock that writers wait for."""
    with engine.connect() as connection:
        return connection.execute(statement.limit(1)).first() is not None


def _alone(connection: Connection) -> bool:
    """Whether this transaction is the one that spreads. In SQLite a writer is alone anyway."""
    if connection.dialect.name != "postgresql":
        return True
    locked: bool = connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}).scalar_one()
    return locked


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection
