"""The one question that every request asks: how a caller stands to a patient's record, in one statement."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from dmp.authorisations.authorisation import AuthorisationStatus, Standing
from dmp.records.find import canonical
from dmp.records.record import RecordStatus
from dmp.records.traits import is_minor

# Plain SQL for the driver itself, which keeps it prepared: it is part of every request, and all else costs more than it
# does. Each of its tables is reached by an index.
_STATEMENT: Final = """
SELECT r.pk, r.status, r.birth_date,
 r.opposed_to_break_glass, r.opposed_to_regulation, r.masked_readable_in_emergency,
 CASE WHEN p.blocked_at IS NOT NULL THEN 3 WHEN p.expires_at IS NULL THEN 0 WHEN p.expires_at > ? THEN 1 ELSE 2 END,
 CASE WHEN s.blocked_at IS NOT NULL THEN 3 WHEN s.expires_at IS NULL THEN 0 WHEN s.expires_at > ? THEN 1 ELSE 2 END,
 p.treating_since IS NOT NULL AND p.blocked_at IS NULL,
 EXISTS (SELECT 1 FROM emergency_opening o WHERE o.record_pk = r.pk AND o.holder_id = ? AND o.expires_at > ?
  AND o.mode = 'bris_de_glace')
FROM record_identifier i
JOIN record r ON r.pk = i.record_pk
LEFT JOIN authorisation p ON p.record_pk = r.pk AND p.holder_kind = 1 AND p.holder_id = ?
LEFT JOIN authorisation s ON s.record_pk = r.pk AND s.holder_kind = 2 AND s.holder_id = ?
WHERE i.identifier = ?
""".strip()
_STATEMENTS: Final = {"sqlite": _STATEMENT, "postgresql": _STATEMENT.replace("?", "%s")}
_STATUSES: Final = (
    AuthorisationStatus.NONE,
    AuthorisationStatus.VALID,
    AuthorisationStatus.EXPIRED,
    AuthorisationStatus.FORBIDDEN,
)
_NOBODY: Final = Standing()


def standing(connection: Connection, patient: str, national_id: str, structure_id: str, at: datetime) -> Standing:
    """How a professional and their structure stand to the record of a patient at a moment.

    `patient` is any of the patient's identifiers; `national_id` and `structure_id` are the caller's, empty where they
    have none. Without a record all is as for nobody. Raises `DMPInvalidRequest` when `patient` is no identifier,
    `sqlalchemy.exc.OperationalError` when the database does not answer.
    """
    dialect = connection.dialect.name
    # SQLite compares moments as the texts that SQLAlchemy writes.
    moment: Any = at if dialect == "postgresql" else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    identifier = canonical(patient)
    try:
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(
                _STATEMENTS[dialect], (moment, moment, national_id, moment, national_id, structure_id, identifier)
            )
            row = cursor.fetchone()
    except connection.dialect.loaded_dbapi.Error as error:
        raise OperationalError(None, None, error) from error  # as everything else that asks the database
    if row is None:
        return _NOBODY
    pk, status, birth_date, glass, regulation, masked, person, structure, treating, opened = row
    if status == RecordStatus.DESTROYED:
        return Standing(record_pk=pk, record_status=RecordStatus.DESTROYED)
    return Standing(
        record_pk=pk,
        record_status=RecordStatus(status),
        person=_STATUSES[person],
        structure=_STATUSES[structure],
        is_treating_doctor=bool(treating),
        opposed_to_break_glass=bool(glass),
        opposed_to_regulation=bool(regulation),
        masked_readable_in_emergency=bool(masked),
        break_glass_open=bool(opened),
        minor=is_minor(birth_date, at),
    )
