"""Versions: said for the support desk, with a warning where Feuillet is not made for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from card_auth.workstation import Verdict, versions


@pytest.mark.parametrize(
    ("version", "verdict"),
    [((3, 10), Verdict.WARN), ((3, 11), Verdict.PASS), ((3, 12), Verdict.PASS), ((3, 13), Verdict.WARN)],
)
def test_a_python_that_is_not_supported_is_said(version: tuple[int, ...], verdict: Verdict) -> None:
    finding = versions.python_version(version)
    assert finding.verdict is verdict
    assert bool(finding.remedy) is (verdict is Verdict.WARN)


@pytest.mark.parametrize(("version", "verdict"), [((1, 1, 1), Verdict.WARN), ((3, 0, 0), Verdict.PASS)])
def test_an_openssl_that_nobody_corrects_any_more_is_said(version: tuple[int, ...], verdict: Verdict) -> None:
    assert versions.openssl_version("OpenSSL", version).verdict is verdict


def test_every_component_is_named(tmp_path: Path) -> None:
    named = {finding.about for finding in versions.check_versions(tmp_path / "none.so")}
    assert {"Python", "OpenSSL", "feuillet", "cryptography", "pyscard", "python-pkcs11"} <= named
