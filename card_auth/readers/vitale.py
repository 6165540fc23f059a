"""Vitale cards: the interface through which they are read, and its implementation for the files that are open to all.

Rights, regime and the ranks of beneficiaries are read with a CPS card beside, through the official SESAM-Vitale
interface, which a deployment brings: a class of these methods under the entry point `feuillet.vitale_reader`.
"""

from __future__ import annotations

import importlib.metadata
from typing import Final, Protocol, cast

from card_auth import errors
from card_auth.readers.connection import Connection, connect
from card_auth.readers.kind import VITALE_AID, CardKind, find_card
from card_auth.readers.slots import Slot
from card_auth.readers.vitale_content import (
    Beneficiary,
    VitaleCard,
    is_empty,
    read_identification,
    read_pointers,
    read_serial,
)

ENTRY_POINT: Final = "feuillet.vitale_reader"
_MASTER_AID: Final = bytes.fromhex("D250000002") + b"MF_VITALE"
_POINTERS: Final = 0x2001
_SERIAL: Final = 0x2F02
_LARGEST_DIRECTORY: Final = 4096  # octets
_LARGEST_FILE: Final = 16 * 1024  # octets


class VitaleReader(Protocol):
    """What reads a Vitale card."""

    def read(self, slot: Slot | None = None) -> VitaleCard:
        """Read the card in `slot`, or the Vitale card that is there in any.

        Raises NoReader, NoCard, MuteCard, WrongCard, CardPulledOut, CardBusy, CardUnreadable, ServiceUnavailable,
        SupportMissing.
        """


class OpenVitaleReader:
    """Reads the files that need no secret, over PC/SC: names, birth dates, NIR. They hold no rights and no regime."""

    def read(self, slot: Slot | None = None) -> VitaleCard:
        """Read the card in `slot`, or the Vitale card that is there in any; raises as VitaleReader says."""
        with connect(slot or find_card(CardKind.VITALE)) as connection:
            return self._read(connection)

    def _read(self, connection: Connection) -> VitaleCard:
        if not connection.select_application(VITALE_AID):
            raise errors.WrongCard("The card in the reader is no Vitale card.")
        directory = connection.read_binary(_LARGEST_DIRECTORY) if connection.select_file(_POINTERS) else None
        if directory is None:
            raise errors.CardUnreadable("The card has no directory of its files.")
        beneficiaries: list[Beneficiary] = []
        valid_from = None
        for pointer in read_pointers(directory):
            if not (connection.select_application(pointer.application) and connection.select_file(pointer.identifier)):
                continue
            content = connection.read_binary(_LARGEST_FILE)
            if content is None or is_empty(content) or content[0] not in {0x65, 0x66}:
                continue  # a file that is not open, was never written, or is about something else
            found = read_identification(content)
            beneficiaries += found.beneficiaries
            valid_from = valid_from or found.valid_from
            if beneficiaries and valid_from:
                break
        if not beneficiaries:
            raise errors.CardUnreadable("The card names nobody in the files that are open.")
        return VitaleCard(tuple(beneficiaries), self._serial(connection), valid_from)

    @staticmethod
    def _serial(connection: Connection) -> str | None:
        if connection.select_application(_MASTER_AID) and connection.select_file(_SERIAL):
            return read_serial(connection.read_binary(256) or b"")
        return None


def vitale_reader() -> VitaleReader:
    """The reader that this installation brings, else the one of the open files. Raises SupportMissing."""
    for entry in importlib.metadata.entry_points(group=ENTRY_POINT):
        try:
            return cast(VitaleReader, entry.load()())
        except ImportError:
            raise errors.SupportMissing(f"The Vitale reader {entry.name!r} cannot be loaded.") from None
    return OpenVitaleReader()
