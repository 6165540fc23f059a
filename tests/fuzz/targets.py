"""The readers of foreign bytes, each with its promises: documented exceptions only, and one meaning per input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fuzz import targets_dmp, targets_text, targets_wire
from tests.fuzz.mutation import Grammar
from tests.fuzz.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Target:
    """`check` raises when a promise is broken; otherwise it tells what became of the input."""

    name: str
    check: Callable[[bytes], Outcome]
    seeds: Sequence[bytes]
    grammar: Grammar


TARGETS = (
    Target("xml", targets_wire.xml, targets_wire.DOCUMENTS, targets_wire.XML),
    Target("prolog", targets_wire.prolog, targets_wire.PROLOGS, targets_wire.XML),
    Target("envelope", targets_wire.envelope, targets_wire.ENVELOPES, targets_wire.SOAP),
    Target("mtom", targets_wire.mtom, targets_wire.PACKAGES, targets_wire.MIME),
    Target("dmp", targets_dmp.message, targets_dmp.MESSAGES, targets_dmp.HL7V3),
    Target("media-type", targets_text.media_types, targets_text.MEDIA_TYPES, targets_text.PARAMETERS),
    Target("base64", targets_text.base64_text, targets_text.BASE64, targets_text.QUANTA),
    Target("hl7v2", targets_text.hl7v2, targets_text.ADT, targets_text.HL7),
    Target("literals", targets_text.stored_query_literals, targets_text.LITERALS, targets_text.QUOTED),
    Target("datatypes", targets_text.datatypes, targets_text.VALUES, targets_text.HL7),
)
