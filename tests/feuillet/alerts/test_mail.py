"""E-mail, to a real mail server."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from dmp.alerts import NotSent
from feuillet.alerts.mail import Account, Mail
from tests.services.pki import Pki
from tests.services.process import free_port
from tests.services.smtp import Letterbox, mail_server

TO, SUBJECT, TEXT = "patient@example.fr", "Nouvelle", "Un document a été ajouté.\n"


def mail(box: Letterbox, pki: Pki | None, **changes: Any) -> Mail:
    """The way to a mail server whose authority is trusted."""
    context = None if pki is None else ssl.create_default_context(cafile=str(pki.ca))
    given: dict[str, Any] = {"context": context, "sender": "ne-pas-repondre@dmp.example", "seconds": 20, **changes}
    return Mail(host="localhost", port=box.port, **given)


@pytest.mark.parametrize("implicit", [False, True])
def test_a_letter_arrives_over_verified_tls(pki: Pki, implicit: bool) -> None:
    with mail_server(pki, implicit=implicit) as box:
        mail(box, pki, implicit_tls=implicit).send(TO, SUBJECT, TEXT)
    ((recipients, letter),) = box.letters
    assert recipients == [TO]
    assert (letter["To"], letter["From"], letter["Subject"]) == (TO, "ne-pas-repondre@dmp.example", SUBJECT)
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().splitlines() == TEXT.splitlines()
    assert box.encrypted == [True] or implicit  # the library notes only what STARTTLS encrypted


def test_a_server_that_offers_no_tls_gets_nothing(pki: Pki) -> None:
    with mail_server() as box, pytest.raises(NotSent, match="SMTPNotSupportedError") as trouble:
        mail(box, pki).send(TO, SUBJECT, TEXT)
    assert not trouble.value.permanent
    assert box.letters == []


@pytest.mark.parametrize("implicit", [False, True])
def test_a_server_of_another_authority_gets_nothing(pki: Pki, implicit: bool) -> None:
    with mail_server(pki, implicit=implicit) as box, pytest.raises(NotSent, match="SSL"):
        mail(box, pki, context=ssl.create_default_context(), implicit_tls=implicit).send(TO, SUBJECT, TEXT)
    assert box.letters == []


def test_a_server_under_another_name_gets_nothing(pki: Pki) -> None:
    context = ssl.create_default_context(cafile=str(pki.ca))
    with mail_server(pki) as box, pytest.raises(NotSent, match="SSL"):
        Mail(host="127.1", port=box.port, sender="a@b.fr", context=context).send(TO, SUBJECT, TEXT)
    assert box.letters == []


def test_the_account_is_shown_to_a_server_that_asks(pki: Pki) -> None:
    with mail_server(pki, account=("feuillet", "secret")) as box:
        mail(box, pki, account=Account("feuillet", "secret")).send(TO, SUBJECT, TEXT)
        with pytest.raises(NotSent, match="SMTPAuthenticationError 535") as trouble:
            mail(box, pki, account=Account("feuillet", "wrong")).send(TO, SUBJECT, TEXT)
    assert not trouble.value.permanent  # the operator can mend it, and nothing is lost
    assert len(box.letters) == 1


@pytest.mark.parametrize("address", ["a@b.fr\r\nBcc: thief@example.com", "a@b.fr\nX: y", "a@b.fr, c@d.fr", "<a@b.fr>"])
def test_an_address_cannot_add_a_header_or_a_recipient(pki: Pki, address: str) -> None:
    with mail_server(pki) as box, pytest.raises(NotSent) as trouble:
        mail(box, pki).send(address, SUBJECT, TEXT)
    assert trouble.value.permanent
    assert address not in str(trouble.value)
    assert box.letters == []


def test_a_subject_cannot_add_a_header(pki: Pki) -> None:
    with mail_server(pki) as box, pytest.raises(NotSent):
        mail(box, pki).send(TO, "Nouvelle\r\nBcc: thief@example.com", TEXT)
    assert box.letters == []


def test_a_text_cannot_end_the_letter(pki: Pki) -> None:
    text = "un\r\n.\r\nMAIL FROM:<thief@example.com>\r\n..\r\n"
    with mail_server(pki) as box:
        mail(box, pki).send(TO, SUBJECT, text)
    ((_, letter),) = box.letters
    assert letter.get_content().splitlines() == text.splitlines()


@pytest.mark.parametrize(("reply", "permanent"), [("550 no such mailbox", True), ("451 try later", False)])
def test_whether_a_refusal_is_for_good_is_told(pki: Pki, reply: str, permanent: bool) -> None:
    with mail_server(pki) as box:
        box.on_recipient = lambda _: reply
        with pytest.raises(NotSent, match=f"recipient refused {reply[:3]}") as trouble:
            mail(box, pki).send(TO, SUBJECT, TEXT)
        assert trouble.value.permanent is permanent
        box.on_recipient, box.on_letter = (lambda _: "250 known"), (lambda _: reply)
        with pytest.raises(NotSent, match=f"letter refused {reply[:3]}") as trouble:
            mail(box, pki).send(TO, SUBJECT, TEXT)
        assert trouble.value.permanent is permanent


def test_a_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(NotSent, match="ConnectionRefusedError") as trouble:
        mail(Letterbox(free_port()), None).send(TO, SUBJECT, TEXT)
    assert not trouble.value.permanent
