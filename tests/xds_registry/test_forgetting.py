"""When a patient's record was destroyed the registry forgets all that it had of the patient."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine

from schemas.metadata import Submission
from tests.xds_registry.client import Client, row_counts
from tests.xds_registry.submissions import entry, folder, patient, submission
from tests.xds_registry.test_removal import dangling, signed
from xds_registry.database import writing
from xds_registry.removal import documents_of, forget_patients


def of_second_patient(whole: Submission) -> Submission:
    """The same, of P2."""
    second = patient("P2")
    return replace(
        whole,
        document_entries=tuple(replace(item, patient_id=second) for item in whole.document_entries),
        folders=tuple(replace(item, patient_id=second) for item in whole.folders),
        submission_sets=tuple(replace(item, patient_id=second) for item in whole.submission_sets),
    )


def test_everything_of_a_patient_is_forgotten_and_nothing_of_another(client: Client, engine: Engine) -> None:
    client.accept(of_second_patient(submission(entry(), folder())))
    before = row_counts(engine)
    mine = submission(entry(), entry(), folder())
    client.accept(mine)
    client.accept(signed(entry()))
    with writing(engine) as connection:
        assert documents_of(connection, [str(patient("P1"))]) == 4
        forgotten = forget_patients(connection, [str(patient("P1")), "nobody^^^&1.2.3&ISO"])
    assert {str(item.unique_id) for item in mine.document_entries} < set(forgotten.documents)
    assert len(forgotten.documents) == 4
    assert row_counts(engine) == before
    assert dangling(engine) == []
    with writing(engine) as connection:
        assert forget_patients(connection, [str(patient("P1"))]).objects == 0


def test_a_document_that_another_patients_entry_has_too_is_not_told_as_gone(client: Client, engine: Engine) -> None:
    shared = entry()
    client.accept(submission(shared))
    client.accept(of_second_patient(submission(entry(unique_id=shared.unique_id))))
    with writing(engine) as connection:
        assert forget_patients(connection, [str(patient("P1"))]).documents == ()


def test_a_patient_of_whom_nothing_is_registered_is_no_error(engine: Engine) -> None:
    with writing(engine) as connection:
        assert forget_patients(connection, ["nobody^^^&1.2.3&ISO"]).documents == ()
        assert documents_of(connection, ["nobody^^^&1.2.3&ISO"]) == 0
