"""What the one question says of a caller and a patient, and that it is one statement on indexes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from dmp import errors
from dmp.authorisations import Standing
from dmp.authorisations.emergency import break_glass
from dmp.authorisations.granting import declare_treating_doctor, grant
from dmp.authorisations.standing import _STATEMENTS, standing
from dmp.records import ClosingReason, ConsentCode, RecordStatus
from dmp.records.calendar import months_after
from dmp.records.changes import close, destroy
from tests.dmp.patients import DOCTOR, NOW, NURSE, RULES, caller, consent, ins_c, opened, person, reading, sheet
from xds_registry.database import open_database


def test_without_a_record_a_caller_is_nobody(connection: Connection) -> None:
    assert standing(connection, ins_c(), DOCTOR.national_id, DOCTOR.structure_id, NOW) == Standing()


def test_a_patient_is_named_by_an_identifier(connection: Connection) -> None:
    with pytest.raises(errors.DMPInvalidRequest):
        standing(connection, "' OR 1=1 --", DOCTOR.national_id, "", NOW)


def test_a_stranger_sees_the_records_own_state_only(connection: Connection) -> None:
    record = opened(
        connection,
        consents=[consent(), consent(ConsentCode.REGULATION_OPPOSITION), consent(ConsentCode.MASKED_IN_EMERGENCY)],
    )
    declare_treating_doctor(connection, record.pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    break_glass(connection, caller(), record.pk, "malaise", at=NOW, rules=RULES)
    assert standing(connection, ins_c(), "8", "", NOW) == Standing(
        record_pk=record.pk,
        record_status=RecordStatus.ACTIVE,
        opposed_to_regulation=True,
        masked_readable_in_emergency=True,
    )


def test_a_closed_record_is_told_from_a_destroyed_one(connection: Connection) -> None:
    record = opened(connection)
    grant(connection, record.pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    close(connection, ins_c(), reason=ClosingReason.DEATH, by=DOCTOR, at=NOW)
    assert standing(connection, ins_c(), NURSE.national_id, "", NOW).record_status is RecordStatus.CLOSED
    destroy(connection, record.pk, by=DOCTOR, at=months_after(NOW, 120), rules=RULES)
    assert standing(connection, ins_c(), NURSE.national_id, "", NOW) == Standing(
        record_pk=record.pk, record_status=RecordStatus.DESTROYED
    )


def test_it_says_whether_the_patient_is_a_minor_then(connection: Connection) -> None:
    opened(connection, sheet=sheet(birth_date="20081231"), reading=reading(birth_date="20081231"))
    assert standing(connection, ins_c(), "8", "", NOW).minor
    assert not standing(connection, ins_c(), "8", "", NOW.replace(year=2026, month=12, day=31)).minor


def test_it_is_one_statement(law: Engine, connection: Connection) -> None:
    record = opened(connection)
    grant(connection, record.pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    if law.dialect.name == "postgresql":
        pytest.skip("the driver tells of its statements on SQLite only; they are the same")
    statements: list[str] = []
    driver: Any = connection.connection.driver_connection
    driver.set_trace_callback(statements.append)
    assert standing(connection, ins_c(), NURSE.national_id, NURSE.structure_id, NOW).authorised
    driver.set_trace_callback(None)
    assert len(statements) == 1


def test_a_database_that_fails_is_reported_as_everywhere(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/without_tables.db")
    with engine.connect() as connection, pytest.raises(OperationalError) as failure:
        standing(connection, ins_c(), "8", "", NOW)
    assert ins_c()[:22] not in str(failure.value)
    engine.dispose()


def test_no_table_is_read_through(law: Engine, connection: Connection) -> None:
    opened(connection)
    explain = "EXPLAIN QUERY PLAN " if law.dialect.name == "sqlite" else "EXPLAIN "
    if law.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # what it does with more rows than here
    moment = NOW if law.dialect.name == "postgresql" else str(NOW)
    plan = connection.exec_driver_sql(
        explain + _STATEMENTS[law.dialect.name], (moment, moment, "8", moment, "8", "1", ins_c())
    ).all()
    text = "\n".join(str(row) for row in plan)
    assert "SCAN i" not in text
    assert "Seq Scan" not in text
    for table in ("record_identifier", "authorisation", "emergency_opening"):
        assert f"{table}_" in text, text  # an index of the table


def test_the_moment_decides_to_the_microsecond(connection: Connection) -> None:
    record = opened(connection)
    grant(connection, record.pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    end = months_after(NOW, 12)
    assert standing(connection, ins_c(), NURSE.national_id, "", end - timedelta(microseconds=1)).authorised
    assert not standing(connection, ins_c(), NURSE.national_id, "", end).authorised
