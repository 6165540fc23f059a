"""Every XDS error, one class per code of ITI TF-3: Table 4.2.4.1-2.

    XdsError
      DocumentQueued
      InvalidDocumentContent
      PartialAppendContentNotProcessed
      PartialFolderContentNotProcessed
      PartialRelationshipContentNotProcessed
      PartialReplaceContentNotProcessed
      PartialTransformNotProcessed
      PartialTransformReplaceNotProcessed
      UnresolvedReferenceException
      XDSDocumentUniqueIdError
      XDSDuplicateUniqueIdInRegistry
      XDSExtraMetadataNotSaved
      XDSMissingDocument
      XDSMissingDocumentMetadata
      XDSMissingHomeCommunityId
      XDSNonIdenticalHash
      XDSNonIdenticalSize
      XDSPatientIdDoesNotMatch
      XDSRegistryBusy
      XDSRepositoryBusy
      XDSRegistryOutOfResources
      XDSRepositoryOutOfResources
      XDSRegistryDeprecatedDocumentError
      XDSRegistryDuplicateUniqueIdInMessage
      XDSRepositoryDuplicateUniqueIdInMessage
      XDSRegistryError
      XDSRepositoryError
      XDSRegistryMetadataError
      XDSRepositoryMetadataError
      XDSRegistryNotAvailable
      XDSResultNotSinglePatient
      XDSStoredQueryMissingParam
      XDSStoredQueryParamNumber
      XDSUnknownStoredQuery
      XDSTooManyResults
      XDSUnavailableCommunity
      XDSUnknownCommunity
      XDSUnknownPatientId
      XDSUnknownRepositoryId

Raise close to the cause; `schemas.responses` is the one place that turns errors into a response.
"""

from __future__ import annotations

from typing import ClassVar

from schemas.vocabulary import Severity


class XdsError(Exception):
    """A business error: it travels in a RegistryError, never in a SOAP fault (ITI TF-3: 4.2.4).

    `code_context` tells a person what is wrong, with the offending value where the standard wants it;
    `location` names the object at fault (for ITI-43: the DocumentUniqueId).
    """

    code: ClassVar[str] = "XDSRegistryError"
    severity: ClassVar[Severity] = Severity.ERROR

    def __init__(self, code_context: str, *, location: str | None = None) -> None:
        super().__init__(code_context)
        self.code_context = code_context
        self.location = location

    def __repr__(self) -> str:
        return f"{self.code}({self.code_context!r}, location={self.location!r})"


class XdsErrors(Exception):
    """Several business errors found in one request."""

    def __init__(self, errors: tuple[XdsError, ...]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


class DocumentQueued(XdsError):
    """The recipient queued the document."""

    code = "DocumentQueued"
    severity = Severity.WARNING


class InvalidDocumentContent(XdsError):
    """Document content fails metadata or format checks; codeContext = uniqueId."""

    code = "InvalidDocumentContent"


class PartialAppendContentNotProcessed(XdsError):
    """Recipient did not process the append."""

    code = "PartialAppendContentNotProcessed"
    severity = Severity.WARNING


class PartialFolderContentNotProcessed(XdsError):
    """Recipient did not process the folder."""

    code = "PartialFolderContentNotProcessed"
    severity = Severity.WARNING


class PartialRelationshipContentNotProcessed(XdsError):
    """Recipient did not process the relationship."""

    code = "PartialRelationshipContentNotProcessed"
    severity = Severity.WARNING


class PartialReplaceContentNotProcessed(XdsError):
    """Recipient did not process the replace."""

    code = "PartialReplaceContentNotProcessed"
    severity = Severity.WARNING


class PartialTransformNotProcessed(XdsError):
    """Recipient did not process the transform."""

    code = "PartialTransformNotProcessed"
    severity = Severity.WARNING


class PartialTransformReplaceNotProcessed(XdsError):
    """Recipient did not process the transform-and-replace."""

    code = "PartialTransformReplaceNotProcessed"
    severity = Severity.WARNING


class UnresolvedReferenceException(XdsError):
    """An entryUUID reference cannot be resolved."""

    code = "UnresolvedReferenceException"


class XDSDocumentUniqueIdError(XdsError):
    """The document of a uniqueId is not available; location = uniqueId."""

    code = "XDSDocumentUniqueIdError"


class XDSDuplicateUniqueIdInRegistry(XdsError):
    """A SubmissionSet or Folder uniqueId is already used."""

    code = "XDSDuplicateUniqueIdInRegistry"


class XDSExtraMetadataNotSaved(XdsError):
    """Extra metadata was not kept (warning)."""

    code = "XDSExtraMetadataNotSaved"
    severity = Severity.WARNING


class XDSMissingDocument(XdsError):
    """A DocumentEntry has no attached document."""

    code = "XDSMissingDocument"


class XDSMissingDocumentMetadata(XdsError):
    """An attached document has no DocumentEntry."""

    code = "XDSMissingDocumentMetadata"


class XDSMissingHomeCommunityId(XdsError):
    """HomeCommunityId is needed and absent."""

    code = "XDSMissingHomeCommunityId"


class XDSNonIdenticalHash(XdsError):
    """Same DocumentEntry.uniqueId, different hash; codeContext = uniqueId."""

    code = "XDSNonIdenticalHash"


class XDSNonIdenticalSize(XdsError):
    """Same DocumentEntry.uniqueId, different size; codeContext = uniqueId."""

    code = "XDSNonIdenticalSize"


class XDSPatientIdDoesNotMatch(XdsError):
    """Patient ids that must be equal are not."""

    code = "XDSPatientIdDoesNotMatch"


class XDSRegistryBusy(XdsError):
    """The registry has too much work."""

    code = "XDSRegistryBusy"


class XDSRepositoryBusy(XdsError):
    """The repository has too much work."""

    code = "XDSRepositoryBusy"


class XDSRegistryOutOfResources(XdsError):
    """The registry lacks resources."""

    code = "XDSRegistryOutOfResources"


class XDSRepositoryOutOfResources(XdsError):
    """The repository lacks resources."""

    code = "XDSRepositoryOutOfResources"


class XDSRegistryDeprecatedDocumentError(XdsError):
    """An association refers to a deprecated document."""

    code = "XDSRegistryDeprecatedDocumentError"


class XDSRegistryDuplicateUniqueIdInMessage(XdsError):
    """One uniqueId twice in one submission (registry)."""

    code = "XDSRegistryDuplicateUniqueIdInMessage"


class XDSRepositoryDuplicateUniqueIdInMessage(XdsError):
    """One uniqueId twice in one submission (repository)."""

    code = "XDSRepositoryDuplicateUniqueIdInMessage"


class XDSRegistryError(XdsError):
    """Internal error, or no better code (registry)."""

    code = "XDSRegistryError"


class XDSRepositoryError(XdsError):
    """Internal error, or no better code (repository)."""

    code = "XDSRepositoryError"


class XDSRegistryMetadataError(XdsError):
    """Metadata invalid, seen by the registry."""

    code = "XDSRegistryMetadataError"


class XDSRepositoryMetadataError(XdsError):
    """Metadata invalid, seen by the repository."""

    code = "XDSRepositoryMetadataError"


class XDSRegistryNotAvailable(XdsError):
    """The repository cannot reach the registry."""

    code = "XDSRegistryNotAvailable"


class XDSResultNotSinglePatient(XdsError):
    """The result would hold metadata of several patients."""

    code = "XDSResultNotSinglePatient"


class XDSStoredQueryMissingParam(XdsError):
    """A required query parameter is missing."""

    code = "XDSStoredQueryMissingParam"


class XDSStoredQueryParamNumber(XdsError):
    """A single-valued parameter has several values, or alternatives are combined."""

    code = "XDSStoredQueryParamNumber"


class XDSUnknownStoredQuery(XdsError):
    """Unknown query id."""

    code = "XDSUnknownStoredQuery"


class XDSTooManyResults(XdsError):
    """The result exceeds the responder's limit."""

    code = "XDSTooManyResults"


class XDSUnavailableCommunity(XdsError):
    """A community did not answer."""

    code = "XDSUnavailableCommunity"


class XDSUnknownCommunity(XdsError):
    """Unknown homeCommunityId."""

    code = "XDSUnknownCommunity"


class XDSUnknownPatientId(XdsError):
    """Patient id not known or not usable; codeContext contains it."""

    code = "XDSUnknownPatientId"


class XDSUnknownRepositoryId(XdsError):
    """RepositoryUniqueId is not this repository."""

    code = "XDSUnknownRepositoryId"


#: Every class by its code, for reading a response of another system.
BY_CODE: dict[str, type[XdsError]] = {cls.code: cls for cls in XdsError.__subclasses__()}


def of_code(code: str, code_context: str, *, location: str | None, warning: bool) -> XdsError:
    """The error that another system reported: of the class of its code, with the severity it gave.

    A code that the table does not know keeps its text.
    """
    wanted = Severity.WARNING if warning else Severity.ERROR
    known = BY_CODE.get(code.removeprefix("urn:oasis:names:tc:ebxml-regrep:ErrorCodeType:"), XdsError)
    if known.code == code and known.severity is wanted:
        return known(code_context, location=location)
    foreign = type(known.__name__, (known,), {"code": code, "severity": wanted})
    error: XdsError = foreign(code_context, location=location)
    return error
