"""The PC/SC service: its library, a context of it, and its result codes in the words of `card_auth.errors`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from card_auth import errors

# result codes of winscard.h, the same on Windows, macOS and pcsc-lite
NO_READERS: Final = 0x8010002E
TIMEOUT: Final = 0x8010000A
COMMUNICATION: Final = 0x8010002F  # SCARD_F_COMM_ERROR
NOT_TRANSACTED: Final = 0x80100016
_CLASSES: Final[dict[int, type[errors.ReaderError]]] = {
    0x8010001D: errors.ServiceUnavailable,  # SCARD_E_NO_SERVICE
    0x8010001E: errors.ServiceUnavailable,  # SCARD_E_SERVICE_STOPPED
    0x80100013: errors.ServiceUnavailable,  # SCARD_F_COMM_ERROR of the socket to the service (pcsc-lite)
    0x80100003: errors.ServiceUnavailable,  # SCARD_E_INVALID_HANDLE: the service that gave it has restarted
    NO_READERS: errors.NoReader,
    0x80100009: errors.NoReader,  # SCARD_E_UNKNOWN_READER
    0x80100017: errors.NoReader,  # SCARD_E_READER_UNAVAILABLE
    0x8010000C: errors.NoCard,  # SCARD_E_NO_SMARTCARD
    0x8010000B: errors.CardBusy,  # SCARD_E_SHARING_VIOLATION
    0x80100068: errors.CardBusy,  # SCARD_W_RESET_CARD
    0x80100069: errors.CardPulledOut,  # SCARD_W_REMOVED_CARD
}


def library() -> Any:
    """pyscard's binding of winscard. Raises SupportMissing."""
    try:
        return importlib.import_module("smartcard.scard")
    except ImportError:
        raise errors.SupportMissing from None


def failure(code: int) -> errors.ReaderError:
    """The error of a result code; what is in no other class is a card that does not answer as it should."""
    unsigned = code & 0xFFFFFFFF
    known = _CLASSES.get(unsigned)
    if known is not None:
        return known()
    return errors.MuteCard(f"The card in the reader does not answer (PC/SC 0x{unsigned:08X}).")


def check(code: int) -> None:
    """Return when the call succeeded. Raises the error of its result code."""
    if code:
        raise failure(code)


@contextmanager
def context() -> Iterator[Any]:
    """A context of the service, released at the end. Raises SupportMissing, ServiceUnavailable."""
    scard = library()
    code, handle = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if code:
        raise errors.ServiceUnavailable
    try:
        yield handle
    finally:
        scard.SCardReleaseContext(handle)
