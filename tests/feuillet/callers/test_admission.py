"""A server starts only when it knows whom to trust, or when nobody else can reach it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from card_auth.demo_pki import DemoPki
from feuillet.callers.trust import open_admission, open_trust, vihf_policy
from feuillet.commands.checking import check
from feuillet.composition import open_signatures
from feuillet.configuration import ConfigurationRefused, load, opened
from feuillet.settings import TrustSettings
from tests.card_auth.conftest import igc
from tests.feuillet.conftest import Write
from tests.services.trail import make_trail
from xds_registry.database import open_database
from xds_repository.signatures import SignaturePolicy

__all__ = ["igc"]
COMMAND = Path(sys.executable).with_name("feuillet")


def test_without_trust_it_does_not_start_and_says_what_is_missing(write: Write) -> None:
    configuration = write()
    subprocess.run([COMMAND, "migrate", "--config", configuration], check=True, capture_output=True)
    done = subprocess.run(
        [COMMAND, "serve", "--config", configuration], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 2
    assert "trust: expected [trust] with profiles" in done.stderr


def test_without_a_key_for_the_audit_trail_it_does_not_start(write: Write, igc: DemoPki) -> None:
    trust = f"[trust]\nprofiles = {json.dumps(str(igc.directory.parent))}\ntest_profiles = true\n"
    configuration = write(more=trust)
    subprocess.run([COMMAND, "migrate", "--config", configuration], check=True, capture_output=True)
    done = subprocess.run(
        [COMMAND, "serve", "--config", configuration], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 2
    assert "audit: expected [audit] with a key" in done.stderr
    (finding,) = [one for one in check(load(configuration)) if one.subject == "audit"]
    assert (finding.passed, "expected [audit]" in finding.detail) == (False, True)


def test_an_insecure_demo_must_not_be_reachable_from_elsewhere(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert opened(load(write())).insecure_demo
    assert not load(write()).insecure_demo
    for name in ("certificate", "key", "client_authorities"):
        (tmp_path / name).touch()
        monkeypatch.setenv(f"FEUILLET_SERVER__TLS__{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("FEUILLET_SERVER__HTTPS", "0.0.0.0:8443")
    with pytest.raises(ConfigurationRefused, match="--insecure-demo: expected a loopback address"):
        opened(load(write()))


def test_no_key_opens_the_server(write: Write) -> None:
    with pytest.raises(ConfigurationRefused, match="insecure_demo: unknown key"):
        load(write(("[server]", "insecure_demo = true\n[server]")))


def test_a_test_profile_counts_only_where_it_is_wanted(write: Write, igc: DemoPki) -> None:
    more = f"[trust]\nprofiles = {json.dumps(str(igc.directory.parent))}\n"
    settings = load(write(more=more))
    with pytest.raises(ConfigurationRefused, match=r"trust\.profiles: .* is for tests"):
        open_admission(settings, make_trail(open_database("sqlite://")))
    settings = load(write(more=f"{more}test_profiles = true\n"))
    assert open_admission(settings, make_trail(open_database("sqlite://"))) is not None


def test_a_check_looks_for_the_profiles_and_their_lists(write: Write, igc: DemoPki) -> None:
    def trust(more: str) -> tuple[bool, str]:
        (finding,) = [finding for finding in check(load(write(more=more))) if finding.subject == "trust"]
        return finding.passed, finding.detail

    section = f"[trust]\nprofiles = {json.dumps(str(igc.directory.parent))}\n"
    assert trust(f"{section}test_profiles = true\n") == (True, "profiles demo")
    assert trust(section)[0] is False
    passed, detail = trust("")
    assert not passed
    assert "expected [trust]" in detail


def test_signatures_can_be_required_only_where_somebody_is_trusted(write: Write, igc: DemoPki) -> None:
    required = '[signatures]\npolicy = "required"\n'
    with pytest.raises(ConfigurationRefused, match=r"signatures\.policy: expected \[trust\]"):
        open_signatures(load(write(more=required)), None)
    settings = load(
        write(more=f"{required}[trust]\nprofiles = {json.dumps(str(igc.directory.parent))}\ntest_profiles = true\n")
    )
    assert settings.trust is not None
    assert open_signatures(settings, open_trust(settings.trust)[1]).policy is SignaturePolicy.REQUIRED
    assert open_signatures(load(write()), None).policy is SignaturePolicy.VERIFY


def test_a_directory_without_profiles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused, match=r"trust\.profiles: expected directories"):
        open_trust(TrustSettings(profiles=tmp_path))


def test_what_an_operator_decides_is_what_assertions_are_held_to(tmp_path: Path) -> None:
    policy = vihf_policy(
        TrustSettings(
            profiles=tmp_path, window_seconds=30, homologations=("H-1",), patient_authorities=("1.2.250.1.213.1.4.10",)
        )
    )
    assert policy.window.total_seconds() == 30
    assert policy.homologations == {"H-1"}
    assert policy.patient_authorities == {"1.2.250.1.213.1.4.10"}
    assert vihf_policy(TrustSettings(profiles=tmp_path)).homologations is None
