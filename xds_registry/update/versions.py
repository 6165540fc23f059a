"""New versions against the latest registered ones.

Source: metadata update supplement, ITI TF-2: 3.57.4.1.3.3.1 (DocumentEntries), 3.57.4.1.3.3.3 (Folders); restricted
metadata update supplement, ITI TF-2: 3.92.4.1.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.errors import (
    UnmodifiableMetadataError,
    XdsError,
    XDSMetadataIdentifierError,
    XDSMetadataUpdateError,
    XDSMetadataVersionError,
    XDSPatientIDReconciliationError,
)
from schemas.metadata import DocumentEntry
from schemas.vocabulary import EMPTY_SHA1, AvailabilityStatus, DocumentEntryType
from xds_registry.changes import Change
from xds_registry.encoding import normal
from xds_registry.update.operations import NewVersion, UpdateKind
from xds_registry.update.registered import Known

#: What a restricted update may not change, by the standard's names.
_UNMODIFIABLE: Final[dict[str, type[XdsError]]] = {
    "patientId": XDSPatientIDReconciliationError,
    "uniqueId": XDSMetadataIdentifierError,
    "objectType": UnmodifiableMetadataError,
    "sourcePatientId": UnmodifiableMetadataError,
    "repositoryUniqueId": UnmodifiableMetadataError,
    "documentAvailability": UnmodifiableMetadataError,
}


def check_version(
    version: NewVersion, latest: Known | None, kind: UpdateKind, own_repositories: frozenset[str]
) -> Iterator[XdsError]:
    """The preconditions of a new version: what it updates is there, is the latest, is open to updates, stays itself."""
    where = version.item.entry_uuid
    if latest is None or (latest.kind.value != type(version.item).__name__):
        yield XDSMetadataVersionError(
            f"{version.logical_id}: no object of this logicalID is registered", location=where
        )
        return
    if version.previous != latest.version:
        yield XDSMetadataVersionError(
            f"{version.logical_id}: the latest version is {latest.version}, not {version.previous}", location=where
        )
        return
    yield from _open(version, latest, kind)
    if kind is UpdateKind.RESTRICTED_UPDATE:
        stated = version.item.availability_status
        if stated is not None and stated is not latest.status:
            yield UnmodifiableMetadataError(f"{where} availabilityStatus: cannot be changed", location=where)
    elif normal(str(version.item.unique_id)) != latest.unique_id:
        yield XDSMetadataUpdateError(f"{where} uniqueId: is not that of the version before", location=where)
    if isinstance(version.item, DocumentEntry):
        if (
            kind is UpdateKind.UPDATE
            and (version.item.object_type is DocumentEntryType.ON_DEMAND) is not latest.on_demand
        ):
            yield XDSMetadataUpdateError(f"{where} objectType: is not that of the version before", location=where)
        yield from _same_bytes(version.item, latest, kind, own_repositories)


def _open(version: NewVersion, latest: Known, kind: UpdateKind) -> Iterator[XdsError]:
    """An update is of what is Approved; a restricted one of anything that is still part of the record."""
    if latest.approved:
        return
    if kind is UpdateKind.UPDATE or latest.status is AvailabilityStatus.DELETED:
        shown = latest.status.value.rpartition(":")[2]
        yield XDSMetadataUpdateError(
            f"{version.logical_id}: the latest version is {shown}", location=version.item.entry_uuid
        )


def _same_bytes(
    entry: DocumentEntry, latest: Known, kind: UpdateKind, own_repositories: frozenset[str]
) -> Iterator[XdsError]:
    """What is kept here is known; only a document that was registered before it was assembled gets its bytes."""
    where = entry.entry_uuid
    refused = XDSMetadataUpdateError if kind is UpdateKind.UPDATE else UnmodifiableMetadataError
    repository = str(entry.repository_unique_id)
    if not own_repositories & {repository, latest.repository}:
        return
    if repository != latest.repository and kind is UpdateKind.UPDATE:
        yield refused(f"{where} repositoryUniqueId: the document does not move by an update", location=where)
    assembled = (latest.size, latest.hash) != (0, EMPTY_SHA1)
    stated = None if entry.hash is None else str(entry.hash).lower()
    for name, before, after in (("size", latest.size, entry.size), ("hash", latest.hash, stated)):
        if assembled and before != after:
            yield refused(f"{where} {name}: is not that of the document in the repository", location=where)


def check_restricted(version: NewVersion, change: Change) -> Iterator[XdsError]:
    """What a restricted update leaves as it is (ITI TF-2: 3.92.4.1.3)."""
    where = version.item.entry_uuid
    for name in sorted(change.differing & _UNMODIFIABLE.keys()):
        yield _UNMODIFIABLE[name](f"{where} {name}: cannot be changed", location=where)
