"""What a page may ask for, read from JSON into values. Whatever is not exactly that is refused."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from card_auth.agent.documents import MOST_DOCUMENTS, OID, Document
from card_auth.agent.login import LONGEST, SHORTEST
from card_auth.agent.refusals import Refusal, Refused
from card_auth.caller import PurposeOfUse, Role, Software

_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST_TEXT: Final = 256
_MOST_ROLES: Final = 8


@dataclass(frozen=True, slots=True)
class Pairing:
    """Begin a session. The page shows the same code to its user, who compares."""

    code: str


@dataclass(frozen=True, slots=True)
class Login:
    """Sign the portal's challenge with the authentication key."""

    challenge: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """Sign a VIHF assertion with the signature key. Who speaks is not asked of the page: the card says it."""

    roles: tuple[Role, ...]
    structure_id: str
    sector: str | None
    purpose_of_use: PurposeOfUse
    purpose_reason: str | None
    patient: str | None = field(repr=False)  # CX; never in a log
    secret_connection: bool
    software: Software


@dataclass(frozen=True, slots=True)
class Documents:
    """Sign documents with the signature key."""

    documents: tuple[Document, ...]


SignRequest = Login | Assertion | Documents


def read_pairing(body: bytes) -> Pairing:
    """{"code": "six digits"}. Raises Refused."""
    members = _members(body, {"code"})
    code = _text(members, "code")
    if not _CODE.fullmatch(code):
        raise Refused(Refusal.MALFORMED, "A pairing code has six digits.")
    return Pairing(code)


def read_sign_request(body: bytes) -> SignRequest:
    """{"kind": "login", …}, {"kind": "assertion", …} or {"kind": "documents", …}. Raises Refused."""
    members = _object(body)
    match members.get("kind"):
        case "login":
            _nothing_else(members, {"kind", "challenge"})
            return Login(_challenge(_text(members, "challenge")))
        case "assertion":
            return _assertion(members)
        case "documents":
            _nothing_else(members, {"kind", "documents"})
            return Documents(tuple(map(_document, _list(members, "documents", MOST_DOCUMENTS))))
        case _:
            raise Refused(Refusal.MALFORMED, "The kind is login, assertion or documents.")


def _assertion(members: Mapping[str, Any]) -> Assertion:
    required = {"kind", "roles", "structure_id", "software"}
    optional = {"sector", "purpose_of_use", "purpose_reason", "patient", "secret_connection"}
    _nothing_else(members, required | optional)
    secret = members.get("secret_connection", False)
    if not isinstance(secret, bool):
        raise Refused(Refusal.MALFORMED, "secret_connection is neither true nor false.")
    try:
        purpose = PurposeOfUse(_optional(members, "purpose_of_use") or PurposeOfUse.NORMAL)
    except ValueError:
        raise Refused(Refusal.MALFORMED, "There is no such purpose_of_use.") from None
    return Assertion(
        roles=tuple(map(_role, _list(members, "roles", _MOST_ROLES))),
        structure_id=_text(members, "structure_id"),
        sector=_optional(members, "sector"),
        purpose_of_use=purpose,
        purpose_reason=_optional(members, "purpose_reason"),
        patient=_optional(members, "patient"),
        secret_connection=secret,
        software=_software(members.get("software")),
    )


def _role(value: object) -> Role:
    members = _mapping(value)
    _nothing_else(members, {"code", "code_system", "display_name"})
    return Role(_text(members, "code"), _text(members, "code_system"), _optional(members, "display_name"))


def _software(value: object) -> Software:
    members = _mapping(value)
    _nothing_else(members, {"name", "version", "identifier", "homologation"})
    return Software(
        _text(members, "name"),
        _optional(members, "version"),
        _optional(members, "identifier"),
        _optional(members, "homologation"),
    )


def _document(value: object) -> Document:
    members = _mapping(value)
    _nothing_else(members, {"unique_id", "sha256", "title"})
    unique_id, digest = _text(members, "unique_id"), _text(members, "sha256")
    if not OID.fullmatch(unique_id) or not _SHA256.fullmatch(digest):
        raise Refused(Refusal.MALFORMED, "A document has an OID and a SHA-256 digest in 64 lower-case hex digits.")
    return Document(unique_id, bytes.fromhex(digest), _text(members, "title"))


def _challenge(text: str) -> bytes:
    """base64url without padding (RFC 4648: 5), in its one canonical form."""
    try:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        octets = b""
    canonical = base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
    if canonical != text or not SHORTEST <= len(octets) <= LONGEST:
        raise Refused(Refusal.MALFORMED, f"A challenge is {SHORTEST} to {LONGEST} octets in base64url.")
    return octets


def _members(body: bytes, names: set[str]) -> Mapping[str, Any]:
    members = _object(body)
    _nothing_else(members, names)
    return members


def _object(body: bytes) -> Mapping[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise ValueError("a member twice")
        return members

    try:
        return _mapping(json.loads(body.decode("utf-8"), object_pairs_hook=once))
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Refused(Refusal.MALFORMED, "The body is not a JSON object in UTF-8.") from None


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refused(Refusal.MALFORMED, "A JSON object is expected.")
    return value


def _nothing_else(members: Mapping[str, Any], names: set[str]) -> None:
    if set(members) - names:
        raise Refused(Refusal.MALFORMED, f"Only these members are known here: {', '.join(sorted(names))}.")


def _list(members: Mapping[str, Any], name: str, most: int) -> list[object]:
    value = members.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise Refused(Refusal.MALFORMED, f"{name} is a list of 1 to {most}.")
    return value


def _optional(members: Mapping[str, Any], name: str) -> str | None:
    return None if members.get(name) is None else _text(members, name)


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_TEXT or not value.isprintable():
        raise Refused(Refusal.MALFORMED, f"{name} is a text of 1 to {_LONGEST_TEXT} printable characters.")
    return value
