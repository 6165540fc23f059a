"""The module, the token and its two certificates, on real tokens."""

from __future__ import annotations

import datetime
import itertools
from pathlib import Path

import pytest

from card_auth.demo_pki import CpsPair, DemoPki
from card_auth.errors import PinIncorrect
from card_auth.keys import open_token
from card_auth.workstation import Inspection, Questions, Subject, Verdict, inspect
from card_auth.workstation.inspection import STEPS
from tests.card_auth.conftest import Keys
from tests.services.softhsm import SoftHsm

pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (the extra `card`)")
pytest.importorskip("smartcard", reason="pyscard is not installed (the extra `card`)")

labels = (f"workstation {number}" for number in itertools.count())
DAY = datetime.timedelta(days=1)
CARD = tuple(
    step
    for step in STEPS
    if step.subjects[0] in {Subject.CARD_SUPPORT, Subject.MODULE, Subject.TOKEN, Subject.AUTHENTICATION_CERTIFICATE}
)
CERTIFICATES = (Subject.AUTHENTICATION_CERTIFICATE, Subject.SIGNATURE_CERTIFICATE)


def look(softhsm: SoftHsm, label: str, **more: Path) -> Inspection:
    return inspect(Questions(module=softhsm.module, token=label, **more), steps=CARD)


def token_of(softhsm: SoftHsm, pair: CpsPair) -> str:
    return softhsm.make_token(next(labels), (b"\x20", pair.authentication), (b"\x10", pair.signature))


def test_a_good_card_gets_its_ticks(softhsm: SoftHsm, cps: CpsPair, igc: DemoPki) -> None:
    found = look(softhsm, token_of(softhsm, cps), profile=igc.directory)
    assert found.passed
    for subject in CERTIFICATES:
        (finding,) = found.of(subject)
        assert finding.verdict is Verdict.PASS
        assert "KIT DOC0021889" in finding.detail
        assert "trusted by demo" in finding.detail


def test_an_expired_card_is_two_red_crosses_with_their_remedy(softhsm: SoftHsm, igc: DemoPki, rsa_keys: Keys) -> None:
    long_ago = datetime.datetime.now(datetime.UTC) - 400 * DAY
    expired = igc.issue_cps("899700218890", keys=rsa_keys, now=long_ago, valid_for=365 * DAY)
    found = look(softhsm, token_of(softhsm, expired))
    assert {finding.subject for finding in found.failed} == set(CERTIFICATES)
    for finding in found.failed:
        assert "expired on" in finding.detail
        assert "new card" in finding.remedy


def test_one_expired_certificate_of_two_is_one_red_cross(
    softhsm: SoftHsm, cps: CpsPair, igc: DemoPki, rsa_keys: Keys
) -> None:
    long_ago = datetime.datetime.now(datetime.UTC) - 400 * DAY
    expired = igc.issue_cps("899700218890", keys=rsa_keys, now=long_ago, valid_for=365 * DAY)
    found = look(softhsm, token_of(softhsm, CpsPair(cps.authentication, expired.signature)))
    assert [finding.subject for finding in found.failed] == [Subject.SIGNATURE_CERTIFICATE]


def test_a_card_that_soon_ends_is_a_warning(softhsm: SoftHsm, igc: DemoPki, rsa_keys: Keys) -> None:
    soon = igc.issue_cps("899700218891", keys=rsa_keys, valid_for=20 * DAY)
    found = look(softhsm, token_of(softhsm, soon))
    assert found.passed
    for subject in CERTIFICATES:
        (finding,) = found.of(subject)
        assert finding.verdict is Verdict.WARN
        assert finding.remedy


def test_a_card_of_tomorrow_points_to_the_date(softhsm: SoftHsm, igc: DemoPki, rsa_keys: Keys) -> None:
    tomorrow = datetime.datetime.now(datetime.UTC) + 2 * DAY
    early = igc.issue_cps("899700218892", keys=rsa_keys, now=tomorrow)
    found = look(softhsm, token_of(softhsm, early))
    assert {finding.subject for finding in found.failed} == set(CERTIFICATES)
    assert all("date" in finding.remedy for finding in found.failed)


def test_a_card_without_one_of_its_certificates_is_a_red_cross(softhsm: SoftHsm, cps: CpsPair) -> None:
    found = look(softhsm, softhsm.make_token(next(labels), (b"\x20", cps.authentication)))
    assert [finding.subject for finding in found.failed] == [Subject.SIGNATURE_CERTIFICATE]


def test_a_card_of_another_igc_is_not_trusted_by_the_profile(softhsm: SoftHsm, cps: CpsPair, own_igc: DemoPki) -> None:
    found = look(softhsm, token_of(softhsm, cps), profile=own_igc.directory)
    assert {finding.subject for finding in found.failed} == set(CERTIFICATES)
    assert all("not trusted" in finding.detail and finding.remedy for finding in found.failed)


def test_a_profile_that_is_none_is_a_red_cross_and_the_certificates_are_still_read(
    softhsm: SoftHsm, cps: CpsPair, tmp_path: Path
) -> None:
    found = look(softhsm, token_of(softhsm, cps), profile=tmp_path)
    assert [finding.about for finding in found.failed] == ["trust profile"]
    assert [finding.verdict for finding in found.of(Subject.AUTHENTICATION_CERTIFICATE)] == [Verdict.PASS]


def test_a_spent_try_is_a_warning_and_the_check_spends_none(softhsm: SoftHsm, cps: CpsPair) -> None:
    label = token_of(softhsm, cps)
    with pytest.raises(PinIncorrect):
        open_token(softhsm.module, token_label=label, pin="9999")
    for _ in range(2):
        (finding,) = look(softhsm, label).of(Subject.TOKEN)
        assert finding.verdict is Verdict.WARN
        assert "a wrong PIN was entered" in finding.detail


def test_a_missing_token_is_a_red_cross_and_its_certificates_are_not_tried(softhsm: SoftHsm) -> None:
    found = look(softhsm, "nobody's")
    assert [finding.subject for finding in found.failed] == [Subject.TOKEN]
    for subject in CERTIFICATES:
        assert [finding.verdict for finding in found.of(subject)] == [Verdict.NOT_TRIED]


def test_a_missing_module_is_a_red_cross(tmp_path: Path) -> None:
    found = inspect(Questions(module=tmp_path / "none.so"), steps=CARD)
    assert [finding.subject for finding in found.failed] == [Subject.MODULE]
    assert "PKCS#11" in found.failed[0].remedy
    assert found.of(Subject.TOKEN)[0].verdict is Verdict.NOT_TRIED


def test_a_file_that_is_no_module_is_a_red_cross(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("this is no library")
    found = inspect(Questions(module=tmp_path / "text.so"), steps=CARD)
    assert [finding.subject for finding in found.failed] == [Subject.MODULE]
    assert "32 or 64 bits" in found.failed[0].remedy
