"""A real SMTP server (aiosmtpd) that keeps the letters it takes."""

from __future__ import annotations

import email.policy
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.services.pki import Pki
from tests.services.process import free_port


@dataclass
class Letterbox:
    """What has arrived: envelope recipients and letter. `answer` gives the reply to each letter's data or recipient."""

    port: int
    letters: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    on_letter: Callable[[EmailMessage], str] = lambda _: "250 taken"
    on_recipient: Callable[[str], str] = lambda _: "250 known"
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def addresses(self) -> list[str]:
        """Whom the letters are for, in their order."""
        return [address for recipients, _ in self.letters for address in recipients]

    def wait_for(self, letters: int, seconds: float = 120) -> None:
        """Return when so many letters have arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.letters) >= letters, seconds), len(self.letters)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.on_recipient(address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        assert isinstance(envelope.content, bytes)
        letter: Any = message_from_bytes(envelope.content, policy=email.policy.default)
        with self.arrived:
            self.letters.append((list(envelope.rcpt_tos), letter))
            self.encrypted.append(session.ssl is not None)
            self.arrived.notify_all()
        return self.on_letter(letter)


@contextmanager
def mail_server(
    pki: Pki | None = None, *, port: int | None = None, account: tuple[str, str] | None = None, implicit: bool = False
) -> Iterator[Letterbox]:
    """A mail server on the loopback interface: with TLS when it gets keys, by STARTTLS unless it is `implicit`."""
    box = Letterbox(port or free_port())
    options: dict[str, Any] = {}
    if pki is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pki.server.certificate, pki.server.key)
        if implicit:
            options["ssl_context"] = context
        else:
            options |= {"tls_context": context, "require_starttls": True}

    def verify(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(handled=False, success=account == (data.login.decode(), data.password.decode()))

    if account is not None:
        options |= {
            "authenticator": verify,
            "auth_required": True,
            "auth_require_tls": pki is not None and not implicit,
        }
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
