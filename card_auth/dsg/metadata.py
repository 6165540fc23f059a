"""The signature document of a submission, as its metadata tell of it (ITI TF-3: 5.5.4; CI-SIS)."""

from __future__ import annotations

from card_auth.dsg.submitted import SetAuthor
from card_auth.dsg.vocabulary import CLASS_CODE, FORMAT_CODES, FORMAT_DMP
from schemas.metadata import DocumentEntry, Submission
from schemas.vocabulary import AssociationType


class SignatureMisdescribed(Exception):
    """Metadata that tell of a signature of the set, and not as the standard wants; `str` says what is wrong."""


def signature_entries(submission: Submission) -> tuple[DocumentEntry, ...]:
    """The entries that one of their marks shows as the signature of the set.

    A signature of single documents, without any of a set, has neither: nobody here verifies it.
    """
    signing = _signing(submission)
    return tuple(
        entry
        for entry in submission.document_entries
        if _same(entry.entry_uuid) in signing or _format(entry) == FORMAT_DMP
    )


def signature_entry(submission: Submission) -> DocumentEntry | None:
    """The entry of the set's one signature; None when there is none. Raises SignatureMisdescribed."""
    found = signature_entries(submission)
    if not found:
        return None
    if len(found) > 1:
        raise SignatureMisdescribed("a submission has one signature document")
    (entry,) = found
    class_code = None if entry.class_code is None else entry.class_code.code
    if _format(entry) not in FORMAT_CODES:
        raise SignatureMisdescribed(f"formatCode: a signature document has one of {', '.join(sorted(FORMAT_CODES))}")
    if class_code != CLASS_CODE:
        raise SignatureMisdescribed(f"classCode: a signature document has {CLASS_CODE}")
    if _same(entry.entry_uuid) not in _signing(submission):
        raise SignatureMisdescribed("the association signs from the signature document to the SubmissionSet is missing")
    return entry


def authors_of(submission: Submission) -> tuple[SetAuthor, ...]:
    """The authors of its one SubmissionSet."""
    return tuple(
        SetAuthor(
            "" if author.person is None else author.person.id,
            frozenset(institution.id for institution in author.institutions if institution.id),
        )
        for one in submission.submission_sets
        for author in one.authors
    )


def _signing(submission: Submission) -> frozenset[str]:
    """The ids of what signs the SubmissionSet."""
    sets = {_same(one.entry_uuid) for one in submission.submission_sets}
    return frozenset(
        _same(association.source)
        for association in submission.associations
        if association.association_type is AssociationType.SIGNS and _same(association.target) in sets
    )


def _same(entry_id: str) -> str:
    """An id as it is compared: UUIDs that differ in case only are one UUID (RFC 9562, 4)."""
    return entry_id.lower() if entry_id.lower().startswith("urn:uuid:") else entry_id


def _format(entry: DocumentEntry) -> str | None:
    return None if entry.format_code is None else entry.format_code.code
