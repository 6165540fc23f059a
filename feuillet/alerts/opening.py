"""The ways by which alerts leave, as the settings describe them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import requests
from sqlalchemy import Engine

from dmp.alerts import AlertPolicy, Channel, Medium
from dmp.alerts.delivery import Courier
from dmp.alerts.notices import NoticeCourier, Notices
from dmp.alerts.outbox import Addressees
from feuillet.alerts.mail import Account, Mail
from feuillet.alerts.notifying import open_consumers
from feuillet.alerts.sending import Sending
from feuillet.alerts.settings import AlertSettings, Security, SmsSettings, SmtpSettings
from feuillet.alerts.sms import SmsGateway
from feuillet.composition import Rooms
from feuillet.configuration import ConfigurationRefused
from feuillet.law.telling import Telling
from xds_registry.subscriptions.notification import NOTIFY, Notifications, NotifyCourier, everything


def open_channels(settings: AlertSettings) -> dict[Medium, Channel]:
    """The channels that are configured. Raises `ConfigurationRefused`."""
    channels: dict[Medium, Channel] = {}
    if settings.smtp is not None:
        channels[Medium.MAIL] = open_mail(settings.smtp)
    if settings.sms is not None:
        channels[Medium.SMS] = open_sms(settings.sms)
    return channels


def open_mail(smtp: SmtpSettings) -> Mail:
    """The mail server. Raises `ConfigurationRefused`."""
    host, _, port = smtp.address.rpartition(":")
    context = None if smtp.security is Security.NONE else _verifying(smtp.ca, "alerts.smtp.ca")
    account = None
    if smtp.user is not None and smtp.password is not None:
        account = Account(smtp.user, smtp.password.get_secret_value())
    return Mail(
        host=host.strip("[]"),
        port=int(port),
        sender=smtp.sender,
        context=context,
        implicit_tls=smtp.security is Security.TLS,
        account=account,
        seconds=smtp.seconds,
    )


def open_sms(sms: SmsSettings) -> SmsGateway:
    """The SMS gateway."""
    session = requests.Session()
    session.trust_env = False
    if sms.ca is not None:
        session.verify = str(sms.ca)
    return SmsGateway(
        url=sms.url, token=sms.token.get_secret_value(), session=session, sender=sms.sender, seconds=sms.seconds
    )


def notice_couriers(
    settings: AlertSettings, engine: Engine, policy: AlertPolicy, clock: Callable[[], datetime]
) -> dict[str, Courier]:
    """A courier for each channel. Raises `ConfigurationRefused`."""
    return {
        medium.value: NoticeCourier(engine, policy, channel, portal=settings.portal, clock=clock)
        for medium, channel in open_channels(settings).items()
    }


def _verifying(ca: Path | None, key: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, ssl.SSLError):
        raise ConfigurationRefused([f"{key}: expected PEM certificates of authorities"]) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def start_sending(rooms: Rooms) -> Sending | None:
    """Begin to send what waits, in threads of this process; None where no alerts are configured.

    Raises `ConfigurationRefused`.
    """
    settings = rooms.settings.alerts
    if settings is None or rooms.registry is None:
        return None
    addressees: list[Addressees] = [Notices(rooms.alert_policy)]
    clock = rooms.trail.clock
    couriers = notice_couriers(settings, rooms.engine, rooms.alert_policy, clock)
    if settings.notifications is not None and rooms.broker is not None:
        sees = everything if rooms.law is None else Telling(rooms.law).visibility_of
        addressees.append(Notifications(clock, visibility_of=sees))
        consumers = open_consumers(settings.notifications)
        couriers[NOTIFY] = NotifyCourier(rooms.engine, consumers, rooms.broker.address_of, clock, visibility_of=sees)
    sending = Sending(rooms.engine, rooms.trail, addressees, couriers, settings.retry(), seconds=settings.poll_seconds)
    sending.start(settings.senders)
    return sending
