"""What a patient agreed to or is opposed to, as a professional gathered it or the patient stated it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from card_auth.caller import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who did something: a professional or an establishment by national identifiers, or the patient (`PATIENT`)."""

    national_id: str
    name: str = ""
    structure_id: str = ""
    structure_name: str = ""
    profession: str = ""  # code of TRE_G15 (1.2.250.1.71.1.2.7), 10 a doctor

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """The caller of a request as an author."""
        return cls(
            national_id=caller.national_id,
            name=caller.name,
            structure_id=caller.structure_id,
            structure_name=caller.structure_name or "",
            profession=profession_of(caller),
        )

    @property
    def is_patient(self) -> bool:
        """Whether the patient, or who represents them, did it in the portal."""
        return self.national_id == PATIENT.national_id

    @property
    def is_doctor(self) -> bool:
        return self.profession == DOCTOR


#: TRE_G15: Médecin.
DOCTOR = "10"
PROFESSIONS = "1.2.250.1.71.1.2.7"
#: The patient, or their legal representative, who acts in the portal: no professional has such an identifier.
PATIENT = Author(national_id="patient", name="")


def profession_of(caller: Caller) -> str:
    """The code of the caller's profession (TRE_G15); empty when they state another kind of role first."""
    role = caller.profession
    return role.code if role is not None and role.code_system == PROFESSIONS else ""


class ConsentCode(enum.StrEnum):
    """What is agreed to or opposed (1.2.250.1.213.4.1.2.3), and one choice of the portal that is ours."""

    OPENING = "CONSENTEMENT_OUVERTURE_DMP"
    REACTIVATION = "CONSENTEMENT_REACTIVATION_DMP"
    BREAK_GLASS_OPPOSITION = "OPPOSITION_BRIS_DE_GLACE"
    REGULATION_OPPOSITION = "OPPOSITION_ACCES_URGENCE"
    #: Ours: documents masked to professionals may be read in an emergency.
    MASKED_IN_EMERGENCY = "LECTURE_MASQUES_EN_URGENCE"


@dataclass(frozen=True, slots=True)
class Consent:
    """A statement of the patient: `value` true means agreed (a consent) or opposed (an opposition)."""

    code: ConsentCode
    value: bool
    at: datetime
    author: Author
