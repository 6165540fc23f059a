"""Cards made of code: they answer commands as a CPS and a Vitale card do, through the virtual reader of pcscd.

A virtual card is a client of the reader's slot. Frames have two octets of length; one of a single octet is a control.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

VITALE_ATR: Final = bytes.fromhex("3B751300004409EA9000")
CPS_ATR: Final = bytes.fromhex("3BAC00402A00122500648000031000 9000")
UNLISTED_ATR: Final = bytes.fromhex("3B021450")  # of no card that we know
VITALE_AID: Final = bytes.fromhex("D250000002564954414C45")
MASTER_AID: Final = bytes.fromhex("D2500000024D465F564954414C45")
IDENTIFICATION_AID: Final = bytes.fromhex("E828BD080FD2500000044164E86C65")
CPS_AID: Final = bytes.fromhex("A000000077010800070000FE00000100")
_POWER_OFF, _POWER_ON, _RESET, _GIVE_ATR = 0, 1, 2, 4

Files = Mapping[bytes, Mapping[int, bytes]]  # application identifier, file identifier, content


class VirtualCard:
    """A card with files below applications; selects, reads, and hands long answers out by GET RESPONSE."""

    def __init__(self, atr: bytes, files: Files, *, pin: str | None = None, tries: int = 3) -> None:
        self.atr = atr
        self.files = files
        self.pin = pin
        self.most_tries = self.tries = tries
        self.commands: list[bytes] = []
        self._application: bytes | None = None
        self._file: bytes | None = None
        self._waiting = b""

    def reset(self) -> None:
        """What a card forgets without power."""
        self._application, self._file, self._waiting = None, None, b""

    def answer(self, command: bytes) -> bytes | None:
        """The answer to a command; None when the card leaves the reader at this moment."""
        self.commands.append(command)
        instruction = command[1]
        data = command[5 : 5 + command[4]] if len(command) > 5 else b""
        if instruction == 0xA4:
            return self._select(command[2], data)
        if instruction == 0xC0:
            waiting, self._waiting = self._waiting, b""
            return waiting + b"\x90\x00"
        if instruction == 0xB0:
            return self._read(command[2] << 8 | command[3], command[4] or 256)
        if instruction == 0x20 and self.pin is not None and self._application is not None:
            return self._verify(data)
        return b"\x6d\x00"

    def _select(self, how: int, name: bytes) -> bytes:
        if how == 0x04:
            if name not in self.files:
                return b"\x6a\x82"
            self._application, self._file = name, None
            self._waiting = b"\x6f" + bytes((len(name) + 2,)) + b"\x84" + bytes((len(name),)) + name
            return bytes((0x61, len(self._waiting)))
        content = self.files[self._application].get(int.from_bytes(name, "big")) if self._application else None
        if content is None:
            return b"\x6a\x82"
        self._file = content
        return b"\x90\x00"

    def _read(self, offset: int, length: int) -> bytes:
        if self._file is None:
            return b"\x69\x86"
        if offset >= len(self._file) and offset:
            return b"\x6b\x00"
        piece = self._file[offset : offset + length]
        if len(piece) < length and offset + length > len(self._file) and piece and length == 256 and not offset:
            return bytes((0x6C, len(piece)))  # as cards with T=0 do: the right length is asked for again
        return piece + (b"\x90\x00" if len(piece) == length else b"\x62\x82")

    def _verify(self, pin: bytes) -> bytes:
        if not self.tries:
            return b"\x69\x83"
        if not pin:
            return bytes((0x63, 0xC0 | self.tries))
        if pin.decode() == self.pin:
            self.tries = self.most_tries
            return b"\x90\x00"
        self.tries -= 1
        return bytes((0x63, 0xC0 | self.tries)) if self.tries else b"\x69\x83"


class ScriptedCard(VirtualCard):
    """A card that answers what a function says, to play damaged and hostile ones."""

    def __init__(self, atr: bytes, script: Callable[[bytes], bytes | None]) -> None:
        super().__init__(atr, {})
        self._script = script

    def answer(self, command: bytes) -> bytes | None:
        """What the script says."""
        self.commands.append(command)
        return self._script(command)


class InsertedCard:
    """A card in a slot; a thread answers for it."""

    def __init__(self, card: VirtualCard, port: int, slot: int = 0) -> None:
        self.card = card
        self.slot = slot
        self._socket = socket.create_connection(("127.0.0.1", port + slot))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """Take it out."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while (length := self._take(2)) is not None:
                frame = self._take(int.from_bytes(length, "big"))
                if frame is None:
                    return
                if len(frame) != 1:
                    answer = self.card.answer(frame)
                    if answer is None:
                        self._socket.shutdown(socket.SHUT_RDWR)
                        return
                    self._give(answer)
                elif frame[0] == _GIVE_ATR:
                    self._give(self.card.atr)
                else:
                    self.card.reset()

    def _take(self, count: int) -> bytes | None:
        taken = b""
        while len(taken) < count:
            piece = self._socket.recv(count - len(taken))
            if not piece:
                return None
            taken += piece
        return taken

    def _give(self, content: bytes) -> None:
        self._socket.sendall(len(content).to_bytes(2, "big") + content)


def cps_card(*, pin: str = "1234", atr: bytes = CPS_ATR) -> VirtualCard:
    """A CPS card as far as it shows without its issuer's software: its application and its PIN."""
    return VirtualCard(atr, {CPS_AID: {}}, pin=pin)


def vitale_card(*persons: Mapping[int, str], atr: bytes = VITALE_ATR) -> VirtualCard:
    """A Vitale card whose open files name these persons by tag (see `person`)."""
    identification = b"".join(
        tlv(0x65, *(tlv(tag, text.encode("latin-1")) for tag, text in one.items())) for one in persons
    )
    return VirtualCard(atr, vitale_files(identification + tlv(0x66, tlv(0x80, b"20150301"))))


def vitale_files(identification: bytes) -> Files:
    """The applications and files of a Vitale card around that identification file."""
    applications = tlv(0xA0, tlv(0x82, b"\x01\0\0\0" + IDENTIFICATION_AID), tlv(0x82, b"\x02\0\0\0" + MASTER_AID))
    pointers = tlv(
        0xE0,
        applications,
        tlv(0x80, b"EMPTY   \x01\0\xd0\x01"),
        tlv(0x80, b"IDENTIF \x01\0\xd0\x02"),
        tlv(0x80, b"MISSING \x02\0\xd0\x03"),
    )
    return {
        VITALE_AID: {0x2001: pointers},
        IDENTIFICATION_AID: {0xD001: bytes(32), 0xD002: identification},
        MASTER_AID: {0x2F02: tlv(0x5A, bytes.fromhex("8025000001123456789F"))},
    }


def person(
    family_name: str, given_name: str, birth_date: str, nir: str | None = None, nationality: str = "FR"
) -> dict[int, str]:
    """A beneficiary as the identification file writes one."""
    values = {0x90: nationality, 0x80: family_name, 0x81: given_name, 0x82: birth_date}
    return values if nir is None else {**values, 0x93: nir}


def tlv(tag: int, *contents: bytes) -> bytes:
    """A data object: tag, length, content."""
    content = b"".join(contents)
    length = bytes((len(content),)) if len(content) < 0x80 else b"\x82" + len(content).to_bytes(2, "big")
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + content
