"""The product behind a reverse proxy: TLS ends there, the certificate comes over a Unix socket of theirs."""

from __future__ import annotations

import base64
import dataclasses
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from card_auth.demo_pki import CpsPair, DemoPki
from feuillet.configuration import ConfigurationRefused
from feuillet.demo.identities import authorities
from feuillet.server.addresses import listen_for_proxy
from soap.client.caller import SoapCaller
from soap.faults import SoapFault
from tests.card_auth.vihf.messages import direct, indirect
from tests.services.engine import Engine
from tests.services.nginx import NginxAbsent, in_front_of
from tests.services.pki import Pki
from tests.system.test_trust import QUERY_BODY, STORED_QUERY, ask, asserting, provide, refused, session, trusting


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server listens for its proxy. Short: such a path has 107 bytes at most."""
    return tmp_path_factory.mktemp("proxy") / "feuillet.sock"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, pki: Pki, igc: DemoPki, behind: Path) -> Iterator[Engine]:
    """A server that listens for a proxy, and on its own addresses too."""
    with trusting(tmp_path_factory.mktemp("proxied") / "engine", pki, igc, proxy=behind) as running:
        yield running


@pytest.fixture(scope="module")
def proxied(
    engine: Engine, behind: Path, pki: Pki, igc: DemoPki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The same server as callers see it: the proxy's address in place of its own."""
    directory = tmp_path_factory.mktemp("nginx")
    clients = directory / "clients.pem"
    clients.write_bytes(pki.ca.read_bytes() + authorities(igc))
    try:
        with in_front_of(behind, directory / "run", pki, clients) as url:
            yield dataclasses.replace(engine, https=url)
    except NginxAbsent as absent:
        pytest.skip(str(absent))


def test_a_doctor_and_a_hospital_submit_and_find_through_the_proxy(
    proxied: Engine, cps: CpsPair, establishment: CpsPair
) -> None:
    for holder, statement in ((cps, direct), (establishment, indirect)):
        header = asserting(statement, holder.signature.key)
        paper = provide(proxied, holder, header)
        assert paper.unique_id.encode() in ask(proxied, holder, header)


def test_an_assertion_on_another_holder_s_connection_is_refused(
    proxied: Engine, cps: CpsPair, establishment: CpsPair
) -> None:
    assert refused(proxied, establishment, asserting(direct, cps.signature.key)) == "FailedAuthentication"


def test_a_certificate_that_a_client_states_itself_counts_nowhere(
    engine: Engine, proxied: Engine, cps: CpsPair, establishment: CpsPair
) -> None:
    """Neither past the proxy, which replaces the header, nor on the server's own ports, which do not look at it."""
    stated = f":{base64.b64encode(cps.authentication.certificate.der).decode()}:"
    expected = {
        proxied.registry(): "FailedAuthentication",
        engine.registry(): "FailedAuthentication",
        engine.registry(plain=True): "DMPInvalidCertificate",
    }
    for address, fault in expected.items():
        opened = session(engine, establishment)
        opened.headers["Client-Cert"] = stated
        caller = SoapCaller(address, session=opened, security=asserting(direct, cps.signature.key))
        with pytest.raises(SoapFault) as refusal:
            caller.call(STORED_QUERY, QUERY_BODY)
        assert (refusal.value.subcode or "").endswith(fault), address


def test_without_a_certificate_the_proxy_answers_itself(proxied: Engine, pki: Pki) -> None:
    answer = requests.get(f"{proxied.https}/registry?wsdl", verify=str(pki.ca), timeout=60)
    assert answer.status_code == 400


def test_the_wsdl_names_the_proxy_s_address(proxied: Engine, cps: CpsPair) -> None:
    answer = session(proxied, cps).get(f"{proxied.registry()}?wsdl", timeout=60)
    assert f'location="{proxied.registry()}"' in answer.text


def test_figures_and_readiness_are_not_for_those_beyond_the_proxy(proxied: Engine, cps: CpsPair) -> None:
    opened = session(proxied, cps)
    assert opened.get(f"{proxied.https}/healthz", timeout=60).status_code == 200
    for page in ("readyz", "metrics"):
        assert opened.get(f"{proxied.https}/{page}", timeout=60).status_code == 404


def test_others_on_the_machine_may_not_open_the_socket(engine: Engine, behind: Path) -> None:
    mode = behind.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


def test_a_socket_of_a_killed_server_is_replaced_and_goes_with_the_server(
    tmp_path: Path, pki: Pki, igc: DemoPki, cps: CpsPair
) -> None:
    path = tmp_path / "s"
    with trusting(tmp_path / "engine", pki, igc, proxy=path) as running:
        os.kill(running.running.pid, signal.SIGKILL)
        running.running.wait()
    assert path.exists()
    with trusting(tmp_path / "engine", pki, igc, proxy=path):
        assert path.exists()
    assert not path.exists()


def test_what_is_no_abandoned_socket_is_left_alone(tmp_path: Path) -> None:
    taken, file = tmp_path / "s", tmp_path / "f"
    file.write_text("mine")
    with listen_for_proxy("server.proxy", taken):
        for path, reason in ((taken, "another server listens there"), (file, "no socket")):
            with pytest.raises(ConfigurationRefused, match=reason):
                listen_for_proxy("server.proxy", path)
    assert file.read_text() == "mine"
