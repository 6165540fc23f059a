"""A conversation with one card: commands and answers (ISO/IEC 7816-4), held together by a transaction.

What a card answers is not trusted: lengths, the number of answers and the time that they lead us on are bounded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from card_auth import errors
from card_auth.readers import service
from card_auth.readers.slots import Presence, Slot, slot_of

LARGEST_ANSWER: Final = 32 * 1024  # octets of one answer put together, or of one file
_MOST_ROUNDS: Final = 256  # of GET RESPONSE for one command
_MOST_COMMANDS: Final = 2048  # of one connection: a card is read in some dozens
_STEP: Final = 256  # octets of one READ BINARY
_NOTICED: Final = 2.0  # seconds after which the service has noticed that a card left
_MOST_OFFSET: Final = 0x7FFF  # of READ BINARY on the selected file (ISO/IEC 7816-4: 11.3.3)

SW_DONE: Final = 0x9000
SW_END_OF_FILE: Final = 0x6282  # fewer octets than asked for
SW_WRONG_OFFSET: Final = 0x6B00


@dataclass(frozen=True, slots=True)
class Answer:
    """What a card answered: data, never to be logged, and the status word."""

    data: bytes = field(repr=False)
    status: int

    @property
    def done(self) -> bool:
        """Whether the card did what it was told."""
        return self.status == SW_DONE


class Connection:
    """An open card. Make it with `connect`; it belongs to one thread."""

    def __init__(self, slot: Slot, context: Any, card: Any, protocol: int) -> None:
        scard = service.library()
        self.slot = slot
        self._context = context
        self._commands_left = _MOST_COMMANDS
        self._card = card
        self._by_octets = protocol == scard.SCARD_PROTOCOL_T0
        self._header = scard.SCARD_PCI_T0 if self._by_octets else scard.SCARD_PCI_T1

    def send(self, instruction: int, p1: int, p2: int, data: bytes = b"", *, expected: int | None = None) -> Answer:
        """Send a command of class 00 and collect its whole answer.

        `expected` is how many octets to ask for, 1 to 256; None asks for none. Follows 61xx (more is there) and 6Cxx
        (another length). Raises CardPulledOut, MuteCard, CardBusy, CardUnreadable, ServiceUnavailable.
        """
        if len(data) > 255:
            raise ValueError("a short command carries 255 octets at most")
        head = bytes((0x00, instruction, p1, p2)) + (bytes((len(data),)) + data if data else b"")
        # T=0 sends no Le after data: the card answers 61xx (ISO/IEC 7816-3: 12.2.5)
        tail = b"" if expected is None or (data and self._by_octets) else bytes((expected % 256,))
        answer, status = self._exchange(head + tail)
        if status >> 8 == 0x6C:
            answer, status = self._exchange(head + bytes((status & 0xFF,)))
        collected = bytearray(answer)
        for _ in range(_MOST_ROUNDS):
            if status >> 8 != 0x61:
                return Answer(bytes(collected), status)
            answer, status = self._exchange(bytes((0x00, 0xC0, 0x00, 0x00, status & 0xFF)))
            if not answer and status >> 8 == 0x61:
                break
            collected += answer
            if len(collected) > LARGEST_ANSWER:
                break
        raise errors.CardUnreadable("The card's answer does not end.")

    def select_application(self, aid: bytes) -> bool:
        """Select by name; whether the card has that application. Raises as `send` does."""
        return self.send(0xA4, 0x04, 0x00, aid, expected=256).status in (SW_DONE, 0x6283)

    def select_file(self, identifier: int) -> bool:
        """Select an elementary file of the present application by its identifier. Raises as `send` does."""
        name = identifier.to_bytes(2, "big")
        answer = self.send(0xA4, 0x02, 0x0C, name)
        if not answer.done:  # cards that give file information whether it is asked for or not
            answer = self.send(0xA4, 0x02, 0x00, name, expected=256)
        return answer.done

    def read_binary(self, limit: int = LARGEST_ANSWER) -> bytes | None:
        """The selected file's content, `limit` octets at most; None when the card does not let it be read.

        Raises as `send` does.
        """
        content = bytearray()
        while len(content) < min(limit, _MOST_OFFSET):
            offset = len(content)
            answer = self.send(0xB0, offset >> 8, offset & 0xFF, expected=_STEP)
            if answer.status not in (SW_DONE, SW_END_OF_FILE):
                if not content:
                    return None
                if answer.status == SW_WRONG_OFFSET:  # the file ended at a whole step
                    break
                raise errors.CardUnreadable(f"The card stopped in a file (status {answer.status:04X}).")
            content += answer.data
            if answer.status == SW_END_OF_FILE or len(answer.data) < _STEP:
                break
        return bytes(content[:limit])

    def _exchange(self, command: bytes) -> tuple[bytes, int]:
        if not self._commands_left:
            raise errors.CardUnreadable("The card leads on without end.")
        self._commands_left -= 1
        code, answer = service.library().SCardTransmit(self._card, self._header, list(command))
        if code:
            raise self._failure(code)
        if not answer:  # so some drivers report that the card has gone
            raise self._failure(service.NOT_TRANSACTED)
        if not 2 <= len(answer) <= 258:
            raise errors.CardUnreadable("The card's answer is no answer to a command.")
        return bytes(answer[:-2]), answer[-2] << 8 | answer[-1]

    def _failure(self, code: int) -> errors.ReaderError:
        """Some drivers say only that the exchange failed: look whether the card is still there."""
        error = service.failure(code)
        if isinstance(error, errors.NoReader) or (
            isinstance(error, errors.MuteCard | errors.NoCard) and self._leaves_soon()
        ):
            return errors.CardPulledOut()
        return error

    def _leaves_soon(self) -> bool:
        """Whether the slot is empty, now or as soon as the service has noticed."""
        scard = service.library()
        ends = time.monotonic() + _NOTICED
        while True:
            code, states = scard.SCardGetStatusChange(self._context, 0, [(self.slot.name, scard.SCARD_STATE_UNAWARE)])
            if code or slot_of(*states[0]).presence is Presence.EMPTY:
                return True
            if time.monotonic() > ends:
                return False
            time.sleep(0.05)


@contextmanager
def connect(slot: Slot | str) -> Iterator[Connection]:
    """Open the card in a slot, and keep other programs from speaking to it meanwhile.

    Raises NoReader, NoCard, MuteCard, CardBusy, CardPulledOut, SupportMissing, ServiceUnavailable.
    """
    scard = service.library()
    place = slot if isinstance(slot, Slot) else Slot(slot, Presence.CARD, None)
    with service.context() as context:
        code, card, protocol = scard.SCardConnect(
            context, place.name, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        )
        service.check(code)
        try:
            code = scard.SCardBeginTransaction(card)
            service.check(code)
            try:
                yield Connection(place, context, card, protocol)
            finally:
                scard.SCardEndTransaction(card, scard.SCARD_LEAVE_CARD)
        finally:
            scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
