"""`feuillet check`: what a server needs, looked at piece by piece."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import typer
from cryptography import x509

from dmp.audit.syslog import NotDelivered, send
from feuillet import probes
from feuillet.audit.opening import open_syslog, required_key
from feuillet.callers.trust import open_trust, required_trust
from feuillet.commands.exits import ExitCode
from feuillet.composition import affinity_domain, open_engine, open_rooms
from feuillet.configuration import ConfigurationRefused
from feuillet.probes import Finding
from feuillet.server.tls import tls_context
from feuillet.settings import Sections
from xds_repository.stores import StoreError

_SOON: Final = timedelta(days=30)
_CODES: Final = {
    "schema": ExitCode.NOT_MIGRATED,
    "database": ExitCode.UNAVAILABLE,
    "store": ExitCode.UNAVAILABLE,
}


def check(settings: Sections) -> list[Finding]:
    """Every finding, in the order in which one needs the other. Raises `ConfigurationRefused`."""
    domain = affinity_domain(settings)
    findings = [Finding("configuration", True, f"affinity domain {domain.name}"), *_keys(settings), _trust(settings)]
    findings.append(_audit(settings))
    engine = open_engine(settings)
    findings.append(probes.database(engine))
    if findings[-1].passed:
        findings += [probes.schema(engine), probes.clock(engine)]
    engine.dispose()
    try:
        rooms = open_rooms(settings)
    except StoreError as error:
        findings.append(Finding("store", False, str(error)))
    else:
        findings.append(probes.store(rooms.store))
        rooms.close()
    return findings


def show(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print what was found."""
    if as_json:
        content = {
            "passed": all(finding.passed for finding in findings),
            "findings": [
                {"subject": finding.subject, "passed": finding.passed, "detail": finding.detail} for finding in findings
            ],
        }
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    for finding in findings:
        typer.echo(f"{'ok    ' if finding.passed else 'WRONG '} {finding.subject:14} {finding.detail}")


def exit_code(findings: Sequence[Finding]) -> ExitCode:
    """The exit code of the first finding that did not pass."""
    for finding in findings:
        if not finding.passed:
            return _CODES.get(finding.subject, ExitCode.FAILED)
    return ExitCode.DONE


def _trust(settings: Sections) -> Finding:
    """Whether somebody is trusted, and every revocation list can be had."""
    try:
        trust = required_trust(settings)
        if trust is None:
            return Finding("trust", True, "requests need no assertion")
        lists, store = open_trust(trust)
    except ConfigurationRefused as refused:
        return Finding("trust", False, "; ".join(refused.problems))
    lists.refresh()
    missing = [f"{state.location}: {state.error}" for state in lists.states() if state.error]
    if missing:
        return Finding("trust", False, "; ".join(missing))
    return Finding("trust", True, f"profiles {', '.join(profile.name for profile in store.profiles)}")


def _audit(settings: Sections) -> Finding:
    """Whether the trail can be signed, its anchor written, and the syslog server reached."""
    try:
        required_key(settings)
        audit = settings.audit
        if audit is None:
            return Finding("audit", True, "a key that ends with the demonstration")
        if audit.anchor is not None and not os.access(
            audit.anchor if audit.anchor.exists() else audit.anchor.parent, os.W_OK
        ):
            return Finding("audit", False, "audit.anchor: expected a file that can be written to")
        exposed = "" if audit.key.stat().st_mode & 0o077 == 0 else "; others than its owner may read audit.key"
        if audit.syslog is None:
            return Finding("audit", True, f"the trail is signed, no syslog server is set{exposed}")
        send(open_syslog(audit.syslog), ())
    except ConfigurationRefused as refused:
        return Finding("audit", False, "; ".join(refused.problems))
    except NotDelivered as error:
        return Finding("audit", False, f"audit.syslog: the server does not answer ({error})")
    return Finding("audit", True, f"the trail is signed, the syslog server answers{exposed}")


def _keys(settings: Sections) -> Iterator[Finding]:
    for section, tls in (("server.tls", settings.server.tls), ("feed.tls", settings.feed.tls)):
        if tls is None:
            continue
        try:
            tls_context(tls)
            certificate = x509.load_pem_x509_certificate(tls.certificate.read_bytes())
        except ConfigurationRefused as refused:
            yield Finding(section, False, "; ".join(refused.problems))
            continue
        until, now = certificate.not_valid_after_utc, datetime.now(UTC)
        begun = certificate.not_valid_before_utc <= now
        remark = ", which is soon" if until - now < _SOON else ""
        yield Finding(section, begun and until > now, f"the server's certificate ends {until:%Y-%m-%d}{remark}")
