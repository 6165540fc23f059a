"""The practice situations (situations d'exercice) of a CPS card: data objects that its PKCS#11 module shows.

`CPS_INFO_PS` ends in the code of the speciality; `CPS_ACTIVITY_01_PS` to `CPS_ACTIVITY_15_PS` hold one structure each,
in BER: 84 its name, 85 its national identifier, 86 its sector of activity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from card_auth import der

_ACTIVITY: Final = re.compile(r"CPS_ACTIVITY_(0[1-9]|1[0-5])_PS")
_INFORMATION: Final = "CPS_INFO_PS"
_SPECIALITY: Final = re.compile(r"[A-Z][A-Z0-9]{3}", re.ASCII)
_CONSTRUCTED: Final = 0x20
_STRUCTURE_NAME, _STRUCTURE_ID, _SECTOR = 0x84, 0x85, 0x86
_MOST_ELEMENTS: Final = 64  # of one activity; three are needed


@dataclass(frozen=True, slots=True)
class PracticeSituation:
    """Where a professional practises: what an assertion says of structure and sector is one of these, as a whole."""

    number: int  # 1 to 15, the card's own
    structure_name: str
    structure_id: str  # Struct_IdNat; empty when the card gives none
    sector: str  # SAxx of TRE_R02; empty when the card gives none


def practice_situations(data_objects: Mapping[str, bytes]) -> tuple[PracticeSituation, ...]:
    """The situations among a token's data objects, in the card's order. One that cannot be read is left out."""
    situations = []
    for label, content in sorted(data_objects.items()):
        activity = _ACTIVITY.fullmatch(label.strip())
        situation = _situation(int(activity[1]), content) if activity else None
        if situation:
            situations.append(situation)
    return tuple(situations)


def speciality(data_objects: Mapping[str, bytes]) -> str | None:
    """The code of the holder's speciality (TRE_R38, such as SM26), where the card gives one."""
    text = data_objects.get(_INFORMATION, b"").rstrip(b"\0 \xff").decode("latin-1")
    code = text[-4:]
    return code if _SPECIALITY.fullmatch(code) else None


def _situation(number: int, content: bytes) -> PracticeSituation | None:
    found: dict[int, str] = {}
    waiting = [content.rstrip(b"\xff")]
    budget = _MOST_ELEMENTS
    try:
        while waiting:
            for element in der.read_all(waiting.pop()):
                budget -= 1
                if not budget:
                    return None
                if element.tag == 0 and not element.content:
                    break  # the padding after the content
                if element.encoded[0] & _CONSTRUCTED:
                    waiting.append(element.content)
                elif element.tag in (_STRUCTURE_NAME, _STRUCTURE_ID, _SECTOR):
                    found.setdefault(element.tag, _text(element.content))
    except der.DerError:
        return None
    if not found.get(_STRUCTURE_NAME) and not found.get(_STRUCTURE_ID):
        return None
    return PracticeSituation(
        number, found.get(_STRUCTURE_NAME, ""), found.get(_STRUCTURE_ID, ""), found.get(_SECTOR, "")
    )


def _text(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return "".join(character for character in text if character.isprintable()).strip()
