"""SOAP 1.2 envelopes with WS-Addressing headers: read with every rule that applies to all messages, and written."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lxml import etree

from schemas import markup
from soap.faults import (
    ACTION_MISMATCH,
    ACTION_NOT_SUPPORTED,
    HEADER_REQUIRED,
    INVALID_CARDINALITY,
    INVALID_HEADER,
    INVALID_SECURITY,
    MISSING_ADDRESS,
    ONLY_ANONYMOUS,
    FaultCode,
    SoapFault,
    fault_body,
    fault_headers,
    sender,
)
from soap.message import Addressing, Operation
from soap.vocabulary import ANONYMOUS, BODY, ENVELOPE, HEADER, NONE, SECURITY, SOAP11, SOAP12, WSA
from soap.xml import XmlRefused, text_only

#: Longest wsa:MessageID. The URN of a UUID has 45 characters.
MESSAGE_ID_LENGTH: Final = 256
_URI_LENGTH: Final = 2048
_TRUE: Final = frozenset({"1", "true"})
_FALSE: Final = frozenset({"0", "false"})
# A header block meant for one of these roles is meant for us. SOAP 1.2 part 1 §2.2
_ROLES: Final = frozenset({"", f"{SOAP12}/role/next", f"{SOAP12}/role/ultimateReceiver"})
_WSA_PREFIX: Final = f"{{{WSA}}}"
_ADDRESSING: Final = frozenset({"Action", "MessageID", "To", "ReplyTo", "FaultTo", "From", "RelatesTo"})
_has_comment: Final = etree.XPath("boolean(descendant::comment())")

_HEAD: Final = f'<env:Envelope xmlns:env="{SOAP12}" xmlns:wsa="{WSA}"><env:Header>'
_MIDDLE: Final = b"</env:Header><env:Body>"
_TAIL: Final = b"</env:Body></env:Envelope>"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The checked parts of an envelope: addressing headers, the one child of the body, the security header block."""

    addressing: Addressing
    body: etree._Element
    security: etree._Element | None


def message_id_of(root: etree._Element) -> str | None:
    """The wsa:MessageID for the fault that answers a message which may be wrong in every other respect, or None.

    Only the URN of a UUID is taken: nothing else of a refused message goes back to its sender.
    """
    block = root.find(f"{HEADER}/{_WSA_PREFIX}MessageID")
    value = "" if block is None or len(block) else (block.text or "").strip()
    return value if is_uuid_urn(value) else None


def is_uuid_urn(value: str) -> bool:
    """Whether `value` is `urn:uuid:` and a UUID in its usual form."""
    if len(value) != 45 or value[:9].lower() != "urn:uuid:":
        return False
    try:
        return str(uuid.UUID(value[9:])) == value[9:].lower()
    except ValueError:
        return False


def read_envelope(root: etree._Element) -> Envelope:
    """Take a SOAP 1.2 envelope apart.

    Raises `SoapFault`: VersionMismatch for another envelope, MustUnderstand for a mandatory header that nobody here
    knows, Sender with a WS-Addressing subcode for addressing headers, Sender for the rest.
    SOAP 1.2 part 1 §5; WS-Addressing 1.0 Core §3, SOAP Binding §5, §6.
    """
    header, body = _parts_of(root)
    blocks = [] if header is None else [child for child in header if isinstance(child.tag, str)]
    _check_understood(blocks)
    security = [block for block in blocks if block.tag == SECURITY]
    if len(security) > 1:
        # WSS 1.1 §5: at most one per role; we act in one role only.
        raise sender("There is more than one wsse:Security header", INVALID_SECURITY)
    if security and _has_comment(security[0]):
        raise sender("A comment is not allowed inside wsse:Security", INVALID_SECURITY)
    addressing = _addressing(blocks)
    children = [child for child in body if isinstance(child.tag, str)]
    if len(children) != 1:
        raise sender("The SOAP body must hold exactly one element")
    return Envelope(addressing, children[0], security[0] if security else None)


def choose(operations: dict[str, Operation], envelope: Envelope, http_action: str | None) -> Operation:
    """The operation that wsa:Action names, after HTTP action and body have been found to agree with it.

    Raises `SoapFault` wsa:ActionNotSupported or wsa:ActionMismatch. WS-Addressing SOAP Binding §6.4.1.4, §6.4.2
    """
    action = envelope.addressing.action
    operation = operations.get(action)
    if operation is None:
        raise sender("The wsa:Action is not supported here", ACTION_NOT_SUPPORTED)
    if http_action is not None and http_action != action:
        raise sender("The HTTP action and wsa:Action disagree", INVALID_HEADER, ACTION_MISMATCH)
    if envelope.body.tag != operation.body:
        raise sender("The SOAP body and wsa:Action disagree", INVALID_HEADER, ACTION_MISMATCH)
    return operation


def _parts_of(root: etree._Element) -> tuple[etree._Element | None, etree._Element]:
    """Header (if any) and Body of an envelope that holds nothing else."""
    if root.tag != ENVELOPE:
        name = etree.QName(root)
        if name.localname == "Envelope" or name.namespace == SOAP11:
            raise SoapFault(FaultCode.VERSION_MISMATCH, "Only SOAP 1.2 is spoken here")
        raise sender("The message is not a SOAP envelope")
    children = []
    for child in root:
        if isinstance(child.tag, str):
            children.append(child)
        _no_text(child.tail)
    _no_text(root.text)
    header = children.pop(0) if children and children[0].tag == HEADER else None
    if len(children) != 1 or children[0].tag != BODY:
        raise sender("A SOAP envelope holds one optional Header and one Body")
    for part in (header, children[0]):
        if part is not None:
            _no_text(part.text)
            for child in part:
                _no_text(child.tail)
    return header, children[0]


def _no_text(text: str | None) -> None:
    if text and not text.isspace():
        raise sender("There is text between the elements of the SOAP envelope")


def _check_understood(blocks: Iterable[etree._Element]) -> None:
    """Refuse mandatory header blocks for us that we do not know. SOAP 1.2 part 1 §2.4, §5.2.3"""
    unknown = []
    for block in blocks:
        must = block.get(f"{{{SOAP12}}}mustUnderstand")
        if must is None:
            continue
        must = must.strip()
        if must in _FALSE:
            continue
        if must not in _TRUE:
            raise sender("env:mustUnderstand is neither true nor false")
        if (block.get(f"{{{SOAP12}}}role") or "").strip() not in _ROLES or _is_known(block.tag):
            continue
        unknown.append(str(block.tag))
    if unknown:
        raise SoapFault(
            FaultCode.MUST_UNDERSTAND,
            "A mandatory header is not understood",
            not_understood=tuple(unknown),
        )


def _is_known(tag: str) -> bool:
    return tag == SECURITY or (tag.startswith(_WSA_PREFIX) and tag[len(_WSA_PREFIX) :] in _ADDRESSING)


def _addressing(blocks: Iterable[etree._Element]) -> Addressing:
    found: dict[str, etree._Element] = {}
    for block in blocks:
        tag = str(block.tag)
        if not tag.startswith(_WSA_PREFIX):
            continue
        name = tag[len(_WSA_PREFIX) :]
        if name in found and name != "RelatesTo":
            raise sender(
                "A WS-Addressing header appears twice",
                INVALID_HEADER,
                INVALID_CARDINALITY,
                problem_header=name if name in _ADDRESSING else None,
            )
        found[name] = block
    action = _required(found, "Action", _URI_LENGTH)
    message_id = _required(found, "MessageID", MESSAGE_ID_LENGTH)
    to = _value(found["To"], "To", _URI_LENGTH) if "To" in found else None
    return Addressing(action, message_id, to, _endpoint(found, "ReplyTo"), _endpoint(found, "FaultTo"))


def _required(found: dict[str, etree._Element], name: str, limit: int) -> str:
    block = found.get(name)
    if block is None:
        raise sender("A required WS-Addressing header is missing", HEADER_REQUIRED, problem_header=name)
    value = _value(block, name, limit)
    if not value:
        raise sender("A required WS-Addressing header is empty", INVALID_HEADER, problem_header=name)
    return value


def _value(block: etree._Element, name: str, limit: int) -> str:
    try:
        value = text_only(block).strip()
    except XmlRefused:
        value = "\n"
    # An IRI holds no white space and no control character (RFC 3987 §2.2).
    if len(value) > limit or not value.isprintable() or " " in value:
        raise sender("A WS-Addressing header does not hold one URI", INVALID_HEADER, problem_header=name)
    return value


def _endpoint(found: dict[str, etree._Element], name: str) -> str | None:
    """The address of an endpoint reference; only the HTTP response itself is served. WS-Addressing SOAP Binding §5.1"""
    block = found.get(name)
    if block is None:
        # ITI TF-2: V.3 wants wsa:ReplyTo; its own examples leave it out, and the default means anonymous.
        return None
    addresses = block.findall(f"{_WSA_PREFIX}Address")
    if len(addresses) != 1:
        raise sender("An endpoint reference needs one address", INVALID_HEADER, MISSING_ADDRESS, problem_header=name)
    address = _value(addresses[0], name, _URI_LENGTH)
    if address not in (ANONYMOUS, NONE):
        raise sender(
            "Answers go back on the connection of the request only", INVALID_HEADER, ONLY_ANONYMOUS, problem_header=name
        )
    return address


def head(action: str, relates_to: str | None, headers: bytes = b"") -> bytes:
    """An answer's envelope up to and including the start tag of its body. ITI TF-2: V.3"""
    related = f"<wsa:RelatesTo>{markup.text(relates_to)}</wsa:RelatesTo>" if relates_to is not None else ""
    addressing = (
        f'{_HEAD}<wsa:Action env:mustUnderstand="true">{markup.text(action)}</wsa:Action>'
        f"<wsa:MessageID>urn:uuid:{uuid.uuid4()}</wsa:MessageID>{related}<wsa:To>{ANONYMOUS}</wsa:To>"
    )
    return addressing.encode() + headers + _MIDDLE


def tail() -> bytes:
    """What closes an envelope that `head` opened."""
    return _TAIL


def request_head(action: str, message_id: str, to: str, headers: bytes = b"") -> bytes:
    """A request's envelope up to and including the start tag of its body. ITI TF-2: V.3"""
    return (
        (
            f'{_HEAD}<wsa:Action env:mustUnderstand="true">{markup.text(action)}</wsa:Action>'
            f"<wsa:MessageID>{markup.text(message_id)}</wsa:MessageID>"
            f"<wsa:ReplyTo><wsa:Address>{ANONYMOUS}</wsa:Address></wsa:ReplyTo>"
            f'<wsa:To env:mustUnderstand="true">{markup.text(to)}</wsa:To>'
        ).encode()
        + headers
        + _MIDDLE
    )


def fault_envelope(fault: SoapFault, correlation_id: str, relates_to: str | None) -> bytes:
    """The whole message that carries a fault."""
    return head(fault.action, relates_to, fault_headers(fault)) + fault_body(fault, correlation_id) + _TAIL
