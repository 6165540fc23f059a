"""The audit trail as the settings describe it: its key, and the syslog server that hears of it."""

from __future__ import annotations

import os
import socket

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from dmp.audit import Trail
from dmp.audit.atna import AuditSource
from dmp.audit.chain import AuditKeyError, load_key
from dmp.audit.syslog import SyslogMisconfigured, SyslogServer, tls_client
from feuillet.configuration import ConfigurationRefused
from feuillet.settings import Sections, SyslogSettings


def required_key(settings: Sections) -> Ed25519PrivateKey:
    """The key that signs the trail. Raises `ConfigurationRefused` where there is none."""
    key = signing_key(settings)
    if key is None:
        expected = "expected [audit] with a key (`feuillet audit key FILE` makes one)"
        raise ConfigurationRefused([f"audit: {expected}; or --insecure-demo, for a demonstration on this machine"])
    return key


def signing_key(settings: Sections) -> Ed25519PrivateKey | None:
    """The same; None where there is none, and so nothing can be recorded or done."""
    if settings.audit is None:
        return settings.passing_audit_key
    try:
        return load_key(settings.audit.key)
    except AuditKeyError as error:
        raise ConfigurationRefused([f"audit.key: {error}"]) from None


def open_trail(settings: Sections, engine: Engine) -> Trail:
    """The trail of a database. Raises `ConfigurationRefused`."""
    return Trail(engine, signing_key(settings))


def open_syslog(syslog: SyslogSettings) -> SyslogServer:
    """The server that ATNA messages go to. Raises `ConfigurationRefused`."""
    host, _, port = syslog.address.rpartition(":")
    try:
        context = tls_client(syslog.ca, syslog.certificate, syslog.key)
    except SyslogMisconfigured as error:
        raise ConfigurationRefused([f"audit.syslog.{error}"]) from None
    return SyslogServer(host.strip("[]"), int(port), context)


def audit_source(syslog: SyslogSettings | None) -> AuditSource:
    """Who reports."""
    named = syslog or SyslogSettings(address="localhost:6514")
    return AuditSource(named.source, named.enterprise_site, socket.gethostname(), os.getpid())
