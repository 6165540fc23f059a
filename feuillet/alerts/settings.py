"""`[alerts]`: how those who asked for it are told that there is news."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from dmp.alerts import Medium
from dmp.alerts.outbox import Retry
from dmp.alerts.subscriptions import SubscriptionRefused, check_address
from feuillet.setting_values import Address, ReadableFile, Section, loopback_address


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.fragment:
        raise ValueError("expected a URL such as https://host.example/path, without a user")
    if parts.scheme == "http":
        loopback_address(f"{parts.hostname}:{port or 80}")
    return text


def _sender(text: str) -> str:
    try:
        return check_address(Medium.MAIL, text)
    except SubscriptionRefused as refused:
        raise ValueError(str(refused)) from None


#: https, or http to this machine.
Url = Annotated[str, AfterValidator(_url)]
MailAddress = Annotated[str, AfterValidator(_sender)]


class Security(StrEnum):
    """How a connection to the mail server is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class SmtpSettings(Section):
    """`[alerts.smtp]`: the mail server. `security = "none"` is for a server on this machine only."""

    address: Address
    sender: MailAddress
    security: Security = Security.STARTTLS
    ca: ReadableFile | None = None
    user: str | None = None
    password: SecretStr | None = None
    seconds: float = Field(default=20.0, gt=0, le=120)

    @model_validator(mode="after")
    def _safe(self) -> SmtpSettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("expected user and password together")
        if self.security is Security.NONE:
            loopback_address(self.address)
        return self


class SmsSettings(Section):
    """`[alerts.sms]`: the gateway that takes a JSON body for each message. `token` is its bearer token."""

    url: Url
    token: SecretStr
    ca: ReadableFile | None = None
    sender: str = Field(default="", max_length=16)
    seconds: float = Field(default=20.0, gt=0, le=120)


class NotificationSettings(Section):
    """`[alerts.notifications]`: ITI-52 and ITI-53.

    `address` is the URL by which callers reach `/subscriptions`. `consumers` are the only hosts that notifications go
    to, as HOST or HOST:PORT. `any_patient` lets subscriptions be made that name no patient.
    """

    address: Url
    consumers: tuple[str, ...] = Field(min_length=1)
    insecure_http: bool = False
    any_patient: bool = False
    ca: ReadableFile | None = None
    certificate: ReadableFile | None = None
    key: ReadableFile | None = None
    longest_days: float = Field(default=366.0, gt=0, le=3660)
    most: int = Field(default=1000, ge=1)
    seconds: float = Field(default=20.0, gt=0, le=120)

    @model_validator(mode="after")
    def _pair(self) -> NotificationSettings:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("expected certificate and key together")
        return self


class AlertSettings(Section):
    """`[alerts]`: `portal` is the link in every message; the rest says how often and how patiently it is tried.

    Without the section nothing is announced and nobody is told.
    """

    portal: Url
    smtp: SmtpSettings | None = None
    sms: SmsSettings | None = None
    notifications: NotificationSettings | None = None
    senders: int = Field(default=2, ge=1, le=16)
    poll_seconds: float = Field(default=2.0, gt=0, le=60)
    attempts: int = Field(default=12, ge=1, le=100)
    first_retry_seconds: float = Field(default=30.0, gt=0)
    longest_retry_seconds: float = Field(default=3600.0, gt=0)
    lease_seconds: float = Field(default=300.0, ge=1, le=3600)

    def retry(self) -> Retry:
        """The same for the outbox."""
        return Retry(
            self.attempts,
            timedelta(seconds=self.first_retry_seconds),
            timedelta(seconds=self.longest_retry_seconds),
            timedelta(seconds=self.lease_seconds),
        )
