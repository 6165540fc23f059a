"""What a statement may say, given the certificate it is signed with. Those who issue and those who read share these."""

from __future__ import annotations

import re
from typing import Final

from card_auth.caller import AccessMode
from card_auth.professionals import HolderKind, ProfessionalCertificate
from card_auth.vihf.policy import VihfPolicy
from card_auth.vihf.refusals import Reason
from card_auth.vihf.statement import Statement
from card_auth.vihf.vocabulary import (
    FUTURE_PROFESSIONS,
    NOT_PROFESSIONALS,
    PROFESSIONS,
    SPECIALISED_PROFESSIONS,
    SPECIALITIES,
    VihfVersion,
)

# PS_IdNat: the number of a professional, or a structure's number (after one digit that says of which register) and one
# that the structure gave
_PROFESSIONAL: Final = re.compile(r"0[0-9A-Z]{9}|8[0-9]{11}", re.ASCII)
_INTERNAL: Final = re.compile(r"[0-9]([0-9A-Z]{8,20})/[^\s/]{1,64}", re.ASCII)

_FIRST: Final = frozenset({PROFESSIONS, FUTURE_PROFESSIONS, NOT_PROFESSIONALS})  # who somebody is: the first role only


def refusal_of_mode(statement: Statement, holder: ProfessionalCertificate, policy: VihfPolicy) -> Reason | None:
    """A card's holder speaks for themselves, a structure for its people; the reinforced mode is of version 3.0."""
    direct = statement.mode is AccessMode.DIRECT
    signer = holder.is_person if direct else holder.kind is HolderKind.ORGANISATION
    known = statement.mode is not AccessMode.REINFORCED_INDIRECT or statement.version is not VihfVersion.V2_0
    return None if signer and known and statement.mode in policy.modes else Reason.WRONG_MODE


def refusal_of_subject(statement: Statement, holder: ProfessionalCertificate, policy: VihfPolicy) -> Reason | None:
    """The card's holder; or a professional, or a person under a number of the signing structure."""
    if statement.mode is AccessMode.DIRECT:
        return None if statement.subject == holder.national_id else Reason.OTHER_SUBJECT
    if _PROFESSIONAL.fullmatch(statement.subject):
        return None
    internal = _INTERNAL.fullmatch(statement.subject)
    structures = policy.speaks_for(holder.structure_id)
    fits = internal is not None and internal[1] in {structure[1:] for structure in structures}
    return None if fits else Reason.OTHER_SUBJECT


def refusal_of_structure(statement: Statement, holder: ProfessionalCertificate, policy: VihfPolicy) -> Reason | None:
    """The structure of the signing certificate, or one that it also speaks for.

    A card says nothing of structures in its certificates: the practice situation that its holder chose is believed.
    """
    if statement.mode is AccessMode.DIRECT or statement.structure_id in policy.speaks_for(holder.structure_id):
        return None
    return Reason.OTHER_STRUCTURE


def refusal_of_roles(statement: Statement, holder: ProfessionalCertificate) -> Reason | None:
    """The profession of the card and none but its savoir-faire; a structure answers for the roles of its people."""
    if not statement.roles:
        return Reason.OTHER_PROFESSION
    first, *others = statement.roles
    if first.code_system == PROFESSIONS and first.code in SPECIALISED_PROFESSIONS and not others:
        return Reason.OTHER_PROFESSION
    if any(role.code_system in _FIRST for role in others):
        return Reason.OTHER_PROFESSION
    if statement.mode is not AccessMode.DIRECT:
        known = first.code_system in _FIRST
        return None if known else Reason.OTHER_PROFESSION
    own = {
        PROFESSIONS: first.code == holder.profession,
        FUTURE_PROFESSIONS: first.code == holder.future_profession,
        NOT_PROFESSIONALS: holder.kind is HolderKind.EMPLOYEE,
    }.get(first.code_system, False)
    claimed = {role.code for role in others if role.code_system == SPECIALITIES}
    # a card may keep its savoir-faire outside its certificates: then they cannot be checked
    if holder.specialities and not claimed <= set(holder.specialities):
        own = False
    return None if own else Reason.OTHER_PROFESSION
