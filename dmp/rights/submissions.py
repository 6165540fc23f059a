"""What a submission must say to enter a record: who sends it, and how confidential each document is.

Sources: GIE SESAM-Vitale SEL-MP-037 (EX_GEN-1320, EX_2.1-1050, EX_0.1-1100); CI-SIS, volet Partage de documents de
santé.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dmp.records.record import RecordRules
from dmp.rights.actors import Actor, ActorKind
from dmp.rights.authorship import persons, structures
from dmp.rights.marks import Marks, levels_among, marks_of
from schemas.errors import XdsError, XDSRegistryMetadataError
from schemas.metadata import Author, CodedValue, DocumentEntry, Submission

#: The class of a signature document (IHE DSG), which hides itself from everybody.
SIGNATURE_CLASS: Final = "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1"
_BOTH: Final = Marks.MASKED | Marks.INVISIBLE_TO_PATIENT


def coded(code: CodedValue) -> str:
    """A code as rules write it: `code^^scheme`."""
    return f"{code.code}^^{code.scheme}"


def check_submission(actor: Actor, submission: Submission, rules: RecordRules, *, minor: bool) -> Iterator[XdsError]:
    """What is wrong with a submission by this actor. `minor`: the patient is under 18."""
    for item in submission.submission_sets:
        if not any(_is_sender(actor, author) for author in item.authors):
            yield XDSRegistryMetadataError(
                "SubmissionSet.author: no author is the person, or the structure, of the assertion",
                location=item.entry_uuid,
            )
    for entry in submission.document_entries:
        if not any(_is_author(actor, author) for author in entry.authors):
            yield XDSRegistryMetadataError(
                "DocumentEntry.author: no author is the person, or of the structure, of the assertion",
                location=entry.entry_uuid,
            )
        yield from check_confidentiality(entry, rules)
        if actor.secret and rules.minors_managed and minor and not _marks(entry) & Marks.INVISIBLE_TO_REPRESENTATIVES:
            yield XDSRegistryMetadataError(
                "confidentialityCode: in a secret connection documents are invisible to legal representatives",
                location=entry.entry_uuid,
            )


def check_confidentiality(entry: DocumentEntry, rules: RecordRules) -> Iterator[XdsError]:
    """One level of N, R and V; and not both masked and invisible to the patient, unless the service allows it."""
    levels = levels_among(map(coded, entry.confidentiality_codes))
    if len(levels) != 1:
        yield XDSRegistryMetadataError(
            "confidentialityCode: exactly one of the levels N, R and V is expected", location=entry.entry_uuid
        )
    signature = entry.class_code is not None and entry.class_code.code == SIGNATURE_CLASS
    if not rules.masked_and_invisible and not signature and _marks(entry) & _BOTH == _BOTH:
        yield XDSRegistryMetadataError(
            "confidentialityCode: MASQUE_PS and INVISIBLE_PATIENT exclude each other", location=entry.entry_uuid
        )


def _marks(entry: DocumentEntry) -> Marks:
    return marks_of(map(coded, entry.confidentiality_codes))


def _is_sender(actor: Actor, author: Author) -> bool:
    """A structure sends for whomever it names; a person sends in their own name."""
    return _of_structure(actor, author) if actor.kind is ActorKind.STRUCTURE else _is_person(actor, author)


def _is_author(actor: Actor, author: Author) -> bool:
    return _is_person(actor, author) or _of_structure(actor, author)


def _is_person(actor: Actor, author: Author) -> bool:
    return actor.author in persons((author,))


def _of_structure(actor: Actor, author: Author) -> bool:
    return bool(actor.structure) and actor.structure in structures((author,))
