"""Every stored query has the parameters of the standard's table, as often as it says (ITI TF-2: 3.18.4.1.2.3.7), and
those that the metadata update supplement adds."""

from __future__ import annotations

import pytest

from tests.xds_registry.client import Client
from tests.xds_registry.submissions import APPROVED, Given, quoted
from xds_registry.query.catalogue import MULTI_PATIENT_QUERIES, STORED_QUERIES, QueryId
from xds_registry.query.parameters import Kind

# As the tables print them: R required, O optional, M multiple, A and/or; 1 is "one of these".
_CONTENT = {
    "$XDSDocumentEntryFormatCode": "OM",
    "$XDSDocumentEntryConfidentialityCode": "OMA",
    "$XDSDocumentEntryType": "OM",
}
_FIND_DOCUMENTS = {
    "$XDSDocumentEntryPatientId": "R",
    "$XDSDocumentEntryClassCode": "OM",
    "$XDSDocumentEntryTypeCode": "OM",
    "$XDSDocumentEntryPracticeSettingCode": "OM",
    "$XDSDocumentEntryCreationTimeFrom": "O",
    "$XDSDocumentEntryCreationTimeTo": "O",
    "$XDSDocumentEntryServiceStartTimeFrom": "O",
    "$XDSDocumentEntryServiceStartTimeTo": "O",
    "$XDSDocumentEntryServiceStopTimeFrom": "O",
    "$XDSDocumentEntryServiceStopTimeTo": "O",
    "$XDSDocumentEntryHealthcareFacilityTypeCode": "OM",
    "$XDSDocumentEntryEventCodeList": "OMA",
    "$XDSDocumentEntryAuthorPerson": "OM",
    "$XDSDocumentEntryStatus": "RM",
    "$XDSDocumentEntryDocumentAvailability": "OM",
    **_CONTENT,
}
_FIND_FOLDERS = {
    "$XDSFolderPatientId": "R",
    "$XDSFolderLastUpdateTimeFrom": "O",
    "$XDSFolderLastUpdateTimeTo": "O",
    "$XDSFolderCodeList": "OMA",
    "$XDSFolderStatus": "RM",
}
_LINKS = {"$XDSAssociationStatus": "OM"}
_BY_ID = {"$XDSDocumentEntryEntryUUID": "1M", "$XDSDocumentEntryUniqueId": "1M"}
_OF_ONE = {"$XDSDocumentEntryEntryUUID": "1", "$XDSDocumentEntryUniqueId": "1"}
_UUIDS = {"$uuid": "RM", **_LINKS}
STANDARD = {
    QueryId.FIND_DOCUMENTS: _FIND_DOCUMENTS,
    QueryId.FIND_DOCUMENTS_BY_REFERENCE_ID: {**_FIND_DOCUMENTS, "$XDSDocumentEntryReferenceIdList": "RMA"},
    QueryId.FIND_SUBMISSION_SETS: {
        "$XDSSubmissionSetPatientId": "R",
        "$XDSSubmissionSetSourceId": "OM",
        "$XDSSubmissionSetSubmissionTimeFrom": "O",
        "$XDSSubmissionSetSubmissionTimeTo": "O",
        "$XDSSubmissionSetAuthorPerson": "O",
        "$XDSSubmissionSetContentType": "OM",
        "$XDSSubmissionSetStatus": "RM",
    },
    QueryId.FIND_FOLDERS: _FIND_FOLDERS,
    QueryId.GET_ALL: {
        "$patientId": "R",
        "$XDSDocumentEntryStatus": "RM",
        "$XDSSubmissionSetStatus": "RM",
        "$XDSFolderStatus": "RM",
        **_CONTENT,
        **_LINKS,
    },
    QueryId.GET_DOCUMENTS: {**_BY_ID, "$XDSDocumentEntryLogicalID": "1M"},
    QueryId.GET_FOLDERS: {"$XDSFolderEntryUUID": "1M", "$XDSFolderUniqueId": "1M", "$XDSFolderLogicalID": "1M"},
    QueryId.GET_ASSOCIATIONS: _UUIDS,
    QueryId.GET_DOCUMENTS_AND_ASSOCIATIONS: {**_BY_ID, **_LINKS},
    QueryId.GET_SUBMISSION_SETS: _UUIDS,
    QueryId.GET_SUBMISSION_SET_AND_CONTENTS: {
        "$XDSSubmissionSetEntryUUID": "1",
        "$XDSSubmissionSetUniqueId": "1",
        **_CONTENT,
        **_LINKS,
    },
    QueryId.GET_FOLDER_AND_CONTENTS: {"$XDSFolderEntryUUID": "1", "$XDSFolderUniqueId": "1", **_CONTENT, **_LINKS},
    QueryId.GET_FOLDERS_FOR_DOCUMENT: {**_OF_ONE, **_LINKS},
    QueryId.GET_RELATED_DOCUMENTS: {**_OF_ONE, **_LINKS, "$AssociationTypes": "RM", "$XDSDocumentEntryType": "OM"},
    QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS: {**_FIND_DOCUMENTS, "$XDSDocumentEntryPatientId": "OM"},
    QueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS: {**_FIND_FOLDERS, "$XDSFolderPatientId": "OM"},
}
STANDARD = {query: {**table, "$MetadataLevel": "O"} for query, table in STANDARD.items()}
_KINDS = {parameter.name: parameter.kind for query in STORED_QUERIES.values() for parameter in query.parameters}
_ROWS = [(query, name) for query, table in STANDARD.items() for name in table]


def _values(name: str) -> tuple[str, str]:
    """Two values that the parameter takes."""
    if name.endswith("Status"):
        return APPROVED, APPROVED
    if name == "$MetadataLevel":
        return "2", "1"
    kinds = {Kind.CODE: ("a^^1", "b^^1"), Kind.TIME: ("2024", "2025")}
    return kinds.get(_KINDS[name], ("a", "b"))


def _complete(query: QueryId, *, without: str = "", alternative: str = "") -> dict[str, Given]:
    """The parameters that a query needs, but one; `alternative`: which of those that exclude each other."""
    table = STANDARD[query]
    names = [name for name, flags in table.items() if "R" in flags]
    names += [x for x, flags in table.items() if "1" in flags and (x == alternative or not alternative)][:1]
    if query in (QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS, QueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS):
        names.append(next(name for name in table if name.endswith("PatientId")))
    if alternative.endswith("LogicalID"):
        names.append("$MetadataLevel")
    return {name: quoted(_values(name)[0]) for name in names if name != without}


@pytest.mark.parametrize("query", QueryId)
def test_a_query_has_the_parameters_of_its_table(query: QueryId) -> None:
    (table,) = (queries[query] for queries in (STORED_QUERIES, MULTI_PATIENT_QUERIES) if query in queries)
    found = {
        x.name: ("R" if x.required else "1" if x.name in table.alternatives else "O")
        + ("M" if x.multiple else "")
        + ("A" if x.conjunctive else "")
        for x in table.parameters
    }
    assert found == STANDARD[query]


def test_the_first_fourteen_are_of_one_patient_and_two_of_several() -> None:
    assert (len(STORED_QUERIES), len(MULTI_PATIENT_QUERIES)) == (14, 2)
    assert not set(STORED_QUERIES) & set(MULTI_PATIENT_QUERIES)


@pytest.mark.parametrize("query", QueryId)
def test_what_a_query_needs_is_enough(client: Client, query: QueryId) -> None:
    assert client.ask(query, _complete(query)).ids == set()


@pytest.mark.parametrize(("query", "name"), _ROWS)
def test_a_parameter_is_required_and_repeated_as_its_table_says(client: Client, query: QueryId, name: str) -> None:
    flags = STANDARD[query][name]
    one, other = _values(name)
    given = _complete(query, alternative=name if "1" in flags else "")
    several = client.ask(query, {**given, name: quoted(one, other)})
    repeated = client.ask(query, {**given, name: [[quoted(one)], [quoted(other)]]})
    for answer, allowed in ((several, "M" in flags), (repeated, "A" in flags)):
        if allowed:
            assert answer.succeeded
        else:
            assert answer.error[0] == "XDSStoredQueryParamNumber"
    if "R" in flags or "1" in flags:
        assert client.ask(query, {x: v for x, v in given.items() if x != name}).error[0] == "XDSStoredQueryMissingParam"


@pytest.mark.parametrize("query", [query for query, table in STANDARD.items() if "1" in "".join(table.values())])
def test_entry_uuid_and_unique_id_exclude_each_other(client: Client, query: QueryId) -> None:
    both = {name: quoted("a") for name, flags in STANDARD[query].items() if "1" in flags}
    answer = client.ask(query, {**_complete(query), **both})
    assert answer.error[0] == "XDSStoredQueryParamNumber"
