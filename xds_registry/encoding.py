"""How closed sets and texts are kept in columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from dmp.rights.authorship import persons, structures
from dmp.rights.conditions import FromStructure, WrittenBy
from schemas.datatypes import Dtm
from schemas.metadata import Author, CodedValue
from schemas.vocabulary import AssociationType, AvailabilityStatus

APPROVED: Final = 1
DEPRECATED: Final = 2
ARCHIVED: Final = 3
DELETED: Final = 4

STATUS_NUMBER: Final = {
    AvailabilityStatus.APPROVED: APPROVED,
    AvailabilityStatus.DEPRECATED: DEPRECATED,
    AvailabilityStatus.ARCHIVED: ARCHIVED,
    AvailabilityStatus.DELETED: DELETED,
}
STATUS_OF_NUMBER: Final = {number: status for status, number in STATUS_NUMBER.items()}

ASSOCIATION_NUMBER: Final = {
    AssociationType.HAS_MEMBER: 1,
    AssociationType.REPLACE: 2,
    AssociationType.APPEND: 3,
    AssociationType.TRANSFORM: 4,
    AssociationType.TRANSFORM_REPLACE: 5,
    AssociationType.SIGNS: 6,
    AssociationType.IS_SNAPSHOT_OF: 7,
    AssociationType.UPDATE_AVAILABILITY_STATUS: 8,
    AssociationType.SUBMIT_ASSOCIATION: 9,
}
HAS_MEMBER: Final = ASSOCIATION_NUMBER[AssociationType.HAS_MEMBER]

#: `attribute` of document_entry_code
CONFIDENTIALITY: Final = 1
EVENT: Final = 2


def normal(text: str) -> str:
    """Text in the form in which it is compared (ITI TF-2: Appendix F: Unicode NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def coded(value: CodedValue) -> str:
    """A code as queries write it: `code^^scheme` (ITI TF-2: 3.18.4.1.2.3.4)."""
    return normal(f"{value.code}^^{value.scheme}")


def time_text(value: Dtm | None) -> str | None:
    """A time as its 14 digits; a missing part is the first moment it allows."""
    return None if value is None else value.lower_bound()


def owners(authors: Sequence[Author]) -> str:
    """Whose a document is: a line for each author and each institution, so that one of them can be searched for."""
    lines = [owner_line(WrittenBy(person)) for person in persons(authors)]
    lines += [owner_line(FromStructure(structure)) for structure in structures(authors)]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def owner_line(owner: WrittenBy | FromStructure) -> str:
    """The line that tells of an owner."""
    return f"p {owner.author}" if isinstance(owner, WrittenBy) else f"s {owner.structure}"
