"""What a submission refers to in the registry: objects by entryUUID, read in one go before the rules are applied."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    SmallInteger,
    String,
    Table,
    bindparam,
    cast,
    exists,
    literal_column,
    null,
    select,
    union_all,
)

from schemas.attributes import ObjectKind
from schemas.vocabulary import AssociationType
from xds_registry import tables as t
from xds_registry.encoding import APPROVED, ASSOCIATION_NUMBER, HAS_MEMBER


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered object, as far as the rules of a submission look at it."""

    kind: ObjectKind
    pk: int
    entry_uuid: str
    patient_pk: int | None
    approved: bool
    on_demand: bool = False


@dataclass(slots=True)
class References:
    """The registered objects that a submission names, by entryUUID."""

    objects: dict[str, Registered] = field(default_factory=dict)

    def of_kind(self, entry_uuid: str, kind: ObjectKind) -> Registered | None:
        found = self.objects.get(entry_uuid)
        return found if found is not None and found.kind is kind else None


def _named(table: Table, *columns: str) -> Select[Any]:
    """The rows of a table among given entryUUIDs. A removal waits for this transaction, or has taken them away."""
    return (
        select(*(table.c[name] for name in ("pk", "entry_uuid", *columns)))
        .where(table.c.entry_uuid.in_(bindparam("uuids", expanding=True)))
        .order_by(table.c.pk)
        .with_for_update(read=True, key_share=True)
    )


_ENTRIES: Final = _named(t.document_entry, "patient_pk", "status", "on_demand")
_SETS: Final = _named(t.submission_set, "patient_pk")
_FOLDERS: Final = _named(t.folder, "patient_pk", "status")
_ASSOCIATIONS: Final = _named(t.association, "status")


def find_references(connection: Connection, entry_uuids: Collection[str]) -> References:
    """Every registered object among `entry_uuids`, of whatever kind; none is removed before the transaction ends."""
    found = References()
    if not entry_uuids:
        return found
    wanted = {"uuids": sorted(entry_uuids)}
    for row in connection.execute(_ENTRIES, wanted):
        approved = row.status == APPROVED
        found.objects[row.entry_uuid] = Registered(
            ObjectKind.DOCUMENT_ENTRY, row.pk, row.entry_uuid, row.patient_pk, approved, bool(row.on_demand)
        )
    if len(found.objects) == len(entry_uuids):
        return found
    for folder in connection.execute(_FOLDERS, wanted):
        found.objects[folder.entry_uuid] = Registered(
            ObjectKind.FOLDER, folder.pk, folder.entry_uuid, folder.patient_pk, folder.status == APPROVED
        )
    for package in connection.execute(_SETS, wanted):
        found.objects[package.entry_uuid] = Registered(
            ObjectKind.SUBMISSION_SET, package.pk, package.entry_uuid, package.patient_pk, True
        )
    for link in connection.execute(_ASSOCIATIONS, wanted):
        found.objects[link.entry_uuid] = Registered(
            ObjectKind.ASSOCIATION, link.pk, link.entry_uuid, None, link.status == APPROVED
        )
    return found


@dataclass(frozen=True, slots=True)
class Identity:
    """A registered object by its uniqueId: a SubmissionSet and its digest, a DocumentEntry and its bytes, a Folder."""

    kind: ObjectKind
    unique_id: str
    digest: str | None
    size: int | None
    hash: str | None
    on_demand: bool


def is_latest(table: FromClause) -> ColumnElement[bool]:
    """Condition on `tables.document_entry` or `tables.folder`: no newer version of the logical object exists."""
    newer = table.alias("newer")
    return ~exists().where(newer.c.logical_id == table.c.logical_id, newer.c.version > table.c.version).correlate(table)


def _identity(table: Table, kind: ObjectKind, known: frozenset[str], *more: ColumnElement[bool]) -> Select[Any]:
    columns = [
        table.c[name].label(name) if name in known else cast(null(), of_type).label(name)
        for name, of_type in (("digest", String), ("size", BigInteger), ("hash", String), ("on_demand", SmallInteger))
    ]
    wanted = table.c.unique_id.in_(bindparam("unique_ids", expanding=True))
    return select(literal_column(f"'{kind.value}'").label("kind"), table.c.unique_id, *columns).where(wanted, *more)


_IDENTITIES: Final = union_all(
    _identity(t.submission_set, ObjectKind.SUBMISSION_SET, frozenset({"digest"})),
    # The bytes are what the latest version says of them: an earlier one may be from before they were assembled.
    _identity(
        t.document_entry,
        ObjectKind.DOCUMENT_ENTRY,
        frozenset({"size", "hash", "on_demand"}),
        is_latest(t.document_entry),
    ),
    _identity(t.folder, ObjectKind.FOLDER, frozenset()),
)


def find_identities(connection: Connection, unique_ids: Collection[str]) -> list[Identity]:
    """Every SubmissionSet, DocumentEntry and Folder that has one of `unique_ids`."""
    rows = connection.execute(_IDENTITIES, {"unique_ids": sorted(unique_ids)})
    return [
        Identity(ObjectKind(kind), unique_id, digest, size, sha1, bool(on_demand))
        for kind, unique_id, digest, size, sha1, on_demand in rows
    ]


def dependents(connection: Connection, target_uuid: str) -> list[str]:
    """Approved entries that are a transform of, or an addendum to, an entry (ITI TF-2: 3.42.4.1.3.4)."""
    kinds = (ASSOCIATION_NUMBER[AssociationType.TRANSFORM], ASSOCIATION_NUMBER[AssociationType.APPEND])
    statement = (
        select(t.document_entry.c.entry_uuid)
        .join(t.association, t.association.c.source == t.document_entry.c.entry_uuid)
        .where(
            t.association.c.target == target_uuid,
            t.association.c.association_type.in_(kinds),
            t.document_entry.c.status == APPROVED,
        )
        .distinct()
    )
    return list(connection.scalars(statement))


def folders_of(connection: Connection, entry_uuid: str) -> list[Registered]:
    """The approved Folders that an entry is a member of, by approved associations."""
    statement = (
        select(t.folder.c.pk, t.folder.c.entry_uuid, t.folder.c.patient_pk)
        .join(t.association, t.association.c.source == t.folder.c.entry_uuid)
        .where(
            t.association.c.target == entry_uuid,
            t.association.c.association_type == HAS_MEMBER,
            t.association.c.status == APPROVED,
            t.folder.c.status == APPROVED,
        )
        .distinct()
    )
    return [
        Registered(ObjectKind.FOLDER, row.pk, row.entry_uuid, row.patient_pk, True)
        for row in connection.execute(statement)
    ]


def unique(items: Iterable[str]) -> list[str]:
    """The items without repetition, in their order."""
    return list(dict.fromkeys(items))
