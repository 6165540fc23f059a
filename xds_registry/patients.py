"""Patients of the affinity domain: known from the identity feed, merged when two turn out to be one.

Source: ITI TF-2: 3.8.4.1, 3.8.4.2, 3.44.4.2.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from dmp.audit import Occasion
from schemas import vocabulary as v
from schemas.datatypes import Cx
from schemas.ebrim import fragment as fragments
from xds_registry import tables as t
from xds_registry.encoding import normal


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """A patient as the registry knows it: `survivor_pk` is None while the patient is active."""

    pk: int
    patient_id: str
    survivor_pk: int | None

    @property
    def active(self) -> bool:
        return self.survivor_pk is None


class MergeResult(enum.Enum):
    """What a merge did, or which of the conditions of ITI TF-2: 3.8.4.2.3 made the registry ignore it."""

    MERGED = "merged"
    SAME_PATIENT = "both identifiers are equal"
    UNKNOWN_SURVIVING = "the surviving patient is not known"
    UNKNOWN_SUBSUMED = "the subsumed patient is not known"
    ALREADY_SUBSUMED = "the subsumed patient was merged before"
    SURVIVING_IS_SUBSUMED = "the surviving patient was itself merged"


#: Follows a merge in its transaction: the surviving and the subsumed patient, the occasion, the time. Raises
#: `MergeDeferred`.
MergeFollower = Callable[[Connection, str, str, Occasion, datetime], None]


class MergeDeferred(Exception):
    """Two patients cannot be merged at present; the message may be sent again."""


def nothing_follows(_c: Connection, _surviving: str, _subsumed: str, _occasion: Occasion, _at: datetime) -> None:
    """Nothing but the registry knows the patients."""


_FIND = select(t.patient.c.pk, t.patient.c.patient_id, t.patient.c.survivor_pk).where(
    t.patient.c.patient_id == bindparam("patient_id")
)


_LOCK = _FIND.with_for_update()
_FIND_SEVERAL = select(t.patient.c.pk, t.patient.c.patient_id, t.patient.c.survivor_pk).where(
    t.patient.c.patient_id.in_(bindparam("patient_ids", expanding=True))
)


def find_patient(connection: Connection, patient_id: Cx | str, *, lock: bool = False) -> KnownPatient | None:
    """The patient of an identifier (`id^^^&OID&ISO`), active or merged away; None when it was never announced.

    `lock` keeps other submissions for the patient, and its merge, waiting until the transaction ends; a writer in
    SQLite is alone anyway.
    """
    row = connection.execute(_LOCK if lock else _FIND, {"patient_id": normal(str(patient_id))}).first()
    return None if row is None else KnownPatient(row.pk, row.patient_id, row.survivor_pk)


def find_patients(connection: Connection, patient_ids: Collection[str]) -> dict[str, KnownPatient]:
    """The known ones among several identifiers, by identifier in its normal form."""
    rows = connection.execute(_FIND_SEVERAL, {"patient_ids": [normal(patient_id) for patient_id in patient_ids]})
    return {row.patient_id: KnownPatient(row.pk, row.patient_id, row.survivor_pk) for row in rows}


def add_patient(connection: Connection, patient_id: Cx | str) -> bool:
    """Make a patient known; False when it was known before (merged patients stay merged)."""
    if find_patient(connection, patient_id) is not None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(
                insert(t.patient).values(patient_id=normal(str(patient_id)), created_at=datetime.now(UTC))
            )
    except IntegrityError:  # announced by another connection meanwhile
        return False
    return True


def merge_patients(connection: Connection, surviving: Cx | str, subsumed: Cx | str) -> MergeResult:
    """Merge `subsumed` into `surviving`, for ever (ITI TF-2: 3.8.4.2.3).

    The records of the subsumed patient become records of the surviving one and show its identifier; sourcePatientId
    and sourcePatientInfo stay what the sources said.
    """
    if normal(str(surviving)) == normal(str(subsumed)):
        return MergeResult.SAME_PATIENT
    keeps, goes = find_patient(connection, surviving), find_patient(connection, subsumed)
    if keeps is None:
        return MergeResult.UNKNOWN_SURVIVING
    if goes is None:
        return MergeResult.UNKNOWN_SUBSUMED
    if connection.dialect.name == "postgresql":
        # The lock that submissions take too: nothing is registered for either patient meanwhile.
        lock = select(t.patient.c.pk).where(t.patient.c.pk.in_([keeps.pk, goes.pk])).order_by(t.patient.c.pk)
        connection.execute(lock.with_for_update())
        keeps, goes = find_patient(connection, surviving) or keeps, find_patient(connection, subsumed) or goes
    if not goes.active:
        return MergeResult.ALREADY_SUBSUMED
    if not keeps.active:
        return MergeResult.SURVIVING_IS_SUBSUMED
    connection.execute(update(t.patient).where(t.patient.c.pk == goes.pk).values(survivor_pk=keeps.pk))
    for table, scheme in (
        (t.document_entry, v.DOCUMENT_ENTRY_PATIENT_ID),
        (t.submission_set, v.SUBMISSION_SET_PATIENT_ID),
        (t.folder, v.FOLDER_PATIENT_ID),
    ):
        rows = connection.execute(select(table.c.pk, table.c.fragment).where(table.c.patient_pk == goes.pk)).all()
        for row in rows:
            rewritten = fragments.with_identifier(row.fragment, scheme, keeps.patient_id)
            connection.execute(
                update(table).where(table.c.pk == row.pk).values(patient_pk=keeps.pk, fragment=rewritten)
            )
    return MergeResult.MERGED
