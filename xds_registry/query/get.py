"""The Get queries: objects by identifier, and what hangs on them (ITI TF-2: 3.18.4.1.2.3.7.5-.13)."""

from __future__ import annotations

from typing import Final

from schemas.vocabulary import RELATIONSHIPS
from xds_registry import tables as t
from xds_registry.encoding import ASSOCIATION_NUMBER, HAS_MEMBER
from xds_registry.query import filters
from xds_registry.query.parameters import Arguments
from xds_registry.query.search import Found, Search

_HAS_MEMBER: Final = t.association.c.association_type == HAS_MEMBER
_RELATIONSHIP_NUMBERS: Final = {kind.value: ASSOCIATION_NUMBER[kind] for kind in RELATIONSHIPS}


def get_documents(search: Search, arguments: Arguments) -> list[Found]:
    """GetDocuments: a uniqueId may be that of several entries, a logicalID is that of all versions."""
    uuids, logical_ids = arguments.all("$XDSDocumentEntryEntryUUID"), arguments.all("$XDSDocumentEntryLogicalID")
    if uuids:
        return search.document_entries_of(set(uuids))
    if logical_ids:
        return search.document_entries(t.document_entry.c.logical_id.in_(logical_ids))
    return search.document_entries(t.document_entry.c.unique_id.in_(arguments.all("$XDSDocumentEntryUniqueId")))


def get_folders(search: Search, arguments: Arguments) -> list[Found]:
    """GetFolders."""
    uuids, logical_ids = arguments.all("$XDSFolderEntryUUID"), arguments.all("$XDSFolderLogicalID")
    if uuids:
        return search.folders_of(set(uuids))
    if logical_ids:
        return search.folders(t.folder.c.logical_id.in_(logical_ids))
    return search.folders(t.folder.c.unique_id.in_(arguments.all("$XDSFolderUniqueId")))


def get_associations(search: Search, arguments: Arguments) -> list[Found]:
    """GetAssociations: those whose source or target is one of the ids."""
    return search.associations_touching(set(arguments.all("$uuid")))


def get_documents_and_associations(search: Search, arguments: Arguments) -> list[Found]:
    """GetDocumentsAndAssociations."""
    entries = get_documents(search, arguments)
    return [*entries, *search.associations_touching({row.entry_uuid for row in entries})]


def get_submission_sets(search: Search, arguments: Arguments) -> list[Found]:
    """GetSubmissionSets: the sets that have one of the ids as a member, and the HasMember associations that say so."""
    links = search.associations_to(set(arguments.all("$uuid")), _HAS_MEMBER)
    sets = search.submission_sets_of({link.source for link in links})
    present = {row.entry_uuid for row in sets}
    return [*sets, *(link for link in links if link.source in present)]


def get_submission_set_and_contents(search: Search, arguments: Arguments) -> list[Found]:
    """GetSubmissionSetAndContents: both ends of every Association of the answer are in the answer."""
    uuid = arguments.one("$XDSSubmissionSetEntryUUID")
    if uuid is not None:
        holders = search.submission_sets_of({uuid})
    else:
        holders = search.submission_sets(t.submission_set.c.unique_id.in_(arguments.all("$XDSSubmissionSetUniqueId")))
    links = search.associations_from({row.entry_uuid for row in holders}, _HAS_MEMBER)
    targets = {link.target for link in links}
    entries = search.document_entries_of(targets, *filters.document_entries(arguments))
    folders = search.folders_of(targets)
    present = {row.entry_uuid for row in (*holders, *entries, *folders)}
    inner = [link for link in search.associations_named(targets) if {link.source, link.target} <= present]
    present.update(link.entry_uuid for link in inner)
    return [*holders, *entries, *folders, *(link for link in links if link.target in present), *inner]


def get_folder_and_contents(search: Search, arguments: Arguments) -> list[Found]:
    """GetFolderAndContents: the Folder, the entries in it that pass the filters, and the associations between them."""
    holders = get_folders(search, arguments)
    links = search.associations_from({row.entry_uuid for row in holders}, _HAS_MEMBER)
    entries = search.document_entries_of({link.target for link in links}, *filters.document_entries(arguments))
    present = {row.entry_uuid for row in entries}
    return [*holders, *entries, *(link for link in links if link.target in present)]


def get_folders_for_document(search: Search, arguments: Arguments) -> list[Found]:
    """GetFoldersForDocument: the Folders that the entry is a member of."""
    entries = get_documents(search, arguments)
    links = search.associations_to({row.entry_uuid for row in entries}, _HAS_MEMBER)
    return search.folders_of({link.source for link in links})


def get_related_documents(search: Search, arguments: Arguments) -> list[Found]:
    """GetRelatedDocuments: the associations of the given types that touch the entry, and the entries at their ends.

    Nothing at all when there is no such association. The types are those between DocumentEntries; the entry itself
    belongs to the answer whatever its type.
    """
    kinds = {_RELATIONSHIP_NUMBERS[x] for x in arguments.all("$AssociationTypes") if x in _RELATIONSHIP_NUMBERS}
    origins = {row.entry_uuid: row for row in get_documents(search, arguments)}
    if not kinds:
        return []
    links = search.associations_touching(origins.keys(), t.association.c.association_type.in_(sorted(kinds)))
    others = {end for link in links for end in (link.source, link.target)} - origins.keys()
    related = search.document_entries_of(others, *filters.entry_type(arguments))
    present = origins.keys() | {row.entry_uuid for row in related}
    kept = [link for link in links if {link.source, link.target} <= present]
    linked = {end for link in kept for end in (link.source, link.target)}
    return [*(row for row in (*origins.values(), *related) if row.entry_uuid in linked), *kept]
