"""MCCI_IN000002UV01: the accept acknowledgement of an HL7 V3 message.

Source: ITI TF-2: Appendix O.1 (MCCI_MT000200UV01 as IHE constrains it), 3.44.4.1.3.
"""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from schemas import markup
from schemas.vocabulary import HL7V3

_N: Final = f"{{{HL7V3}}}"
_INTERACTION_ROOT: Final = "2.16.840.1.113883.1.6"
_DETAIL_SYSTEM: Final = "2.16.840.1.113883.5.1100"
_PROCESSING_CODES: Final = ("P", "T", "D")


class Verdict(enum.Enum):
    """AcknowledgementType: an accept acknowledgement says commit accept, commit error or commit reject."""

    ACCEPT = "CA"
    ERROR = "CE"
    REJECT = "CR"


class Detail(enum.Enum):
    """The codes of AcknowledgementDetailCode that the feed uses."""

    INTERNAL = "INTERR"
    UNKNOWN_KEY = "KEY204"
    UNSUPPORTED_INTERACTION = "NS200"
    UNSUPPORTED_MODE = "NS250"
    ASSOCIATION_MISSING = "SYN100"
    ATTRIBUTE_MISSING = "SYN101"
    DATA_TYPE = "SYN102"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender is told. `text` repeats nothing of its message; `detail` is None for a mere remark."""

    verdict: Verdict
    text: str = ""
    detail: Detail | None = None


def receipt(request: etree._Element, outcome: Receipt, now: datetime) -> bytes:
    """The acknowledgement of `request`, from its receiver to its sender."""
    processing = request.find(f"{_N}processingCode")
    code = None if processing is None else processing.get("code")
    parts = [
        f'<MCCI_IN000002UV01 xmlns="{HL7V3}" ITSVersion="XML_1.0">',
        f'<id root="{uuid.uuid4()}"/>',
        f'<creationTime value="{now:%Y%m%d%H%M%S}"/>',
        f'<interactionId root="{_INTERACTION_ROOT}" extension="MCCI_IN000002UV01"/>',
        f'<processingCode code="{code if code in _PROCESSING_CODES else "P"}"/>',
        '<processingModeCode code="T"/>',
        '<acceptAckCode code="NE"/>',
        _device("receiver", "RCV", request.find(f"{_N}sender/{_N}device")),
        _device("sender", "SND", request.find(f"{_N}receiver/{_N}device")),
        f'<acknowledgement><typeCode code="{outcome.verdict.value}"/>',
        f"<targetMessage>{_id(request.find(f'{_N}id'))}</targetMessage>",
        _detail(outcome),
        "</acknowledgement></MCCI_IN000002UV01>",
    ]
    return "".join(parts).encode()


def _device(role: str, type_code: str, device: etree._Element | None) -> str:
    ids = [] if device is None else device.findall(f"{_N}id")[:1]
    identifier = _id(ids[0] if ids else None)
    described = f'<device classCode="DEV" determinerCode="INSTANCE">{identifier}</device>'
    return f'<{role} typeCode="{type_code}">{described}</{role}>'


def _id(element: etree._Element | None) -> str:
    """An II like the one given; one that says it is not known where there is none."""
    root = None if element is None else element.get("root")
    if element is None or not root:
        return '<id nullFlavor="NI"/>'
    extension = element.get("extension")
    tail = f' extension="{markup.attribute(extension)}"' if extension else ""
    return f'<id root="{markup.attribute(root)}"{tail}/>'


def _detail(outcome: Receipt) -> str:
    if not outcome.text:
        return ""
    kind = "I" if outcome.detail is None else "E"
    code = "" if outcome.detail is None else f'<code code="{outcome.detail.value}" codeSystem="{_DETAIL_SYSTEM}"/>'
    text = f"<text>{markup.text(outcome.text)}</text>"
    return f'<acknowledgementDetail typeCode="{kind}">{code}{text}</acknowledgementDetail>'
