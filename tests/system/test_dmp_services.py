"""The DMP's own services over mutual TLS with a VIHF: a record's life, from the Vitale card to its closing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import zeep
from lxml import etree

from card_auth.caller import PurposeOfUse
from card_auth.demo_pki import DemoPki
from dmp.services import vocabulary as w
from dmp.services.endpoint import BASE
from dmp.services.messages.operations.accounts import ChannelAction, ChannelType
from dmp.services.messages.operations.habilitations import SpecificRight
from dmp.services.messages.operations.record_list import ListedBy, RecordListQuery
from dmp.services.vocabulary import ObservationCode, PatientStatus, Reason, ResponseCode
from soap.client.caller import SoapCaller
from soap.faults import SoapFault
from tests.dmp.services import samples
from tests.dmp.services.client import Client
from tests.services.engine import Engine
from tests.services.pki import Pki
from tests.system.professionals import INS, Professional, professional
from tests.system.test_trust import searched, trusting

STRUCTURE = "10B0127189"
DOCTOR, COLLEAGUE = "899700000101", "899700000102"
DENIED = "DMPAccessDeniedByRightsService"


def client(who: Professional) -> Client:
    """What the professional's software speaks with."""

    def send(service: str, action: str, body: bytes) -> etree._Element:
        with who.caller(f"{BASE}/{service}").call(action, body) as answer:
            return answer.body

    return Client(send)


def fault(asked: object) -> str:
    """The name of the fault that a call ends in."""
    with pytest.raises(SoapFault) as caught:
        asked()  # type: ignore[operator]
    return (caught.value.subcode or "").rpartition("}")[2]


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Pki, igc: DemoPki
) -> Iterator[Engine]:
    """A server that keeps to the law, and knows no patient."""
    directory = tmp_path_factory.mktemp("services") / "engine"
    options: dict[str, Path | str | bool | None] = {"law": True, "patients": "1.2.250.1.213.1.4.10"}
    if request.param == "SQLite":
        with trusting(directory, pki, igc, known=None, **options) as running:
            yield running
        return
    cluster = request.getfixturevalue("postgresql_cluster")
    with (
        cluster.fresh_database() as url,
        trusting(directory, pki, igc, known=None, database_url=url, **options) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def doctor(engine: Engine, igc: DemoPki) -> Professional:
    return professional(engine, igc, DOCTOR, family="LIBRE", given="MAX")


@pytest.fixture(scope="module")
def colleague(engine: Engine, igc: DemoPki) -> Professional:
    return professional(engine, igc, COLLEAGUE)


def test_a_record_lives_from_the_card_to_its_closing(
    engine: Engine, doctor: Professional, colleague: Professional
) -> None:
    mine, theirs = client(doctor), client(colleague)
    author = samples.author(DOCTOR, STRUCTURE)
    assert mine.exists().found is ResponseCode.NOT_FOUND
    assert mine.authorise().status == "DMPNotFound"

    opened = mine.register(samples.creation(by=author))
    assert opened.acknowledgement.accepted, opened.acknowledgement
    assert mine.register(samples.creation(by=author)).acknowledgement.code == "DMPFound"

    assert fault(mine.sheet) == DENIED
    assert mine.authorise().status == "DMPOk"
    read = mine.sheet().patient
    assert read is not None
    assert (read.name, read.address) == (samples.NAME, samples.ADDRESS)
    assert mine.authorise(SpecificRight.TREATING_DOCTOR).status == "DMPOk"
    assert mine.exists().treating is True

    # The registry knows the patient from the opening on, and the law of documents the authorisation.
    assert doctor.provide(doctor.entry()).succeeded
    assert len(doctor.find()) == 1
    assert fault(colleague.find) == DENIED
    assert theirs.authorise().status == "DMPOk"
    assert len(colleague.find()) == 1
    assert {row.national_id for row in mine.authorised().rows} == {DOCTOR, COLLEAGUE}
    assert [row.identifiers for row in theirs.records().rows] == [(samples.INS,)]
    assert theirs.records(RecordListQuery(None, ListedBy.LAST_DOCUMENT)).outcome.status == "DMPOk"

    given = theirs.open_account(ChannelType.SMS, "0607080910")
    assert given.login
    assert theirs.update_channel(ChannelType.EMAIL, ChannelAction.ADD, "a@exemple.fr").status == "DMPOk"
    assert theirs.renew_account().password not in ("", given.password)

    assert mine.register(samples.revision(Reason.AMEND, samples.patient(), by=author)).acknowledgement.accepted
    closed = replace(samples.closing_of(), author=author)
    assert mine.register(closed).acknowledgement.accepted
    assert fault(doctor.find) == "DMPClosed"
    agreed = samples.patient(samples.consent(ObservationCode.REACTIVATION_CONSENT), card=samples.card())
    assert mine.register(samples.revision(Reason.REACTIVATE, agreed, by=author)).acknowledgement.accepted
    assert len(doctor.find()) == 1

    events = searched(engine, "--patient", INS)
    done = [event["transaction"] for event in events if event["outcome"] == 0]
    assert [one for one in done if one.startswith("TD1")] == [
        "TD1.1",
        "TD1.3a",
        "TD1.6",
        "TD1.5a",
        "TD1.5b",
        "TD1.5d",
        "TD1.3b",
        "TD1.4",
        "TD1.2",
    ]
    assert not any(given.password in str(event) or "0607080910" in str(event) for event in events)
    log = engine.log.read_text()
    for secret in (given.password, given.login, "0607080910", samples.INS.id, "Patient-Trois"):
        assert secret not in log


def test_a_regulation_centre_searches_by_traits_and_nobody_else(
    engine: Engine, doctor: Professional, colleague: Professional
) -> None:
    centre = replace(colleague, purpose=PurposeOfUse.REGULATION, patient=None)
    found = client(centre).search(samples.search("patient trois"))
    assert [patient.status for patient in found.patients] == [PatientStatus.ACTIVE]
    assert fault(lambda: client(doctor).search(samples.search("patient trois"))) == DENIED


def test_an_assertion_for_one_patient_opens_no_other_s_record(engine: Engine, doctor: Professional) -> None:
    elsewhere = replace(doctor, patient="153078987658513^^^&1.2.250.1.213.1.4.10&ISO")
    assert fault(client(elsewhere).exists) == DENIED
    assert fault(client(replace(doctor, patient=None)).exists) == DENIED


def test_nobody_comes_in_without_an_assertion(engine: Engine) -> None:
    with closing(engine.session()) as session:
        caller = SoapCaller(f"{engine.https}{BASE}/habilitations", session=session)
        body = b'<setAuthorization xmlns="urn:si-dmp-habilitations"><action>AJOUT</action></setAuthorization>'
        assert fault(lambda: caller.call(w.habilitations_action("setAuthorization"), body)) == "InvalidSecurity"
    (alert,) = searched(engine, "--transaction", "security-alert")[-1:]
    assert alert["refused_transaction"] == "TD0.3"


@pytest.mark.parametrize("name", ["patients", "patientsSpecific", "patientsPDQ", "habilitations"])
def test_a_client_of_another_stack_understands_each_description(engine: Engine, name: str) -> None:
    for path in (f"{BASE}/{name}", f"/{name}"):
        described = requests.get(f"{engine.plain}{path}?wsdl", timeout=60)
        assert described.ok
        service = zeep.Client(f"{engine.plain}{path}?wsdl")
        (port,) = [port for each in service.wsdl.services.values() for port in each.ports.values()]
        assert port.binding._operations
        assert port.binding_options["address"] == f"{engine.plain}{path}"
