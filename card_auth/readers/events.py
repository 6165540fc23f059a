"""Cards and readers that come and go, as they do. The service may stop and start again meanwhile: that is an event."""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from card_auth import errors
from card_auth.readers import service
from card_auth.readers.slots import Presence, Slot, read_slots

_SLICE: Final = 500  # milliseconds between two looks at `stop` and at the list of readers
_RETRY: Final = 0.5  # seconds between two attempts to reach the service


class EventKind(enum.StrEnum):
    """What happened."""

    READER_CONNECTED = "reader connected"
    READER_DISCONNECTED = "reader disconnected"
    CARD_INSERTED = "card inserted"
    CARD_REMOVED = "card removed"
    SERVICE_LOST = "service lost"
    SERVICE_FOUND = "service found"


@dataclass(frozen=True, slots=True)
class CardEvent:
    """Something that happened in a slot, or to the service when `slot` is None.

    The slot is as it is after the event; of a removal, without its card. A mute card is inserted too.
    """

    kind: EventKind
    slot: Slot | None = None


def watch(*, seconds: float | None = None, stop: threading.Event | None = None) -> Iterator[CardEvent]:
    """The events from now on; what is there already comes first, as if it came now.

    Ends after `seconds`, or soon after `stop` is set; without either, never. A card that is exchanged between two
    looks is removed and inserted. Raises SupportMissing; a service that does not run is an event.
    """
    service.library()
    ends = None if seconds is None else time.monotonic() + seconds
    stopped = stop or threading.Event()
    running: bool | None = None
    known: dict[str, Slot] = {}

    def over() -> bool:
        return stopped.is_set() or (ends is not None and time.monotonic() >= ends)

    while not over():
        try:
            with service.context() as handle:
                if running is not True:
                    if running is False:
                        yield CardEvent(EventKind.SERVICE_FOUND)
                    running = True
                while not over():
                    present = {slot.name: slot for slot in read_slots(handle)}
                    yield from changes(known, present)
                    known = present
                    _wait(handle, present, stopped, ends)
        except (errors.ReaderError, errors.CardError) as error:
            if isinstance(error, errors.SupportMissing):
                raise
            if running is not False:
                yield from changes(known, {})
                yield CardEvent(EventKind.SERVICE_LOST)
            running, known = False, {}
            stopped.wait(_RETRY if ends is None else max(0.0, min(_RETRY, ends - time.monotonic())))


def changes(before: dict[str, Slot], after: dict[str, Slot]) -> Iterator[CardEvent]:
    """The events that lead from one state of the slots to another."""
    for name, slot in before.items():
        now = after.get(name)
        if slot.presence is not Presence.EMPTY and (
            now is None or (now.presence, now.atr) != (slot.presence, slot.atr)
        ):
            yield CardEvent(EventKind.CARD_REMOVED, Slot(name, Presence.EMPTY, None))
        if now is None:
            yield CardEvent(EventKind.READER_DISCONNECTED, Slot(name, Presence.EMPTY, None))
    for name, slot in after.items():
        then = before.get(name)
        if then is None:
            yield CardEvent(EventKind.READER_CONNECTED, slot)
        if slot.presence is not Presence.EMPTY and (
            then is None or (then.presence, then.atr) != (slot.presence, slot.atr)
        ):
            yield CardEvent(EventKind.CARD_INSERTED, slot)


def _wait(handle: Any, present: dict[str, Slot], stopped: threading.Event, ends: float | None) -> None:
    """Return when a slot changed, or after a slice of time. Raises ServiceUnavailable."""
    left = _SLICE if ends is None else max(0, min(_SLICE, int((ends - time.monotonic()) * 1000)))
    if not present:
        stopped.wait(left / 1000)
        return
    scard = service.library()
    states = [
        (name, scard.SCARD_STATE_EMPTY if slot.presence is Presence.EMPTY else scard.SCARD_STATE_PRESENT)
        for name, slot in present.items()
    ]
    code, _ = scard.SCardGetStatusChange(handle, left, states)
    if code & 0xFFFFFFFF != service.TIMEOUT:
        try:
            service.check(code)
        except errors.NoReader:
            return
