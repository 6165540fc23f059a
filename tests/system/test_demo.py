"""A first hour with the product: the demo, and the README's curl sequence, on both pairs of database and store."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.services import minio, process
from tests.services.engine import in_bucket, run_engine
from tests.services.pki import Pki
from tests.system.demonstration import FIRST, PATIENT, PROJECT, SECOND, Curl, walk_through

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
COMMAND = Path(sys.executable).with_name("feuillet")


@pytest.fixture
def documents(shared: Path) -> Path:
    """Real CDA documents."""
    return shared / "data" / "cda"


@contextmanager
def running_demo(data: Path, ports: list[int], documents: Path | None, *options: str) -> Iterator[Path]:
    """`feuillet serve --demo` until its documents are loaded; its output. By default as `make serve` runs it."""
    https, plain, mllp = (f"127.0.0.1:{port}" for port in ports)
    addresses = {"FEUILLET_SERVER__HTTPS": https, "FEUILLET_SERVER__PLAIN": plain, "FEUILLET_FEED__MLLP": mllp}
    output = data.with_suffix(".out")
    output.unlink(missing_ok=True)
    words = [*(options or ["--insecure-demo"]), *([] if documents is None else ["--documents", str(documents)])]
    server = process.start(
        [str(COMMAND), "serve", "--demo", "--data", str(data), *words],
        log=output,
        environment={**addresses, "COLUMNS": "200"},
        directory=PROJECT / "tests" if documents is None else PROJECT,
    )
    try:
        process.wait_until(lambda: "Ctrl-C" in output.read_text(), server, log=output, seconds=900)
        yield output
    finally:
        assert process.stop(server, seconds=180) == 0


def test_a_report_goes_in_is_found_read_back_and_replaced_with_curl_alone(tmp_path: Path, documents: Path) -> None:
    ports = [process.free_port() for _ in range(3)]
    data = tmp_path / "demo-data"
    with running_demo(data, ports, documents) as output:
        assert "not taken" not in output.read_text()
        curl = Curl(f"http://127.0.0.1:{ports[1]}", documents)
        before = curl.find()
        assert len(before) == len([*documents.glob("*.xml")]) - 4  # two left for the reader, two of another patient
        walk_through(curl)
    with running_demo(data, ports, documents):  # a second start finds everything and adds nothing
        keys = data / "keys"
        options = ("--cacert", f"{keys}/ca.pem", "--cert", f"{keys}/client.pem", "--key", f"{keys}/client.key")
        curl = Curl(f"https://127.0.0.1:{ports[0]}", documents, options)
        assert len(curl.find()) == len(before) + 2
        assert curl.read(FIRST[1]) == curl.read_file(FIRST)


def test_the_demo_brings_a_document_of_its_own(tmp_path: Path) -> None:
    ports = [process.free_port() for _ in range(3)]
    with running_demo(tmp_path / "demo-data", ports, None):
        curl = Curl(f"http://127.0.0.1:{ports[1]}", tmp_path)
        ((unique_id, (status, _)),) = curl.find().items()
        assert status == "Approved"
        assert curl.read(unique_id) == (PROJECT / "feuillet/demo/documents/lettre.xml").read_bytes()
        with pytest.raises(requests.exceptions.SSLError):  # the server's authority is the demo's own
            requests.get(f"https://127.0.0.1:{ports[0]}/healthz", timeout=60)
        with pytest.raises(requests.exceptions.RequestException):  # and it wants to see a certificate
            requests.get(
                f"https://127.0.0.1:{ports[0]}/healthz", timeout=60, verify=str(tmp_path / "demo-data/keys/ca.pem")
            )


def test_the_demo_asks_for_assertions_when_it_is_not_told_otherwise(tmp_path: Path) -> None:
    ports = [process.free_port() for _ in range(3)]
    with running_demo(tmp_path / "demo-data", ports, None, "--demo") as output:
        assert "documents     1" in output.read_text()  # the demo's own hospital has submitted it
        curl = Curl(f"http://127.0.0.1:{ports[1]}", tmp_path)
        assert "InvalidSecurity" in curl._post("registry", curl._example("find", PATIENT)).decode()


def test_the_readme_s_shell_lines_do_what_the_readme_says(tmp_path: Path, documents: Path) -> None:
    (lines,) = re.findall(r"```sh\n(post\(\) .*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    ports = [process.free_port() for _ in range(3)]
    lines = lines.replace("127.0.0.1:8080", f"127.0.0.1:{ports[1]}").replace("examples/", f"{PROJECT}/examples/")
    with running_demo(tmp_path / "demo-data", ports, None):
        done = subprocess.run(["sh", "-eu"], input=lines, cwd=documents, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.count("ResponseStatusType:Success") == 2
    assert "identical" in done.stdout
    first, second = FIRST[1], SECOND[1]
    found = [line.split() for line in done.stdout.splitlines() if line.endswith((first, second))]
    assert [(status, unique_id) for status, _, unique_id in found[:1]] == [("Approved", first)]
    assert {unique_id: status for status, _, unique_id in found[1:]} == {first: "Deprecated", second: "Approved"}


def test_the_same_sequence_works_on_postgresql_and_s3(
    tmp_path: Path,
    documents: Path,
    pki: Pki,
    postgresql_url: str,
    s3_server: minio.S3Server,
    s3_bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FEUILLET_REGISTRY__PATIENT_AUTHORITIES", '["1.2.250.1.213.1.4.10"]')
    store = in_bucket(s3_server, s3_bucket)
    production = {"database_url": postgresql_url, "store": store, "affinity_domain": "ci-sis"}
    with run_engine(tmp_path / "engine", pki, **production) as engine:
        engine.announce(PATIENT)
        walk_through(Curl(engine.plain, documents))
