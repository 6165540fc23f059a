"""Who a patient is and how to reach them: the administrative sheet of a record.

Source: the demographics that the French shared record takes (HL7 V3 PRPA_IN201311UV02, PRPA_IN201314UV02). All of it
is patient data: never in a log, and not shown by `repr`.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from dmp.errors import DMPInvalidRequest, TooLong

_BIRTH_DATE: Final = re.compile(r"[0-9]{8}", re.ASCII)
#: What one text and one list of a sheet may hold.
LONGEST_TEXT: Final = 200
MOST_ITEMS: Final = 20

#: The age from which nobody answers for a person (Code civil, article 414).
MAJORITY_YEARS: Final = 18


class Sex(enum.StrEnum):
    """AdministrativeGender (2.16.840.1.113883.5.1)."""

    MALE = "M"
    FEMALE = "F"
    UNKNOWN = "U"


class Civility(enum.StrEnum):
    """The prefix of a name."""

    MR = "M"
    MRS = "MME"
    MISS = "MLLE"


class TelecomUse(enum.StrEnum):
    """What a telephone number or address is: home, mobile, or electronic mail."""

    HOME = "HP"
    MOBILE = "MC"
    MAIL = "mailto"


@dataclass(frozen=True, slots=True)
class Telecom:
    """A number or an address, without the scheme (`tel:`, `mailto:`)."""

    use: TelecomUse
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address, accents kept."""

    lines: tuple[str, ...] = field(default=(), repr=False)  # streetAddressLine
    additional: str = field(default="", repr=False)  # additionalLocator
    postal_code: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    country: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """A patient's identity.

    `birth_date` is YYYYMMDD as on the card: month and day may be 00, or of another calendar.
    """

    birth_name: str = field(repr=False)  # qualifier BR
    first_names: tuple[str, ...] = field(repr=False)  # one at least
    birth_date: str = field(repr=False)
    sex: Sex = field(default=Sex.UNKNOWN, repr=False)
    usual_name: str = field(default="", repr=False)  # qualifier SP
    civility: Civility | None = field(default=None, repr=False)
    birth_place: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.birth_name.strip() or not any(name.strip() for name in self.first_names):
            raise DMPInvalidRequest("A patient has a birth name and a first name.")
        if not _BIRTH_DATE.fullmatch(self.birth_date):
            raise DMPInvalidRequest("A birth date is eight digits.")

    def is_minor(self, at: datetime) -> bool:
        """Whether the patient is under 18 on that day (UTC)."""
        return is_minor(self.birth_date, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyContact:
    """Somebody to call for the patient."""

    name: str = field(repr=False)
    first_name: str = field(default="", repr=False)
    relationship: str = field(default="", repr=False)  # code of 2.16.840.1.113883.1.11.19579, if known
    telecoms: tuple[Telecom, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Representative:
    """A legal representative: who answers for a minor (or a protected adult), with their own coordinates.

    `relationship` is a code of PersonalRelationshipRoleType (2.16.840.1.113883.1.11.19579), such as FTH or MTH.
    """

    relationship: str
    name: str = field(repr=False)  # the usual one
    first_names: tuple[str, ...] = field(repr=False)
    birth_name: str = field(default="", repr=False)
    civility: Civility | None = field(default=None, repr=False)
    address: Address | None = field(default=None, repr=False)
    telecoms: tuple[Telecom, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that is known of a patient, as one value: an amendment is a new sheet, the old ones are kept.

    Raises `TooLong` when a text or a list is longer than `LONGEST_TEXT`, `MOST_ITEMS`.
    """

    traits: Traits = field(repr=False)
    address: Address | None = field(default=None, repr=False)
    telecoms: tuple[Telecom, ...] = field(default=(), repr=False)
    contacts: tuple[EmergencyContact, ...] = field(default=(), repr=False)
    representatives: tuple[Representative, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        _bound(self)


def is_minor(birth_date: str, at: datetime) -> bool:
    """Whether who was born on YYYYMMDD is under 18 on that day (UTC).

    Where day or month are not known (00, or none of our calendar), the last that they can be counts: a minor's
    protection does not end early.
    """
    year, month, day = int(birth_date[:4]), int(birth_date[4:6]), int(birth_date[6:])
    if not 1 <= month <= 12:
        month, day = 12, 31
    elif not 1 <= day <= 31:
        day = 31
    return (at.year, at.month, at.day) < (year + MAJORITY_YEARS, month, day)


def _bound(value: object) -> None:
    """Refuse what is too long, wherever in a sheet it is."""
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise TooLong
        if "\0" in value:
            raise DMPInvalidRequest("A text holds a character that cannot be kept.")
    elif isinstance(value, tuple):
        if len(value) > MOST_ITEMS:
            raise TooLong
        for item in value:
            _bound(item)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            _bound(getattr(value, name))
