"""The whole check: each step in the order in which one needs the other, and no step that ends the run."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from card_auth.errors import CardError
from card_auth.trust import ProfileError, TrustProfile, load_profile
from card_auth.workstation import readers, tokens, versions
from card_auth.workstation.connection import ClientKey, Service
from card_auth.workstation.findings import TITLES, Finding, Inspection, Subject, Verdict, ground_is_firm
from card_auth.workstation.service import check_service


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What is to be checked besides the computer itself."""

    service: str | None = None  # https address
    authorities: Path | None = None  # whom to trust to be the service, PEM
    client: ClientKey | None = None
    module: Path | None = None  # PKCS#11; None: the first of the usual ones
    token: str | None = None  # its label; None: every token
    profile: Path | None = None  # directory of a trust profile for the card's certificates


LONGEST: Final = 60.0  # seconds for one step: several connections may each wait for ten


@dataclass(frozen=True, slots=True)
class Step:
    """One check: what it is about, what it stands on, and how it is made."""

    subjects: tuple[Subject, ...]
    ground: Subject | None
    check: Callable[[Questions, datetime.datetime], Iterable[Finding]]


def _service(questions: Questions, at: datetime.datetime) -> Iterable[Finding]:
    if questions.service is None:
        detail = "No service was named (--service)."
        return [Finding(subject, Verdict.NOT_APPLICABLE, detail) for subject in (Subject.SERVICE, Subject.CLOCK)]
    try:
        service = Service.at(questions.service, authorities=questions.authorities, client=questions.client)
    except ValueError as error:
        remedy = "Give the address as the service's operator wrote it, such as https://dmp.example.org/."
        return [Finding(Subject.SERVICE, Verdict.FAIL, f"This is no address of a service: {error}.", remedy)]
    return check_service(service, at)


def _certificates(questions: Questions, at: datetime.datetime) -> Iterable[Finding]:
    profile: TrustProfile | None = None
    if questions.profile is not None:
        try:
            profile = load_profile(questions.profile)
        except ProfileError as error:
            remedy = "Give the directory of a trust profile, as the service's operator handed it out."
            yield Finding(Subject.SIGNATURE_CERTIFICATE, Verdict.FAIL, str(error), remedy, "trust profile")
    yield from tokens.check_certificates(questions.module, questions.token, profile, at)


STEPS: Final = (
    Step((Subject.SYSTEM,), None, lambda _questions, _at: versions.check_system()),
    Step((Subject.CARD_SUPPORT,), None, lambda _questions, _at: versions.check_card_support()),
    Step((Subject.PCSC_SERVICE,), Subject.CARD_SUPPORT, lambda _questions, _at: readers.check_pcsc_service()),
    Step((Subject.READERS,), Subject.PCSC_SERVICE, lambda _questions, _at: readers.check_readers()),
    Step((Subject.CARDS,), Subject.READERS, lambda _questions, _at: readers.check_cards()),
    Step((Subject.MODULE,), Subject.CARD_SUPPORT, lambda questions, _at: tokens.check_module(questions.module)),
    Step(
        (Subject.TOKEN,), Subject.MODULE, lambda questions, _at: tokens.check_tokens(questions.module, questions.token)
    ),
    Step((Subject.AUTHENTICATION_CERTIFICATE, Subject.SIGNATURE_CERTIFICATE), Subject.TOKEN, _certificates),
    Step((Subject.SERVICE,), None, _service),
    Step((Subject.VERSIONS,), None, lambda questions, _at: versions.check_versions(questions.module)),
)


def inspect(
    questions: Questions,
    *,
    now: datetime.datetime | None = None,
    told: Callable[[Finding], None] = lambda _finding: None,
    steps: tuple[Step, ...] = STEPS,
    seconds: float = LONGEST,
) -> Inspection:
    """Make every check. Never raises: a check that breaks, or lasts longer than `seconds`, is a red cross.

    `told` hears of a step's findings when it ends.
    """
    at = now or datetime.datetime.now(datetime.UTC)
    findings: list[Finding] = []
    for step in steps:
        begun = len(findings)
        if step.ground is not None and not _firm(findings, step.ground):
            detail = f"Not tried: `{TITLES[step.ground]}` comes first."
            findings += [Finding(subject, Verdict.NOT_TRIED, detail) for subject in step.subjects]
        else:
            try:
                _gather(step, questions, at, findings, seconds)
            except CardError as error:
                findings += [Finding(subject, Verdict.FAIL, str(error), error.remedy) for subject in step.subjects]
            except Exception as error:  # a diagnosis must not end where something is broken
                detail = f"The check itself broke off ({type(error).__name__})."
                findings += [Finding(subject, Verdict.FAIL, detail, CardError.remedy) for subject in step.subjects]
        for finding in findings[begun:]:
            told(finding)
    return Inspection(at, tuple(findings))


class _Endless(CardError):
    """A check that waits for an answer which does not come."""

    summary = "The check was given up: no answer came in time."
    remedy = "Take the card out and unplug the reader, plug it in again, start the computer anew, and check again."


def _gather(step: Step, questions: Questions, at: datetime.datetime, findings: list[Finding], seconds: float) -> None:
    """Add what the step finds, also what it finds before it breaks. Raises what it raises, and _Endless."""
    found: list[Finding] = []
    broken: list[Exception] = []

    def run() -> None:
        try:
            for finding in step.check(questions, at):
                found.append(finding)
        except Exception as error:  # handed over to the thread that waits
            broken.append(error)

    # a driver may hang in a call that nothing can interrupt: it hangs in a thread that nobody waits for
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    findings += found
    if thread.is_alive():
        raise _Endless
    if broken:
        raise broken[0]


def _firm(findings: list[Finding], ground: Subject) -> bool:
    return ground_is_firm(finding for finding in findings if finding.subject is ground)
