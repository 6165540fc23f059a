"""The smallest valid patients, readings, consents and professionals, to change one thing of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from card_auth.caller import AccessMode, Caller, PurposeOfUse, Role
from dmp.authorisations import Holder, HolderKind
from dmp.records import (
    Address,
    Author,
    Civility,
    Consent,
    ConsentCode,
    EmergencyContact,
    Record,
    RecordRules,
    Representative,
    Sex,
    Sheet,
    Telecom,
    TelecomUse,
    Traits,
    VitaleReading,
)
from dmp.records.changes import open_record
from schemas.datatypes import InsAuthority, InsC, Nir

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
RULES = RecordRules()

DOCTOR = Author(national_id="810000000001", name="MARTIN Anne", structure_id="10B0000001", profession="10")
NURSE = Author(national_id="810000000002", name="PETIT Luc", structure_id="10B0000002", profession="60")


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def advance(self, **distance: float) -> datetime:
        self.now += timedelta(**distance)
        return self.now


def ins_c(number: int = 1) -> str:
    """A patient's computed INS as a CX."""
    nir = Nir.with_key(f"1500815051{number:03d}")
    return f"{InsC.compute('JEAN', '500801', nir)}^^^&{InsAuthority.INS_C}&ISO"


def ins_nir(number: int = 1) -> str:
    """A patient's NIR as a CX."""
    return f"{Nir.with_key(f'1500815051{number:03d}')}^^^&{InsAuthority.INS_NIR}&ISO"


def traits(**changes: Any) -> Traits:
    values: dict[str, Any] = {
        "birth_name": "DÉSIRÉ",
        "first_names": ("Jean",),
        "birth_date": "19500801",
        "sex": Sex.MALE,
        "civility": Civility.MR,
    }
    return Traits(**(values | changes))


def sheet(**changes: Any) -> Sheet:
    """A sheet of a patient; `changes` are of its traits."""
    return Sheet(traits=traits(**changes))


def full_sheet() -> Sheet:
    """A sheet with everything in it, accents included."""
    home = Address(
        lines=("20 rue des édelweiss",), additional="bâtiment Œ", postal_code="06300", city="Nice", country="FR"
    )
    phones = (Telecom(TelecomUse.HOME, "0400000000"), Telecom(TelecomUse.MOBILE, "0600000000"))
    return Sheet(
        traits=traits(usual_name="D'ÂGE-ŒUVRE", birth_place="Saint-Étienne"),
        address=home,
        telecoms=(*phones, Telecom(TelecomUse.MAIL, "jean@example.org")),
        contacts=(EmergencyContact(name="LÉA", first_name="Ève", relationship="SIS", telecoms=phones),),
        representatives=(
            Representative(
                relationship="FTH",
                name="DÉSIRÉ",
                first_names=("Noël", "Luc"),
                birth_name="DÉSIRÉ",
                civility=Civility.MR,
                address=home,
                telecoms=phones,
            ),
        ),
    )


def reading(patient: str | None = None, at: datetime = NOW, **changes: Any) -> VitaleReading:
    values: dict[str, Any] = {
        "patient": patient or ins_c(),
        "birth_date": "19500801",
        "read_at": at,
        "is_holder": True,
        "regime": "01",
        "rank": 1,
    }
    return VitaleReading(**(values | changes))


def consent(code: ConsentCode = ConsentCode.OPENING, value: bool = True, at: datetime = NOW) -> Consent:
    return Consent(code, value, at, DOCTOR)


def opened(connection: Connection, number: int = 1, *, at: datetime = NOW, **changes: Any) -> Record:
    """The record of a patient, opened as it should be; `changes` are arguments of `open_record`."""
    patient = ins_c(number)
    values: dict[str, Any] = {
        "reading": reading(patient, at),
        "consents": [consent(at=at)],
        "by": DOCTOR,
        "at": at,
        "rules": RULES,
    }
    values |= changes
    return open_record(connection, patient, values.pop("sheet", sheet()), **values)


def caller(national_id: str = "810000000001", structure_id: str = "10B0000001", profession: str = "10") -> Caller:
    """A professional who asks."""
    return Caller(
        national_id=national_id,
        name="MARTIN Anne",
        roles=(Role(profession, "1.2.250.1.71.1.2.7", "Médecin"), Role("SM26", "1.2.250.1.71.4.2.5")),
        structure_id=structure_id,
        structure_name="Cabinet Martin",
        sector="SA07",
        mode=AccessMode.DIRECT,
        purpose_of_use=PurposeOfUse.NORMAL,
    )


def person(author: Author) -> Holder:
    """An author as a professional who can be authorised."""
    return Holder(
        kind=HolderKind.PERSON,
        identifier=author.national_id,
        family_name=author.name,
        profession=author.profession,
    )


def structure(author: Author) -> Holder:
    """The structure that an author works for."""
    return Holder(kind=HolderKind.STRUCTURE, identifier=author.structure_id, family_name="Cabinet")


def at_structure(author: Author, structure_id: str) -> Author:
    return replace(author, structure_id=structure_id)
