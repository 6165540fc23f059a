"""What was read on a Vitale card, from which a record is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from dmp.errors import InsInvalid
from schemas.datatypes import Cx, DataTypeError, InsAuthority, check_ins

#: The regime of the insured (two digits): the general one.
GENERAL_REGIME: Final = "01"


@dataclass(frozen=True, slots=True, kw_only=True)
class VitaleReading:
    """A reading of one person's identity on a Vitale card.

    `patient` is the identifier computed or obtained from it (`id^^^&OID&ISO`); `birth_date` YYYYMMDD as on the card.
    `deferral` says why the reading is used later than it was made (a home visit).
    """

    patient: str = field(repr=False)
    birth_date: str = field(repr=False)
    read_at: datetime
    is_holder: bool
    rank: int | None = field(default=None, repr=False)  # of birth, among twins
    regime: str | None = None
    deferral: str = ""

    @property
    def is_dependant_of_general_regime(self) -> bool:
        """Whether the card cannot have given a number of the person's own."""
        return not self.is_holder and self.regime == GENERAL_REGIME


def ins(patient: str) -> Cx:
    """The national health identifier that a text `id^^^&OID&ISO` is. Raises `InsInvalid`, also for a wrong key."""
    try:
        identifier = Cx.parse(patient)
        check_ins(InsAuthority(identifier.authority), identifier.id)
    except (DataTypeError, ValueError):
        raise InsInvalid from None
    return identifier
