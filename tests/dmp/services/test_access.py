"""TD0.3, TD0.4, TD0.5, TD1.5 and TD1.6: every answer and every refusal."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from card_auth.caller import AccessMode, Caller, PurposeOfUse, Role
from dmp.alerts import BreakGlassOpened
from dmp.alerts.announcement import decode
from dmp.alerts.tables import alert_event
from dmp.audit.refusals import RefusalClass
from dmp.authorisations import Holder, HolderKind
from dmp.authorisations.emergency import awaiting_review
from dmp.authorisations.granting import block
from dmp.records.consents import PATIENT
from dmp.records.find import find_record
from dmp.services.messages.operations.accounts import ChannelAction, ChannelType
from dmp.services.messages.operations.habilitations import AuthorisationMode, SpecificRight
from dmp.services.messages.operations.record_list import ListedBy, RecordListQuery
from dmp.services.messages.patient import Observation
from dmp.services.vocabulary import ObservationCode, Reason, ResponseCode
from dmp.traces.trace import Deed, trace_of
from soap.faults import FaultCode, SoapFault
from tests.dmp.services import samples
from tests.dmp.services.client import Client
from tests.dmp.services.conftest import DOCTOR, G15, R38, STRUCTURE, Room, caller, other, regulating
from tests.dmp.services.test_records import DENIED, fault
from xds_registry.database import writing

TREATING = SpecificRight.TREATING_DOCTOR


def kept_out(room: Room, national_id: str) -> None:
    """The patient blocks a professional."""
    with writing(room.engine) as connection:
        record = find_record(connection, str(samples.INS))
        assert record is not None
        holder = Holder(kind=HolderKind.PERSON, identifier=national_id)
        block(connection, record.pk, holder, by=PATIENT, at=room.clock())


def test_an_authorisation_is_given_once_and_taken_back(room: Room, opened: Client) -> None:
    said = opened.authorise()
    assert (said.status, room.last.unchanged, room.last.act) == ("DMPOk", True, "AJOUT")
    assert opened.withdraw().status == "DMPOk"
    assert (room.last.action, room.last.act, room.last.functions) == ("D", "SUPPRESSION", ("TD0.3-drop",))
    assert opened.exists().authorisation == "INEXISTANTE"
    assert opened.withdraw().status == "DMPNotFound"
    assert opened.authorise().status == "DMPOk"
    assert (room.last.action, room.last.unchanged) == ("C", False)


def test_the_history_of_a_record_tells_what_was_done_through_the_services(room: Room, opened: Client) -> None:
    opened.authorise(TREATING)
    opened.open_account(ChannelType.SMS, "0607080910")
    opened.withdraw()
    assert fault(opened.authorised) == DENIED
    told = [trace_of(event) for event in room.events]
    assert [(trace.deed, trace.result.value) for trace in told] == [
        (Deed.RECORD, "allowed"),
        (Deed.AUTHORISED, "allowed"),
        (Deed.TREATING_DOCTOR, "allowed"),
        (Deed.RECORD, "allowed"),
        (Deed.AUTHORISATION_ENDED, "allowed"),
        (Deed.RECORD, "refused"),
    ]


def test_an_expired_authorisation_is_given_anew(room: Room, opened: Client) -> None:
    room.clock.ahead = timedelta(days=400)
    assert opened.authorise().status == "DMPOk"
    assert not room.last.unchanged
    assert opened.exists().authorisation == "VALIDE"


def test_a_doctor_becomes_and_ceases_to_be_medecin_traitant(room: Room, opened: Client) -> None:
    assert opened.authorise(TREATING).status == "DMPOk"
    assert room.last.act == "AJOUT MEDECIN_TRAITANT"
    assert opened.exists().treating is True
    (row,) = opened.authorised().rows
    assert row.rights == (TREATING,)
    assert opened.withdraw(TREATING).status == "DMPOk"
    assert opened.exists().treating is False
    assert fault(lambda: opened.withdraw(TREATING)) == DENIED  # only who is one ceases to be one


def test_a_nurse_is_no_medecin_traitant(room: Room, opened: Client) -> None:
    nurse = room.client(caller("899700218800", "60"))
    assert nurse.authorise().status == "DMPOk"
    assert fault(lambda: nurse.authorise(TREATING)) == DENIED


def test_whom_the_patient_blocked_cannot_authorise_themselves(room: Room, opened: Client) -> None:
    kept_out(room, DOCTOR)
    assert opened.exists().authorisation == "INTERDITE"
    assert fault(opened.authorise) == DENIED
    assert room.last.reason == "BLOCKED"


def test_nobody_is_authorised_on_a_record_that_is_not_there(doctor: Client) -> None:
    assert doctor.authorise().status == "DMPNotFound"


def test_the_list_of_the_authorised_is_for_the_authorised(room: Room, opened: Client) -> None:
    colleague = room.client(other())
    assert fault(colleague.authorised) == DENIED
    colleague.authorise()
    kept_out(room, "899700218893")
    everybody = opened.authorised()
    assert everybody.outcome.status == "DMPOk"
    assert {(row.national_id, row.mode.value) for row in everybody.rows} == {
        (DOCTOR, "ACTIVE"),
        ("899700218892", "ACTIVE"),
        ("899700218893", "INTERDITE"),
    }
    assert room.last.results == 3
    (mine,) = [row for row in everybody.rows if row.national_id == DOCTOR]
    assert (mine.national_id_type, mine.speciality_codes) == ("1.2.250.1.71.4.2.1", ("G15_10/SM26",))
    assert mine.speciality_labels == ("Médecin - Qualifié en médecine générale",)
    assert len(mine.start) == 14
    assert {row.national_id for row in opened.authorised(AuthorisationMode.FORBIDDEN).rows} == {"899700218893"}


def test_a_doctor_lists_the_records_that_they_are_authorised_on(room: Room, opened: Client) -> None:
    (row,) = opened.records().rows
    assert (row.identifiers, row.usual_name, row.birth_name) == ((samples.INS,), "Patient-Trois", "Née-d'Été")
    assert (row.first_name, row.birth_date, row.treating, row.civility) == ("Dominique", "19790328", False, "MME")
    assert (room.last.transaction, room.last.results, room.last.patient) == ("TD0.4", 1, "")
    later = RecordListQuery(datetime.now(UTC) + timedelta(days=1), ListedBy.LAST_AUTHORISATION)
    assert opened.records(later).rows == ()
    assert room.client(other(patient=None)).records().rows == ()


def test_an_establishment_lists_what_was_authorised_since_a_date(room: Room, opened: Client) -> None:
    hospital = room.client(caller(f"3{STRUCTURE[1:]}/4711", mode=AccessMode.INDIRECT, patient=None))
    assert hospital.records().outcome.status == "DMPInvalidRequest"
    since = RecordListQuery(datetime.now(UTC) - timedelta(days=1), ListedBy.LAST_AUTHORISATION)
    assert hospital.records(since).outcome.status == "DMPOk"


def test_an_employee_has_their_structure_authorised(room: Room, opened: Client) -> None:
    employee = room.client(caller(f"3{STRUCTURE[1:]}/rx"))
    assert employee.authorise().status == "DMPOk"
    assert {row.national_id_type for row in opened.authorised().rows} == {
        "1.2.250.1.71.4.2.1",
        "1.2.250.1.71.4.2.2",
    }
    assert len(employee.records().rows) == 1


def test_a_regulation_centre_finds_patients_by_their_traits(room: Room, opened: Client) -> None:
    centre = room.client(regulating(patient=None))
    found = centre.search(samples.search("patient trois", given="DOMINIQUE", birth_date="1979", city="paris"))
    assert (found.found, len(found.patients)) == (ResponseCode.FOUND, 1)
    (patient,) = found.patients
    assert patient.identifiers == (samples.INS,)
    assert (patient.address is not None and patient.address.lines, patient.telecoms) == ((), ())
    assert patient.observations == (Observation(ObservationCode.REGULATION_OPPOSITION, False),)
    assert (room.last.transaction, room.last.patient, room.last.results) == ("TD0.5", str(samples.INS), 1)
    assert "<family>patient trois</family>" in room.last.query
    assert (room.last.query_id, room.last.purpose_of_use) == ("q", PurposeOfUse.REGULATION)
    for traits in ({"birth_date": "1980"}, {"city": "Lyon"}, {"given": "Claude"}, {"sex": "M"}):
        assert centre.search(samples.search("Patient-Trois", **traits)).found is ResponseCode.NOT_FOUND
    assert centre.search(samples.search("-")).acknowledgement.code == "DMPInvalidRequest"


def test_nobody_else_searches_by_traits(room: Room, opened: Client) -> None:
    broken = other(purpose_of_use=PurposeOfUse.BREAK_GLASS, purpose_reason="inconscient")
    for who in (caller(patient=None), broken):
        assert fault(lambda who=who: room.client(who).search(samples.search("Patient"))) == DENIED
        assert (room.last.transaction, room.last.reason) == ("TD0.5", "MATRIX")


def test_whoever_comes_in_in_an_emergency_is_written_down_once_and_a_broken_glass_is_told(
    room: Room, opened: Client
) -> None:
    broken = room.client(other(purpose_of_use=PurposeOfUse.BREAK_GLASS, purpose_reason="inconscient"))
    centre = room.client(other(purpose_of_use=PurposeOfUse.REGULATION))
    for _ in range(2):
        assert broken.sheet().found is ResponseCode.FOUND
        assert centre.sheet().found is ResponseCode.FOUND
    with room.engine.connect() as connection:
        assert [each.mode for each in awaiting_review(connection)] == [
            PurposeOfUse.BREAK_GLASS,
            PurposeOfUse.REGULATION,
        ]
        (told,) = connection.scalars(select(alert_event.c.content))
    assert isinstance(decode(told), BreakGlassOpened)


def test_an_account_is_opened_once_and_its_secrets_made_anew(room: Room, opened: Client) -> None:
    assert opened.renew_account().outcome.status == "DMPPatientAccessNotFound"
    given = opened.open_account(ChannelType.SMS, "06 07 08 09 10")
    assert given.outcome.status == "DMPOk"
    assert given.login
    assert given.password
    assert (room.last.transaction, room.last.action, room.last.act) == ("TD1.5a", "C", "SMS")
    assert given.password not in repr(room.last)
    assert opened.open_account(ChannelType.SMS, "0607080910").outcome.status == "DMPPatientAccessAlreadyExists"
    account = opened.exists().patient
    assert account is not None
    assert account.stated(ObservationCode.INTERNET_ACCOUNT) == Observation(ObservationCode.INTERNET_ACCOUNT, True)
    anew = opened.renew_account()
    assert (anew.outcome.status, anew.password == given.password) == ("DMPOk", False)


@pytest.mark.parametrize("address", ["pas un numéro", "0607", "a@b"])
def test_an_account_needs_a_channel_that_can_be_reached(opened: Client, address: str) -> None:
    answer = opened.open_account(ChannelType.SMS, address)
    assert (answer.outcome.status, answer.login, answer.password) == ("DMPInvalidRequest", "", "")


def test_channels_are_added_changed_and_removed(room: Room, opened: Client) -> None:
    mail = ChannelType.EMAIL
    assert opened.update_channel(mail, ChannelAction.ADD, "a@exemple.fr").status == "DMPPatientAccessNotFound"
    opened.open_account(ChannelType.SMS, "0607080910")
    assert opened.update_channel(mail, ChannelAction.CHANGE, "a@exemple.fr").status == "DMPPatientAccessNotFound"
    assert opened.update_channel(mail, ChannelAction.ADD, "a@exemple.fr").status == "DMPOk"
    assert (room.last.action, room.last.act) == ("C", "AJOUT EMAIL")
    assert opened.update_channel(mail, ChannelAction.ADD, "b@exemple.fr").status == "DMPPatientAccessOTPAlreadyExists"
    assert opened.update_channel(mail, ChannelAction.CHANGE, "b@exemple.fr").status == "DMPOk"
    assert opened.update_channel(mail, ChannelAction.REMOVE).status == "DMPOk"
    assert (room.last.action, room.last.act) == ("D", "SUPPRESSION EMAIL")
    assert opened.update_channel(mail, ChannelAction.REMOVE).status == "DMPPatientAccessNotFound"


def test_accounts_are_for_the_authorised(room: Room, opened: Client) -> None:
    stranger = room.client(other())
    for asked in (
        lambda: stranger.open_account(ChannelType.SMS, "0607080910"),
        stranger.renew_account,
        lambda: stranger.update_channel(ChannelType.EMAIL, ChannelAction.ADD, "a@exemple.fr"),
    ):
        assert fault(asked) == DENIED
        assert (room.last.reason, room.last.refusal) == ("NOT_AUTHORISED", RefusalClass.RIGHTS)


def test_a_malformed_operation_is_told_in_its_own_way(room: Room, opened: Client) -> None:
    body = b'<setAuthorization xmlns="urn:si-dmp-habilitations"><action>TOUT</action></setAuthorization>'
    action = "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization"
    answer = opened.send("habilitations", action, body)
    assert [child.text for child in answer[0]] == ["DMPInvalidRequest", "action is none of AJOUT, SUPPRESSION."]
    assert room.last.reason == "Malformed"


def test_the_services_answer_under_their_bare_names_too(room: Room, opened: Client) -> None:
    body = b'<setAuthorization xmlns="urn:si-dmp-habilitations"><action>AJOUT</action></setAuthorization>'
    action = "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization"
    assert room.post("/habilitations", action, body)[0][0].text == "DMPOk"


def test_a_stale_revocation_list_is_enough_to_read_and_no_more(room: Room, opened: Client) -> None:
    stale = room.client(caller(stale_revocation=True))
    assert stale.sheet().found is ResponseCode.FOUND
    for asked in (stale.authorise, lambda: stale.register(samples.closing_of()), stale.renew_account):
        assert fault(asked) == DENIED
        assert room.last.reason == "STALE_REVOCATION"
    broken = caller(stale_revocation=True, purpose_of_use=PurposeOfUse.BREAK_GLASS, purpose_reason="inconscient")
    assert fault(room.client(broken).sheet) == DENIED


HOSPITAL = caller(f"3{STRUCTURE[1:]}/4711", mode=AccessMode.INDIRECT)
EMPLOYEE = caller(f"3{STRUCTURE[1:]}/rx")
OCCUPATIONAL = caller("899700218895", roles=(Role("10", G15, "Médecin"), Role("SM25", R38, "Médecine du travail")))
REGULATING = regulating(national_id="899700218894")
BREAKING = other(purpose_of_use=PurposeOfUse.BREAK_GLASS, purpose_reason="inconscient")

#: What each transaction is to a client, for whom the functional matrix says no to it.
FORBIDDEN: dict[str, tuple[Callable[[Client], object], tuple[Caller, ...]]] = {
    "TD0.3": (Client.authorise, (HOSPITAL, OCCUPATIONAL, REGULATING, BREAKING)),
    "TD0.4": (Client.records, (regulating(national_id=HOSPITAL.national_id, mode=AccessMode.INDIRECT),)),
    "TD0.5": (lambda client: client.search(samples.search("Patient")), (HOSPITAL, EMPLOYEE, OCCUPATIONAL, BREAKING)),
    "TD1.1": (lambda client: client.register(samples.creation()), (OCCUPATIONAL, REGULATING, BREAKING)),
    "TD1.2": (
        lambda client: client.register(samples.revision(Reason.REACTIVATE, samples.patient())),
        (OCCUPATIONAL, REGULATING, BREAKING),
    ),
    "TD1.3b": (
        lambda client: client.register(samples.revision(Reason.AMEND, samples.patient())),
        (OCCUPATIONAL, REGULATING, BREAKING),
    ),
    "TD1.4": (
        lambda client: client.register(samples.closing_of()),
        (HOSPITAL, EMPLOYEE, OCCUPATIONAL, REGULATING, BREAKING),
    ),
    "TD1.5a": (
        lambda client: client.open_account(ChannelType.SMS, "0607080910"),
        (OCCUPATIONAL, REGULATING, BREAKING),
    ),
    "TD1.5b": (
        lambda client: client.update_channel(ChannelType.SMS, ChannelAction.REMOVE),
        (OCCUPATIONAL, REGULATING, BREAKING),
    ),
    "TD1.5d": (Client.renew_account, (OCCUPATIONAL, REGULATING, BREAKING)),
    "TD1.6": (Client.authorised, (HOSPITAL, EMPLOYEE, OCCUPATIONAL, REGULATING, BREAKING)),
}


@pytest.mark.parametrize("transaction", FORBIDDEN)
def test_what_the_functional_matrix_says_no_to_is_denied_and_changes_nothing(
    room: Room, opened: Client, transaction: str
) -> None:
    ask, callers = FORBIDDEN[transaction]
    before = opened.sheet().patient
    for who in callers:
        assert fault(lambda who=who: ask(room.client(who))) == DENIED
        assert (room.last.transaction, room.last.reason, room.last.refusal) == (
            transaction,
            "MATRIX",
            RefusalClass.RIGHTS,
        )
    assert opened.sheet().patient == before
    assert len(opened.authorised().rows) == 1


def test_of_several_who_open_a_record_at_once_one_succeeds(room: Room) -> None:
    client = room.client(caller())

    def open_it(_: int) -> str:
        return client.register(samples.creation()).acknowledgement.code or "opened"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(open_it, range(8)))
    assert outcomes == ["DMPFound"] * 7 + ["opened"]
    assert len([event for event in room.events if event.succeeded]) == 1


def test_what_cannot_be_recorded_is_not_done(room: Room, doctor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.trail, "_key", None)  # as where the operator gave none
    with pytest.raises(SoapFault) as caught:
        doctor.register(samples.creation())
    assert caught.value.code is FaultCode.RECEIVER
    monkeypatch.undo()
    assert doctor.exists().found is ResponseCode.NOT_FOUND
    assert not room.knows()


def test_the_list_tells_when_a_professional_was_last_in_the_record(room: Room, opened: Client) -> None:
    (before,) = opened.records().rows
    room.clock.ahead = timedelta(hours=3)
    assert opened.sheet().found is ResponseCode.FOUND
    (after,) = opened.records().rows
    assert after.last_access > before.last_access


def test_what_is_refused_leaves_no_trace_but_the_event(room: Room, opened: Client) -> None:
    before = opened.sheet().patient
    stranger = room.client(other())
    request = samples.revision(Reason.AMEND, samples.patient(), by=samples.author("899700218892", "499700218892009"))
    assert fault(lambda: stranger.register(request)) == DENIED
    assert opened.sheet().patient == before
