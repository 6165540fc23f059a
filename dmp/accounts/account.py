"""A patient's internet account: what the values are.

Source: the French shared record: TD1.5a createPatientAccess, TD1.5b patientOTPUpdate, TD1.5d updatePatientAccess.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


class ChannelKind(enum.StrEnum):
    """How one-time codes reach the patient."""

    SMS = "SMS"
    EMAIL = "EMAIL"


@dataclass(frozen=True, slots=True)
class OneTimeChannel:
    """Where one-time codes go: a mobile number or a mail address."""

    kind: ChannelKind
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login and its password, for the patient's eyes once. The password is nowhere else."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A patient's internet account."""

    pk: int
    record_pk: int
    login: str = field(repr=False)
    channels: tuple[OneTimeChannel, ...]
    created_at: datetime
    renewed_at: datetime | None = None


class Purpose(enum.StrEnum):
    """What a one-time code is for: it opens nothing else."""

    SIGN_IN = "sign-in"
    CHANGE_CHANNEL = "change-channel"
    RESET_PASSWORD = "reset-password"  # noqa: S105 (a purpose, not a secret)


@dataclass(frozen=True, slots=True)
class OneTimeMessage:
    """A code on its way to the patient, to be handed to a `Channel` once the transaction is committed."""

    kind: ChannelKind
    address: str = field(repr=False)
    code: str = field(repr=False)
    purpose: Purpose
    expires_at: datetime


class Channel(Protocol):
    """A way to a patient's telephone or mailbox."""

    def send(self, message: OneTimeMessage) -> None:
        """Deliver a one-time code, or keep it to be delivered. Must not log address or code."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What follows a request for a code: the same whether an account exists or not, but for `message`.

    Nothing that the person who asks can see may depend on `message`, the time of the answer included: hand it to a
    queue, not to a network.
    """

    purpose: Purpose
    expires_at: datetime
    message: OneTimeMessage | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRules:
    """Bounds on one-time codes. With six digits, ten wrong codes a day are right with a chance of 1 in 100,000."""

    lifetime: timedelta = timedelta(minutes=5)
    tries: int = 5
    hourly_per_account: int = 10
    hourly_per_address: int = 10
    daily_wrong_codes: int = 10
