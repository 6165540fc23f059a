"""The product with trust: nothing passes without an assertion of somebody trusted, on their own connection, once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree

from card_auth.demo_pki import CpsPair, DemoPki
from card_auth.keys import KeyUse, open_token
from card_auth.keys.signing_key import SigningKey
from card_auth.vihf import Statement, issue, security_header
from card_auth.vihf.patient import TEST_AUTHORITIES
from feuillet.demo.identities import authorities
from schemas.responses import read_registry_response
from schemas.vocabulary import QUERY, RIM, XDSB, AvailabilityStatus
from soap.client.caller import NoAnswer, SoapCaller
from soap.faults import SoapFault
from soap.message import OutgoingPart
from soap.parts import include
from soap.vocabulary import WSA
from tests.card_auth.vihf.messages import PATIENT as PERSON
from tests.card_auth.vihf.messages import direct, indirect
from tests.services import minio
from tests.services.engine import PATIENT_AUTHORITY, Engine, in_bucket, run_engine
from tests.services.pki import Pki
from tests.services.softhsm import SoftHsm
from tests.xds_registry.subscriptions.conftest import slots, subscribe_body
from tests.xds_repository.submissions import PROVIDE, Paper, Submission
from xds_registry.subscriptions.vocabulary import SUBSCRIBE_ACTION

STORED_QUERY = "urn:ihe:iti:2007:RegistryStoredQuery"
FIND_DOCUMENTS = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
PATIENT = f"TRUST^^^&{PATIENT_AUTHORITY}&ISO"
QUERY_BODY = (
    f'<q:AdhocQueryRequest xmlns:q="{QUERY}" xmlns:rim="{RIM}">'
    '<q:ResponseOption returnType="LeafClass" returnComposedObjects="true"/>'
    f'<rim:AdhocQuery id="{FIND_DOCUMENTS}">'
    f"<rim:Slot name=\"$XDSDocumentEntryPatientId\"><rim:ValueList><rim:Value>'{PATIENT.replace('&', '&amp;')}'"
    "</rim:Value></rim:ValueList></rim:Slot>"
    '<rim:Slot name="$XDSDocumentEntryStatus"><rim:ValueList>'
    f"<rim:Value>('{AvailabilityStatus.APPROVED}')</rim:Value></rim:ValueList></rim:Slot>"
    "</rim:AdhocQuery></q:AdhocQueryRequest>"
).encode()


def trust_in(igc: DemoPki) -> str:
    """The lines of `[trust]` for a test IGC that lies in a directory of its own."""
    return (
        f"profiles = {json.dumps(str(igc.directory.parent))}\ntest_profiles = true\n"
        f"patient_authorities = {json.dumps(sorted(TEST_AUTHORITIES))}\n"
    )


@contextmanager
def trusting(
    directory: Path, pki: Pki, igc: DemoPki, *, known: str | None = PATIENT, **options: str | Path | bool | None
) -> Iterator[Engine]:
    """A server that trusts the test IGC, and knows one patient."""
    directory.mkdir(parents=True, exist_ok=True)
    clients = directory / "clients.pem"
    clients.write_bytes(pki.ca.read_bytes() + authorities(igc))
    with run_engine(directory, pki, trust=trust_in(igc), clients=clients, **options) as engine:  # type: ignore[arg-type]
        if known is not None:
            engine.announce(known)
        yield engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, pki: Pki, igc: DemoPki) -> Iterator[Engine]:
    """One server for the tests that leave it as it was."""
    with trusting(tmp_path_factory.mktemp("trusting") / "engine", pki, igc) as running:
        yield running


def session(engine: Engine, holder: CpsPair) -> requests.Session:
    """A connection with the holder's certificate."""
    opened = requests.Session()
    files = holder.authentication.certificate_file, holder.authentication.key_file
    opened.cert, opened.verify, opened.trust_env = tuple(map(str, files)), str(engine.pki.ca), False
    return opened


def asserting(statement: Callable[[datetime], Statement], key: SigningKey) -> Callable[[], bytes]:
    """Makes a fresh header for each request."""

    def header() -> bytes:
        now = datetime.now(UTC)
        return security_header(issue(statement(now), key, at=now))

    return header


def provide(engine: Engine, holder: CpsPair, header: Callable[[], bytes]) -> Paper:
    """Submit a document as that holder."""
    paper = Paper(b"<ClinicalDocument/>")
    part = OutgoingPart("document@test", "text/xml", len(paper.content), iter([paper.content]))
    body = (
        f'<x:ProvideAndRegisterDocumentSetRequest xmlns:x="{XDSB}">{Submission((paper,), patient=PATIENT).metadata()}'
        f'<x:Document id="{paper.entry_id}">'
    ).encode()
    body += include(part.content_id) + b"</x:Document></x:ProvideAndRegisterDocumentSetRequest>"
    caller = SoapCaller(engine.repository(), session=session(engine, holder), security=header)
    with caller.call(PROVIDE, body, parts=[part], mtom=True) as answer:
        assert read_registry_response(answer.body).succeeded
    return paper


def ask(engine: Engine, holder: CpsPair, header: Callable[[], bytes] | None) -> bytes:
    """What the registry answers that holder, of the patient's documents. Raises SoapFault."""
    caller = SoapCaller(engine.registry(), session=session(engine, holder), security=header)
    with caller.call(STORED_QUERY, QUERY_BODY) as answer:
        return etree.tostring(answer.body)


def refused(engine: Engine, holder: CpsPair, header: Callable[[], bytes] | None) -> str:
    """The local name of the fault that a query is answered with."""
    with pytest.raises(SoapFault) as fault:
        ask(engine, holder, header)
    assert fault.value.subcode is not None
    return fault.value.subcode.rpartition("}")[2]


def test_a_doctor_s_card_and_a_hospital_submit_and_find(engine: Engine, cps: CpsPair, establishment: CpsPair) -> None:
    mine = asserting(direct, cps.signature.key)
    theirs = asserting(indirect, establishment.signature.key)
    for holder, header in ((cps, mine), (establishment, theirs)):
        paper = provide(engine, holder, header)
        for reader, other in ((cps, mine), (establishment, theirs)):
            assert paper.unique_id.encode() in ask(engine, reader, other)


def audit(engine: Engine, *words: str) -> subprocess.CompletedProcess[str]:
    """What `feuillet audit` says beside the running server."""
    command = [Path(sys.executable).with_name("feuillet"), "audit", *words, "--config", engine.configuration]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def searched(engine: Engine, *words: str) -> list[dict[str, Any]]:
    """The events that a search finds."""
    done = audit(engine, "search", "--json", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_each_submits_and_reads_is_found_in_the_audit_trail_by_their_national_id(
    engine: Engine, cps: CpsPair, establishment: CpsPair
) -> None:
    for holder, statement, mode in ((cps, direct, "DIRECTE"), (establishment, indirect, "INDIRECTE")):
        header = asserting(statement, holder.signature.key)
        person = statement(datetime.now(UTC)).subject
        paper = provide(engine, holder, header)
        ask(engine, holder, header)
        found = searched(engine, "--person", person, "--patient", PATIENT)
        (submitted,) = [event for event in found if paper.unique_id in event.get("documents", ())]
        assert (submitted["transaction"], submitted["action"], submitted["outcome"]) == ("ITI-41", "C", 0)
        assert (submitted["mode"], submitted["national_id"]) == (mode, person)
        assert submitted["certificate"] == holder.signature.certificate.fingerprint
        assert found[-1]["transaction"] == "ITI-18"
        assert found[-1]["results"] >= 1
    assert (
        "Security Audit Log" in audit(engine, "export", "--format", "dicom", "--transaction", "audit-log-used").stdout
    )


def test_the_trail_of_a_running_server_is_intact_and_its_rows_cannot_be_changed(engine: Engine, cps: CpsPair) -> None:
    provide(engine, cps, asserting(direct, cps.signature.key))
    done = audit(engine, "verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["intact"], report["findings"]) == (True, [])
    assert report["events"] > 3
    assert report["anchored"] >= 1
    with closing(sqlite3.connect(engine.configuration.parent / "feuillet.db", timeout=30)) as rows:
        for change in ("UPDATE audit_event SET outcome = 4", "DELETE FROM audit_event"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
                rows.execute(change)


def test_a_key_that_never_leaves_its_token_signs(engine: Engine, softhsm: SoftHsm, cps: CpsPair) -> None:
    label = softhsm.make_token("server", (b"\x01\x20", cps.authentication), (b"\x01\x10", cps.signature))
    with open_token(softhsm.module, token_label=label, pin="1234") as token:
        header = asserting(direct, token.key(KeyUse.SIGNATURE))
        paper = provide(engine, cps, header)
        assert paper.unique_id.encode() in ask(engine, cps, header)
    person = direct(datetime.now(UTC)).subject
    assert any(paper.unique_id in event.get("documents", ()) for event in searched(engine, "--person", person))


def test_whoever_is_not_trusted_learns_the_name_of_a_fault_and_operators_the_reason(
    engine: Engine, cps: CpsPair, establishment: CpsPair
) -> None:
    honest = asserting(direct, cps.signature.key)
    spoilt = lambda: honest().replace(b"SA07", b"SA05")  # noqa: E731
    assert refused(engine, cps, None) == "InvalidSecurity"
    assert refused(engine, cps, spoilt) == "FailedCheck"
    assert refused(engine, establishment, honest) == "FailedAuthentication"
    lines = [json.loads(line) for line in engine.log.read_text().splitlines() if '"caller.refused"' in line]
    assert [line["reason"] for line in lines[-3:]] == ["NO_SECURITY", "WRONG_DIGEST", "OTHER_HOLDER"]
    alerts = searched(engine, "--transaction", "security-alert", "--outcome", "refused")[-3:]
    assert [alert["reason"] for alert in alerts] == ["NO_SECURITY", "WRONG_DIGEST", "OTHER_HOLDER"]
    assert {alert["refusal"] for alert in alerts} == {"caller"}
    assert {alert["refused_transaction"] for alert in alerts} == {"ITI-18"}
    assert not any("national_id" in alert or "patient" in alert for alert in alerts)  # nobody has proven either
    said = json.dumps(lines)
    assert cps.signature.certificate.fingerprint not in said.replace(lines[-2]["certificate"] or "-", "")
    assert PERSON not in said
    assert "899700218896" not in said


def test_the_port_without_tls_takes_no_assertion(engine: Engine, cps: CpsPair) -> None:
    caller = SoapCaller(engine.registry(plain=True), security=asserting(direct, cps.signature.key))
    with pytest.raises(SoapFault) as fault:
        caller.call(STORED_QUERY, QUERY_BODY)
    assert (fault.value.subcode or "").endswith("DMPInvalidCertificate")


def test_of_a_hundred_parallel_copies_one_passes(engine: Engine, cps: CpsPair) -> None:
    header = asserting(direct, cps.signature.key)()

    def present(_: int) -> str:
        try:
            ask(engine, cps, lambda: header)
        except SoapFault as fault:
            return (fault.subcode or "").rpartition("}")[2] or "busy"
        except NoAnswer:
            return "busy"  # a slow machine turns some away, or keeps them waiting for too long
        return "passed"

    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(pool.map(present, range(100)))
    assert outcomes["passed"] == 1, outcomes
    assert set(outcomes) <= {"passed", "InvalidSecurityToken", "busy"}, outcomes
    assert refused(engine, cps, lambda: header) in ("InvalidSecurityToken", "MessageExpired")


@pytest.mark.parametrize("production", [False, True], ids=["SQLite and files", "PostgreSQL and S3"])
def test_what_was_presented_is_known_after_a_restart(
    request: pytest.FixtureRequest, tmp_path: Path, pki: Pki, igc: DemoPki, cps: CpsPair, production: bool
) -> None:
    options: dict[str, str | None] = {}
    if production:
        server: minio.S3Server = request.getfixturevalue("s3_server")
        options["database_url"] = request.getfixturevalue("postgresql_url")
        options["store"] = in_bucket(server, request.getfixturevalue("s3_bucket"))
    header = asserting(direct, cps.signature.key)()
    with trusting(tmp_path / "engine", pki, igc, **options) as running:
        ask(running, cps, lambda: header)
    with trusting(tmp_path / "engine", pki, igc, **options) as running:
        assert refused(running, cps, lambda: header) in ("InvalidSecurityToken", "MessageExpired")


def test_only_whom_an_assertion_names_subscribes_and_to_the_patient_that_it_names(
    tmp_path: Path, pki: Pki, igc: DemoPki, cps: CpsPair
) -> None:
    person = PERSON.removesuffix("^NH")
    alerts = (
        '[alerts]\nportal = "https://dmp.example/"\n[alerts.notifications]\n'
        'address = "https://dmp.example/subscriptions"\nconsumers = ["his.example"]\n'
    )
    with trusting(tmp_path / "engine", pki, igc, more=alerts) as engine:
        url, connection = f"{engine.https}/subscriptions", session(engine, cps)
        mine = asserting(direct, cps.signature.key)

        def subscribe(patient: str, header: Callable[[], bytes] | None) -> str:
            parameters = slots(XDSDocumentEntryPatientId=f"'{patient}'")
            body = subscribe_body("https://his.example/notify", parameters=parameters)
            with SoapCaller(url, session=connection, security=header).call(SUBSCRIBE_ACTION, body) as answer:
                return answer.body.findtext(f".//{{{WSA}}}Address") or ""

        for patient, header, name in (
            (person, None, "InvalidSecurity"),
            (PATIENT, mine, "SubscribeCreationFailedFault"),
        ):
            with pytest.raises(SoapFault) as fault:
                subscribe(patient, header)
            assert (fault.value.subcode or "").endswith(f"}}{name}")
        assert subscribe(person, mine).startswith("https://dmp.example/subscriptions/")
        found = searched(engine, "--transaction", "ITI-52")
        assert [(event["outcome"], event.get("national_id", "")) for event in found] == [
            (8, direct(datetime.now(UTC)).subject),
            (0, direct(datetime.now(UTC)).subject),
        ]
