"""The patient of an assertion: an INS with its authority and its key (référentiel INS)."""

from __future__ import annotations

import re
from typing import Final

NIR: Final = "1.2.250.1.213.1.4.8"
NIA: Final = "1.2.250.1.213.1.4.9"
INS_C: Final = "1.2.250.1.213.1.4.2"
#: What a production server accepts.
PRODUCTION_AUTHORITIES: Final = frozenset({NIR, NIA, INS_C})
#: Test and demonstration NIR.
TEST_AUTHORITIES: Final = frozenset({"1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"})

# CX: identifier, authority, type (NH, or INS-C in the first years); some senders add the date from which it holds
_CX: Final = re.compile(
    r"([0-9AB]{1,32})\^\^\^&([0-2](?:\.[0-9]{1,18}){2,24})&ISO(?:\^(?:NH|INS-C)?(?:\^\^[0-9]{8})?)?", re.ASCII
)
_NIR: Final = re.compile(r"[0-9]{5}(?:[0-9]{2}|2A|2B)[0-9]{8}", re.ASCII)
_INS_C: Final = re.compile(r"[0-9]{22}", re.ASCII)


def is_patient(text: str, authorities: frozenset[str]) -> bool:
    """Whether `text` (CX) is an identifier of one of those authorities (OIDs), with the right key where it has one."""
    match = _CX.fullmatch(text)
    if match is None or match[2] not in authorities:
        return False
    if match[2] == INS_C:
        return _INS_C.fullmatch(match[1]) is not None and _key_fits(match[1][:20], match[1][20:])
    if match[2] in PRODUCTION_AUTHORITIES | TEST_AUTHORITIES:
        return _NIR.fullmatch(match[1]) is not None and _key_fits(_without_corsica(match[1][:13]), match[1][13:])
    return True


def _without_corsica(number: str) -> str:
    """The departments 2A and 2B count as 19 and 18 in the key."""
    return number.replace("2A", "19").replace("2B", "18")


def _key_fits(number: str, key: str) -> bool:
    return 97 - int(number) % 97 == int(key)
