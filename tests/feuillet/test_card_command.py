"""`feuillet card` against a real PC/SC service and a real PKCS#11 module."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from signxml.verifier import XMLVerifier
from typer.testing import CliRunner, Result

from card_auth.demo_pki import CpsPair, DemoPki
from feuillet.command import app
from tests.card_auth.conftest import Keys, cps, igc, rsa_keys, softhsm
from tests.services.card_fixtures import pcscd, running_pcscd
from tests.services.pcscd import SLOTS, Pcscd
from tests.services.softhsm import SoftHsm
from tests.services.virtual_cards import cps_card, person, tlv, vitale_card

__all__ = ["cps", "igc", "pcscd", "rsa_keys", "running_pcscd", "softhsm"]

NIR = "150081505104018"
PIN = "4711"


def run(*words: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(app, ["card", *map(str, words)], env=environment)


@pytest.fixture(scope="module")
def token(softhsm: SoftHsm, cps: CpsPair) -> str:
    """A token like a CPS card of one practice."""
    activity = tlv(0x30, tlv(0x84, b"CABINET"), tlv(0x85, b"499700218896001"), tlv(0x86, b"SA07"))
    return softhsm.make_token(
        "card command",
        (b"\x01\x20", cps.authentication),
        (b"\x01\x10", cps.signature),
        pin=PIN,
        data_objects={"CPS_ACTIVITY_01_PS": activity},
    )


def test_readers_and_their_cards_are_listed(pcscd: Pcscd) -> None:
    pcscd.insert(cps_card(), 0)
    (reader,) = json.loads(run("list", "--json").stdout)
    assert [(slot["name"], slot["card"]) for slot in reader["slots"]] == [(SLOTS[0], "CPS"), (SLOTS[1], None)]
    assert "slot 0  CPS" in run("list").stdout


def test_watching_writes_a_line_for_each_event(pcscd: Pcscd) -> None:
    pcscd.insert(vitale_card(person("MARTIN", "Jean", "19500801", NIR)), 1)
    lines = [json.loads(line) for line in run("watch", "--json", "--seconds", "1").stdout.splitlines()]
    assert [(line["event"], line["slot"], line["card"]) for line in lines] == [
        ("reader connected", SLOTS[0], None),
        ("reader connected", SLOTS[1], None),
        ("card inserted", SLOTS[1], "Vitale"),
    ]


def test_numbers_are_masked_unless_they_are_asked_for(pcscd: Pcscd) -> None:
    pcscd.insert(vitale_card(person("MARTIN", "Jean", "19500801", NIR), person("MARTIN", "Léa", "20100101")), 1)
    shown = run("vitale", "--ins")
    assert shown.exit_code == 0
    assert "150************" in shown.stdout
    assert NIR not in shown.stdout
    assert "1541187387477485562488" not in shown.stdout
    full = json.loads(run("vitale", "--ins", "--full", "--json").stdout)
    holder, child = full["beneficiaries"]
    assert (holder["nir"], holder["ins_c"]) == (NIR, "1541187387477485562488")
    assert child["nir"] is None
    assert "no NIR" in child["ins_c_problem"]


def test_an_error_is_a_message_and_a_remedy(pcscd: Pcscd) -> None:
    empty = run("vitale")
    assert (empty.exit_code, empty.stdout) == (1, "")
    assert "There is no card in the reader." in empty.stderr
    assert "Insert the card" in empty.stderr
    pcscd.stop()
    try:
        stopped = run("list")
    finally:
        pcscd.start()
    assert stopped.exit_code == 4
    assert "pcscd" in stopped.stderr


def test_a_cps_card_is_shown_without_its_pin(softhsm: SoftHsm, token: str) -> None:
    shown = json.loads(run("show", "--json", "--module", softhsm.module, "--token", token).stdout)
    assert (shown["kind"], shown["name"], shown["national_id"]) == ("CPS", "KIT DOC0021889", "899700218896")
    assert [(one["use"], one["valid"]) for one in shown["certificates"]] == [
        ("authentication", True),
        ("signature", True),
    ]
    assert shown["situations"] == [
        {"number": 1, "structure_name": "CABINET", "structure_id": "499700218896001", "sector": "SA07"}
    ]
    words = run("show", "--token", token, FEUILLET_PKCS11_MODULE=str(softhsm.module))
    assert words.exit_code == 0
    assert "SA07" in words.stdout


def test_the_card_of_an_employee_is_a_cpe(softhsm: SoftHsm, igc: DemoPki, rsa_keys: Keys) -> None:
    pair = igc.issue_cps("310B0127189/0042", None, None, keys=rsa_keys)
    label = softhsm.make_token("employee", (b"\x10", pair.signature), pin=PIN)
    shown = json.loads(run("show", "--json", "--module", softhsm.module, "--token", label).stdout)
    assert (shown["kind"], shown["national_id"]) == ("CPE", "310B0127189/0042")


def test_an_expired_card_is_shown_and_found_wrong(softhsm: SoftHsm, igc: DemoPki, rsa_keys: Keys) -> None:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    pair = igc.issue_cps(now=past, valid_for=datetime.timedelta(days=30), keys=rsa_keys)
    label = softhsm.make_token("expired", (b"\x10", pair.signature), pin=PIN)
    shown = run("show", "--module", softhsm.module, "--token", label)
    assert shown.exit_code == 1
    assert "NOT VALID NOW" in shown.stdout
    assert "expired on 2020" in shown.stderr
    signed = run("sign", pair.signature.key_file, "--module", softhsm.module, "--token", label, FEUILLET_PIN=PIN)
    assert signed.exit_code == 1
    assert "expired on 2020" in signed.stderr


def test_xml_is_signed_within_and_any_other_file_beside(
    softhsm: SoftHsm, token: str, cps: CpsPair, tmp_path: Path
) -> None:
    report, letter = tmp_path / "report.xml", tmp_path / "letter.pdf"
    report.write_text("<report><line>a</line></report>")
    letter.write_bytes(b"%PDF")
    options = ("--module", softhsm.module, "--token", token)
    assert run("sign", report, *options, FEUILLET_PIN=PIN).exit_code == 0
    signed = (tmp_path / "report.signed.xml").read_bytes()
    certificate = cps.signature.certificate
    verified = XMLVerifier().verify(signed, x509_cert=certificate.pem.decode())
    assert verified.signed_xml is not None
    assert verified.signed_xml.findtext("line") == "a"
    reader, writer = os.pipe()
    os.write(writer, PIN.encode() + b"\n")
    os.close(writer)
    assert run("sign", letter, *options, "--pin-fd", str(reader)).exit_code == 0
    os.close(reader)
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify((tmp_path / "letter.pdf.sig").read_bytes(), b"%PDF", padding.PKCS1v15(), hashes.SHA256())


def test_a_wrong_pin_signs_nothing(softhsm: SoftHsm, token: str, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF")
    refused = run("sign", letter, "--module", softhsm.module, "--token", token, FEUILLET_PIN="0000")
    assert refused.exit_code == 1
    assert "PIN is not right" in refused.stderr
    assert "0000" not in refused.stderr
    assert list(tmp_path.iterdir()) == [letter]


def test_what_is_no_xml_is_not_signed_as_such(softhsm: SoftHsm, token: str, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text("<report>")
    refused = run("sign", report, "--module", softhsm.module, "--token", token, FEUILLET_PIN=PIN)
    assert refused.exit_code == 2
    assert "well-formed" in refused.stderr
