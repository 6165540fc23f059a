"""What a transaction is about to do to registered objects, and who is asked before it does."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from xds_registry.references import Registered


class ChangeKind(enum.Enum):
    """What happens to an object."""

    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One object as it is, and as it is going to be: `after` is None for one that goes."""

    kind: ChangeKind
    before: Registered | None
    after: Registered | None


#: Asked inside the transaction, before anything is written; raises `XdsErrors` to refuse the whole.
Permit = Callable[[Connection, tuple[Change, ...]], None]


def _everything_permitted(_connection: Connection, _changes: tuple[Change, ...]) -> None:
    """Every change is permitted."""


everything_permitted: Final[Permit] = _everything_permitted
