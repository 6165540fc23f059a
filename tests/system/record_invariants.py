"""What holds in every registry, read from its tables and compared with what its clients were told."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from dmp.rights.marks import marks_of
from schemas.metadata import Association, Submission
from schemas.vocabulary import AssociationType
from tests.xds_registry import submissions as s
from xds_registry import tables as t
from xds_registry.changes.states import element_of
from xds_registry.encoding import (
    APPROVED,
    ASSOCIATION_NUMBER,
    CONFIDENTIALITY,
    DEPRECATED,
    HAS_MEMBER,
    STATUS_OF_NUMBER,
)

_REPLACES = {ASSOCIATION_NUMBER[AssociationType.REPLACE], ASSOCIATION_NUMBER[AssociationType.TRANSFORM_REPLACE]}
_TRIGGERS = {AssociationType.UPDATE_AVAILABILITY_STATUS, AssociationType.SUBMIT_ASSOCIATION}

_Rows = dict[str, list[Any]]


@dataclass
class Ledger:
    """What the clients of a registry were told: the objects of each submission it took, and what it took away.

    `versions` are the logicalID and the number of every version of a DocumentEntry that was acknowledged.
    """

    accepted: dict[str, frozenset[str]] = field(default_factory=dict)  # by the entryUUID of the SubmissionSet
    removed: set[str] = field(default_factory=set)
    versions: dict[str, tuple[str, int]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, whole: Submission) -> frozenset[str]:
        """A submission was acknowledged; its objects. What only triggers an operation is none."""
        objects = frozenset(
            str(item.entry_uuid)
            for item in s.everything_of(whole)
            if not (isinstance(item, Association) and item.association_type in _TRIGGERS)
        )
        self.accepted[str(whole.submission_sets[0].entry_uuid)] = objects
        return objects

    @property
    def there(self) -> set[str]:
        """The entryUUIDs of all that must be there."""
        return {uuid for objects in self.accepted.values() for uuid in objects} - self.removed


def broken(connection: Connection, ledger: Ledger) -> list[str]:
    """Every rule that the registry breaks, with the object that breaks it."""
    rows: _Rows = {
        table.name: list(connection.execute(select(table).order_by(table.c.pk)))
        for table in (t.document_entry, t.folder, t.submission_set, t.association)
    }
    return [
        *_told(rows, ledger),
        *_fragments(rows),
        *_versions(rows["document_entry"], ledger),
        *_marks(connection, rows["document_entry"]),
        *_links(rows),
        *_chains(rows),
    ]


def _told(rows: _Rows, ledger: Ledger) -> Iterator[str]:
    """What was acknowledged is there, what was removed or refused is not."""
    there = {row.entry_uuid for of_table in rows.values() for row in of_table}
    yield from (f"acknowledged, but not there: {uuid}" for uuid in sorted(ledger.there - there))
    yield from (f"removed, but there: {uuid}" for uuid in sorted(ledger.removed & there))
    sets = {row.entry_uuid for row in rows["submission_set"]}
    yield from (f"refused, but there: {uuid}" for uuid in sorted(sets - ledger.accepted.keys()))


def _fragments(rows: _Rows) -> Iterator[str]:
    """The stored form says what the columns say."""
    for of_table in rows.values():
        for row in of_table:
            said = element_of(row.fragment)
            if said.get("status") != STATUS_OF_NUMBER[row.status].value:
                yield f"status differs from the fragment: {row.entry_uuid}"
            if said.get("id") != row.entry_uuid:
                yield f"another id in the fragment: {row.entry_uuid}"
            if hasattr(row, "version") and (
                (said.get("lid"), s.select(said, "rim:VersionInfo/@versionName"))
                != (row.logical_id, [str(row.version)])
            ):
                yield f"another version in the fragment: {row.entry_uuid}"


def _histories(rows: list[Any]) -> dict[str, list[Any]]:
    found = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.version):
        found[row.logical_id].append(row)
    return found


def _versions(rows: list[Any], ledger: Ledger) -> Iterator[str]:
    """Versions count from 1 without a gap but what was removed; all but the latest are Deprecated."""
    gone = defaultdict(set)
    for uuid in ledger.removed & ledger.versions.keys():
        logical_id, number = ledger.versions[uuid]
        gone[logical_id].add(number)
    for logical_id, history in _histories(rows).items():
        numbers = sorted([row.version for row in history] + list(gone[logical_id]))
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"versions {numbers}: {logical_id}"
        if any(row.status != DEPRECATED for row in history[:-1]):
            yield f"an earlier version is not Deprecated: {logical_id}"
        if len({row.unique_id for row in history}) != 1:
            yield f"several documents: {logical_id}"
        for row in history:
            if ledger.versions.get(row.entry_uuid) != (logical_id, row.version):
                yield f"not the version that was acknowledged: {row.entry_uuid}"


def _marks(connection: Connection, rows: list[Any]) -> Iterator[str]:
    """What hides the latest version hides the past."""
    codes = defaultdict(set)
    for code in connection.execute(select(t.document_entry_code)):
        if code.attribute == CONFIDENTIALITY:
            codes[code.document_entry_pk].add(code.code)
    for logical_id, history in _histories(rows).items():
        if {row.marks for row in history} != {int(marks_of(codes[history[-1].pk]))}:
            yield f"marks are not those of the latest version: {logical_id}"


def _links(rows: _Rows) -> Iterator[str]:
    """Associations have both ends, of one patient, and link them once; SubmissionSets have what came with them."""
    kinds = {row.entry_uuid: name for name, of_table in rows.items() for row in of_table}
    patients = {row.entry_uuid: row.patient_pk for name in ("document_entry", "folder") for row in rows[name]}
    members, pairs = set[str](), Counter[tuple[str, str]]()
    for link in rows["association"]:
        if not {link.source, link.target} <= kinds.keys():
            yield f"an end is missing: {link.entry_uuid}"
            continue
        of_set = kinds[link.source] == "submission_set"
        if of_set:
            members.add(link.target)
        elif link.status == APPROVED:
            pairs[link.source, link.target] += 1
            if patients[link.source] != patients[link.target]:
                yield f"between two patients: {link.entry_uuid}"
    yield from (f"linked {count} times: {pair[0]}" for pair, count in pairs.items() if count > 1)
    submitted = [row.entry_uuid for name in ("document_entry", "folder") for row in rows[name]]
    submitted += [
        link.entry_uuid
        for link in rows["association"]
        if link.association_type == HAS_MEMBER and kinds.get(link.source) == "folder"
    ]
    yield from (f"of no submission: {uuid}" for uuid in submitted if uuid not in members)


def _chains(rows: _Rows) -> Iterator[str]:
    """What was replaced is Deprecated, by one document, and what replaces whatever else ends in one head."""
    logical = {row.entry_uuid: row.logical_id for row in rows["document_entry"]}
    latest = {logical_id: history[-1] for logical_id, history in _histories(rows["document_entry"]).items()}
    by: dict[str, set[str]] = defaultdict(set)
    for link in rows["association"]:
        if link.association_type in _REPLACES and link.status == APPROVED:
            by[logical.get(link.target, "")].add(logical.get(link.source, ""))
    for replaced, replacing in by.items():
        if len(replacing) > 1:
            yield f"replaced {len(replacing)} times: {replaced}"
        if replaced in latest and latest[replaced].status != DEPRECATED:
            yield f"replaced, but not Deprecated: {replaced}"
        seen, at = {replaced}, min(replacing)
        while at in by and at not in seen:
            seen.add(at)
            at = min(by[at])
        if at in seen:
            yield f"replaced in a circle: {replaced}"
