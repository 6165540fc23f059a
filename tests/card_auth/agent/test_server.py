"""Who may speak to the agent, and what becomes of everything else that arrives at its port."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from card_auth.agent.gate import LARGEST_BODY
from card_auth.agent.refusals import Refused
from card_auth.agent.requests import read_pairing, read_sign_request
from card_auth.agent.sessions import MOST_SESSIONS
from tests.card_auth.agent.conftest import OTHER_PORTAL, PORTAL, Answer, Page, Workstation
from tests.examples import some

LOGIN = {"kind": "login", "challenge": "AAAAAAAAAAAAAAAAAAAAAA"}
PATHS = [
    ("GET", "/status"),
    ("POST", "/session"),
    ("GET", "/readers"),
    ("GET", "/card"),
    ("POST", "/sign"),
    ("GET", "/vitale"),
]


def refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code)


def alive(workstation: Workstation) -> None:
    assert workstation.page().ask("GET", "/status").status == 200


def test_an_allowed_page_may_read_the_answers_and_no_cache_keeps_them(workstation: Workstation) -> None:
    answer = workstation.page().ask("GET", "/status")
    assert answer.json["agent"] == "feuillet"
    assert answer.headers["access-control-allow-origin"] == PORTAL
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "*",
        "https://evil.example",
        "http://portal.example.org",
        "https://portal.example.org.evil.example",
        "https://portal.example.org:8443",
        "https://portal.example.org/",
        "https://PORTAL.example.org",
        "https://sub.portal.example.org",
    ],
)
def test_a_foreign_page_gets_nothing(workstation: Workstation, method: str, path: str, origin: str | None) -> None:
    page = workstation.page(origin)
    answer = page.ask(method, path, {"code": "123456"} if method == "POST" else None)
    refused(answer, 403, "foreign-origin")
    assert "access-control-allow-origin" not in answer.headers
    assert workstation.user.asked == []


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.:{port}", "[::1]:{port}", None],
)
def test_a_name_that_was_rebound_to_this_computer_gets_nothing(workstation: Workstation, host: str | None) -> None:
    name = host.format(port=workstation.server.port) if host else None
    refused(workstation.page().ask("GET", "/status", headers={"Host": name}), 421, "wrong-host")
    refused(workstation.page().ask("OPTIONS", "/card", headers={"Host": name}), 421, "wrong-host")


def test_it_listens_on_the_loopback_interface_alone(workstation: Workstation) -> None:
    assert workstation.server.server_address[0] == "127.0.0.1"


def test_browsers_may_ask_before_they_ask(workstation: Workstation) -> None:
    wanted = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = workstation.page().ask("OPTIONS", "/session", headers=dict(wanted))
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == PORTAL
    assert answer.headers["access-control-allow-methods"] == "DELETE, POST"
    assert answer.headers["access-control-allow-private-network"] == "true"
    foreign = workstation.page("https://evil.example").ask("OPTIONS", "/session", headers=dict(wanted))
    refused(foreign, 403, "foreign-origin")
    assert "access-control-allow-private-network" not in foreign.headers


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path in PATHS if path not in ("/status", "/session")]
)
def test_without_a_session_there_is_nothing_to_be_had(workstation: Workstation, method: str, path: str) -> None:
    page = workstation.page()
    body = LOGIN if method == "POST" else None
    refused(page.ask(method, path, body), 401, "no-session")
    for authorization in ("Bearer ", "Bearer " + "A" * 43, "Basic QTpC", "bearer x", "Bearer \xe9" + "A" * 42):
        refused(page.ask(method, path, body, headers={"Authorization": authorization}), 401, "no-session")
    assert workstation.user.asked == []


def test_a_session_needs_the_yes_of_the_workstation(workstation: Workstation) -> None:
    workstation.user.says_yes = False
    refused(workstation.page().ask("POST", "/session", {"code": "123456"}), 403, "not-confirmed")
    assert PORTAL in workstation.user.asked[0]
    assert "123456" in workstation.user.asked[0]


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "١٢٣٤٥٦", "12345\n", "", 123456, None, ["123456"]])
def test_a_pairing_code_is_six_digits(workstation: Workstation, code: object) -> None:
    refused(workstation.page().ask("POST", "/session", {"code": code}), 400, "malformed")
    assert workstation.user.asked == []


def test_a_token_is_good_for_its_own_origin_only(workstation: Workstation) -> None:
    page = workstation.page().connect()
    assert page.ask("GET", "/card").status == 200
    refused(Page(page.port, OTHER_PORTAL, page.token).ask("GET", "/card"), 401, "no-session")
    assert page.ask("GET", "/card").status == 200


@pytest.mark.parametrize("minutes", [16, -1])
def test_an_idle_session_ends(workstation: Workstation, minutes: int) -> None:
    page = workstation.page().connect()
    workstation.clock.now += datetime.timedelta(minutes=minutes)
    refused(page.ask("GET", "/card"), 401, "no-session")


def test_a_busy_session_ends_too_at_its_time(workstation: Workstation) -> None:
    page = workstation.page().connect()
    for _ in range(8 * 6 - 1):
        workstation.clock.now += datetime.timedelta(minutes=10)
        assert page.ask("GET", "/readers").status == 200
    workstation.clock.now += datetime.timedelta(minutes=10)
    refused(page.ask("GET", "/readers"), 401, "no-session")


def test_a_session_can_be_ended(workstation: Workstation) -> None:
    page, other = workstation.page().connect(), workstation.page().connect()
    assert page.ask("DELETE", "/session").status == 200
    refused(page.ask("GET", "/card"), 401, "no-session")
    assert other.ask("GET", "/card").status == 200


def test_sessions_do_not_pile_up(workstation: Workstation) -> None:
    pages = []
    for _ in range(MOST_SESSIONS + 1):
        workstation.clock.now += datetime.timedelta(seconds=1)
        pages.append(workstation.page().connect())
    refused(pages[0].ask("GET", "/readers"), 401, "no-session")
    assert pages[-1].ask("GET", "/readers").status == 200


def test_one_question_is_open_at_a_time(workstation: Workstation) -> None:
    page = workstation.page().connect()
    asked, answered = threading.Event(), threading.Event()

    def think() -> None:
        asked.set()
        answered.wait(60)

    workstation.user.meanwhile = think
    answers: list[Answer] = []
    signing = threading.Thread(target=lambda: answers.append(page.ask("POST", "/sign", LOGIN)))
    signing.start()
    assert asked.wait(60)
    refused(workstation.page(OTHER_PORTAL).ask("POST", "/session", {"code": "123456"}), 409, "busy")
    refused(page.ask("POST", "/sign", LOGIN), 409, "busy")
    answered.set()
    signing.join()
    assert answers[0].status == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Type": "text/plain"}, 415, "not-json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "not-json"),
        ({"Content-Type": "application/json; charset=utf-16"}, 415, "not-json"),
        ({"Content-Type": None}, 415, "not-json"),
        ({"Content-Length": None}, 411, "length-missing"),
        ({"Content-Length": "-1"}, 411, "length-missing"),
        ({"Content-Length": "+19"}, 411, "length-missing"),
        ({"Content-Length": "1e1"}, 411, "length-missing"),
        ({"Content-Length": str(LARGEST_BODY + 1)}, 413, "too-large"),
        ({"Content-Length": "9" * 5000}, 411, "length-missing"),
        ({"Transfer-Encoding": "chunked"}, 411, "length-missing"),
    ],
)
def test_a_body_is_json_and_says_how_long_it_is(
    workstation: Workstation, headers: dict[str, str | None], status: int, code: str
) -> None:
    refused(workstation.page().ask("POST", "/session", {"code": "123456"}, headers=headers), status, code)
    assert workstation.user.asked == []


def test_a_body_that_is_too_large_is_refused(workstation: Workstation) -> None:
    body = json.dumps({"code": "1" * LARGEST_BODY}).encode()
    refused(workstation.page().ask("POST", "/session", raw=body), 413, "too-large")
    alive(workstation)


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/card?x"), ("POST", "/etc/passwd")])
def test_other_paths_are_unknown(workstation: Workstation, method: str, path: str) -> None:
    refused(workstation.page().connect().ask(method, path), 404, "unknown-path")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/sign"), ("POST", "/card"), ("DELETE", "/card"), ("GET", "/session")]
)
def test_other_methods_are_refused(workstation: Workstation, method: str, path: str) -> None:
    refused(workstation.page().connect().ask(method, path), 405, "wrong-method")


def test_a_body_where_none_belongs_is_refused(workstation: Workstation) -> None:
    refused(workstation.page().connect().ask("GET", "/card", {"a": 1}), 400, "malformed")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 64,
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /status HTTP/9.9\r\n\r\n",
        b"GET /status HTTP/1.1\r\n\r\n",
        b"PUT /card HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"TRACE /card HTTP/1.1\r\n\r\n",
        b"GET " + b"/" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"GET /status HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\nOrigin: https://portal.example.org\r\n\r\n",
        b"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://evil\r\n"
        b"Origin: https://portal.example.org\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://portal.example.org\r\n"
        b'Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"code',
    ],
    ids=range(14),
)
def test_what_is_no_proper_request_gets_no_success_and_harms_nobody(workstation: Workstation, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", workstation.server.port), timeout=60) as connection:
        connection.sendall(raw.replace(b"{port}", str(workstation.server.port).encode()))
        connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while more := connection.recv(65536):
                received += more
        except ConnectionError:
            pass
    assert not received.startswith(b"HTTP/1.1 2")
    assert b"Traceback" not in received
    assert workstation.user.asked == []
    alive(workstation)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
MEMBERS = st.dictionaries(
    st.sampled_from(
        ["kind", "challenge", "documents", "roles", "structure_id", "software", "patient", "purpose_of_use", "code"]
    ),
    st.sampled_from(["login", "assertion", "documents", "123456", "AAAAAAAAAAAAAAAAAAAAAA"]) | JSON,
)


@settings(max_examples=some(300), suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200) | MEMBERS.map(lambda members: json.dumps(members).encode()))
def test_any_body_is_a_request_or_is_refused(body: bytes) -> None:
    for read in (read_pairing, read_sign_request):
        with contextlib.suppress(Refused):
            read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60000,
        b'{"kind":' * 5000,
        b'{"kind": "login", "kind": "login", "challenge": "AAAAAAAAAAAAAAAAAAAAAA"}',
        b'{"kind": "login", "challenge": "AAAAAAAAAAAAAAAAAAAAAB"}',  # bits that are lost in decoding
        b'{"kind": "login", "challenge": "AAAAAAAAAAAAAAAAAAAA"}',
        b'{"kind": "login", "challenge": "AAAAAAAAAAAAAAAAAAAAAA", "text": "sign this"}',
        b'{"kind": "raw", "data": "AAAA"}',
        b'{"kind": "documents", "documents": []}',
        b'{"kind": "documents", "documents": [{"unique_id": "1.2", "sha256": "00", "title": "x"}]}',
        b'{"kind": "documents", "documents": [{"unique_id": "1.2\\" evil", "sha256": "'
        + b"0" * 64
        + b'", "title": "x"}]}',
        b'{"kind": "documents", "documents": [{"unique_id": "1.2", "sha256": "'
        + b"0" * 64
        + b'", "title": "\\u202e"}]}',
        b"\xff\xfe{}",
        b"NaN",
    ],
    ids=range(13),
)
def test_odd_bodies_are_refused_and_nobody_is_asked(workstation: Workstation, body: bytes) -> None:
    refused(workstation.page().connect().ask("POST", "/sign", raw=body), 400, "malformed")
    assert len(workstation.user.asked) == 1  # the session's
    alive(workstation)
