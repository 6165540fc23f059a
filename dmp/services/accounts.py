"""TD1.5: the patient's internet account, set up by a professional with the patient."""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from dmp.accounts import ChannelKind, OneTimeChannel
from dmp.accounts.access import add_channel, change_channel, create_account, regenerate, suppress_channel
from dmp.audit import Transaction
from dmp.audit.event import Action as Act
from dmp.errors import DmpError
from dmp.records.find import active
from dmp.rights.actions import Action
from dmp.services.conversation import Conversation, Done, Visit
from dmp.services.messages.operations import accounts as m
from dmp.services.messages.operations.outcome import Outcome
from dmp.services.vocabulary import Status


def create_access() -> Conversation[m.CreateAccess]:
    """How `createPatientAccess` is served (TD1.5a)."""
    return Conversation(
        read=m.read_create_access,
        transaction=lambda _: Transaction.OPEN_ACCOUNT,
        action=lambda _: Action.MANAGE_ACCOUNT,
        named=lambda _: (),
        work=_create,
        refuse=lambda _body, refusal, _at: _refused_access(m.CREATE, refusal),
    )


def update_channel() -> Conversation[m.UpdateChannel]:
    """How `patientOTPUpdate` is served (TD1.5b)."""
    return Conversation(
        read=m.read_update_channel,
        transaction=lambda _: Transaction.UPDATE_CHANNEL,
        action=lambda _: Action.MANAGE_ACCOUNT,
        named=lambda _: (),
        work=_update_channel,
        refuse=_refuse_channel,
    )


def renew_access() -> Conversation[None]:
    """How `updatePatientAccess` is served (TD1.5d)."""
    return Conversation(
        read=m.read_renew_access,
        transaction=lambda _: Transaction.RENEW_ACCOUNT,
        action=lambda _: Action.MANAGE_ACCOUNT,
        named=lambda _: (),
        work=_renew,
        refuse=lambda _body, refusal, _at: _refused_access(m.RENEW, refusal),
    )


def _create(visit: Visit, request: m.CreateAccess) -> Done:
    record = active(visit.connection, visit.patient)
    channel = OneTimeChannel(ChannelKind(request.channel.value), request.address)
    given = create_account(visit.connection, record.pk, (channel,), at=visit.at)
    reply = m.write_access(m.CREATE, m.Access(Outcome(Status.OK.value), given.login, given.password))
    return Done(reply=reply, act=request.channel.value)


def _update_channel(visit: Visit, request: m.UpdateChannel) -> Done:
    record = active(visit.connection, visit.patient)
    channel = OneTimeChannel(ChannelKind(request.channel.value), request.address)
    if request.action is m.ChannelAction.ADD:
        add_channel(visit.connection, record.pk, channel, at=visit.at)
    elif request.action is m.ChannelAction.CHANGE:
        change_channel(visit.connection, record.pk, channel, at=visit.at)
    else:
        suppress_channel(visit.connection, record.pk, channel.kind)
    acts = {m.ChannelAction.ADD: Act.CREATE, m.ChannelAction.CHANGE: Act.UPDATE, m.ChannelAction.REMOVE: Act.DELETE}
    said = Outcome(Status.OK.value, "The channels of one-time codes are up to date.")
    act = f"{request.action.value} {request.channel.value}"
    return Done(reply=m.write_channel_updated(said), action=acts[request.action], act=act)


def _renew(visit: Visit, _request: None) -> Done:
    record = active(visit.connection, visit.patient)
    given = regenerate(visit.connection, record.pk, at=visit.at)
    return Done(reply=m.write_access(m.RENEW, m.Access(Outcome(Status.OK.value), given.login, given.password)))


def _refused_access(operation: str, refusal: DmpError) -> bytes:
    return m.write_access(operation, m.Access(Outcome(refusal.code, str(refusal))))


def _refuse_channel(_body: etree._Element, refusal: DmpError, _at: datetime) -> bytes:
    return m.write_channel_updated(Outcome(refusal.code, str(refusal)))
