"""One planned change of the registry: an object as it is and as it will be."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from schemas import attributes as a
from schemas.attributes import CodeAttribute, IdentifierAttribute, ObjectKind, ObjectTable, SlotAttribute
from schemas.metadata import Association, CodedValue, DocumentEntry, Folder, SubmissionSet
from schemas.vocabulary import AvailabilityStatus, DocumentAvailability
from xds_registry.encoding import coded

#: Attributes whose values have no order.
_UNORDERED: Final = frozenset({"confidentiality_codes", "event_codes", "reference_ids", "code_list"})
#: What the registry itself states: its difference tells nothing of what was asked for.
_STATED: Final = frozenset({"entry_uuid", "availability_status", "logical_id", "version", "last_update_time"})


def _attributes(table: ObjectTable) -> Iterator[SlotAttribute | CodeAttribute | IdentifierAttribute]:
    yield from table.slots.values()
    yield from table.codes.values()
    yield from table.identifiers.values()


_NAMES: Final = {
    "mime_type": "mimeType",
    "object_type": "objectType",
    "home_community_id": "homeCommunityId",
    "authors": "author",
    "limited_metadata": "limitedMetadata",
    "association_type": "associationType",
    "source": "sourceObject",
    "target": "targetObject",
} | {
    attribute.field: attribute.name
    for table in (a.DOCUMENT_ENTRY, a.FOLDER, a.SUBMISSION_SET, a.ASSOCIATION)
    for attribute in _attributes(table)
}


class ChangeKind(enum.Enum):
    """What is done to an object."""

    UPDATE_ENTRY = "new version of a DocumentEntry"
    UPDATE_FOLDER = "new version of a Folder"
    CHANGE_STATUS = "another availabilityStatus"
    ASSOCIATE = "an Association between registered objects"
    REMOVE = "removal from the registry"


@dataclass(frozen=True, slots=True)
class State:
    """A registered object, before or after.

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

    @property
    def unique_id(self) -> str:
        """uniqueId; empty for an Association."""
        return "" if isinstance(self.item, Association) else str(self.item.unique_id or "")

    @property
    def class_code(self) -> str:
        """classCode as `code^^scheme`; empty for what has none."""
        return self._code("class_code")

    @property
    def type_code(self) -> str:
        """typeCode as `code^^scheme`; empty for what has none."""
        return self._code("type_code")

    @property
    def confidentiality_codes(self) -> frozenset[str]:
        """confidentialityCode, each as `code^^scheme`."""
        item = self.item
        return frozenset(map(coded, item.confidentiality_codes)) if isinstance(item, DocumentEntry) else frozenset()

    @property
    def authors(self) -> tuple[str, ...]:
        """The persons who are authors, as XCN texts."""
        if isinstance(self.item, Association | Folder):
            return ()
        return tuple(str(author.person) for author in self.item.authors if author.person is not None)

    @property
    def institutions(self) -> tuple[str, ...]:
        """The institutions of all authors, as XON texts."""
        if isinstance(self.item, Association | Folder):
            return ()
        return tuple(str(institution) for author in self.item.authors for institution in author.institutions)

    def _code(self, name: str) -> str:
        value: CodedValue | None = getattr(self.item, name, None)
        return "" if value is None else coded(value)


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `before` is None for what is new, `after` for what goes.

    `ends` are the objects at the ends of an Association, source first, as they will be.
    """

    kind: ChangeKind
    before: State | None
    after: State | None
    ends: tuple[State, ...] = ()

    @property
    def differing(self) -> frozenset[str]:
        """The attributes that will have another value, by the standard's names; empty for what is new or goes.

        `availabilityStatus` is among them where it changes; title, comments and metadata that the standard does not
        know as `title`, `comments`, `extra`. The order of codes that have none does not count.
        """
        before, after = self.before, self.after
        if before is None or after is None:
            return frozenset()
        found = {
            _NAMES.get(name, "extra" if name.startswith("extra_") else name)
            for name in type(before.item).__dataclass_fields__
            if name not in _STATED and _comparable(before.item, name) != _comparable(after.item, name)
        }
        if before.status is not after.status:
            found.add("availabilityStatus")
        return frozenset(found)


def _comparable(item: Any, name: str) -> Any:
    value = getattr(item, name, None)
    if name in _UNORDERED:
        return frozenset(value or ())
    if name == "document_availability":
        return value or DocumentAvailability.ONLINE.value
    if name == "hash":
        return None if value is None else str(value).lower()
    return value


#: Asked within the transaction, before anything is written, with every planned change. Raises XdsErrors to refuse all.
Permit = Callable[[Connection, tuple[Change, ...]], None]


def everything_permitted(_connection: Connection, _changes: tuple[Change, ...]) -> None:
    """A registry whose peers are all trusted systems."""
