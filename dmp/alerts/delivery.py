"""Sending what waits in the outbox: recorded in the audit trail, sent, forgotten; in that order."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from dmp.alerts import outbox
from dmp.alerts.channel import NotSent
from dmp.alerts.outbox import Message, Retry
from dmp.audit import Event, Outcome, Trail
from dmp.audit.refusals import RefusalClass


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message made ready: what the trail says of it, and the act of sending, which raises `NotSent`."""

    events: tuple[Event, ...]
    send: Callable[[], None]


class Courier(Protocol):
    """Makes the messages of one channel ready."""

    def prepare(self, message: Message) -> Parcel | None:
        """The parcel; None when the recipient is not to be told any more."""
        ...


class Result(enum.StrEnum):
    """What became of a message."""

    SENT = "sent"
    WITHDRAWN = "withdrawn"  # its recipient does not want it, or may not know of it, any more
    POSTPONED = "postponed"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message and what became of it; `reason` is the kind of trouble, empty when there was none."""

    message: Message
    result: Result
    reason: str = ""


def deliver_next(engine: Engine, trail: Trail, couriers: Mapping[str, Courier], retry: Retry) -> Delivered | None:
    """Send the message that is due; None when none is.

    Raises `AuditNotWritten`: then nothing was sent, and the message comes again when its lease has ended.
    """
    message = outbox.lease(engine, couriers.keys(), retry, at=trail.clock())
    if message is None:
        return None
    try:
        parcel = couriers[message.channel].prepare(message)
    except SQLAlchemyError:
        raise
    except Exception as error:  # of a message that cannot be read: it must not come again for ever
        return _postponed(engine, trail, message, retry, NotSent(type(error).__name__))
    if parcel is None:
        outbox.sent(engine, message)
        return Delivered(message, Result.WITHDRAWN)
    trail.record(*parcel.events)
    try:
        parcel.send()
    except Exception as error:  # whatever it is, the message was not sent, or nobody knows
        trouble = error if isinstance(error, NotSent) else NotSent(type(error).__name__)
        trail.record(*(_not_sent(event, trail) for event in parcel.events))
        return _postponed(engine, trail, message, retry, trouble)
    outbox.sent(engine, message)
    return Delivered(message, Result.SENT)


def _postponed(engine: Engine, trail: Trail, message: Message, retry: Retry, trouble: NotSent) -> Delivered:
    dead = outbox.failed(engine, message, retry, permanent=trouble.permanent, at=trail.clock())
    return Delivered(message, Result.GIVEN_UP if dead else Result.POSTPONED, str(trouble))


def _not_sent(event: Event, trail: Trail) -> Event:
    return replace(
        event,
        happened_at=trail.clock(),
        outcome=Outcome.SERIOUS_FAILURE,
        refusal=RefusalClass.SERVER,
        reason=f"{event.reason} not sent".strip(),
    )
