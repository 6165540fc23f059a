"""TLS to the service, against real servers that fail in each way a user can do something about."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from pathlib import Path

import pytest

from card_auth.workstation import ClientKey, Finding, Questions, Subject, Verdict, inspect
from card_auth.workstation.connection import Service, proxy_for
from card_auth.workstation.inspection import STEPS
from tests.card_auth.workstation.conftest import Serve
from tests.services.pki import Authority, Pki
from tests.services.process import free_port

DAY = datetime.timedelta(days=1)
SERVICE = tuple(step for step in STEPS if step.subjects == (Subject.SERVICE,))


def look(url: str, ca: Path, client: ClientKey | None = None) -> dict[Subject, Finding]:
    found = inspect(Questions(service=url, authorities=ca, client=client), steps=SERVICE).findings
    return {finding.subject: finding for finding in found}


def verdicts(found: dict[Subject, Finding]) -> list[Verdict]:
    order = (Subject.SERVICE, Subject.SERVICE_TLS, Subject.SERVICE_CERTIFICATE, Subject.MUTUAL_TLS, Subject.CLOCK)
    return [found[subject].verdict for subject in order]


def failing(found: dict[Subject, Finding]) -> set[Subject]:
    for finding in found.values():
        assert finding.remedy or finding.verdict not in {Verdict.FAIL, Verdict.WARN}
    return {subject for subject, finding in found.items() if finding.verdict is Verdict.FAIL}


def test_a_good_service_gets_its_ticks(serve: Serve, pki: Pki) -> None:
    found = look(serve(), pki.ca)
    assert found[Subject.SERVICE].verdict is Verdict.PASS
    assert "TLSv1.3" in found[Subject.SERVICE_TLS].detail
    assert found[Subject.SERVICE_CERTIFICATE].verdict is Verdict.WARN  # the tests' certificates last two days
    assert found[Subject.MUTUAL_TLS].verdict is Verdict.NOT_APPLICABLE
    assert found[Subject.CLOCK].verdict is Verdict.PASS
    assert not failing(found)


@pytest.mark.parametrize(("ahead", "words"), [(600, "behind"), (-600, "ahead of"), (-90, "ahead of")])
def test_a_skewed_clock_is_a_red_cross_with_its_remedy(serve: Serve, pki: Pki, ahead: float, words: str) -> None:
    found = look(serve(ahead=datetime.timedelta(seconds=ahead)), pki.ca)
    assert failing(found) == {Subject.CLOCK}
    assert f"{words} the service's" in found[Subject.CLOCK].detail
    assert "from the network" in found[Subject.CLOCK].remedy


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_service_without_a_date_is_said(serve: Serve, pki: Pki, date: str) -> None:
    assert look(serve(date=date), pki.ca)[Subject.CLOCK].verdict is Verdict.WARN


def test_an_expired_server_certificate_points_to_the_date_which_is_still_measured(serve: Serve, pki: Pki) -> None:
    start = datetime.datetime.now(datetime.UTC) - 10 * DAY
    expired = pki.authority.issue("expired-server", server=True, valid_from=start)
    found = look(serve(expired), pki.ca)
    assert failing(found) == {Subject.SERVICE_TLS, Subject.SERVICE_CERTIFICATE}
    assert "expired" in found[Subject.SERVICE_CERTIFICATE].detail
    assert "date" in found[Subject.SERVICE_CERTIFICATE].remedy
    assert found[Subject.CLOCK].verdict is Verdict.PASS


def test_an_untrusted_server_is_a_red_cross_and_its_time_does_not_count(serve: Serve, pki: Pki, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "somebody else").issue("server", server=True)
    found = look(serve(stranger), pki.ca)
    assert failing(found) == {Subject.SERVICE_TLS}
    assert "--ca" in found[Subject.SERVICE_TLS].remedy
    assert found[Subject.CLOCK].verdict is Verdict.NOT_TRIED


def test_another_hosts_certificate_is_a_red_cross(serve: Serve, pki: Pki) -> None:
    client_only = pki.authority.issue("elsewhere")  # holds no name of a host
    found = look(serve(client_only), pki.ca)
    assert failing(found) == {Subject.SERVICE_TLS}


def test_tls_that_is_no_longer_safe_is_a_red_cross(serve: Serve, pki: Pki) -> None:
    found = look(serve(latest=ssl.TLSVersion.TLSv1_1), pki.ca)
    assert failing(found) == {Subject.SERVICE_TLS}
    assert "1.2" in found[Subject.SERVICE_TLS].remedy


def test_a_refused_connection_is_a_red_cross_and_the_rest_is_not_tried(pki: Pki) -> None:
    found = look(f"https://localhost:{free_port()}/", pki.ca)
    assert verdicts(found) == [Verdict.FAIL, *[Verdict.NOT_TRIED] * 4]
    assert "port" in found[Subject.SERVICE].remedy


def test_an_unknown_name_is_a_red_cross(pki: Pki) -> None:
    assert failing(look("https://nowhere.invalid/", pki.ca)) == {Subject.SERVICE}


def test_what_speaks_no_tls_is_a_red_cross(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    with listener.accept()[0] as connection:
                        connection.recv(4096)
                        connection.sendall(b"220 this is another protocol\r\n")
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        found = look(f"https://localhost:{listener.getsockname()[1]}/", pki.ca)
        assert failing(found) == {Subject.SERVICE_TLS}


def test_a_missing_file_of_authorities_is_a_red_cross(serve: Serve, tmp_path: Path) -> None:
    found = look(serve(), tmp_path / "none.pem")
    assert failing(found) == {Subject.SERVICE}
    assert "--ca" in found[Subject.SERVICE].remedy


@pytest.mark.parametrize(
    "url", ["http://localhost/", "https:///", "localhost", "https://a:b@localhost/", "https://[::1"]
)
def test_an_address_that_is_none_is_a_red_cross(pki: Pki, url: str) -> None:
    assert failing(look(url, pki.ca)) == {Subject.SERVICE}


def test_a_client_certificate_is_accepted(serve: Serve, pki: Pki) -> None:
    client = ClientKey(pki.client.certificate, pki.client.key)
    found = look(serve(client_authorities=pki.ca), pki.ca, client)
    assert not failing(found)
    assert "Accepted (it is asked for)" in found[Subject.MUTUAL_TLS].detail
    assert found[Subject.CLOCK].verdict is Verdict.PASS


def test_a_service_that_asks_for_a_certificate_says_so(serve: Serve, pki: Pki) -> None:
    found = look(serve(client_authorities=pki.ca), pki.ca)
    assert not failing(found)
    assert found[Subject.SERVICE_TLS].verdict is Verdict.PASS
    assert found[Subject.MUTUAL_TLS].verdict is Verdict.WARN
    assert "--client-certificate" in found[Subject.MUTUAL_TLS].remedy
    assert found[Subject.CLOCK].verdict is Verdict.NOT_TRIED


def test_a_client_certificate_of_another_authority_is_a_red_cross(serve: Serve, pki: Pki, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "somebody else").issue("client")
    found = look(serve(client_authorities=pki.ca), pki.ca, ClientKey(stranger.certificate, stranger.key))
    assert failing(found) == {Subject.MUTUAL_TLS}


def test_an_expired_client_certificate_is_named_as_such(serve: Serve, pki: Pki) -> None:
    start = datetime.datetime.now(datetime.UTC) - 10 * DAY
    expired = pki.authority.issue("expired-client", valid_from=start)
    found = look(serve(client_authorities=pki.ca), pki.ca, ClientKey(expired.certificate, expired.key))
    assert failing(found) == {Subject.MUTUAL_TLS}
    assert "expired" in found[Subject.MUTUAL_TLS].detail


def test_a_key_of_another_certificate_is_a_red_cross(serve: Serve, pki: Pki) -> None:
    found = look(serve(client_authorities=pki.ca), pki.ca, ClientKey(pki.client.certificate, pki.server.key))
    assert failing(found) == {Subject.MUTUAL_TLS}
    assert "key file" not in found[Subject.MUTUAL_TLS].detail
    assert found[Subject.MUTUAL_TLS].remedy


def test_the_systems_proxy_is_used_and_its_password_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, pki: Pki
) -> None:
    url = serve()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            while True:
                try:
                    with listener.accept()[0] as connection:
                        connection.recv(4096)
                        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                except OSError:
                    return

        threading.Thread(target=refuse, daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{listener.getsockname()[1]}")
        found = look(url, pki.ca)
        assert failing(found) == {Subject.SERVICE}
        assert "proxy" in found[Subject.SERVICE].detail
        assert "secret" not in str(found) + repr(proxy_for(Service.at(url)))
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert not failing(look(url, pki.ca))
