"""Readers and their slots. A surgery has one reader with two slots, or two readers with one each: both read alike."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Any, Final

from card_auth import errors
from card_auth.readers import service

MOST_SLOTS: Final = 16  # pcsc-lite knows no more
_NUMBERED: Final = re.compile(r"(?P<device>.+ [0-9A-F]{2}) (?P<number>[0-9A-F]{2})")  # pcsc-lite's names


class Presence(enum.StrEnum):
    """What is in a slot."""

    EMPTY = "empty"
    CARD = "card"
    MUTE = "mute"  # a card that gives no answer to reset


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one card, as it was when it was looked at."""

    name: str  # PC/SC's, by which the slot is opened
    presence: Presence
    atr: bytes | None  # the card's answer to reset
    held: bool = False  # another program holds the card for itself

    @property
    def reader(self) -> str:
        """The device: slots of one device share it, where the system tells (pcsc-lite does)."""
        found = _NUMBERED.fullmatch(self.name)
        return found["device"] if found else self.name

    @property
    def number(self) -> int:
        """Which slot of the device it is, from 0."""
        found = _NUMBERED.fullmatch(self.name)
        return int(found["number"], 16) if found else 0


@dataclass(frozen=True, slots=True)
class Reader:
    """A device with its slots, one or two."""

    name: str
    slots: tuple[Slot, ...]


def list_slots() -> tuple[Slot, ...]:
    """Every slot with what is in it, in the system's order; empty when no reader is connected.

    Raises SupportMissing, ServiceUnavailable.
    """
    with service.context() as handle:
        return read_slots(handle)


def list_readers() -> tuple[Reader, ...]:
    """The slots by reader. Raises SupportMissing, ServiceUnavailable."""
    readers: dict[str, list[Slot]] = {}
    for slot in list_slots():
        readers.setdefault(slot.reader, []).append(slot)
    return tuple(Reader(name, tuple(slots)) for name, slots in readers.items())


def slot_named(name: str) -> Slot:
    """The slot of that PC/SC name, or whose name holds that text when only one does.

    Raises NoReader, SupportMissing, ServiceUnavailable.
    """
    slots = list_slots()
    exact = [slot for slot in slots if slot.name == name] or [slot for slot in slots if name in slot.name]
    if len(exact) == 1:
        return exact[0]
    if exact:
        raise errors.NoReader(f"Several readers have {name!r} in their name.")
    raise errors.NoReader(f"There is no reader {name!r}." if slots else None)


def read_slots(handle: Any) -> tuple[Slot, ...]:
    """The slots that a context sees. Raises ServiceUnavailable."""
    return tuple(slot_of(*state) for state in read_states(handle))


def read_states(handle: Any) -> list[tuple[str, int, list[int]]]:
    """Name, state and answer to reset of each slot, as PC/SC gives them. Raises ServiceUnavailable."""
    scard = service.library()
    code, names = scard.SCardListReaders(handle, [])
    if code & 0xFFFFFFFF == service.NO_READERS:
        return []
    service.check(code)
    states = [(name, scard.SCARD_STATE_UNAWARE) for name in names[:MOST_SLOTS]]
    if not states:
        return []
    code, found = scard.SCardGetStatusChange(handle, 0, states)
    try:
        service.check(code)
    except errors.NoReader:  # unplugged between the two calls
        return []
    return list(found)


def slot_of(name: str, state: int, atr: list[int]) -> Slot:
    """A slot from the state that PC/SC gives of it."""
    scard = service.library()
    held = bool(state & scard.SCARD_STATE_EXCLUSIVE)
    if not state & scard.SCARD_STATE_PRESENT:
        return Slot(name, Presence.EMPTY, None)
    if state & scard.SCARD_STATE_MUTE or not atr:
        return Slot(name, Presence.MUTE, None, held)
    return Slot(name, Presence.CARD, bytes(atr), held)
