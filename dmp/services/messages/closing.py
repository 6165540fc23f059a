"""Why a record is closed: a code (1.2.250.1.213.4.1.2.4) and words, as a detected issue that is the act's reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from dmp.services.messages.reading import MessageRefused, optional, required, text_of, value_of
from dmp.services.messages.writing import element, stated, text
from dmp.services.vocabulary import CLOSING_REASONS
from schemas.vocabulary import HL7V3


@dataclass(frozen=True, slots=True)
class Closing:
    """The code of the reason, such as FERMETURE_DEMANDE_PATIENT, and the words that came with it."""

    reason: str
    note: str = field(default="", repr=False)


def read_closing(act: etree._Element) -> Closing | None:
    """The reason that an act states; None where it states none."""
    issue = optional(act, HL7V3, "reasonOf/detectedIssueEvent")
    if issue is None:
        return None
    code = required(issue, HL7V3, "code")
    if value_of(code, "codeSystem") != CLOSING_REASONS or not value_of(code, "code"):
        raise MessageRefused("detectedIssueEvent has no code of the closing reasons")
    return Closing(value_of(code, "code"), text_of(optional(issue, HL7V3, "text")))


def write_closing(closing: Closing | None) -> str:
    """The reason of an act; nothing for None."""
    if closing is None:
        return ""
    issue = element(
        "detectedIssueEvent",
        stated("code", closing.reason, "code", codeSystem=CLOSING_REASONS),
        text("text", closing.note),
        classCode="ALRT",
        moodCode="EVN",
    )
    return element("reasonOf", issue, typeCode="RSON")
