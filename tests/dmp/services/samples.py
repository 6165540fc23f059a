"""The smallest messages that the services take, about one patient, from one professional."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from dmp.services.messages.candidates import CandidateQuery, SoughtTraits
from dmp.services.messages.closing import Closing
from dmp.services.messages.demographics import DemographicsQuery
from dmp.services.messages.patient import CardIdentity, LegalRepresentative, Observation, Patient
from dmp.services.messages.people import Author, PersonName, PostalAddress, Telecom, TelecomUse
from dmp.services.messages.registration import Registration
from dmp.services.messages.wrapper import Device, Head, Identifier
from dmp.services.vocabulary import ObservationCode, PatientStatus, Reason
from schemas.datatypes import Cx, InsAuthority

INS = Cx.of("279035121518989", InsAuthority.INS_NIR_TEST)
NAME = PersonName(given=("Dominique",), usual="Patient-Trois", birth="Née-d'Été", prefix="MME")
BIRTH_DATE = "19790328"
FATHER = LegalRepresentative(
    relationship="FTH",
    name=PersonName(given=("Jean",), family="Répondant"),
    telecoms=(Telecom(TelecomUse.HOME, "0923456789"), Telecom(TelecomUse.MAIL, "pere@exemple.fr")),
)
ADDRESS = PostalAddress(lines=("20 rue des édelweiss",), postal_code="75005", city="Paris", country="France")


def head(at: datetime | None = None) -> Head:
    """The head of a fresh message."""
    return Head(
        message_id=Identifier("1.2.250.1.213.99.1", str(uuid.uuid4())),
        created_at=at or datetime.now(UTC).replace(microsecond=0),
        sender=Device(Identifier("1.2.250.1.213.99"), "Tests"),
    )


def author(national_id: str = "899700218896", structure_id: str = "499700218896009") -> Author:
    """A doctor."""
    return Author(
        national_id=national_id,
        family="LIBRE",
        given="Max",
        speciality="G15_10/SM26",
        structure_id=structure_id,
        structure_name="Cabinet du docteur Libre",
    )


def consent(code: ObservationCode = ObservationCode.OPENING_CONSENT, at: datetime | None = None) -> Observation:
    """The patient's consent, given now."""
    return Observation(code, True, at or datetime.now(UTC).replace(microsecond=0))


def patient(
    *observations: Observation,
    identifier: Cx = INS,
    name: PersonName = NAME,
    birth_date: str = BIRTH_DATE,
    status: PatientStatus = PatientStatus.ACTIVE,
    card: CardIdentity | None = None,
    representatives: tuple[LegalRepresentative, ...] = (),
) -> Patient:
    """A patient with traits."""
    return Patient(
        identifiers=(identifier,),
        status=status,
        name=name,
        telecoms=(Telecom(TelecomUse.MOBILE, "0607080901"),),
        sex="F",
        birth_date=birth_date,
        address=ADDRESS,
        representatives=representatives,
        card=card,
        observations=observations,
    )


def card(name: PersonName = NAME, birth_date: str = BIRTH_DATE) -> CardIdentity:
    """What the patient's Vitale card says."""
    return CardIdentity(name=name, birth_date=birth_date)


def creation(about: Patient | None = None, by: Author | None = None) -> Registration:
    """TD1.1: open a record."""
    opened = about or patient(
        consent(),
        Observation(ObservationCode.BREAK_GLASS_OPPOSITION, False),
        Observation(ObservationCode.REGULATION_OPPOSITION, False),
        card=card(),
    )
    return Registration(head=head(), reason=Reason.CREATE, patient=opened, author=by or author())


def revision(reason: Reason, about: Patient, by: Author | None = None, closing: Closing | None = None) -> Registration:
    """TD1.2, TD1.3b, TD1.4."""
    return Registration(head=head(), reason=reason, patient=about, author=by or author(), closing=closing)


def closing_of(identifier: Cx = INS, reason: str = "FERMETURE_DEMANDE_PATIENT") -> Registration:
    """TD1.4: close the record."""
    about = patient(identifier=identifier, status=PatientStatus.CLOSED)
    return revision(Reason.CLOSE, about, closing=Closing(reason, "à la demande du patient"))


def question(reason: Reason = Reason.TEST_EXISTENCE, identifier: Cx = INS) -> DemographicsQuery:
    """TD0.2 or TD1.3a."""
    return DemographicsQuery(
        head=head(), reason=reason, query_id=Identifier("1.2.250.1.213.99.2", str(uuid.uuid4())), patient=identifier
    )


def search(family: str, **traits: str) -> CandidateQuery:
    """TD0.5."""
    return CandidateQuery(
        head=head(), query_id=Identifier("1.2.250.1.213.99.2", "q"), sought=SoughtTraits(family=family, **traits)
    )
