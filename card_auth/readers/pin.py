"""The PIN (code porteur) over PC/SC: how many tries are left, and whether it is right (ISO/IEC 7816-4: VERIFY)."""

from __future__ import annotations

from typing import Final

from card_auth import errors
from card_auth.readers.connection import Connection
from card_auth.readers.kind import CPS_AIDS

_VERIFY: Final = 0x20
_HOLDER: Final = 0x01  # the reference of the holder's PIN in the application
_BLOCKED: Final = 0x6983
_LONGEST: Final = 8  # digits


def tries_left(connection: Connection) -> int | None:
    """How many wrong PINs the card still bears, 0 when it is blocked; None when it does not say. Costs no try.

    Raises WrongCard, CardPulledOut, MuteCard, CardUnreadable.
    """
    _select(connection)
    status = connection.send(_VERIFY, 0x00, _HOLDER).status
    if status == _BLOCKED:
        return 0
    return status & 0x0F if status >> 4 == 0x63C else None


def verify_pin(connection: Connection, pin: str) -> None:
    """Return when the PIN is right. A wrong one costs the holder a try.

    Raises PinMissing, PinMalformed (nothing was sent), PinIncorrect with the tries left, PinBlocked, WrongCard,
    CardPulledOut, MuteCard, CardUnreadable.
    """
    if not pin:
        raise errors.PinMissing
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= _LONGEST):
        raise errors.PinMalformed
    _select(connection)
    answer = connection.send(_VERIFY, 0x00, _HOLDER, pin.encode())
    if answer.done:
        return
    if answer.status in {_BLOCKED, 0x63C0}:
        raise errors.PinBlocked
    if answer.status >> 4 == 0x63C:
        raise errors.PinIncorrect(tries_left=answer.status & 0x0F)
    if answer.status in {0x6700, 0x6A80}:
        raise errors.PinMalformed
    raise errors.CardUnreadable(f"The card did not take the PIN (status {answer.status:04X}).")


def _select(connection: Connection) -> None:
    if not any(connection.select_application(aid) for aid in CPS_AIDS):
        raise errors.WrongCard("The card in the reader is no CPS card.")
