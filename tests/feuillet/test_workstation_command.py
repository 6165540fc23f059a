"""`feuillet workstation check` under the conditions that people meet: each red cross with its remedy."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from card_auth.demo_pki import CpsPair, DemoPki
from card_auth.workstation import Finding, Inspection, Subject, Verdict, as_html
from soap.xml import parse_untrusted
from tests.card_auth.workstation.conftest import serving
from tests.services.pki import Pki
from tests.services.private_pcscd import PcscdAbsent, PrivatePcscd, private_pcscd
from tests.services.softhsm import SoftHsm, SoftHsmAbsent

pytest.importorskip("smartcard", reason="pyscard is not installed (the extra `card`)")

Check = Callable[..., "Outcome"]


class Outcome:
    """What the command said."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.text = done.stdout
        assert "Traceback" not in done.stderr, done.stderr

    @property
    def findings(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(self.text)["findings"]
        return found

    def verdicts(self, subject: Subject) -> set[str]:
        return {finding["verdict"] for finding in self.findings if finding["subject"] == subject}

    def crosses(self, subject: Subject) -> list[str]:
        """The details of a subject's red crosses; each has its remedy."""
        found = [one for one in self.findings if one["subject"] == subject and one["verdict"] == "fail"]
        assert all(one["remedy"] for one in found)
        return [one["detail"] for one in found]


def run(*arguments: str | Path, **environment: str) -> Outcome:
    """The command as its user starts it, in a process of its own."""
    command = [str(Path(sys.executable).with_name("feuillet")), "workstation", "check", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        command, capture_output=True, text=True, env={**kept, "COLUMNS": "500", **environment}, check=False
    )
    return Outcome(done)


@pytest.fixture(scope="module")
def pcscd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePcscd]:
    """PC/SC with one reader of two slots."""
    try:
        with private_pcscd(tmp_path_factory.mktemp("pcscd")) as service:
            yield service
    except PcscdAbsent as absent:
        pytest.skip(str(absent))


@pytest.fixture(scope="module")
def expired_card(tmp_path_factory: pytest.TempPathFactory) -> tuple[SoftHsm, str]:
    """A token whose certificates ended last month."""
    directory = tmp_path_factory.mktemp("expired")
    try:
        softhsm = SoftHsm(directory / "softhsm")
    except SoftHsmAbsent as absent:
        pytest.skip(str(absent))
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=395)
    pair: CpsPair = DemoPki.create(directory / "pki").issue_cps(now=then, valid_for=datetime.timedelta(days=365))
    return softhsm, softhsm.make_token("expired", (b"\x20", pair.authentication), (b"\x10", pair.signature))


def test_no_service(tmp_path: Path) -> None:
    found = run("--json", PCSCLITE_CSOCK_NAME=str(tmp_path / "nowhere"))
    assert found.code == 1
    assert found.crosses(Subject.PCSC_SERVICE) == ["The PC/SC service is not running."]
    assert found.verdicts(Subject.READERS) == {"not-tried"}
    assert found.verdicts(Subject.CARDS) == {"not-tried"}


def test_no_reader(tmp_path: Path) -> None:
    try:
        with private_pcscd(tmp_path, readers=False) as service:
            found = run("--json", **service.environment)
    except PcscdAbsent as absent:
        pytest.skip(str(absent))
    assert found.code == 1
    assert found.verdicts(Subject.PCSC_SERVICE) == {"pass"}
    assert found.crosses(Subject.READERS) == ["No card reader is connected."]
    assert found.verdicts(Subject.CARDS) == {"not-tried"}


def test_no_card(pcscd: PrivatePcscd) -> None:
    found = run("--json", **pcscd.environment)
    assert found.code == 1
    assert found.verdicts(Subject.READERS) == {"pass"}
    assert found.crosses(Subject.CARDS) == ["There is no card in the reader."]


def test_a_mute_card(pcscd: PrivatePcscd) -> None:
    with pcscd.card(0, atr=bytes(4)):
        found = run("--json", **pcscd.environment)
    assert any("does not answer" in cross for cross in found.crosses(Subject.CARDS))


def test_a_patients_card_alone_is_the_wrong_card(pcscd: PrivatePcscd) -> None:
    with pcscd.card(1, vitale=True):
        found = run("--json", **pcscd.environment)
    assert found.code == 1
    assert found.crosses(Subject.CARDS)
    assert any("Vitale" in one["detail"] for one in found.findings if one["subject"] == Subject.CARDS)


def test_two_cards(pcscd: PrivatePcscd) -> None:
    with pcscd.card(0, atr=bytes.fromhex("3BAC00402A001225006480000310009000")), pcscd.card(1, vitale=True):
        found = run("--json", **pcscd.environment)
    assert found.crosses(Subject.CARDS) == []
    assert "pass" in found.verdicts(Subject.CARDS)


def test_an_expired_certificate(expired_card: tuple[SoftHsm, str]) -> None:
    softhsm, label = expired_card
    found = run("--json", "--module", softhsm.module, "--token", label)
    assert found.code == 1
    for subject in (Subject.AUTHENTICATION_CERTIFICATE, Subject.SIGNATURE_CERTIFICATE):
        assert all("expired on" in cross for cross in found.crosses(subject))
        assert found.crosses(subject)
    by_environment = run("--json", FEUILLET_PKCS11_MODULE=str(softhsm.module))
    assert by_environment.crosses(Subject.SIGNATURE_CERTIFICATE)


def test_a_skewed_clock(pki: Pki) -> None:
    with serving(pki.server, ahead=datetime.timedelta(minutes=20)) as url:
        found = run("--json", "--service", url, "--ca", pki.ca)
        shown = run("--service", url, "--ca", pki.ca)
    assert found.code == 1
    assert "behind the service's" in found.crosses(Subject.CLOCK)[0]
    assert found.crosses(Subject.SERVICE_TLS) == []
    assert "✘ Computer's clock" in shown.text
    assert "→ Have the computer set its clock from the network" in shown.text


def test_crosses_and_ticks_are_shown_with_their_remedies_beneath(tmp_path: Path) -> None:
    shown = run("--module", tmp_path / "none.so", PCSCLITE_CSOCK_NAME=str(tmp_path / "nowhere"))
    assert shown.code == 1
    assert re.search(r"✘ Smart card service \(PC/SC\)  .*\n  → Start it", shown.text)
    assert re.search(r"✘ PKCS#11 module  .*none\.so\.\n  → Install the card's software", shown.text)
    assert "✔ Versions: OpenSSL" in shown.text


def test_the_report_is_one_page_that_stands_by_itself(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    found = run("--json", "--html", page, PCSCLITE_CSOCK_NAME=str(tmp_path / "nowhere"))
    text = page.read_text(encoding="utf-8")
    for finding in found.findings:
        assert finding["verdict"] in text
    assert "does not work" in text
    assert "To do:" in text
    for outside in ("<script", "http://", "src=", "href=", "@import", "url("):
        assert outside not in text


def test_a_report_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    assert run("--json", "--html", tmp_path / "no" / "report.html").code == 2


def test_a_key_without_its_certificate_is_a_wrong_command_line(tmp_path: Path) -> None:
    assert run("--client-key", tmp_path / "key.pem").code == 2


def test_everything_in_a_page_is_escaped() -> None:
    evil = "<script>alert('x')</script> & \"quoted\""
    moment = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
    findings = tuple(Finding(subject, verdict, evil, evil, evil) for subject in Subject for verdict in Verdict)
    page = as_html(Inspection(moment, findings))
    assert "<script" not in page
    assert well_formed(page).tag == "html"
    assert page.count("&lt;script&gt;") == 3 * len(findings)


def well_formed(page: str) -> Any:
    """The page as a tree: read as XML, which forgives nothing, once its void elements are closed."""
    closed = re.sub(r"<meta ([^>]*)>", r"<meta \1/>", page.removeprefix("<!DOCTYPE html>\n"))
    return parse_untrusted(closed.encode())
