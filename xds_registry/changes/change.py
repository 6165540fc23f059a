"""One planned change of the registry: an object as it is and as it will be."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from schemas.attributes import ObjectKind
from schemas.metadata import Association, DocumentEntry, Folder, SubmissionSet
from schemas.vocabulary import AvailabilityStatus


class ChangeKind(enum.Enum):
    """What is done to an object."""

    REMOVE = "removal from the registry"


@dataclass(frozen=True, slots=True)
class State:
    """A registered object.

    `patient` is the patient identifier (`id^^^&OID&ISO`) under which the registry has it; an Association is its
    source's patient's. `item` holds every attribute. An Association and a SubmissionSet are their own logical object.
    """

    kind: ObjectKind
    entry_uuid: str
    logical_id: str
    version: int
    patient: str = field(repr=False)
    status: AvailabilityStatus
    item: DocumentEntry | Folder | Association | SubmissionSet = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `after` is None for what goes."""

    kind: ChangeKind
    before: State | None
    after: State | None


#: Asked within the transaction, before anything is written, with every planned change. Raises XdsErrors to refuse all.
Permit = Callable[[Connection, tuple[Change, ...]], None]


def everything_permitted(_connection: Connection, _changes: tuple[Change, ...]) -> None:
    """A registry whose peers are all trusted systems."""
