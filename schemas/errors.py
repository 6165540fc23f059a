"""Every XDS error, one class per code, named as the code is (ITI TF-3: Table 4.2.4.1-2).

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

and of metadata update, restricted update, removal of metadata and of documents (their supplements' error tables):

      XDSMetadataUpdateError
      XDSMetadataUpdateOperationError
      XDSMetadataVersionError
      XDSMetadataIdentifierError
      XDSMetadataAnnotationError
      XDSMetadataModelException
      XDSPatientIDReconciliationError
      XDSObjectTypeError
      XDSInvalidRequestException
      UnmodifiableMetadataError
      LocalPolicyRestrictionError
      XDSRemoveDocumentsError
      ReferencesExistException
      XDSUnreferencedObjectException

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

    def __init_subclass__(cls) -> None:
        # The code of the standard is the name of the class, so that the two cannot differ.
        cls.code = cls.__dict__.get("code", cls.__name__)

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

    severity = Severity.WARNING


class InvalidDocumentContent(XdsError):
    """Document content fails metadata or format checks; codeContext = uniqueId."""


class PartialAppendContentNotProcessed(XdsError):
    """Recipient did not process the append."""

    severity = Severity.WARNING


class PartialFolderContentNotProcessed(XdsError):
    """Recipient did not process the folder."""

    severity = Severity.WARNING


class PartialRelationshipContentNotProcessed(XdsError):
    """Recipient did not process the relationship."""

    severity = Severity.WARNING


class PartialReplaceContentNotProcessed(XdsError):
    """Recipient did not process the replace."""

    severity = Severity.WARNING


class PartialTransformNotProcessed(XdsError):
    """Recipient did not process the transform."""

    severity = Severity.WARNING


class PartialTransformReplaceNotProcessed(XdsError):
    """Recipient did not process the transform-and-replace."""

    severity = Severity.WARNING


class UnresolvedReferenceException(XdsError):
    """An entryUUID reference cannot be resolved."""


class XDSDocumentUniqueIdError(XdsError):
    """The document of a uniqueId is not available; location = uniqueId."""


class XDSDuplicateUniqueIdInRegistry(XdsError):
    """A SubmissionSet or Folder uniqueId is already used."""


class XDSExtraMetadataNotSaved(XdsError):
    """Extra metadata was not kept (warning)."""

    severity = Severity.WARNING


class XDSMissingDocument(XdsError):
    """A DocumentEntry has no attached document."""


class XDSMissingDocumentMetadata(XdsError):
    """An attached document has no DocumentEntry."""


class XDSMissingHomeCommunityId(XdsError):
    """HomeCommunityId is needed and absent."""


class XDSNonIdenticalHash(XdsError):
    """Same DocumentEntry.uniqueId, different hash; codeContext = uniqueId."""


class XDSNonIdenticalSize(XdsError):
    """Same DocumentEntry.uniqueId, different size; codeContext = uniqueId."""


class XDSPatientIdDoesNotMatch(XdsError):
    """Patient ids that must be equal are not."""


class XDSRegistryBusy(XdsError):
    """The registry has too much work."""


class XDSRepositoryBusy(XdsError):
    """The repository has too much work."""


class XDSRegistryOutOfResources(XdsError):
    """The registry lacks resources."""


class XDSRepositoryOutOfResources(XdsError):
    """The repository lacks resources."""


class XDSRegistryDeprecatedDocumentError(XdsError):
    """An association refers to a deprecated document."""


class XDSRegistryDuplicateUniqueIdInMessage(XdsError):
    """One uniqueId twice in one submission (registry)."""


class XDSRepositoryDuplicateUniqueIdInMessage(XdsError):
    """One uniqueId twice in one submission (repository)."""


class XDSRegistryError(XdsError):
    """Internal error, or no better code (registry)."""


class XDSRepositoryError(XdsError):
    """Internal error, or no better code (repository)."""


class XDSRegistryMetadataError(XdsError):
    """Metadata invalid, seen by the registry."""


class XDSRepositoryMetadataError(XdsError):
    """Metadata invalid, seen by the repository."""


class XDSRegistryNotAvailable(XdsError):
    """The repository cannot reach the registry."""


class XDSResultNotSinglePatient(XdsError):
    """The result would hold metadata of several patients."""


class XDSStoredQueryMissingParam(XdsError):
    """A required query parameter is missing."""


class XDSStoredQueryParamNumber(XdsError):
    """A single-valued parameter has several values, or alternatives are combined."""


class XDSUnknownStoredQuery(XdsError):
    """Unknown query id."""


class XDSTooManyResults(XdsError):
    """The result exceeds the responder's limit."""


class XDSUnavailableCommunity(XdsError):
    """A community did not answer."""


class XDSUnknownCommunity(XdsError):
    """Unknown homeCommunityId."""


class XDSUnknownPatientId(XdsError):
    """Patient id not known or not usable; codeContext contains it."""


class XDSUnknownRepositoryId(XdsError):
    """RepositoryUniqueId is not this repository."""


class XDSMetadataUpdateError(XdsError):
    """An update of metadata failed, and no better code says why."""


class XDSMetadataUpdateOperationError(XdsError):
    """The operations of an update cannot be told, or contradict each other."""


class XDSMetadataVersionError(XdsError):
    """The version that an update starts from is not the newest, or there is no such object."""


class XDSMetadataIdentifierError(XdsError):
    """An update changes a uniqueId."""


class XDSMetadataAnnotationError(XdsError):
    """An annotation of an update is missing or wrong."""


class XDSMetadataModelException(XdsError):
    """The request breaks the metadata model."""


class XDSPatientIDReconciliationError(XdsError):
    """An update moves an object to another patient in a way that is not allowed."""


class XDSObjectTypeError(XdsError):
    """An update changes the type of an object."""


class XDSInvalidRequestException(XdsError):
    """The request is not one that this transaction may carry."""


class UnmodifiableMetadataError(XdsError):
    """A restricted update changes an attribute that may not be changed."""


class LocalPolicyRestrictionError(XdsError):
    """The local policy forbids the change."""


class XDSRemoveDocumentsError(XdsError):
    """A document cannot be removed."""


class ReferencesExistException(XdsError):
    """An object to be removed is still referred to."""


class XDSUnreferencedObjectException(XdsError):
    """A removal would leave an object that nothing refers to."""


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
