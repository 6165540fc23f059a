"""Random records as rows of the registry's tables, and what of them somebody does not see, worked out object by object.

A record is one patient's, with a second patient whose objects are linked to theirs. It is made of graphs that have
nothing to do with each other: a few submissions each, with their documents, versions, folders and relationships.
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dmp.rights.actors import PROFESSIONALS
from dmp.rights.conditions import Condition, Document, holds
from dmp.rights.marks import CODES, LEVEL_SYSTEM, MARK_SYSTEM, Marks
from schemas.ebrim.fragment import with_slot
from schemas.vocabulary import RIM
from schemas.vocabulary import AssociationType as Kind
from xds_registry.encoding import APPROVED, ARCHIVED, ASSOCIATION_NUMBER, CONFIDENTIALITY, DELETED, DEPRECATED, EVENT

BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)
TYPES: Final = ("11502-2^^2.16.840.1.113883.6.1", "68599-0^^2.16.840.1.113883.6.1", "CERT_DECL^^1.2.250.1.213.1.1.4.12")
CLASSES: Final = ("10^^1.2.250.1.213.1.1.4.1", "42^^1.2.250.1.213.1.1.4.1", "90^^1.2.250.1.213.1.1.4.1")
OTHER: Final = ("a^^1.2.3", "b^^1.2.3")
PERSONS: Final = tuple(f"8{n}0000000000^^^&{PROFESSIONALS}&ISO" for n in (1, 2))
STRUCTURES: Final = ("1750000001", "1750000002")
TIMES: Final = ("20240101000000", "20250101000000", "20260101000000")
SOURCES: Final = ("1.2.3.4", "1.2.3.5")
_RELATIONSHIPS: Final = (Kind.REPLACE, Kind.APPEND, Kind.TRANSFORM, Kind.TRANSFORM_REPLACE, Kind.SIGNS)
_STATUSES: Final = (APPROVED,) * 5 + (DEPRECATED, ARCHIVED, DELETED)
_FOLDER: Final = (
    f'<rim:RegistryPackage xmlns:rim="{RIM}" id="%s"><rim:Slot name="lastUpdateTime"><rim:ValueList>'
    "<rim:Value>%s</rim:Value></rim:ValueList></rim:Slot></rim:RegistryPackage>"
)


@dataclass(slots=True)
class Entry:
    """A version of a document."""

    row: dict[str, Any]
    patient: str
    authors: frozenset[str]
    structures: frozenset[str]
    codes: tuple[tuple[int, str], ...]
    references: tuple[str, ...]

    @property
    def uuid(self) -> str:
        return str(self.row["entry_uuid"])

    def document(self) -> Document:
        """As the law sees it."""
        return Document(
            patient=self.patient,
            class_code=self.row["class_code"],
            type_code=self.row["type_code"],
            marks=Marks(self.row["marks"]),
            authors=self.authors,
            structures=self.structures,
        )


@dataclass(slots=True)
class Contents:
    """Objects, by entryUUID."""

    entries: dict[str, Entry] = field(default_factory=dict)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, dict[str, Any]] = field(default_factory=dict)

    def rows(self) -> Mapping[str, list[dict[str, Any]]]:
        """The rows of all tables, by the names of these."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        found["document_entry"] = [entry.row for entry in self.entries.values()]
        found["submission_set"] = list(self.sets.values())
        found["folder"] = list(self.folders.values())
        found["association"] = list(self.links.values())
        for entry in self.entries.values():
            owner = {"document_entry_pk": entry.row["pk"]}
            found["document_entry_code"] += [{**owner, "attribute": a, "code": c} for a, c in entry.codes]
            persons = enumerate(sorted(entry.authors))
            found["document_entry_author"] += [{**owner, "position": n, "person": f"{p}^N"} for n, p in persons]
            found["document_entry_reference"] += [{**owner, "reference_id": x} for x in entry.references]
        for package in self.sets.values():
            found["submission_set_author"].append(
                {"submission_set_pk": package["pk"], "position": 0, "person": PERSONS[package["pk"] % 2] + "^N"}
            )
        for folder in self.folders.values():
            found["folder_code"].append({"folder_pk": folder["pk"], "code": OTHER[folder["pk"] % 2]})
        return found


class Author:
    """Makes records, one after the other. Row numbers and identifiers are its own."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._last = 0
        self._contents = Contents()
        self._time = BEGUN

    def record(self, own: tuple[int, str], other: tuple[int, str], graphs: int) -> Contents:
        """A record of so many graphs; patients are row numbers and identifiers."""
        self._contents = Contents()
        for _ in range(graphs):
            self._graph(own, other)
        return self._contents

    def _graph(self, own: tuple[int, str], other: tuple[int, str]) -> None:
        chance = self._chance
        self._time = BEGUN
        entries: list[Entry] = []
        folders: list[str] = []
        for _ in range(chance.randint(1, 3)):
            self._time += timedelta(seconds=chance.randint(0, 2))
            patient = own if chance.random() < 0.85 else other
            package = self._set(patient)
            fresh = [self._entry(patient) for _ in range(chance.randint(0, 2))]
            if entries and chance.random() < 0.25:
                fresh.append(self._version(chance.choice(entries)))
            for entry in fresh:
                self._link(Kind.HAS_MEMBER, package, entry.uuid)
            entries += fresh
            if chance.random() < 0.4:
                folders.append(self._folder(patient, package))
            if folders and entries and chance.random() < 0.7:
                for entry in chance.sample(entries, min(len(entries), chance.randint(1, 2))):
                    self._put_in(chance.choice(folders), entry.uuid, package)
            if entries and chance.random() < 0.2:
                self._link(Kind.HAS_MEMBER, package, chance.choice(entries).uuid)
            if len(entries) > 1 and chance.random() < 0.5:
                source, target = chance.sample(entries, 2)
                related = self._link(chance.choice(_RELATIONSHIPS), source.uuid, target.uuid)
                if chance.random() < 0.2:
                    self._link(Kind.UPDATE_AVAILABILITY_STATUS, package, related)

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _uuid(self) -> str:
        return uuid.UUID(int=self._chance.getrandbits(128)).urn

    def _set(self, patient: tuple[int, str]) -> str:
        chance, pk, entry_uuid = self._chance, self._number(), self._uuid()
        self._contents.sets[entry_uuid] = {
            "pk": pk,
            "entry_uuid": entry_uuid,
            "unique_id": f"1.2.{pk}",
            "patient_pk": patient[0],
            "status": chance.choice((APPROVED, APPROVED, DEPRECATED)),
            "submission_time": chance.choice(TIMES),
            "source_id": chance.choice(SOURCES),
            "content_type": chance.choice(OTHER),
            "home": None,
            "digest": "",
            "registered_at": self._time,
            "fragment": f"<set {pk}>".encode(),
        }
        return entry_uuid

    def _entry(self, patient: tuple[int, str]) -> Entry:
        chance, pk, entry_uuid = self._chance, self._number(), self._uuid()
        entry = Entry(
            {
                "pk": pk,
                "entry_uuid": entry_uuid,
                "logical_id": entry_uuid,
                "version": 1,
                "unique_id": f"1.2.{pk}",
                "patient_pk": patient[0],
                "status": chance.choice(_STATUSES),
                "on_demand": int(chance.random() < 0.2),
                "offline": int(chance.random() < 0.1),
                "creation_time": chance.choice(TIMES),
                "service_start_time": chance.choice((None, *TIMES)),
                "service_stop_time": None,
                "class_code": chance.choice(CLASSES),
                "type_code": chance.choice(TYPES),
                "format_code": chance.choice(OTHER),
                "facility_type_code": chance.choice(OTHER),
                "practice_setting_code": chance.choice(OTHER),
                "repository_unique_id": "1.2.9",
                "size": 4,
                "hash": "0" * 40,
                "home": None,
            },
            patient[1],
            frozenset(),
            frozenset(),
            (),
            (),
        )
        return self._told(entry, chance.choice((0, 0, 0, 0, 1, 1, 2, 4, 3, 7)))

    def _told(self, entry: Entry, marks: int) -> Entry:
        """What a version says of itself."""
        chance = self._chance
        persons = [*PERSONS, f"{entry.patient}"]
        entry.authors = frozenset(chance.sample(persons, chance.randint(0, 2)))
        entry.structures = frozenset(chance.sample(STRUCTURES, chance.randint(0, 1)))
        bearing = [f"{code}^^{MARK_SYSTEM}" for code, mark in CODES.items() if marks & mark]
        codes = {(CONFIDENTIALITY, code) for code in (f"N^^{LEVEL_SYSTEM}", *bearing)} | {(EVENT, chance.choice(OTHER))}
        entry.codes = tuple(sorted(codes))
        entry.references = tuple(chance.sample(("r1", "r2"), chance.randint(0, 1)))
        lines = [*(f"p {x}" for x in sorted(entry.authors)), *(f"s {x}" for x in sorted(entry.structures))]
        entry.row["marks"] = marks
        entry.row["owners"] = "\n" + "\n".join(lines) + "\n" if lines else ""
        entry.row["fragment"] = f"<entry {entry.row['pk']} {entry.row['status']}>".encode()
        self._contents.entries[entry.uuid] = entry
        return entry

    def _version(self, before: Entry) -> Entry:
        """A new version of a document: marks hide its past as well, what else it says is its own."""
        versions = [x for x in self._contents.entries.values() if x.row["logical_id"] == before.row["logical_id"]]
        newest = max(versions, key=lambda x: int(x.row["version"]))
        newest.row["status"] = DEPRECATED
        pk = self._number()
        entry = replace(newest, row={**newest.row, "pk": pk, "entry_uuid": self._uuid(), "status": APPROVED})
        entry.row["version"] += 1
        marks = self._chance.choice((0, 0, 1, 2, 4))
        if self._chance.random() < 0.5:
            entry.row["type_code"] = self._chance.choice(TYPES)
        for version in versions:
            version.row["marks"] = marks
        return self._told(entry, marks)

    def _folder(self, patient: tuple[int, str], package: str) -> str:
        pk, entry_uuid = self._number(), self._uuid()
        self._contents.folders[entry_uuid] = {
            "pk": pk,
            "entry_uuid": entry_uuid,
            "logical_id": entry_uuid,
            "version": 1,
            "unique_id": f"1.2.{pk}",
            "patient_pk": patient[0],
            "status": self._chance.choice((APPROVED, APPROVED, DEPRECATED)),
            "last_update_time": stamp(self._time),
            "home": None,
            "fragment": with_slot((_FOLDER % (entry_uuid, "")).encode(), "lastUpdateTime", stamp(self._time)),
        }
        self._link(Kind.HAS_MEMBER, package, entry_uuid)
        return entry_uuid

    def _put_in(self, folder: str, entry: str, package: str) -> None:
        self._link(Kind.HAS_MEMBER, package, self._link(Kind.HAS_MEMBER, folder, entry))
        update_folder(self._contents.folders[folder], stamp(self._time))

    def _link(self, kind: Kind, source: str, target: str) -> str:
        pk, entry_uuid = self._number(), self._uuid()
        self._contents.links[entry_uuid] = {
            "pk": pk,
            "entry_uuid": entry_uuid,
            "association_type": ASSOCIATION_NUMBER[kind],
            "source": source,
            "target": target,
            "status": self._chance.choice((APPROVED,) * 6 + (DEPRECATED,)),
            "home": None,
            "fragment": f"<link {pk}>".encode(),
        }
        return entry_uuid


def stamp(moment: datetime) -> str:
    """lastUpdateTime of a Folder that was updated at a moment."""
    return moment.strftime("%Y%m%d%H%M%S")


def update_folder(row: dict[str, Any], updated: str) -> None:
    """Let a Folder say that it was updated."""
    row["last_update_time"] = updated
    row["fragment"] = with_slot(row["fragment"], "lastUpdateTime", updated)


def without_hidden(contents: Contents, patient: tuple[int, str], condition: Condition) -> Contents:
    """The record of a registry in which nothing ever was that somebody does not see."""
    members = ASSOCIATION_NUMBER[Kind.HAS_MEMBER]
    hidden = set(_hidden_entries(contents.entries.values(), condition))
    held: dict[str, set[str]] = defaultdict(set)
    for link in contents.links.values():
        held[link["source"]].add(link["target"])
    for uuid_, folder in contents.folders.items():
        inside = {
            x["target"] for x in contents.links.values() if x["source"] == uuid_ and x["association_type"] == members
        }
        if folder["patient_pk"] != patient[0] or _all_hidden(inside & contents.entries.keys(), hidden):
            hidden.add(uuid_)
    lost = {u for u, x in contents.links.items() if {x["source"], x["target"]} & hidden}
    hidden_sets = {
        u for u, x in contents.sets.items() if x["patient_pk"] != patient[0] or _all_hidden(held[u], hidden | lost)
    }
    hidden |= hidden_sets
    lost = {u for u, x in contents.links.items() if {x["source"], x["target"]} & hidden}
    lost |= {u for u, x in contents.links.items() if x["target"] in lost}
    left = Contents(
        {u: x for u, x in contents.entries.items() if u not in hidden},
        {u: x for u, x in contents.sets.items() if u not in hidden},
        {u: dict(x) for u, x in contents.folders.items() if u not in hidden},
        {u: x for u, x in contents.links.items() if u not in lost},
    )
    for uuid_, row in left.folders.items():
        update_folder(row, stamp(_updated(contents, left, uuid_)))
    return left


def _hidden_entries(entries: Iterable[Entry], condition: Condition) -> Iterator[str]:
    """A version is hidden where it is, or one that came after it."""
    latest: dict[str, int] = {}
    everything = list(entries)
    for entry in everything:
        if not holds(condition, entry.document()):
            logical = entry.row["logical_id"]
            latest[logical] = max(latest.get(logical, 0), entry.row["version"])
    for entry in everything:
        if entry.row["version"] <= latest.get(entry.row["logical_id"], 0):
            yield entry.uuid


def _all_hidden(inside: set[str], hidden: set[str]) -> bool:
    return bool(inside) and inside <= hidden


def _updated(whole: Contents, left: Contents, folder: str) -> datetime:
    """When a Folder was last updated, as far as what is left of it says."""
    made = {x["target"]: whole.sets[x["source"]] for x in whole.links.values() if x["source"] in whole.sets}
    inside = {u for u, x in left.links.items() if x["source"] == folder and x["target"] in left.entries}
    moments: list[datetime] = [made[u]["registered_at"] for u in (folder, *inside) if u in made]
    return max(moments)
