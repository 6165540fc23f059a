"""Alerts by e-mail, handed to a mail server that takes them for good (RFC 5321)."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime, make_msgid

from dmp.alerts import Medium, NotSent
from dmp.alerts.subscriptions import SubscriptionRefused, check_address


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are to a mail server that asks."""

    user: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail server, and who the letters come from.

    `context` verifies its certificate against `host`. With `implicit_tls` TLS begins with the connection, else after
    STARTTLS, which the server must offer; without a context nothing is encrypted. `seconds` is how long it may be
    silent.
    """

    host: str
    port: int
    sender: str
    context: ssl.SSLContext | None
    implicit_tls: bool = False
    account: Account | None = None
    seconds: float = 20.0

    def send(self, address: str, subject: str, text: str) -> None:
        """Hand a letter over. Raises `NotSent`; permanent when the server will never take it for this address."""
        letter = self._letter(address, subject, text)
        try:
            with self._connection() as server:
                server.send_message(letter, self.sender, [address])
        except smtplib.SMTPRecipientsRefused as refused:
            codes = [code for code, _ in refused.recipients.values()]
            never = bool(codes) and all(code >= 500 for code in codes)
            raise NotSent(f"recipient refused {codes[0] if codes else ''}".strip(), permanent=never) from None
        except smtplib.SMTPDataError as refused:
            raise NotSent(f"letter refused {refused.smtp_code}", permanent=refused.smtp_code >= 500) from None
        except smtplib.SMTPResponseException as refused:  # the sender, the account: nothing that this letter can help
            raise NotSent(f"{type(refused).__name__} {refused.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as trouble:
            raise NotSent(type(trouble).__name__) from None

    def _letter(self, address: str, subject: str, text: str) -> EmailMessage:
        try:
            check_address(Medium.MAIL, address)
            letter = EmailMessage(policy=SMTP)
            letter["From"] = Address(addr_spec=self.sender)
            letter["To"] = Address(addr_spec=address)
            letter["Subject"] = subject
        except (SubscriptionRefused, ValueError):
            # A line break in a header would begin another header.
            raise NotSent("no address, or no subject", permanent=True) from None
        letter["Date"] = format_datetime(localtime())
        letter["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
        letter.set_content(text, cte="quoted-printable")  # any server takes 7 bits
        return letter

    def _connection(self) -> smtplib.SMTP:
        # Named, or the library would ask the network for this machine's name.
        own, seconds = self.sender.rpartition("@")[2], self.seconds
        if self.context is not None and self.implicit_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, own, timeout=seconds, context=self.context)
        else:
            server = smtplib.SMTP(self.host, self.port, own, timeout=seconds)
        try:
            if self.context is not None and not self.implicit_tls:
                server.starttls(context=self.context)  # raises where the server does not offer it
            if self.account is not None:
                server.login(self.account.user, self.account.password)
        except BaseException:
            server.close()
            raise
        return server
