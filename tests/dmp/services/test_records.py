"""TD0.2, TD1.1, TD1.2, TD1.3 and TD1.4: every answer and every refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from card_auth.caller import PurposeOfUse
from dmp.audit.refusals import RefusalClass
from dmp.services.messages.patient import Observation
from dmp.services.messages.people import PersonName, Telecom, TelecomUse
from dmp.services.messages.registration import write_registration
from dmp.services.vocabulary import ObservationCode, PatientStatus, Reason, ResponseCode, interaction_action
from schemas.datatypes import Cx, InsAuthority
from soap.faults import SoapFault
from tests.dmp.services import samples
from tests.dmp.services.client import Client
from tests.dmp.services.conftest import Room, caller, other

DENIED = "DMPAccessDeniedByRightsService"
OTHER = Cx.of("153078987658513", InsAuthority.INS_NIR_TEST)


def fault(asked: object) -> str:
    """The name of the fault that a call ends in."""
    with pytest.raises(SoapFault) as caught:
        asked()  # type: ignore[operator]
    return (caught.value.subcode or "").rpartition("}")[2]


def refused_with(client: Client, request: object) -> str:
    """The code of the acknowledgement that a registration is refused with."""
    answer = client.register(request)  # type: ignore[arg-type]
    assert not answer.acknowledgement.accepted
    assert answer.patient is None
    return answer.acknowledgement.code


def test_a_patient_without_a_record_is_not_found(room: Room, doctor: Client) -> None:
    answer = doctor.exists()
    assert (answer.found, answer.patient, answer.authorisation) == (ResponseCode.NOT_FOUND, None, "")
    assert answer.acknowledgement.accepted
    assert (room.last.transaction, room.last.results, room.last.patient) == ("TD0.2", 0, str(samples.INS))


def test_a_record_is_opened_and_the_registry_knows_the_patient(room: Room, doctor: Client) -> None:
    request = samples.creation()
    answer = doctor.register(request)
    assert answer.acknowledgement.accepted
    assert answer.acknowledgement.target == request.head.message_id
    assert answer.patient is not None
    assert answer.patient.identifiers == (samples.INS,)
    assert answer.patient.name == samples.NAME
    assert answer.head.receiver == request.head.sender
    assert room.knows()
    (event,) = room.events
    assert (event.transaction, event.action, event.national_id) == ("TD1.1", "C", caller().national_id)
    assert (event.patient, event.outcome) == (str(samples.INS), 0)


def test_the_existence_test_tells_identity_authorisation_and_role(opened: Client) -> None:
    answer = opened.exists()
    assert (answer.found, answer.authorisation, answer.treating) == (ResponseCode.FOUND, "VALIDE", False)
    patient = answer.patient
    assert patient is not None
    assert (patient.status, patient.name, patient.birth_date) == (
        PatientStatus.ACTIVE,
        samples.NAME,
        samples.BIRTH_DATE,
    )
    account = patient.stated(ObservationCode.INTERNET_ACCOUNT)
    assert account is not None
    assert account.value is False
    assert (patient.address, patient.telecoms) == (None, ())  # for whoever may read the sheet


def test_each_caller_hears_of_their_own_authorisation(room: Room, opened: Client) -> None:
    assert opened.exists().authorisation == "VALIDE"
    assert room.client(other()).exists().authorisation == "INEXISTANTE"
    room.clock.ahead = timedelta(days=400)
    assert opened.exists().authorisation == "EXPIREE"


def test_the_sheet_keeps_accents_and_who_answers_for_the_patient(doctor: Client) -> None:
    patient = samples.patient(samples.consent(), card=samples.card(), representatives=(samples.FATHER,))
    assert doctor.register(samples.creation(patient)).acknowledgement.accepted
    doctor.authorise()
    read = doctor.sheet().patient
    assert read is not None
    assert (read.address, read.representatives) == (samples.ADDRESS, (samples.FATHER,))
    assert read.telecoms == (Telecom(TelecomUse.MOBILE, "0607080901"),)
    opposition = read.stated(ObservationCode.BREAK_GLASS_OPPOSITION)
    assert opposition is not None
    assert opposition.value is False


def test_without_an_authorisation_the_sheet_is_closed(room: Room, opened: Client) -> None:
    stranger = room.client(other())
    assert fault(stranger.sheet) == DENIED
    assert (room.last.transaction, room.last.refusal, room.last.reason) == (
        "TD1.3a",
        RefusalClass.RIGHTS,
        "NOT_AUTHORISED",
    )
    assert room.last.patient == str(samples.INS)
    assert [event.outcome for event in room.events].count(4) == 1  # once, not by the witness of faults as well


def test_breaking_the_glass_opens_the_sheet_once_a_reason_is_given(room: Room, opened: Client) -> None:
    broken = other(purpose_of_use=PurposeOfUse.BREAK_GLASS, purpose_reason="inconscient")
    assert room.client(broken).sheet().found is ResponseCode.FOUND
    assert fault(room.client(replace(broken, purpose_reason=None)).sheet) == DENIED
    opposed = samples.patient(Observation(ObservationCode.BREAK_GLASS_OPPOSITION, True))
    assert opened.register(samples.revision(Reason.AMEND, opposed)).acknowledgement.accepted
    assert fault(room.client(broken).sheet) == DENIED


def test_a_second_opening_finds_the_first(opened: Client) -> None:
    assert refused_with(opened, samples.creation()) == "DMPFound"


@pytest.mark.parametrize(
    ("patient", "code", "rule"),
    [
        (samples.patient(samples.consent()), "DMPInvalidRequest", "NoVitaleReading"),
        (
            samples.patient(samples.consent(), card=samples.card(PersonName(given=("Anne",), birth="Autre"))),
            "DMPInvalidRequest",
            "IdentityMismatch",
        ),
        (
            samples.patient(samples.consent(), card=samples.card(birth_date="790329")),
            "DMPInvalidRequest",
            "IdentityMismatch",
        ),
        (
            samples.patient(Observation(ObservationCode.OPENING_CONSENT, True), card=samples.card()),
            "DMPInvalidRequest",
            "DMPInvalidRequest",
        ),
        (
            samples.patient(samples.consent(), card=samples.card(), name=PersonName(given=("Dominique",))),
            "DMPInvalidRequest",
            "DMPInvalidRequest",
        ),
    ],
    ids=["no card", "another name", "another birth date", "consent without a time", "no family name"],
)
def test_nothing_is_opened_without_the_card_of_the_patient(
    room: Room, doctor: Client, patient: object, code: str, rule: str
) -> None:
    assert refused_with(doctor, samples.creation(patient)) == code  # type: ignore[arg-type]
    assert (room.last.reason, room.last.refusal) == (rule, RefusalClass.CONTENT)
    assert doctor.exists().found is ResponseCode.NOT_FOUND
    assert not room.knows()


def test_a_card_with_a_birth_date_of_six_digits_is_the_patient_s(doctor: Client) -> None:
    patient = samples.patient(samples.consent(), card=samples.card(birth_date="790328"))
    assert doctor.register(samples.creation(patient)).acknowledgement.accepted


def test_nothing_is_opened_without_consent(room: Room, doctor: Client) -> None:
    for consent in ((), (replace(samples.consent(), value=False),)):
        request = samples.creation(samples.patient(*consent, card=samples.card()))
        assert fault(lambda request=request: doctor.register(request)) == DENIED
        assert room.last.reason == "NoConsent"
    assert not room.knows()


def test_an_old_reading_counts_with_its_justification_only(doctor: Client) -> None:
    given = samples.consent(at=samples.head().created_at - timedelta(hours=5))
    late = samples.creation(samples.patient(given, card=samples.card()))
    assert refused_with(doctor, late) == "DMPInvalidRequest"
    why = Observation(ObservationCode.DEFERRAL, "visite à domicile")
    justified = samples.creation(samples.patient(given, why, card=samples.card()))
    assert doctor.register(justified).acknowledgement.accepted


def test_a_dependant_of_the_general_regime_has_no_record(room: Room, doctor: Client) -> None:
    stated = Observation(ObservationCode.DEPENDANT, True), Observation(ObservationCode.REGIME, "01")
    request = samples.creation(samples.patient(samples.consent(), *stated, card=samples.card()))
    assert fault(lambda: doctor.register(request)) == DENIED
    assert room.last.reason == "NotEligible"


def test_the_author_is_whoever_is_authenticated(room: Room, doctor: Client) -> None:
    for forged in (samples.author("899700218897"), samples.author(structure_id="10B0127189")):
        assert fault(lambda forged=forged: doctor.register(samples.creation(by=forged))) == DENIED
        assert room.last.reason == "OtherAuthor"


def test_an_assertion_for_one_patient_opens_no_other_s_record(room: Room, doctor: Client) -> None:
    about_another = samples.creation(samples.patient(samples.consent(), identifier=OTHER, card=samples.card()))
    assert fault(lambda: doctor.register(about_another)) == DENIED
    assert fault(lambda: doctor.exists(OTHER)) == DENIED
    assert (room.last.refusal, room.last.reason, room.last.patient) == (
        RefusalClass.PATIENT,
        "OtherPatient",
        str(samples.INS),
    )
    assert fault(room.client(caller(patient=None)).exists) == DENIED


def test_no_second_identifier_slips_in(opened: Client, room: Room) -> None:
    two = replace(samples.patient(), identifiers=(samples.INS, OTHER))
    assert refused_with(opened, samples.revision(Reason.AMEND, two)) == "DMPInvalidRequest"
    assert room.last.reason == "IdentityMismatch"


def test_a_record_is_not_opened_under_a_secret_connection(room: Room) -> None:
    secret = room.client(caller(secret_connection=True))
    assert fault(lambda: secret.register(samples.creation())) == DENIED
    assert room.last.reason == "SecretConnection"


def test_nobody_is_refused_everything(room: Room) -> None:
    nobody = room.client(None)
    for asked in (nobody.exists, nobody.records, nobody.authorise, lambda: nobody.register(samples.creation())):
        assert fault(asked) == DENIED
        assert (room.last.reason, room.last.refusal) == ("NOBODY", RefusalClass.RIGHTS)


def test_an_amendment_replaces_what_it_states_and_keeps_the_rest(opened: Client) -> None:
    moved = replace(
        samples.patient(Observation(ObservationCode.REGULATION_OPPOSITION, True)),
        address=replace(samples.ADDRESS, city="Évry"),
        telecoms=(),
    )
    answer = opened.register(samples.revision(Reason.AMEND, moved))
    assert answer.acknowledgement.accepted
    read = opened.sheet().patient
    assert read is not None
    assert read.address == replace(samples.ADDRESS, city="Évry")
    assert read.telecoms == (Telecom(TelecomUse.MOBILE, "0607080901"),)
    opposed = read.stated(ObservationCode.REGULATION_OPPOSITION)
    assert opposed is not None
    assert opposed.value is True


def test_consent_to_open_is_no_amendment(opened: Client) -> None:
    request = samples.revision(Reason.AMEND, samples.patient(samples.consent()))
    assert refused_with(opened, request) == "DMPInvalidRequest"


def test_a_closed_record_tells_when_and_why_and_opens_again_with_consent(room: Room, opened: Client) -> None:
    answer = opened.register(samples.closing_of())
    assert answer.acknowledgement.accepted
    assert answer.patient is not None
    assert answer.patient.status is PatientStatus.CLOSED
    seen = opened.exists()
    assert seen.patient is not None
    assert (seen.patient.status, seen.closing is not None) == (PatientStatus.CLOSED, True)
    assert seen.patient.closed_at is not None
    assert seen.closing is not None
    assert (seen.closing.reason, seen.closing.note) == ("FERMETURE_DEMANDE_PATIENT", "à la demande du patient")

    read = opened.sheet()
    assert (read.found, read.acknowledgement.code, read.patient) == (ResponseCode.ERROR, "DMPClosed", None)
    assert refused_with(opened, samples.closing_of()) == "DMPClosed"
    assert refused_with(opened, samples.creation()) == "DMPClosed"
    assert opened.authorise().status == "DMPClosed"

    without_card = samples.patient(samples.consent(ObservationCode.REACTIVATION_CONSENT))
    assert refused_with(opened, samples.revision(Reason.REACTIVATE, without_card)) == "DMPInvalidRequest"
    agreed = samples.patient(samples.consent(ObservationCode.REACTIVATION_CONSENT), card=samples.card())
    assert opened.register(samples.revision(Reason.REACTIVATE, agreed)).acknowledgement.accepted
    assert room.last.transaction == "TD1.2"
    assert opened.exists().patient is not None
    assert refused_with(opened, samples.revision(Reason.REACTIVATE, agreed)) == "DMPFound"


def test_closing_needs_a_reason_that_is_known(opened: Client) -> None:
    about = samples.patient(status=PatientStatus.CLOSED)
    assert refused_with(opened, samples.revision(Reason.CLOSE, about)) == "DMPInvalidRequest"
    assert refused_with(opened, samples.closing_of(reason="AUTRE")) == "DMPInvalidRequest"
    assert opened.exists().patient is not None


def test_what_is_not_there_is_not_revised(doctor: Client) -> None:
    assert refused_with(doctor, samples.closing_of()) == "DMPNotFound"
    assert refused_with(doctor, samples.revision(Reason.AMEND, samples.patient())) == "DMPNotFound"
    assert doctor.sheet().found is ResponseCode.NOT_FOUND


def test_a_message_whose_head_can_be_read_is_refused_with_an_acknowledgement(room: Room, doctor: Client) -> None:
    body = write_registration(samples.creation()).replace(b"<family>LIBRE</family>", b"")
    with pytest.raises(SoapFault):
        doctor.send("patients", interaction_action("PRPA_IN201311UV02"), b'<PRPA_IN201311UV02 xmlns="urn:hl7-org:v3"/>')
    assert (room.last.reason, room.last.refusal, room.last.transaction) == ("Malformed", RefusalClass.CONTENT, "TD1.1")
    answer = doctor.send("patients", interaction_action("PRPA_IN201311UV02"), body)
    text = "".join(answer.itertext())
    assert "no family name" in text
    assert answer[0].tag.endswith("PRPA_IN201313UV02")
