"""SMS, to a real HTTP server in the place of a gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from dmp.alerts import NotSent
from feuillet.alerts.sms import SmsGateway
from tests.services.process import free_port
from tests.xds_repository.house import listening

NUMBER, TEXT = "+33612345678", "Un document a été ajouté."


@dataclass
class Gateway:
    """What was asked of it: authorisation, media type and body of each request."""

    status: str = "202 Accepted"
    headers: list[tuple[str, str]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.requests.append((environ.get("HTTP_AUTHORIZATION", ""), environ["CONTENT_TYPE"], json.loads(body)))
        start_response(self.status, [("Content-Length", "0"), *self.headers])
        return []


@contextmanager
def gateway() -> Iterator[Gateway]:
    running = Gateway()
    with listening(running) as url:
        running.url = url
        yield running


def sms(url: str, **changes: Any) -> SmsGateway:
    session = requests.Session()
    session.trust_env = False
    return SmsGateway(url=url, token="secret", session=session, **changes)


def test_a_message_is_one_post_of_json_with_the_token() -> None:
    with gateway() as running:
        sms(running.url).send(NUMBER, "subject", TEXT)
        sms(running.url, sender="DMP").send(NUMBER, "subject", TEXT)
    assert running.requests == [
        ("Bearer secret", "application/json", {"to": NUMBER, "text": TEXT}),
        ("Bearer secret", "application/json", {"to": NUMBER, "text": TEXT, "from": "DMP"}),
    ]


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        ("400 Bad Request", True),
        ("422 Unprocessable Entity", True),
        ("401 Unauthorized", False),
        ("429 Too Many Requests", False),
        ("500 Internal Server Error", False),
        ("302 Found", False),
    ],
)
def test_anything_but_success_is_no_success(status: str, permanent: bool) -> None:
    with gateway() as running, gateway() as elsewhere:
        running.status, running.headers = status, [("Location", elsewhere.url)]
        with pytest.raises(NotSent, match=f"HTTP {status[:3]}") as trouble:
            sms(running.url).send(NUMBER, "", TEXT)
    assert trouble.value.permanent is permanent
    assert elsewhere.requests == []  # the token goes nowhere else


def test_a_gateway_that_is_away_is_tried_again() -> None:
    with pytest.raises(NotSent, match="ConnectionError") as trouble:
        sms(f"http://127.0.0.1:{free_port()}/").send(NUMBER, "", TEXT)
    assert not trouble.value.permanent


def test_what_is_no_number_is_not_sent() -> None:
    with gateway() as running, pytest.raises(NotSent) as trouble:
        sms(running.url).send("0612345678", "", TEXT)
    assert trouble.value.permanent
    assert running.requests == []


def test_the_token_does_not_show() -> None:
    assert "secret" not in repr(sms("http://127.0.0.1/"))
