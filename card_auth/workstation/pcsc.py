"""PC/SC as a diagnosis needs it: the service, its readers, what is in each slot. Nothing is written to a card."""

from __future__ import annotations

import enum
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from card_auth import errors

_VITALE: Final = bytes.fromhex("D250000002564954414C45")  # the application's name; it ends in VITALE
_NO_SERVICE: Final = frozenset({0x8010001D, 0x8010001E})  # SCARD_E_NO_SERVICE, SCARD_E_SERVICE_STOPPED
_NO_READERS: Final = frozenset({0x8010002E, 0x80100017})  # …_NO_READERS_AVAILABLE, …_READER_UNAVAILABLE
_IN_USE: Final = 0x8010000B  # SCARD_E_SHARING_VIOLATION
_OK: Final = 0


class Content(enum.StrEnum):
    """What is in a slot."""

    EMPTY = "empty"
    MUTE = "a card that does not answer"
    IN_USE = "a card that another program holds for itself"
    VITALE = "Vitale card"
    OTHER = "card"  # a professional's, as far as its PKCS#11 module says so


@dataclass(frozen=True, slots=True)
class SlotState:
    """A slot of a reader at one moment. PC/SC gives each slot of a reader with two a name of its own."""

    reader: str
    content: Content
    answer_to_reset: bytes = field(default=b"", repr=False)


def slots() -> tuple[SlotState, ...]:
    """Every slot and what is in it. Raises SupportMissing, ServiceUnavailable, NoReader, ReaderError."""
    with _context() as (scard, context):
        return tuple(_state(scard, context, reader) for reader in _readers(scard, context))


def readers() -> tuple[str, ...]:
    """The names of the slots. Raises SupportMissing, ServiceUnavailable, NoReader, ReaderError."""
    with _context() as (scard, context):
        return _readers(scard, context)


def ask_service() -> None:
    """See that the service answers. Raises SupportMissing, ServiceUnavailable, ReaderError."""
    with _context():
        return


@contextmanager
def _context() -> Iterator[tuple[Any, Any]]:
    try:
        scard = importlib.import_module("smartcard.scard")
    except ImportError:
        raise errors.SupportMissing from None
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _check(code)
    try:
        yield scard, context
    finally:
        scard.SCardReleaseContext(context)


def _readers(scard: Any, context: Any) -> tuple[str, ...]:
    code, names = scard.SCardListReaders(context, [])
    if _unsigned(code) in _NO_READERS:
        raise errors.NoReader
    _check(code)
    if not names:
        raise errors.NoReader
    return tuple(names)


def _state(scard: Any, context: Any, reader: str) -> SlotState:
    code, states = scard.SCardGetStatusChange(context, 0, [(reader, scard.SCARD_STATE_UNAWARE)])
    _check(code)
    _, state, answer_to_reset = states[0]
    if not state & scard.SCARD_STATE_PRESENT:
        return SlotState(reader, Content.EMPTY)
    if state & scard.SCARD_STATE_MUTE:
        return SlotState(reader, Content.MUTE)
    return SlotState(reader, _content(scard, context, reader), bytes(answer_to_reset))


def _content(scard: Any, context: Any, reader: str) -> Content:
    protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    code, card, protocol = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, protocols)
    if _unsigned(code) == _IN_USE:
        return Content.IN_USE
    if code != _OK:
        return Content.MUTE
    try:
        select = [0x00, 0xA4, 0x04, 0x00, len(_VITALE), *_VITALE]
        form = scard.SCARD_PCI_T0 if protocol == scard.SCARD_PROTOCOL_T0 else scard.SCARD_PCI_T1
        code, answer = scard.SCardTransmit(card, form, select)
        if code != _OK:
            return Content.MUTE
        chosen = len(answer) >= 2 and (answer[-2:] == [0x90, 0x00] or answer[-2] == 0x61)
        return Content.VITALE if chosen else Content.OTHER
    finally:
        scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)


def _check(code: int) -> None:
    if code == _OK:
        return
    if _unsigned(code) in _NO_SERVICE:
        raise errors.ServiceUnavailable
    raise errors.ReaderError(f"The smart card service answered with error 0x{_unsigned(code):08X}.")


def _unsigned(code: int) -> int:
    """pyscard gives the codes as signed numbers on some systems."""
    return code & 0xFFFFFFFF
