"""The open conformance cases, through the runner that comes with them, against the product as it is deployed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.testkit import affinity_domain, groups
from tests.services import minio
from tests.services.engine import PATIENT_AUTHORITY, REPOSITORY_ID, Engine, in_bucket, run_engine
from tests.services.pki import Pki

#: What the runner does otherwise than the case says; the product is right to answer as it does.
#: Each must go on to fail: a listed section that passes is an error of this list.
_NO_DOCUMENT = (
    "the runner sends no xdsb:Document for metadata that is wrapped already; "
    "ITI TF-2: 3.41.4.1.2 wants one for each DocumentEntry, else XDSMissingDocument"
)
_OTHER_PATIENT = (
    "the runner submits for one patient and queries for another; ITI TF-2: 3.18.4.1.2.3.7.1 gives the patient's own. "
    "Passes when one patient serves all, see the test below"
)
NOT_HELD = {
    "11996/submit": "the runner does not know AltPatientId and sends a patient that the feed announced; "
    "ITI TF-2: 3.42.4.1.3.5 refuses unknown patients only",
    "12029/retrieve": "the case submits one file and expects another one; ITI TF-2: 3.43.4.2.3 gives what was stored",
    "50000/retrieve": "as 12029: the case submits one file and expects another one",
    "50000/verify": "the case expects a Failure, which it gets, and the runner the document all the same; "
    "50001 asks the same without that",
    "ReposAcceptanceTest-1111/SubmitSingleDoc": _NO_DOCUMENT,
    "ReposAcceptanceTest-1111/SubmitRplc": _NO_DOCUMENT,
    "ReposAcceptanceTest-1112/SubmitSingleDoc": _NO_DOCUMENT,
    "ReposAcceptanceTest-1112/SubmitApnd": _NO_DOCUMENT,
    "ReposAcceptanceTest-1112/SubmitXfrmRplc": _NO_DOCUMENT,
    "15805/Query_OD_FindDocuments": _OTHER_PATIENT,
    "15805/Query_OD_GetAll": _OTHER_PATIENT,
    "15805/Query_Stable_FindDocuments": _OTHER_PATIENT,
    "15805/Query_Stable_GetAll": _OTHER_PATIENT,
    "15805/Query_Both_FindDocuments": _OTHER_PATIENT,
    "15805/Query_Both_GetAll": _OTHER_PATIENT,
}


def run_cases(engine: Engine, shared: Path, cases: list[str], outcome: Path, *more: str) -> dict[str, str]:
    """Run cases; why each section failed, "" where it passed."""
    material = shared / "conformance"
    command = [
        *(sys.executable, material / "run.py", "--testkit", material / "testkit", "--only", ",".join(cases)),
        *("--schema", shared / "data/xsd", "--registry", engine.registry(), "--repository", engine.repository()),
        *("--cert", engine.pki.client.certificate, "--key", engine.pki.client.key, "--ca", engine.pki.ca),
        *("--authority", PATIENT_AUTHORITY, "--repository-uid", REPOSITORY_ID, "--json", outcome, "-q", *more),
    ]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, cwd=outcome.parent, check=False
    )
    assert outcome.exists(), done.stderr[-2000:]
    print(done.stdout.splitlines()[-1])
    sections: dict[str, dict[str, str]] = json.loads(outcome.read_text())
    return {
        name: "" if found["verdict"] == "PASS" else f"{found['verdict']}: {found['why']}"
        for name, found in sections.items()
    }


@pytest.fixture(params=["SQLite and files", "PostgreSQL and S3"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, pki: Pki, shared: Path):
    """The product, with an affinity domain that has the cases' codes."""
    domain = tmp_path / "affinity.toml"
    domain.write_text(affinity_domain(shared / "conformance/testkit", PATIENT_AUTHORITY))
    database, store = None, None
    if request.param.startswith("PostgreSQL"):
        server: minio.S3Server = request.getfixturevalue("s3_server")
        database = request.getfixturevalue("postgresql_url")
        store = in_bucket(server, request.getfixturevalue("s3_bucket"))
    with run_engine(
        tmp_path / "engine", pki, database_url=database, store=store, affinity_domain=str(domain)
    ) as running:
        yield running


def test_every_section_of_the_open_set_that_is_about_an_offered_transaction_passes(
    engine: Engine, shared: Path, tmp_path: Path
) -> None:
    offered = groups(shared / "conformance/open.txt")
    cases = [case for group in offered for case in group.cases]
    assert len(cases) >= 30
    sections = run_cases(engine, shared, cases, tmp_path / "outcome.json", "--mllp", engine.mllp)
    failed = {name: why for name, why in sections.items() if why}
    assert {name: why for name, why in failed.items() if name not in NOT_HELD} == {}
    assert set(NOT_HELD) <= set(failed), "these pass: take them off the list"
    assert len(sections) - len(failed) >= 120


def test_on_demand_entries_are_found_when_one_patient_serves_the_whole_case(
    engine: Engine, shared: Path, tmp_path: Path
) -> None:
    patient = f"ONDEMAND^^^&{PATIENT_AUTHORITY}&ISO"
    engine.announce(patient)
    sections = run_cases(engine, shared, ["15805"], tmp_path / "outcome.json", "--new-patient-cmd", f"echo '{patient}'")
    assert {name: why for name, why in sections.items() if why} == {}
    assert len(sections) == 10
