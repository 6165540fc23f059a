"""What stands between a person and their card or key, one class per thing that the person can do something about.

    CardError
      SupportMissing              the optional extra `card` is not installed
      ReaderError
        ServiceUnavailable        the PC/SC service does not run
        NoReader
        NoCard
        MuteCard                  a card is in the reader and does not answer
        WrongCard                 another kind of card than the one asked for
        CardPulledOut             the card left the reader during the operation
        CardBusy                  another program holds the card
        CardUnreadable            the card answers, and not as such a card does
      PinError
        PinMissing
        PinMalformed
        PinIncorrect              with the tries that are left
        PinBlocked
      TokenError
        ModuleMissing             no PKCS#11 module at that place
        ModuleFailed              the module is there and does not work
        TokenMissing              the module works and shows no such token
        TokenBusy                 this program has already entered the token's PIN
      KeyProblem
        KeyMissing                no usable key of the wanted use
        WrongKeyUse               the authentication key was asked to sign a document, or the other way round
        KeyUnsuitable             a key of another kind, or that does not belong to its certificate
        KeyFileUnreadable
      CertificateError
        CertificateUnreadable
        CertificateExpired
        CertificateNotYetValid

`str(error)` says what happened, `error.remedy` what to do about it. Neither holds a PIN, key material or patient data.
"""

from __future__ import annotations

import datetime
from typing import ClassVar


class CardError(Exception):
    """The base of this tree."""

    remedy: ClassVar[str] = "Try again; if it happens again, call your support with this message."
    summary: ClassVar[str] = "The card or key cannot be used."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.summary)


class SupportMissing(CardError):
    """The libraries that talk to readers and tokens are not installed."""

    summary = "Feuillet is installed without support for cards."
    remedy = "Install it with the extra `card`: pip install 'feuillet[card]' (on Linux first libpcsclite-dev and swig)."


class ReaderError(CardError):
    """Between the computer and the chip."""


class ServiceUnavailable(ReaderError):
    """The smart card service does not answer."""

    summary = "The PC/SC service is not running."
    remedy = (
        "Start it: on Linux `systemctl start pcscd`, on Windows the service `Smart Card` (SCardSvr); "
        "on macOS unplug the reader and plug it in again."
    )


class NoReader(ReaderError):
    """The service runs and knows no reader."""

    summary = "No card reader is connected."
    remedy = "Connect the reader, wait for its light, and install its driver when the system does not know it."


class NoCard(ReaderError):
    """A reader is there, without a card."""

    summary = "There is no card in the reader."
    remedy = "Insert the card, chip first, until it stops."


class MuteCard(ReaderError):
    """The card gives no answer to reset."""

    summary = "The card in the reader does not answer."
    remedy = "Take the card out, wipe its chip, insert it again the right way round; try another reader."


class WrongCard(ReaderError):
    """A card of another kind."""

    summary = "The card in the reader is not the one that is needed."
    remedy = "Insert the card that is asked for; in a reader with two slots, check that the cards are not exchanged."


class CardPulledOut(ReaderError):
    """The card left while it was being used: nothing was signed."""

    summary = "The card was taken out during the operation."
    remedy = "Insert the card again, leave it in until the operation ends, and start again."


class CardBusy(ReaderError):
    """Held by another program for itself, or reset by it."""

    summary = "Another program is using the card."
    remedy = "Close the other software that reads cards, or wait until it has finished, then try again."


class CardUnreadable(ReaderError):
    """Its answers break the rules of such cards: damaged, of a version that is not known, or false."""

    summary = "The content of the card cannot be read."
    remedy = "Try the card in another reader; if it is refused there too, its holder needs a new card."


class PinError(CardError):
    """About the holder's PIN (code porteur)."""


class PinMissing(PinError):
    """The key needs a PIN and none was given."""

    summary = "The PIN of the card is needed."
    remedy = "Enter the PIN (code porteur)."


class PinMalformed(PinError):
    """Refused for its length or characters; the card did not count it as a try."""

    summary = "This cannot be the PIN of the card."
    remedy = "Enter the four digits of the PIN (code porteur)."


class PinIncorrect(PinError):
    """The card refused the PIN. `tries_left` is None where the card does not say."""

    summary = "The PIN is not right."
    remedy = "Enter it again with care: the card blocks itself after the last try."

    def __init__(self, message: str | None = None, *, tries_left: int | None = None) -> None:
        self.tries_left = tries_left
        if message is None and tries_left is not None:
            message = f"The PIN is not right: {tries_left} {'try' if tries_left == 1 else 'tries'} left."
        super().__init__(message)


class PinBlocked(PinError):
    """No try is left."""

    summary = "The card is blocked after too many wrong PINs."
    remedy = "Unblock it with its unblocking code (PUK) in the software of the card's issuer, or ask for a new card."
    tries_left: ClassVar[int] = 0


class TokenError(CardError):
    """Between Feuillet and the PKCS#11 module."""


class ModuleMissing(TokenError):
    """There is no file at the module's path."""

    summary = "The PKCS#11 module was not found."
    remedy = "Install the card's software (Cryptolib CPS, or OpenSC), or give the path of its PKCS#11 module."


class ModuleFailed(TokenError):
    """The module could not be loaded, or answered with an error of its own."""

    summary = "The PKCS#11 module does not work."
    remedy = "Check that the module is built for this system (32 or 64 bits); install the card's software again."


class TokenMissing(TokenError):
    """The module shows no such token."""

    summary = "The PKCS#11 module shows no such card or token."
    remedy = "Insert the card, check the token's label or slot, and that no other program holds the card for itself."


class TokenBusy(TokenError):
    """Logged in already by this program: a second PIN could not be checked."""

    summary = "The card is already open in this program."
    remedy = "Finish the operation that uses the card, then try again."


class KeyProblem(CardError):
    """About a private key."""


class KeyMissing(KeyProblem):
    """No key of the wanted use, with a certificate, was found."""

    summary = "No key with its certificate was found for this use."
    remedy = "Use a card or a file that holds both the certificate and its private key for this use."


class WrongKeyUse(KeyProblem):
    """The authentication key does not sign documents; the signature key does not open connections."""

    summary = "This key is not for that use."
    remedy = "Sign with the signature certificate (non-repudiation); connect with the authentication certificate."


class KeyUnsuitable(KeyProblem):
    """Not an RSA key, or not the key of that certificate, or an algorithm that we do not sign with."""

    summary = "This key cannot be used."
    remedy = "Use an RSA key of 2048 bits or more that belongs to the certificate, and SHA-256 or longer."


class KeyFileUnreadable(KeyProblem):
    """A PEM or PKCS#12 file that cannot be read with that password."""

    summary = "The key file cannot be read."
    remedy = "Check the path, that the file may be read, its format (PEM or PKCS#12) and the password."


class CertificateError(CardError):
    """About a certificate on a card or in a file."""


class CertificateUnreadable(CertificateError):
    """Not an X.509 certificate that we can read."""

    summary = "The certificate cannot be read."
    remedy = "Check that the file or card holds an X.509 certificate in DER or PEM."


class CertificateExpired(CertificateError):
    """Past its end of validity."""

    summary = "The certificate has expired."
    remedy = "Ask the card's issuer for a new card, or for a new certificate of your establishment."

    def __init__(self, message: str | None = None, *, since: datetime.datetime | None = None) -> None:
        self.since = since
        if message is None and since is not None:
            message = f"The certificate expired on {since:%Y-%m-%d}."
        super().__init__(message)


class CertificateNotYetValid(CertificateError):
    """Before its start of validity: often the computer's clock."""

    summary = "The certificate is not valid yet."
    remedy = "Check the computer's date and time; if they are right, wait for the certificate's first day."

    def __init__(self, message: str | None = None, *, until: datetime.datetime | None = None) -> None:
        self.until = until
        if message is None and until is not None:
            message = f"The certificate is valid from {until:%Y-%m-%d} on only."
        super().__init__(message)
