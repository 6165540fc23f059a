"""What a check of the workstation found, and what to do about it."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Subject(enum.StrEnum):
    """What was looked at. The values are stable: programs that read the report go by them."""

    SYSTEM = "system"
    CARD_SUPPORT = "card-support"
    PCSC_SERVICE = "pcsc-service"
    READERS = "readers"
    CARDS = "cards"
    MODULE = "pkcs11-module"
    TOKEN = "token"  # noqa: S105 - the name of a check
    AUTHENTICATION_CERTIFICATE = "authentication-certificate"
    SIGNATURE_CERTIFICATE = "signature-certificate"
    SERVICE = "service"
    SERVICE_TLS = "service-tls"
    SERVICE_CERTIFICATE = "service-certificate"
    MUTUAL_TLS = "mutual-tls"
    CLOCK = "clock"
    VERSIONS = "versions"


TITLES = {
    Subject.SYSTEM: "System",
    Subject.CARD_SUPPORT: "Support for cards",
    Subject.PCSC_SERVICE: "Smart card service (PC/SC)",
    Subject.READERS: "Readers and slots",
    Subject.CARDS: "Cards",
    Subject.MODULE: "PKCS#11 module",
    Subject.TOKEN: "Card as the module shows it",
    Subject.AUTHENTICATION_CERTIFICATE: "Authentication certificate",
    Subject.SIGNATURE_CERTIFICATE: "Signature certificate",
    Subject.SERVICE: "Way to the service",
    Subject.SERVICE_TLS: "TLS to the service",
    Subject.SERVICE_CERTIFICATE: "The service's certificate",
    Subject.MUTUAL_TLS: "Client certificate",
    Subject.CLOCK: "Computer's clock",
    Subject.VERSIONS: "Versions",
}


class Verdict(enum.StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"  # works today
    FAIL = "fail"
    NOT_TRIED = "not-tried"  # what it stands on failed
    NOT_APPLICABLE = "not-applicable"  # not asked for, or not of this system


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. Holds no PIN, no patient's data and no key."""

    subject: Subject
    verdict: Verdict
    detail: str
    remedy: str = ""  # what to do; empty where there is nothing to do
    about: str = ""  # which one of several: a reader, a token, a component

    @property
    def title(self) -> str:
        """The subject in words, with which one of several."""
        return f"{TITLES[self.subject]}: {self.about}" if self.about else TITLES[self.subject]


@dataclass(frozen=True, slots=True)
class Inspection:
    """A run of every check, in the order in which one needs the other."""

    began: datetime.datetime  # aware, by the computer's own clock
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed. Warnings pass."""
        return not self.failed

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The red crosses."""
        return tuple(finding for finding in self.findings if finding.verdict is Verdict.FAIL)

    def of(self, subject: Subject) -> tuple[Finding, ...]:
        """What was found of one subject."""
        return tuple(finding for finding in self.findings if finding.subject is subject)

    def as_json(self) -> dict[str, object]:
        """The report for programs."""
        return {
            "passed": self.passed,
            "began": self.began.isoformat(timespec="seconds"),
            "findings": [
                {
                    "subject": finding.subject.value,
                    "about": finding.about,
                    "verdict": finding.verdict.value,
                    "detail": finding.detail,
                    "remedy": finding.remedy,
                }
                for finding in self.findings
            ],
        }


def ground_is_firm(findings: Iterable[Finding]) -> bool:
    """Whether something can be built on what was found: some of it works."""
    return any(finding.verdict in {Verdict.PASS, Verdict.WARN} for finding in findings)
