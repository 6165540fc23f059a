"""The one form in which an event is written down, hashed and read again.

JSON in ASCII without blanks, the fields in the order of `Event`, those that hold nothing left out. `happened_at` is in
microseconds since 1970.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Final

from card_auth.caller import AccessMode, PurposeOfUse
from dmp.audit.event import Action, Event, Outcome, Transaction, instant, microseconds
from dmp.audit.refusals import RefusalClass

_DEFAULTS: Final = tuple((f.name, f.default) for f in fields(Event) if f.name != "happened_at")
_KINDS: Final = {
    "transaction": Transaction,
    "action": Action,
    "outcome": Outcome,
    "refusal": RefusalClass,
    "refused_transaction": Transaction,
    "mode": AccessMode,
    "purpose_of_use": PurposeOfUse,
    "roles": tuple,
    "documents": tuple,
    "objects": tuple,
    "folders": tuple,
    "functions": tuple,
    "happened_at": instant,
}
_encoder: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False).encode


class NoEvent(ValueError):
    """The bytes are not an event in canonical form."""


def encode(event: Event) -> bytes:
    """The canonical bytes of an event."""
    values: dict[str, Any] = {"happened_at": microseconds(event.happened_at)}
    for name, default in _DEFAULTS:
        value = getattr(event, name)
        if value != default:
            values[name] = value
    return _encoder(values).encode("ascii")


def decode(content: bytes) -> Event:
    """The event whose canonical bytes these are. Raises `NoEvent`."""
    try:
        values = json.loads(content)
        for name, kind in _KINDS.items():
            if name in values:
                values[name] = kind(values[name])  # type: ignore[operator]  # each takes what JSON holds
        return Event(**values)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise NoEvent(type(error).__name__) from None
