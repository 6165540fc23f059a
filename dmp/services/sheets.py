"""A patient of a message as the sheet of a record, and back; what was read on the card, and the patient's consents."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from dmp.errors import DMPInvalidRequest, IdentityMismatch
from dmp.records import (
    Address,
    Author,
    Civility,
    Consent,
    ConsentCode,
    Record,
    Representative,
    Sex,
    Sheet,
    Telecom,
    TelecomUse,
    Traits,
    VitaleReading,
)
from dmp.records.names import searched
from dmp.services.messages import people
from dmp.services.messages.patient import CardIdentity, LegalRepresentative, Observation, Patient
from dmp.services.vocabulary import ObservationCode, PatientStatus
from schemas.datatypes import Cx

_CONSENTS: Final = {
    ObservationCode.OPENING_CONSENT: ConsentCode.OPENING,
    ObservationCode.REACTIVATION_CONSENT: ConsentCode.REACTIVATION,
    ObservationCode.BREAK_GLASS_OPPOSITION: ConsentCode.BREAK_GLASS_OPPOSITION,
    ObservationCode.REGULATION_OPPOSITION: ConsentCode.REGULATION_OPPOSITION,
}
_CIVILITIES: Final = {"M": Civility.MR, "MR": Civility.MR, "MME": Civility.MRS, "MLLE": Civility.MISS}


def sheet_of(patient: Patient, before: Sheet | None = None) -> Sheet:
    """The sheet that a message states; what it does not state is as it was. Raises `DMPInvalidRequest`, `TooLong`."""
    return Sheet(
        traits=_traits(patient, None if before is None else before.traits),
        address=_address(patient.address) or (None if before is None else before.address),
        telecoms=_telecoms(patient.telecoms) or (() if before is None else before.telecoms),
        contacts=() if before is None else before.contacts,
        representatives=tuple(_representative(one) for one in patient.representatives)
        or (() if before is None else before.representatives),
    )


def consents_of(patient: Patient, by: Author, at: datetime) -> tuple[Consent, ...]:
    """What the patient agrees to and is opposed to; a statement without a time is made now.

    A consent to open or reactivate must state when it was given. Raises `DMPInvalidRequest`.
    """
    consents = []
    for one in patient.observations:
        code = _CONSENTS.get(one.code)
        if code is None:
            continue
        if one.at is None and code in (ConsentCode.OPENING, ConsentCode.REACTIVATION):
            raise DMPInvalidRequest("A consent does not state when it was given.")
        consents.append(Consent(code, bool(one.value), one.at or at, by))
    return tuple(consents)


def reading_of(
    patient: Patient, identifier: str, traits: Traits, consents: tuple[Consent, ...], at: datetime
) -> VitaleReading | None:
    """What was read on the Vitale card, at the time of the consent; None where the message has no reading.

    A card is its holder's own unless the message says otherwise. Raises `IdentityMismatch` when the card is about
    somebody else than the patient.
    """
    if patient.card is None:
        return None
    if not _same_person(patient.card, traits):
        raise IdentityMismatch
    regime, deferral = patient.stated(ObservationCode.REGIME), patient.stated(ObservationCode.DEFERRAL)
    dependant = patient.stated(ObservationCode.DEPENDANT)
    given = next((one.at for one in consents if one.code in (ConsentCode.OPENING, ConsentCode.REACTIVATION)), at)
    return VitaleReading(
        patient=identifier,
        birth_date=traits.birth_date,
        read_at=given,
        is_holder=dependant is None or not dependant.value,
        regime=None if regime is None else str(regime.value),
        deferral="" if deferral is None else str(deferral.value),
    )


def patient_of(record: Record, *, whole: bool, account_open: bool | None = None) -> Patient:
    """A record as a message shows it: its identity, and where `whole` all that is in the sheet."""
    sheet = record.sheet
    observations = [
        Observation(ObservationCode.BREAK_GLASS_OPPOSITION, record.opposed_to_break_glass),
        Observation(ObservationCode.REGULATION_OPPOSITION, record.opposed_to_regulation),
    ]
    if account_open is not None:
        observations = [
            Observation(ObservationCode.INTERNET_ACCOUNT, account_open),
            Observation(ObservationCode.ATTACHED_TO_ENS, False),
        ]
    shown = sheet if whole else None
    traits = None if sheet is None else sheet.traits
    return Patient(
        identifiers=tuple(Cx.parse(identifier) for identifier in record.identifiers),
        status=PatientStatus.ACTIVE if record.active else PatientStatus.CLOSED,
        closed_at=record.closed_at,
        name=None if traits is None else name_of(traits),
        sex="" if traits is None else traits.sex.value,
        birth_date="" if traits is None else traits.birth_date,
        birth_place=people.PostalAddress(city=traits.birth_place) if shown and traits and traits.birth_place else None,
        address=None if shown is None or shown.address is None else _shown_address(shown.address),
        telecoms=() if shown is None else _shown_telecoms(shown.telecoms),
        representatives=() if shown is None else tuple(_shown_representative(one) for one in shown.representatives),
        observations=tuple(observations),
    )


def named_only(record: Record) -> Patient:
    """A record as the answer of a registration shows it: identifiers, status, name."""
    shown = patient_of(record, whole=False)
    return Patient(identifiers=shown.identifiers, status=shown.status, name=shown.name)


def name_of(traits: Traits) -> people.PersonName:
    """A patient's name: the usual one, and the birth name where it is another."""
    return people.PersonName(
        given=traits.first_names,
        usual=traits.usual_name or traits.birth_name,
        birth=traits.birth_name if traits.usual_name else "",
        prefix=traits.civility or "",
    )


def _traits(patient: Patient, before: Traits | None) -> Traits:
    name = patient.name
    if name is None and before is None:
        raise DMPInvalidRequest("A patient has a birth name and a first name.")
    birth, usual, first, civility = _names(name, before)
    place = patient.birth_place.city if patient.birth_place is not None else ""
    return Traits(
        birth_name=birth,
        usual_name=usual,
        first_names=first,
        civility=civility,
        birth_date=patient.birth_date or ("" if before is None else before.birth_date),
        sex=Sex(patient.sex) if patient.sex else (Sex.UNKNOWN if before is None else before.sex),
        birth_place=place or ("" if before is None else before.birth_place),
    )


def _names(name: people.PersonName | None, before: Traits | None) -> tuple[str, str, tuple[str, ...], Civility | None]:
    if name is None:
        assert before is not None  # noqa: S101 - told apart by the caller
        return before.birth_name, before.usual_name, before.first_names, before.civility
    birth = name.birth or name.family
    usual = name.usual if birth else ""
    return birth or name.usual, usual, name.given, _civility(name.prefix) or (before.civility if before else None)


def _civility(prefix: str) -> Civility | None:
    return _CIVILITIES.get(prefix.upper().rstrip("."))


def _same_person(card: CardIdentity, traits: Traits) -> bool:
    """Name and birth date of the card are the patient's; the century is not on every card."""
    families = {searched(name) for name in (card.name.birth, card.name.usual, card.name.family)} - {""}
    own = {searched(name) for name in (traits.birth_name, traits.usual_name)}
    first = {searched(name) for name in card.name.given} & {searched(name) for name in traits.first_names}
    return bool(families & own) and bool(first) and traits.birth_date.endswith(card.birth_date)


def _address(address: people.PostalAddress | None) -> Address | None:
    if address is None:
        return None
    return Address(
        lines=address.lines,
        additional=address.additional,
        postal_code=address.postal_code,
        city=address.city,
        country=address.country,
    )


def _shown_address(address: Address) -> people.PostalAddress:
    return people.PostalAddress(
        lines=address.lines,
        additional=address.additional,
        postal_code=address.postal_code,
        city=address.city,
        country=address.country,
    )


def _telecoms(telecoms: tuple[people.Telecom, ...]) -> tuple[Telecom, ...]:
    return tuple(Telecom(TelecomUse(one.use.value), one.value) for one in telecoms)


def _shown_telecoms(telecoms: tuple[Telecom, ...]) -> tuple[people.Telecom, ...]:
    return tuple(people.Telecom(people.TelecomUse(one.use.value), one.value) for one in telecoms)


def _representative(one: LegalRepresentative) -> Representative:
    return Representative(
        relationship=one.relationship,
        name=one.name.usual or one.name.family or one.name.birth,
        birth_name=one.name.birth,
        first_names=one.name.given,
        civility=_civility(one.name.prefix),
        address=_address(one.address),
        telecoms=_telecoms(one.telecoms),
    )


def _shown_representative(one: Representative) -> LegalRepresentative:
    return LegalRepresentative(
        relationship=one.relationship,
        name=people.PersonName(given=one.first_names, birth=one.birth_name, family=one.name, prefix=one.civility or ""),
        address=None if one.address is None else _shown_address(one.address),
        telecoms=_shown_telecoms(one.telecoms),
    )
