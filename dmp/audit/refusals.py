"""The classes of reasons for which something is refused: for operators and the trail, never for the caller."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

from schemas.errors import XdsError


class RefusalClass(enum.StrEnum):
    """What kind of rule stood in the way."""

    CALLER = "caller"  # who asks is not known, or not trusted
    RIGHTS = "rights"  # who asks may not do this
    PATIENT = "patient"  # the patient is not known, or is another one
    CONTENT = "content"  # what was sent is not what the standard or the affinity domain wants
    CONFLICT = "conflict"  # what is there already stands against it
    ABSENT = "absent"  # what is asked for is not there, or not to be seen
    LIMIT = "limit"  # it is more than one request may ask for
    MESSAGE = "message"  # the message could not be read to its end
    SERVER = "server"  # the server could not


_CLASSES: Final = {
    RefusalClass.RIGHTS: ("LocalPolicyRestrictionError", "XDSRemoveDocumentsError"),
    RefusalClass.PATIENT: (
        *("XDSUnknownPatientId", "XDSPatientIdDoesNotMatch", "XDSResultNotSinglePatient"),
        "XDSPatientIDReconciliationError",
    ),
    RefusalClass.CONFLICT: (
        *("XDSDuplicateUniqueIdInRegistry", "XDSNonIdenticalHash", "XDSNonIdenticalSize"),
        *("XDSRegistryDeprecatedDocumentError", "XDSMetadataVersionError", "ReferencesExistException"),
        "XDSUnreferencedObjectException",
    ),
    RefusalClass.ABSENT: (
        *("XDSDocumentUniqueIdError", "UnresolvedReferenceException", "XDSUnknownRepositoryId"),
        *("XDSUnknownCommunity", "XDSUnknownStoredQuery"),
    ),
    RefusalClass.LIMIT: ("XDSTooManyResults",),
    RefusalClass.SERVER: (
        *("XDSRegistryBusy", "XDSRepositoryBusy", "XDSRegistryOutOfResources", "XDSRepositoryOutOfResources"),
        *("XDSRegistryNotAvailable", "XDSRegistryError", "XDSRepositoryError", "XDSUnavailableCommunity"),
    ),
}
_BY_CODE: Final = {code: kind for kind, codes in _CLASSES.items() for code in codes}


def class_of(code: str) -> RefusalClass:
    """The class of an XDS error code (ITI TF-3: Table 4.2.4.1-2). What is not listed is about what was sent."""
    return _BY_CODE.get(code, RefusalClass.CONTENT)


def explained(errors: Iterable[XdsError]) -> tuple[RefusalClass, str]:
    """The class of the first error, and the codes of all of them, each once."""
    codes = list(dict.fromkeys(error.code for error in errors))
    return (class_of(codes[0]) if codes else RefusalClass.SERVER), " ".join(codes)
