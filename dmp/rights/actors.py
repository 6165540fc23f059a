"""Who acts on a record: a caller reduced to what the law asks of them."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from card_auth.caller import AccessMode, Caller, PurposeOfUse

PROFESSION_SYSTEM: Final = "1.2.250.1.71.1.2.7"  # TRE_G15
DOCTOR: Final = "10"
#: Savoir-faire of an occupational doctor (TRE_R38): consults nobody's record.
OCCUPATIONAL_MEDICINE: Final = "SM25"
#: Who assigns the national identifiers of professionals (PS_IdNat), and those of structures (Struct_IdNat).
PROFESSIONALS: Final = "1.2.250.1.71.4.2.1"
STRUCTURES: Final = "1.2.250.1.71.4.2.2"
# The first digit of an employee's PS_IdNat, and of the Struct_IdNat of where they work.
_STRUCTURE_REGISTERS: Final = {"1": "0", "3": "1", "4": "2", "5": "3", "6": "4"}
# 0 ADELI, 8 RPPS: the person's own number; any other begins with a structure's.
_PERSON: Final = re.compile(r"0[0-9A-Z]{9}|8[0-9]{11}", re.ASCII)


class ActorKind(enum.StrEnum):
    """The columns of the functional matrix, but for the médecin traitant, whom the record makes one."""

    PROFESSIONAL = "professional"
    DOCTOR = "doctor"
    OCCUPATIONAL_DOCTOR = "occupational-doctor"
    EMPLOYEE = "employee"  # holder of a CPE
    STRUCTURE = "structure"  # whoever an establishment answers for (indirect mode), persons and automata
    PATIENT = "patient"
    REPRESENTATIVE = "representative"  # a minor's legal representative
    NOBODY = "nobody"  # who is none of these; may do nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks, in the words of the law. `identifier` is a national identifier, of a patient the patient identifier.

    `structure` is empty where nothing but the caller's own word says that they work there.
    """

    kind: ActorKind
    identifier: str
    structure: str = ""
    profession: str = ""
    purpose: PurposeOfUse = PurposeOfUse.NORMAL
    reason: str = ""
    may_feed: bool = True
    secret: bool = False
    patient: str | None = None  # the record that the assertion was made for, id^^^&OID&ISO

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """The actor that a verified caller is."""
        return cls(
            kind=_kind(caller),
            identifier=caller.national_id,
            structure=caller.structure_id if _of_structure(caller) else "",
            profession=_profession(caller),
            purpose=caller.purpose_of_use,
            reason=(caller.purpose_reason or "").strip(),
            # Reinforced indirect access is for reading (DMP: matrice des droits fonctionnels, accès AIR).
            may_feed=caller.mode is not AccessMode.REINFORCED_INDIRECT,
            secret=caller.secret_connection,
            patient=None if caller.resource_id is None else named_patient(caller.resource_id),
        )

    @classmethod
    def nobody(cls) -> Self:
        """Who is not known."""
        return cls(kind=ActorKind.NOBODY, identifier="")

    @property
    def author(self) -> str:
        """How their documents name them: `id^^^&OID&ISO`."""
        if self.kind in (ActorKind.PATIENT, ActorKind.REPRESENTATIVE):
            return self.identifier
        return author_of(self.identifier)


def author_of(national_id: str) -> str:
    """A professional as an author's key: `id^^^&OID&ISO`."""
    return f"{national_id}^^^&{PROFESSIONALS}&ISO"


def named_patient(resource_id: str) -> str:
    """A patient's identifier as the registry keeps it: components 1 and 4 of a CX."""
    parts = resource_id.split("^")
    return f"{parts[0]}^^^{parts[3] if len(parts) > 3 else ''}"


def kind_of_person(national_id: str, profession: str, specialities: Collection[str]) -> ActorKind:
    """What somebody is by their national identifier, their profession (TRE_G15) and their savoir-faire (TRE_R38)."""
    if not _PERSON.fullmatch(national_id):
        return ActorKind.EMPLOYEE
    if profession == DOCTOR:
        return ActorKind.OCCUPATIONAL_DOCTOR if OCCUPATIONAL_MEDICINE in specialities else ActorKind.DOCTOR
    return ActorKind.PROFESSIONAL if profession else ActorKind.NOBODY


def _kind(caller: Caller) -> ActorKind:
    if caller.mode is AccessMode.INDIRECT:
        return ActorKind.STRUCTURE
    return kind_of_person(caller.national_id, _profession(caller), {role.code for role in caller.specialities})


def _of_structure(caller: Caller) -> bool:
    """Whether more than the caller's own word says where they work: the certificate of the structure, or of a CPE."""
    if caller.mode is not AccessMode.DIRECT:
        return True
    numbered, _, internal = caller.national_id.partition("/")
    register = _STRUCTURE_REGISTERS.get(numbered[:1], "")
    return bool(internal and register) and register + numbered[1:] == caller.structure_id


def _profession(caller: Caller) -> str:
    role = caller.profession
    return role.code if role is not None and role.code_system == PROFESSION_SYSTEM else ""
