"""Which card it is: by its answer to reset where that is known, else by the applications that it has."""

from __future__ import annotations

import enum
import re
from typing import Final

from card_auth import errors
from card_auth.readers.connection import Connection, connect
from card_auth.readers.slots import Presence, Slot, list_slots


class CardKind(enum.StrEnum):
    """The kinds of card that the shared record knows."""

    CPS = "CPS"  # of the CPS family: only its certificate tells a professional's from an employee's
    CPE = "CPE"  # of an employee (CPE, CPA); found in the certificate, never by the chip
    VITALE = "Vitale"
    UNKNOWN = "unknown"


VITALE_AID: Final = bytes.fromhex("D250000002") + b"VITALE"
# CPS cards from the third generation on: the IAS-ECC application, and the issuer's own
CPS_AIDS: Final = (
    bytes.fromhex("A000000077010800070000FE00000100"),
    bytes.fromhex("E828BD080F8025000001FF0010"),
)
_ANSWERS_TO_RESET: Final = (
    (re.compile(r"3B751300004[3-9A-F]09EA9000"), CardKind.VITALE),  # the second generation
    (re.compile(r"3F652500(2[2C]09[F6]9|52096A|A[34]096A)9000"), CardKind.VITALE),  # the first
    (re.compile(r"3BAC00402A001225006480(000310|820212)009000"), CardKind.CPS),  # CPS3
    (re.compile(r"3BDC18FF00001225006480000401009000"), CardKind.CPS),  # CPS4
    (re.compile(r"3B8F80010031B86404B0ECC1739401808290000E"), CardKind.CPS),  # CPS3 without contact
)


def kind_of_atr(atr: bytes) -> CardKind | None:
    """The kind that an answer to reset stands for; None when it is in no list."""
    text = atr.hex().upper()
    return next((kind for pattern, kind in _ANSWERS_TO_RESET if pattern.fullmatch(text)), None)


def identify(connection: Connection) -> CardKind:
    """The kind of an open card. Raises CardPulledOut, MuteCard, CardBusy, CardUnreadable."""
    known = kind_of_atr(connection.slot.atr) if connection.slot.atr else None
    if known is not None:
        return known
    if connection.select_application(VITALE_AID):
        return CardKind.VITALE
    if any(connection.select_application(aid) for aid in CPS_AIDS):
        return CardKind.CPS
    return CardKind.UNKNOWN


def kind_in(slot: Slot) -> CardKind | None:
    """The kind of the card in a slot; None when the slot is empty, its card mute, held by another or pulled out.

    Raises SupportMissing, ServiceUnavailable.
    """
    if slot.presence is not Presence.CARD:
        return None
    known = kind_of_atr(slot.atr) if slot.atr else None
    if known is not None:
        return known
    try:
        with connect(slot) as connection:
            return identify(connection)
    except errors.ServiceUnavailable:
        raise
    except errors.ReaderError:
        return None


def find_card(kind: CardKind) -> Slot:
    """The slot with a card of that kind, whichever it is.

    Raises NoReader, NoCard, MuteCard (the only card there is mute), WrongCard, SupportMissing, ServiceUnavailable.
    """
    slots = list_slots()
    if not slots:
        raise errors.NoReader
    wanted = CardKind.CPS if kind is CardKind.CPE else kind
    for slot in slots:
        if kind_in(slot) is wanted:
            return slot
    if any(slot.presence is Presence.CARD for slot in slots):
        raise errors.WrongCard(f"There is a card in the reader, and it is no {kind} card.")
    if any(slot.presence is Presence.MUTE for slot in slots):
        raise errors.MuteCard
    raise errors.NoCard
