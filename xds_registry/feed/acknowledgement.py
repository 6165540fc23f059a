"""The answer to an HL7 V2 message: MSH, MSA and, when something is wrong, ERR.

Source: HL7 V2.5: 2.9.2 (original acknowledgement mode), 2.15.5 (ERR), 2.15.8 (MSA); V2.3.1: 2.24; ITI TF-2: C.2.3.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

from xds_registry.feed.hl7v2 import Delimiters, ErrorCode, Hl7Refused, Message, Segment

#: What is taken over from a header is cut here: no field of MSH that we repeat is longer by the standard.
_ECHO: Final = 250
#: Where the version cannot be read, the one of the transaction (ITI TF-2: 3.8.3).
_DEFAULT_VERSION: Final = "2.3.1"
VERSIONS: Final = ("2.3.1", "2.5")
#: The component of MSH-9 that is at fault (ITI TF-2: C.2.3).
_COMPONENTS: Final = {ErrorCode.UNSUPPORTED_MESSAGE_TYPE: "1", ErrorCode.UNSUPPORTED_EVENT_CODE: "2"}


class Verdict(enum.Enum):
    """HL7 table 0008: accepted, in error, or rejected."""

    ACCEPT = "AA"
    ERROR = "AE"
    REJECT = "AR"


def accepted(message: Message, control_id: str, now: datetime, remark: str = "") -> bytes:
    """The AA of a message; `remark` says what was not done, and why that is right."""
    head = _header(message.header, control_id, now)
    return _written([head, _verdict(message.header, Verdict.ACCEPT, remark)], message.header, message.codec)


def refused(header: Segment | None, wrong: Hl7Refused, control_id: str, now: datetime, codec: str = "ascii") -> bytes:
    """The AE or AR of a message, of which perhaps not even the header could be read."""
    verdict = Verdict.REJECT if wrong.rejected else Verdict.ERROR
    lines = [_header(header, control_id, now), _verdict(header, verdict, wrong.reason), _err(header, wrong)]
    return _written(lines, header, codec)


def _header(header: Segment | None, control_id: str, now: datetime) -> list[str]:
    delimiters, version = _delimiters(header), _version(header)
    trigger = header.component(_echo(header, 9), 2)[:3] if header else ""
    structure = ["ACK", trigger, "ACK" if version != _DEFAULT_VERSION else ""]
    return [
        "MSH",
        delimiters.encoding_characters,
        *(_echo(header, number) for number in (5, 6, 3, 4)),  # the receiver answers the sender
        now.strftime("%Y%m%d%H%M%S"),
        "",
        delimiters.component.join(structure).rstrip(delimiters.component),
        control_id,
        _echo(header, 11) or "P",
        _echo(header, 12) or version,
        *[""] * 5,
        _echo(header, 18),
    ]


def _verdict(header: Segment | None, verdict: Verdict, text: str) -> list[str]:
    return ["MSA", verdict.value, _echo(header, 10), _delimiters(header).escaped(text)]


def _written(lines: list[list[str]], header: Segment | None, codec: str) -> bytes:
    separator = _delimiters(header).field
    return "".join(separator.join(line).rstrip(separator) + "\r" for line in lines).encode(codec, errors="replace")


def _err(header: Segment | None, wrong: Hl7Refused) -> list[str]:
    """ERR in the form of V2.5; for a sender of V2.3.1 its only field ERR-1 comes first."""
    delimiters = _delimiters(header)
    component, subcomponent = delimiters.component, delimiters.subcomponent
    code, meaning = wrong.code.value
    field = str(wrong.field) if wrong.field else ""
    old = ""
    if _version(header) == _DEFAULT_VERSION:
        old = component.join([wrong.segment, "1", field, subcomponent.join([code, meaning, "HL70357"])])
    place = [wrong.segment, "1", field]
    if wrong.code in _COMPONENTS:
        place += ["1", _COMPONENTS[wrong.code]]
    location = component.join(place).rstrip(component)
    reason = delimiters.escaped(wrong.reason)
    return ["ERR", old, location, component.join([code, meaning, "HL70357"]), "E", "", "", "", reason]


def _delimiters(header: Segment | None) -> Delimiters:
    return header.delimiters if header else Delimiters()


def _version(header: Segment | None) -> str:
    said = header.component(_echo(header, 12), 1) if header else ""
    return said if said in VERSIONS else _DEFAULT_VERSION


def _echo(header: Segment | None, number: int) -> str:
    """A field of the request as it was sent: its delimiters are ours as well."""
    if header is None:
        return ""
    return "".join(c if c >= " " else " " for c in header.field(number)[:_ECHO])
