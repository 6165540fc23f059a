"""Everything of one patient forgotten, when the patient's record was destroyed.

Unlike ITI-62 it names no objects and leaves none: associations with other patients' objects go too.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, or_, select

from schemas.attributes import ObjectKind
from xds_registry import tables as t
from xds_registry.encoding import normal
from xds_registry.removal.graph import TABLES, batches
from xds_registry.removal.remove import delete_rows


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What the registry no longer knows: how many objects, and which documents (uniqueIds) nobody else's entry has."""

    objects: int
    documents: tuple[str, ...]


def forget_patients(connection: Connection, patient_ids: Collection[str]) -> Forgotten:
    """Delete all objects of patients (`id^^^&OID&ISO`), in the caller's transaction; the patients stay known.

    What was found of signatures goes too. Submissions for these patients wait until the transaction ends.
    """
    names_of_patients = [normal(patient_id) for patient_id in patient_ids]
    patients = list(
        connection.scalars(
            select(t.patient.c.pk)
            .where(t.patient.c.patient_id.in_(names_of_patients))
            .order_by(t.patient.c.pk)
            .with_for_update()
        )
    )
    if not patients:
        return Forgotten(0, ())
    uuids: list[str] = []
    documents: set[str] = set()
    for kind, table in TABLES.items():
        if kind is ObjectKind.ASSOCIATION:
            continue
        rows = connection.execute(select(table).where(table.c.patient_pk.in_(patients))).all()
        uuids += [row.entry_uuid for row in rows]
        if kind is ObjectKind.DOCUMENT_ENTRY:
            documents |= {row.unique_id for row in rows}
        if kind is ObjectKind.SUBMISSION_SET:
            for names in batches([row.unique_id for row in rows]):
                finding = t.signature_finding
                connection.execute(delete(finding).where(finding.c.submission_set_unique_id.in_(names)))
        for batch in batches([row.pk for row in rows]):
            delete_rows(connection, kind, batch)
    links = t.association
    gone = 0
    for batch in batches(uuids):
        touching = or_(links.c.source.in_(batch), links.c.target.in_(batch))
        gone += connection.execute(delete(links).where(touching)).rowcount
    return Forgotten(len(uuids) + gone, tuple(sorted(documents - _elsewhere(connection, documents))))


def documents_of(connection: Connection, patient_ids: Collection[str]) -> int:
    """How many documents the registry has of these patients, whatever the state of their entries."""
    entry = t.document_entry
    rows = connection.scalars(
        select(entry.c.unique_id)
        .join(t.patient, t.patient.c.pk == entry.c.patient_pk)
        .where(t.patient.c.patient_id.in_([normal(patient_id) for patient_id in patient_ids]))
        .distinct()
    )
    return len(rows.all())


def _elsewhere(connection: Connection, documents: Collection[str]) -> set[str]:
    """Those documents that an entry of another patient has too."""
    found: set[str] = set()
    for batch in batches(sorted(documents)):
        found |= set(
            connection.scalars(select(t.document_entry.c.unique_id).where(t.document_entry.c.unique_id.in_(batch)))
        )
    return found
