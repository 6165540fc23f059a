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
from card_auth.readers.slots import Presence, Slot, read_states, slot_of

_SLICE: Final = 0.5  # seconds between two looks at `stop`, at the list of readers, and for the service


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
    known: dict[str, _Seen] = {}

    def left() -> float:
        return 0.0 if stopped.is_set() else _SLICE if ends is None else min(_SLICE, ends - time.monotonic())

    while left() > 0:
        try:
            with service.context() as handle:
                if running is False:
                    yield CardEvent(EventKind.SERVICE_FOUND)
                running = True
                while left() > 0:
                    present = {state[0]: _Seen(slot_of(*state), state[1]) for state in read_states(handle)}
                    yield from _changes(known, present)
                    known = present
                    _wait(handle, present, stopped, max(0.0, left()))
        except errors.ReaderError:
            if running is not False:
                yield from _changes(known, {})
                yield CardEvent(EventKind.SERVICE_LOST)
            running, known = False, {}
            stopped.wait(max(0.0, left()))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A slot with PC/SC's state of it, whose upper half counts insertions and removals."""

    slot: Slot
    state: int

    @property
    def moves(self) -> int:
        return self.state >> 16 & 0xFFFF

    def holds_same_card(self, other: _Seen | None) -> bool:
        return other is not None and (self.slot.presence, self.slot.atr, self.moves) == (
            other.slot.presence,
            other.slot.atr,
            other.moves,
        )


def _changes(before: dict[str, _Seen], after: dict[str, _Seen]) -> Iterator[CardEvent]:
    """The events that lead from one state of the slots to another."""
    for name, seen in before.items():
        now, emptied = after.get(name), Slot(name, Presence.EMPTY, None)
        if seen.slot.presence is not Presence.EMPTY and not seen.holds_same_card(now):
            yield CardEvent(EventKind.CARD_REMOVED, emptied)
        if now is None:
            yield CardEvent(EventKind.READER_DISCONNECTED, emptied)
    for name, seen in after.items():
        then = before.get(name)
        if then is None:
            yield CardEvent(EventKind.READER_CONNECTED, seen.slot)
        if seen.slot.presence is not Presence.EMPTY and not seen.holds_same_card(then):
            yield CardEvent(EventKind.CARD_INSERTED, seen.slot)


def _wait(handle: Any, present: dict[str, _Seen], stopped: threading.Event, seconds: float) -> None:
    """Return when a slot changed, or after that time. Raises ServiceUnavailable."""
    if not present:
        stopped.wait(seconds)
        return
    scard = service.library()
    states = [(name, seen.state & ~scard.SCARD_STATE_CHANGED) for name, seen in present.items()]
    code, _ = scard.SCardGetStatusChange(handle, int(seconds * 1000), states)
    if code & 0xFFFFFFFF != service.TIMEOUT and not isinstance(service.failure(code), errors.NoReader):
        service.check(code)
