"""The broker of notifications as the settings describe it (ITI-52, ITI-53)."""

from __future__ import annotations

from datetime import timedelta

import requests
from sqlalchemy import Engine

from dmp.audit import Trail
from feuillet.alerts.settings import NotificationSettings
from feuillet.settings import Sections
from xds_registry.subscriptions.broker import Broker, BrokerConfiguration, any_record, one_record
from xds_registry.subscriptions.consumers import Consumers


def open_broker(settings: Sections, engine: Engine, trail: Trail) -> Broker | None:
    """The broker; None where there is to be none."""
    chosen = None if settings.alerts is None else settings.alerts.notifications
    if chosen is None:
        return None
    configuration = BrokerConfiguration(chosen.address.rstrip("/"), timedelta(days=chosen.longest_days), chosen.most)
    permits = any_record if chosen.any_patient else one_record
    return Broker(engine, trail, configuration, open_consumers(chosen), permits=permits)


def open_consumers(settings: NotificationSettings) -> Consumers:
    """The way to the consumers that are allowed."""
    session = requests.Session()
    session.trust_env = False
    if settings.ca is not None:
        session.verify = str(settings.ca)
    if settings.certificate is not None and settings.key is not None:
        session.cert = (str(settings.certificate), str(settings.key))
    return Consumers(settings.consumers, session, insecure_http=settings.insecure_http, seconds=settings.seconds)
