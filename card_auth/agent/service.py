"""What the agent does for an admitted page, path by path. No answer holds a key, a PIN or a path of this computer."""

from __future__ import annotations

import base64
import importlib.metadata
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from card_auth import errors
from card_auth.agent.card import HolderCard
from card_auth.agent.desk import OneQuestion
from card_auth.agent.login import LoginProof
from card_auth.agent.peripherals import Peripherals
from card_auth.agent.refusals import Refusal, Refused
from card_auth.agent.requests import Assertion, Documents, Login, read_pairing, read_sign_request
from card_auth.agent.sessions import Session, Sessions
from card_auth.vihf import StatementRefused

Answer = dict[str, Any]
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Service:
    """The agent's parts."""

    card: HolderCard | None  # None: no PKCS#11 module is there
    peripherals: Peripherals
    sessions: Sessions
    desk: OneQuestion


@dataclass(frozen=True, slots=True)
class Route:
    """A path's method, whether it needs a session, and whether it takes a body."""

    method: str
    answer: Callable[[Service, Session, bytes], Answer]
    needs_session: bool = True

    @property
    def takes_body(self) -> bool:
        """Whether JSON comes with it."""
        return self.method == "POST"


def status(_service: Service, _session: Session, _body: bytes) -> Answer:
    """GET /status: that the agent runs."""
    return {"agent": "feuillet", "version": importlib.metadata.version("feuillet"), "api": 1}


def begin_session(service: Service, session: Session, body: bytes) -> Answer:
    """POST /session: a token, once the user confirmed that the page shows the same code as the workstation."""
    pairing = read_pairing(body)
    question = f"{session.origin} asks to use this computer's card reader. Does the page show the code {pairing.code}?"
    with service.desk.asking() as desk:
        if not desk.confirm(question, ()):
            raise Refused(Refusal.NOT_CONFIRMED)
    return {"token": service.sessions.begin(session.origin)}


def end_session(service: Service, session: Session, _body: bytes) -> Answer:
    """DELETE /session."""
    service.sessions.end(session)
    return {}


def readers(service: Service, _session: Session, _body: bytes) -> Answer:
    """GET /readers: every slot, and what card is in it."""
    return {"readers": [one.as_json() for one in service.peripherals.slots()]}


def card(service: Service, _session: Session, _body: bytes) -> Answer:
    """GET /card: the holder's certificates."""
    view = _card(service).look()
    return {
        "label": view.label,
        "serial": view.serial,
        "tries_left": view.tries_left,
        "certificates": [{"use": use.value, "certificate": _base64(one.der)} for use, one in view.certificates],
    }


def sign(service: Service, session: Session, body: bytes) -> Answer:
    """POST /sign: a login's proof, an assertion, or a signature of documents."""
    request = read_sign_request(body)
    holder = _card(service)
    with service.desk.asking() as desk:
        signed = holder.sign(request, session, desk)
    match request, signed:
        case Login(), LoginProof():
            return {
                "certificate": _base64(signed.certificate),
                "chain": [_base64(one) for one in signed.chain],
                "signed_at": signed.signed_at,
                "algorithm": "RSASSA-PKCS1-v1_5 with SHA-256",
                "signature": _base64(signed.signature),
            }
        case Assertion(), bytes():
            return {"assertion": _base64(signed)}
        case Documents(), bytes():
            return {"signature": _base64(signed)}
        case _:
            raise Refused(Refusal.BROKEN)


def vitale(service: Service, _session: Session, _body: bytes) -> Answer:
    """GET /vitale: the identities on the patient's card."""
    return {"identities": [one.as_json() for one in service.peripherals.vitale()]}


ROUTES: Final[Mapping[str, tuple[Route, ...]]] = {
    "/status": (Route("GET", status, needs_session=False),),
    "/session": (Route("POST", begin_session, needs_session=False), Route("DELETE", end_session)),
    "/readers": (Route("GET", readers),),
    "/card": (Route("GET", card),),
    "/sign": (Route("POST", sign),),
    "/vitale": (Route("GET", vitale),),
}


def explained(error: errors.CardError | StatementRefused) -> Answer:
    """What a page learns of an error: its kind and what to do, in words that hold nothing of this computer."""
    if isinstance(error, StatementRefused):
        return {"code": "statement-refused", "message": error.reason.value, "remedy": "Correct the request."}
    answer: Answer = {
        "code": _WORD.sub("-", type(error).__name__).lower(),
        "message": getattr(error, "summary", errors.CardError.summary),
        "remedy": error.remedy,
    }
    tries_left = getattr(error, "tries_left", None)
    return answer if tries_left is None else {**answer, "tries_left": tries_left}


def _card(service: Service) -> HolderCard:
    if service.card is None:
        raise errors.ModuleMissing
    return service.card


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
