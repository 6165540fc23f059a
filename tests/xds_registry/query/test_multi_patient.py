"""ITI-51: the same filters over several patients, or any (ITI TF-2: 3.51.4.1.2.1)."""

from __future__ import annotations

import pytest

from tests.xds_registry.client import Client
from tests.xds_registry.submissions import APPROVED, DEPRECATED, code, entry, folder, patient, quoted
from xds_registry.query.catalogue import QueryId

DOCUMENTS = QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS
FOLDERS = QueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS
BOTH = quoted(patient("P1"), patient("P2"))
STATUS = {"$XDSDocumentEntryStatus": quoted(APPROVED)}


def test_whole_metadata_of_several_patients_is_given_in_one_answer(client: Client) -> None:
    documents = [entry(), entry(patient_id=patient("P2"))]
    for document in documents:
        client.accept(document)
    expected = {document.entry_uuid for document in documents}
    assert client.ask(DOCUMENTS, {**STATUS, "$XDSDocumentEntryPatientId": BOTH}).ids == expected
    one = {**STATUS, "$XDSDocumentEntryPatientId": quoted(patient("P2"))}
    assert client.ask(DOCUMENTS, one).ids == {documents[1].entry_uuid}


@pytest.mark.parametrize("name", ["ClassCode", "EventCodeList", "HealthcareFacilityTypeCode"])
def test_documents_of_any_patient_are_found_by_a_code(client: Client, name: str) -> None:
    wanted = {"class_code": code("x"), "event_codes": (code("x"),), "healthcare_facility_type_code": code("x")}
    documents = [entry(**wanted), entry(patient_id=patient("P2"), **wanted), entry()]
    for document in documents:
        client.accept(document)
    asked = {**STATUS, f"$XDSDocumentEntry{name}": quoted("x^^1.2.3")}
    assert client.ask(DOCUMENTS, asked).ids == {document.entry_uuid for document in documents[:2]}


@pytest.mark.parametrize("name", ["TypeCode", "PracticeSettingCode", "FormatCode", "ConfidentialityCode"])
def test_other_codes_alone_are_not_enough(client: Client, name: str) -> None:
    asked = {**STATUS, f"$XDSDocumentEntry{name}": quoted("x^^1.2.3")}
    assert client.ask(DOCUMENTS, asked).error[0] == "XDSStoredQueryMissingParam"


def test_folders_are_found_by_patients_or_by_code(client: Client) -> None:
    holders = [folder(code_list=(code("x"),)), folder(patient_id=patient("P2"), code_list=(code("x"), code("y")))]
    for holder in holders:
        client.accept(holder)
    status = {"$XDSFolderStatus": quoted(APPROVED)}
    everything = {holder.entry_uuid for holder in holders}
    assert client.ask(FOLDERS, {**status, "$XDSFolderPatientId": BOTH}).ids == everything
    assert client.ask(FOLDERS, {**status, "$XDSFolderCodeList": quoted("x^^1.2.3")}).ids == everything
    assert client.ask(FOLDERS, {**status, "$XDSFolderCodeList": [["'x^^1.2.3'"], ["'y^^1.2.3'"]]}).ids == {
        holders[1].entry_uuid
    }
    assert client.ask(FOLDERS, {**status, "$XDSFolderLastUpdateTimeFrom": "2020"}).error[0] == (
        "XDSStoredQueryMissingParam"
    )
    assert client.ask(FOLDERS, {"$XDSFolderStatus": quoted(DEPRECATED), "$XDSFolderPatientId": BOTH}).ids == set()


def test_thousands_of_patients_are_asked_for_at_once(client: Client) -> None:
    document = entry(patient_id=patient("P2"))
    client.accept(document)
    many = quoted(*(patient(f"X{number}") for number in range(9000)), patient("P2"))
    assert client.ask(DOCUMENTS, {**STATUS, "$XDSDocumentEntryPatientId": many}).ids == {document.entry_uuid}
