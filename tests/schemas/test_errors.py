"""Every error code of the standard has a class, with the severity that the standard gives it."""

from __future__ import annotations

import pytest

from schemas import errors
from schemas.errors import BY_CODE, XdsError, XdsErrors, of_code
from schemas.vocabulary import Severity

#: ITI TF-3: Table 4.2.4.1-2: what a recipient notes and goes on
WARNINGS = {
    "DocumentQueued",
    "PartialAppendContentNotProcessed",
    "PartialFolderContentNotProcessed",
    "PartialRelationshipContentNotProcessed",
    "PartialReplaceContentNotProcessed",
    "PartialTransformNotProcessed",
    "PartialTransformReplaceNotProcessed",
    "XDSExtraMetadataNotSaved",
}
#: the same table: what makes a request fail
ERRORS = {
    "InvalidDocumentContent",
    "UnresolvedReferenceException",
    "XDSDocumentUniqueIdError",
    "XDSDuplicateUniqueIdInRegistry",
    "XDSMissingDocument",
    "XDSMissingDocumentMetadata",
    "XDSMissingHomeCommunityId",
    "XDSNonIdenticalHash",
    "XDSNonIdenticalSize",
    "XDSPatientIdDoesNotMatch",
    "XDSRegistryBusy",
    "XDSRegistryDeprecatedDocumentError",
    "XDSRegistryDuplicateUniqueIdInMessage",
    "XDSRegistryError",
    "XDSRegistryMetadataError",
    "XDSRegistryNotAvailable",
    "XDSRegistryOutOfResources",
    "XDSRepositoryBusy",
    "XDSRepositoryDuplicateUniqueIdInMessage",
    "XDSRepositoryError",
    "XDSRepositoryMetadataError",
    "XDSRepositoryOutOfResources",
    "XDSResultNotSinglePatient",
    "XDSStoredQueryMissingParam",
    "XDSStoredQueryParamNumber",
    "XDSTooManyResults",
    "XDSUnavailableCommunity",
    "XDSUnknownCommunity",
    "XDSUnknownPatientId",
    "XDSUnknownRepositoryId",
    "XDSUnknownStoredQuery",
}
#: the tables of metadata update, restricted update, removal of metadata and of documents
OF_UPDATES = {
    "LocalPolicyRestrictionError",
    "ReferencesExistException",
    "UnmodifiableMetadataError",
    "XDSInvalidRequestException",
    "XDSMetadataAnnotationError",
    "XDSMetadataIdentifierError",
    "XDSMetadataModelException",
    "XDSMetadataUpdateError",
    "XDSMetadataUpdateOperationError",
    "XDSMetadataVersionError",
    "XDSObjectTypeError",
    "XDSPatientIDReconciliationError",
    "XDSRemoveDocumentsError",
    "XDSUnreferencedObjectException",
}


def test_each_code_of_the_standard_has_a_class_and_no_class_has_another_code() -> None:
    assert set(BY_CODE) == WARNINGS | ERRORS | OF_UPDATES


@pytest.mark.parametrize("code", sorted(WARNINGS | ERRORS | OF_UPDATES))
def test_a_class_is_called_what_its_code_is_and_has_the_severity_of_the_standard(code: str) -> None:
    cls = getattr(errors, code)
    assert cls.code == code
    assert BY_CODE[code] is cls
    assert cls.severity is (Severity.WARNING if code in WARNINGS else Severity.ERROR)
    assert cls.__doc__


@pytest.mark.parametrize("code", sorted(WARNINGS | ERRORS | OF_UPDATES))
def test_the_list_at_the_head_of_the_module_names_each_class(code: str) -> None:
    assert code in (errors.__doc__ or "").split()


def test_a_code_that_is_deprecated_is_not_ours_to_send() -> None:
    assert "XDSReplaceFailed" not in BY_CODE


def test_an_error_keeps_what_it_says_and_where() -> None:
    error = errors.XDSUnknownPatientId("no such patient", location="doc1")
    assert (error.code_context, error.location, str(error)) == ("no such patient", "doc1", "no such patient")
    assert repr(error) == "XDSUnknownPatientId('no such patient', location='doc1')"
    assert str(XdsErrors((error, error))) == "2 errors"


@pytest.mark.parametrize("warning", [True, False])
@pytest.mark.parametrize("code", ["XDSRegistryMetadataError", "XDSExtraMetadataNotSaved", "VendorSpecificError"])
def test_an_error_of_another_system_keeps_its_code_and_its_severity(code: str, warning: bool) -> None:
    error = of_code(code, "context", location=None, warning=warning)
    assert error.code == code
    assert error.severity is (Severity.WARNING if warning else Severity.ERROR)
    assert error.code_context == "context"
    assert isinstance(error, BY_CODE.get(code, XdsError))


def test_a_code_written_as_a_urn_is_recognised_and_kept() -> None:
    urn = "urn:oasis:names:tc:ebxml-regrep:ErrorCodeType:XDSRegistryError"
    error = of_code(urn, "context", location="x", warning=False)
    assert isinstance(error, errors.XDSRegistryError)
    assert error.code == urn


def test_reading_foreign_errors_teaches_no_new_codes() -> None:
    before = dict(BY_CODE)
    of_code("VendorSpecificError", "context", location=None, warning=False)
    assert before == BY_CODE
    assert errors.XDSRegistryError.severity is Severity.ERROR
