"""createPatientAccess (TD1.5a), patientOTPUpdate (TD1.5b) and updatePatientAccess (TD1.5d)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from dmp.services.messages.operations.outcome import (
    Outcome,
    field_of,
    only,
    output_of,
    read_outcome,
    write_request,
    write_response,
)
from dmp.services.messages.reading import MessageRefused, member
from dmp.services.messages.writing import text
from dmp.services.vocabulary import PATIENTS

CREATE: Final = "createPatientAccess"
UPDATE_CHANNEL: Final = "patientOTPUpdate"
RENEW: Final = "updatePatientAccess"


class ChannelType(enum.StrEnum):
    """How one-time codes reach the patient."""

    SMS = "SMS"
    EMAIL = "EMAIL"


class ChannelAction(enum.StrEnum):
    """What is to be done with a channel."""

    ADD = "AJOUT"
    CHANGE = "MODIFICATION"
    REMOVE = "SUPPRESSION"


@dataclass(frozen=True, slots=True)
class CreateAccess:
    """Open an internet account whose one-time codes go to `address`."""

    channel: ChannelType
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpdateChannel:
    """Add, change or remove a channel; `address` is empty for one to be removed."""

    channel: ChannelType
    action: ChannelAction
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """The answer: login and password for the patient, once."""

    outcome: Outcome
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def read_create_access(request: etree._Element) -> CreateAccess:
    """Read a `createPatientAccess`."""
    only(request, PATIENTS, "type", "canal")
    return CreateAccess(_channel(request), _address(request))


def write_create_access(request: CreateAccess) -> bytes:
    """Write a `createPatientAccess`."""
    return write_request(CREATE, PATIENTS, text("type", request.channel), text("canal", request.address))


def read_update_channel(request: etree._Element) -> UpdateChannel:
    """Read a `patientOTPUpdate`."""
    only(request, PATIENTS, "type", "canal", "action")
    action = member(ChannelAction, field_of(request, PATIENTS, "action"), "action")
    removed = action is ChannelAction.REMOVE
    return UpdateChannel(
        _channel(request), action, field_of(request, PATIENTS, "canal") if removed else _address(request)
    )


def write_update_channel(request: UpdateChannel) -> bytes:
    """Write a `patientOTPUpdate`."""
    return write_request(
        UPDATE_CHANNEL,
        PATIENTS,
        text("type", request.channel),
        text("canal", request.address),
        text("action", request.action),
    )


def read_channel_updated(response: etree._Element) -> Outcome:
    """Read a `patientOTPUpdateResponse`."""
    return read_outcome(output_of(response, PATIENTS), PATIENTS)


def write_channel_updated(outcome: Outcome) -> bytes:
    """Write a `patientOTPUpdateResponse`."""
    return write_response(f"{UPDATE_CHANNEL}Response", PATIENTS, outcome)


def read_renew_access(request: etree._Element) -> None:
    """Read an `updatePatientAccess`, which holds nothing."""
    only(request, PATIENTS)


def write_renew_access() -> bytes:
    """Write an `updatePatientAccess`."""
    return write_request(RENEW, PATIENTS)


def read_access(response: etree._Element) -> Access:
    """Read a `createPatientAccessResponse` or an `updatePatientAccessResponse`."""
    output = output_of(response, PATIENTS)
    return Access(
        read_outcome(output, PATIENTS), field_of(output, PATIENTS, "login"), field_of(output, PATIENTS, "password")
    )


def write_access(operation: str, answer: Access) -> bytes:
    """Write the response of an operation that gives login and password."""
    given = (text("login", answer.login), text("password", answer.password))
    return write_response(f"{operation}Response", PATIENTS, answer.outcome, *given)


def _channel(request: etree._Element) -> ChannelType:
    return member(ChannelType, field_of(request, PATIENTS, "type"), "type")


def _address(request: etree._Element) -> str:
    address = field_of(request, PATIENTS, "canal")
    if not address:
        raise MessageRefused("canal is missing")
    return address
