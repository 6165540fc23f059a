"""The transmission wrapper of HL7 V3 messages: who sends what to whom, and how an answer acknowledges it.

Source: HL7 V3 MCCI_MT000100UV01, MCCI_MT000300UV01; ITI TF-2: Appendix O.1.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

from dmp.services.messages.reading import MessageRefused, moment, optional, required, several, text_of, value_of
from dmp.services.messages.writing import element, stated, text
from dmp.services.messages.writing import moment as write_moment
from dmp.services.vocabulary import DMP, DMP_MESSAGES, INTERACTIONS
from schemas.vocabulary import HL7V3

_PROCESSING: Final = ("P", "T", "D")
_VERSION: Final = "XML_1.0"


@dataclass(frozen=True, slots=True)
class Identifier:
    """An II: `extension` may be empty."""

    root: str
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A system that sends or receives."""

    identifier: Identifier
    software: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every message begins with. `created_at` is the sender's clock."""

    message_id: Identifier
    created_at: datetime
    sender: Device
    receiver: Device = field(default=Device(Identifier(DMP), "DMP"))
    processing: str = "P"


class Verdict(enum.StrEnum):
    """AcknowledgementType: an application accepts, or finds an error."""

    ACCEPTED = "AA"
    ERROR = "AE"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a message is answered: `code` and `text` tell why it was not done; `target` is the message's id."""

    target: Identifier
    verdict: Verdict = Verdict.ACCEPTED
    code: str = ""
    text: str = ""

    @property
    def accepted(self) -> bool:
        return self.verdict is Verdict.ACCEPTED


def answering(head: Head, message_id: str, at: datetime) -> Head:
    """The head of an answer: from the receiver to the sender. `message_id` is a fresh one's extension."""
    return Head(
        message_id=Identifier(DMP_MESSAGES, message_id),
        created_at=at,
        sender=Device(Identifier(DMP), "DMP"),
        receiver=head.sender,
        processing=head.processing,
    )


def read_head(message: etree._Element, interaction: str) -> Head:
    """The head of a message, which names its interaction and is in operational mode."""
    named = required(message, HL7V3, "interactionId")
    if value_of(named, "extension") != interaction:
        raise MessageRefused("interactionId does not name the interaction of the message")
    if value_of(required(message, HL7V3, "processingModeCode"), "code") != "T":
        raise MessageRefused("processingModeCode is not T")
    processing = value_of(optional(message, HL7V3, "processingCode"), "code") or "P"
    if processing not in _PROCESSING:
        raise MessageRefused("processingCode is none of P, T, D")
    return Head(
        message_id=read_identifier(required(message, HL7V3, "id")),
        created_at=moment(value_of(required(message, HL7V3, "creationTime")), "creationTime"),
        sender=_device(message, "sender"),
        receiver=_device(message, "receiver"),
        processing=processing,
    )


def read_identifier(stated_id: etree._Element) -> Identifier:
    """An II with its root."""
    root = value_of(stated_id, "root")
    if not root:
        raise MessageRefused("an id has no root")
    return Identifier(root, value_of(stated_id, "extension"))


def read_acknowledgement(message: etree._Element) -> Acknowledgement:
    """The acknowledgement of an answer; the code of the verdict is an attribute, or an element as in PDQv3."""
    stands = required(message, HL7V3, "acknowledgement")
    verdict = value_of(stands, "typeCode") or value_of(optional(stands, HL7V3, "typeCode"), "code")
    if verdict not in list(Verdict):
        raise MessageRefused("the acknowledgement is neither AA nor AE")
    target = read_identifier(required(stands, HL7V3, "targetMessage/id"))
    details = several(stands, HL7V3, "acknowledgementDetail")
    if not details:
        return Acknowledgement(target, Verdict(verdict))
    code = value_of(optional(details[0], HL7V3, "code"), "code")
    return Acknowledgement(target, Verdict(verdict), code, text_of(optional(details[0], HL7V3, "text")))


def write_message(interaction: str, head: Head, *content: str, request: bool) -> bytes:
    """A whole interaction: head, then what follows it."""
    return element(
        interaction,
        write_identifier("id", head.message_id),
        stated("creationTime", write_moment(head.created_at)),
        stated("interactionId", interaction, "extension", root=INTERACTIONS),
        stated("processingCode", head.processing, "code"),
        stated("processingModeCode", "T", "code"),
        stated("acceptAckCode", "AL" if request else "NE", "code"),
        _written_device("receiver", "RCV", head.receiver),
        _written_device("sender", "SND", head.sender),
        *content,
        xmlns=HL7V3,
        ITSVersion=_VERSION,
    ).encode()


def write_acknowledgement(given: Acknowledgement, *, code_element: bool = False) -> str:
    """An acknowledgement; `code_element`: the verdict as an element, as PDQv3 has it."""
    detail = ""
    if given.code or given.text:
        detail = element(
            "acknowledgementDetail",
            stated("code", given.code, "code"),
            text("text", given.text),
            typeCode="I" if given.accepted else "E",
        )
    target = element("targetMessage", write_identifier("id", given.target))
    if code_element:
        return element("acknowledgement", stated("typeCode", given.verdict.value, "code"), target, detail)
    return element("acknowledgement", target, detail, typeCode=given.verdict.value)


def write_custodian() -> str:
    """Who keeps the records: the DMP."""
    entity = element("assignedEntity", stated("id", DMP, "root"), classCode="ASSIGNED")
    return element("custodian", entity, typeCode="CST")


def _device(message: etree._Element, role: str) -> Device:
    device = required(message, HL7V3, f"{role}/device")
    return Device(read_identifier(required(device, HL7V3, "id")), text_of(optional(device, HL7V3, "softwareName")))


def write_identifier(name: str, identifier: Identifier) -> str:
    """An II."""
    return element(name, root=identifier.root, extension=identifier.extension)


def _written_device(role: str, type_code: str, device: Device) -> str:
    described = element(
        "device",
        write_identifier("id", device.identifier),
        text("softwareName", device.software),
        classCode="DEV",
        determinerCode="INSTANCE",
    )
    return element(role, described, typeCode=type_code)
