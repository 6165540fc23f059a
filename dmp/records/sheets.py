"""A sheet as the JSON text that is kept, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from dmp.records.traits import (
    Address,
    Civility,
    EmergencyContact,
    Representative,
    Sex,
    Sheet,
    Telecom,
    TelecomUse,
    Traits,
)


def encode(sheet: Sheet) -> str:
    """The sheet as JSON."""
    return json.dumps(asdict(sheet), ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> Sheet:
    """The sheet that `encode` wrote."""
    value = json.loads(text)
    return Sheet(
        traits=_traits(value["traits"]),
        address=_address(value["address"]),
        telecoms=_telecoms(value["telecoms"]),
        contacts=tuple(
            EmergencyContact(**(contact | {"telecoms": _telecoms(contact["telecoms"])}))
            for contact in value["contacts"]
        ),
        representatives=tuple(_representative(representative) for representative in value["representatives"]),
    )


def _traits(value: dict[str, Any]) -> Traits:
    return Traits(
        **(
            value
            | {
                "first_names": tuple(value["first_names"]),
                "sex": Sex(value["sex"]),
                "civility": _civility(value["civility"]),
            }
        )
    )


def _representative(value: dict[str, Any]) -> Representative:
    return Representative(
        **(
            value
            | {
                "first_names": tuple(value["first_names"]),
                "civility": _civility(value["civility"]),
                "address": _address(value["address"]),
                "telecoms": _telecoms(value["telecoms"]),
            }
        )
    )


def _civility(value: str | None) -> Civility | None:
    return None if value is None else Civility(value)


def _address(value: dict[str, Any] | None) -> Address | None:
    return None if value is None else Address(**(value | {"lines": tuple(value["lines"])}))


def _telecoms(values: list[dict[str, str]]) -> tuple[Telecom, ...]:
    return tuple(Telecom(TelecomUse(value["use"]), value["value"]) for value in values)
