"""The holder's card behind the agent: its certificates for whoever has a session, its keys for what was confirmed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from card_auth import errors
from card_auth.agent import documents, login
from card_auth.agent.desk import Desk
from card_auth.agent.refusals import Refusal, Refused
from card_auth.agent.requests import Assertion, Documents, Login, SignRequest
from card_auth.agent.sessions import Session
from card_auth.caller import AccessMode, AuthenticationLevel, PurposeOfUse
from card_auth.certificates import Certificate
from card_auth.keys import KeyUse, PinEntry, Token, modules, open_token
from card_auth.keys.modules import TokenInfo
from card_auth.keys.signing_key import use_of
from card_auth.professionals import read_professional
from card_auth.vihf import Statement, issue

_LONGEST_QUESTION: Final = 120
_PURPOSES: Final = {
    PurposeOfUse.NORMAL: "ordinary access",
    PurposeOfUse.BREAK_GLASS: "BREAKING THE GLASS",
    PurposeOfUse.REGULATION: "emergency regulation (centre 15)",
}


@dataclass(frozen=True, slots=True)
class CardView:
    """What a page may know of the card: nothing of it is secret."""

    label: str
    serial: str
    tries_left: int | None
    certificates: tuple[tuple[KeyUse, Certificate], ...]  # the holder's; an authority's is not


Signed = login.LoginProof | bytes


class HolderCard:
    """The one card (or token) that the agent signs with. One operation at a time."""

    def __init__(
        self,
        module: Path,
        *,
        token: str | None = None,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._module = module
        self._token = token
        self._now = now
        self._in_use = Lock()

    def look(self) -> CardView:
        """The card without its PIN. Raises Refused while it signs, TokenMissing, and what the module raises."""
        with self._alone():
            info = self._info()
            with open_token(info.module, slot=info.slot) as token:
                certificates = token.certificates()
        uses = ((_use(one), one) for one in certificates if not one.is_authority)
        return CardView(
            info.label, info.serial, info.tries_left, tuple((use, one) for use, one in uses if use is not None)
        )

    def sign(self, request: SignRequest, session: Session, desk: Desk) -> Signed:
        """Ask the holder, then for the PIN, then sign: a proof of login, an assertion, or a ds:Signature.

        Raises Refused (NOT_CONFIRMED, BUSY), StatementRefused, and the errors of card_auth.errors. A wrong PIN ends
        the operation: the next try is the user's decision, never the agent's.
        """
        with self._alone():
            info = self._info()
            if info.tries_left == 0:
                raise errors.PinBlocked
            question, details = _question(request, session)
            if not isinstance(request, Login) and not desk.confirm(question, details):
                raise Refused(Refusal.NOT_CONFIRMED)
            with self._opened(info, question, desk) as token:
                return self._signed(request, session.origin, token)

    def _signed(self, request: SignRequest, origin: str, token: Token) -> Signed:
        at = self._now()
        match request:
            case Login(challenge):
                return login.prove(token.key(KeyUse.AUTHENTICATION), origin, challenge, at)
            case Documents(wanted):
                return documents.sign_documents(token.key(KeyUse.SIGNATURE), wanted, at)
            case Assertion():
                key = token.key(KeyUse.SIGNATURE)
                return issue(_statement(request, key.certificate, at), key, at=at)

    @contextmanager
    def _opened(self, info: TokenInfo, question: str, desk: Desk) -> Iterator[Token]:
        """The token with its PIN, which is forgotten when the operation ends."""
        pin: str | PinEntry | None = PinEntry.ON_READER
        if info.pin_pad:
            if not desk.confirm(f"{question} The PIN is entered on the reader.", ()):
                pin = None
        else:
            pin = desk.ask_pin(question, tries_left=info.tries_left)
        if pin is None:
            raise Refused(Refusal.NOT_CONFIRMED)
        try:
            opened = open_token(info.module, slot=info.slot, pin=pin)
        except errors.TokenMissing:
            raise errors.CardPulledOut from None  # it was there when the holder was asked
        del pin
        with opened as token:
            yield token

    def _info(self) -> TokenInfo:
        fitting = [info for info in modules.list_tokens(self._module) if self._token in (None, info.label)]
        if not fitting:
            raise errors.TokenMissing
        if len(fitting) > 1:
            raise errors.TokenMissing("Several tokens are there: say which one by its label.")
        return fitting[0]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._in_use.acquire(blocking=False):
            raise Refused(Refusal.BUSY)
        try:
            yield
        finally:
            self._in_use.release()


def _question(request: SignRequest, session: Session) -> tuple[str, tuple[str, ...]]:
    """What the holder is asked, in words that leave nothing of consequence out."""
    match request:
        case Login():
            return f"Log in to {session.origin} with your card?", ()
        case Documents(wanted):
            question = f"Sign {len(wanted)} document{'s' if len(wanted) > 1 else ''} for {session.origin}?"
            lines = (
                f"{one.title[:_LONGEST_QUESTION]} ({one.unique_id}, SHA-256 {one.sha256.hex()[:16]}...)"
                for one in wanted
            )
            return question, tuple(lines)
        case Assertion():
            details = [
                f"Purpose: {_PURPOSES[request.purpose_of_use]}",
                f"Patient: {(request.patient or 'none').partition('^')[0]}",
                f"Structure: {request.structure_id}",
            ]
            if request.purpose_reason:
                details.append(f"Reason: {request.purpose_reason[:_LONGEST_QUESTION]}")
            if request.secret_connection:
                details.append("Hidden from the patient's legal representatives")
            return f"Sign an access to a patient's record for {session.origin}?", tuple(details)


def _statement(request: Assertion, certificate: Certificate, authenticated_at: datetime.datetime) -> Statement:
    holder = read_professional(certificate)
    if holder.national_id is None:
        raise errors.KeyMissing("The card's signature certificate names no person.")
    return Statement(
        mode=AccessMode.DIRECT,
        subject=holder.national_id,
        roles=request.roles,
        structure_id=request.structure_id,
        sector=request.sector,
        purpose_of_use=request.purpose_of_use,
        purpose_reason=request.purpose_reason,
        resource_id=request.patient,
        secret_connection=request.secret_connection,
        software=request.software,
        level=AuthenticationLevel.SMARTCARD,
        authenticated_at=authenticated_at,
    )


def _use(certificate: Certificate) -> KeyUse | None:
    try:
        return use_of(certificate)
    except errors.WrongKeyUse:
        return None
