"""The product where signatures are required: a card and a hospital sign what they submit, over HTTPS."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from card_auth.demo_pki import CpsPair, DemoPki
from feuillet.demo.identities import authorities
from schemas.responses import RegistryOutcome, read_registry_response
from soap.client.caller import SoapCaller
from tests.card_auth.dsg.conftest import World
from tests.card_auth.vihf.messages import direct, indirect
from tests.services.engine import Engine, run_engine
from tests.services.pki import Pki
from tests.system.test_trust import PATIENT, asserting, searched, session, trust_in
from tests.xds_repository.signatures.signed import Signer
from tests.xds_repository.submissions import PROVIDE, Submission, submission

REQUIRED = '[signatures]\npolicy = "required"\n'


@pytest.fixture(scope="module")
def requiring(tmp_path_factory: pytest.TempPathFactory, pki: Pki, igc: DemoPki) -> Iterator[Engine]:
    """A server that trusts the test IGC and requires signatures."""
    directory = tmp_path_factory.mktemp("requiring")
    clients = directory / "clients.pem"
    clients.write_bytes(pki.ca.read_bytes() + authorities(igc))
    with run_engine(directory / "engine", pki, trust=trust_in(igc), clients=clients, more=REQUIRED) as running:
        running.announce(PATIENT)
        yield running


def submit(engine: Engine, holder: CpsPair, submitted: Submission) -> RegistryOutcome:
    """Submit as that holder: a person in the direct mode, a structure in the indirect one."""
    statement = direct if "cards" in holder.signature.key_file.parts else indirect
    header = asserting(statement, holder.signature.key)
    caller = SoapCaller(engine.repository(), session=session(engine, holder), security=header)
    body, parts = submitted.mtom()
    with caller.call(PROVIDE, body, parts=parts, mtom=True) as answer:
        return read_registry_response(answer.body)


def signer(igc: DemoPki, holder: CpsPair) -> Signer:
    """Whoever signs with that holder's key, now."""
    now = datetime.now(UTC).replace(microsecond=0)
    return Signer(World(now, igc, {"doctor": holder}, None, None))  # type: ignore[arg-type]


def test_a_card_and_a_hospital_sign_what_they_submit(
    requiring: Engine, igc: DemoPki, cps: CpsPair, establishment: CpsPair
) -> None:
    for holder in (cps, establishment):
        signed = signer(igc, holder).submission(patient=PATIENT)
        outcome = submit(requiring, holder, signed)
        assert outcome.succeeded, outcome.errors
        with closing(sqlite3.connect(requiring.configuration.parent / "feuillet.db")) as database:
            found = database.execute(
                "SELECT verdict, certificate_fingerprint FROM signature_finding WHERE submission_set_unique_id = ?",
                (signed.unique_id,),
            ).fetchall()
        assert found == [("valid", holder.signature.certificate.fingerprint)]
        events = searched(requiring, "--patient", PATIENT)
        assert [one["signature"] for one in events if one.get("submission_set") == signed.unique_id] == ["valid"]


def test_what_is_unsigned_or_not_what_was_signed_is_refused(requiring: Engine, igc: DemoPki, cps: CpsPair) -> None:
    plain = replace(submission(b"unsigned"), patient=PATIENT)
    assert [one.code for one in submit(requiring, cps, plain).errors] == ["XDSRepositoryMetadataError"]
    signed = signer(igc, cps).submission(patient=PATIENT)
    other = replace(signed, papers=(replace(signed.papers[0], content=b"<other/>"), *signed.papers[1:]))
    assert [one.code for one in submit(requiring, cps, other).errors] == ["InvalidDocumentContent"]
    assert submit(requiring, cps, signed).succeeded
    assert '"event": "signature.examined"' in requiring.log.read_text()
