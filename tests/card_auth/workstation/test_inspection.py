"""The run as a whole: it never ends early, whatever a check does."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterable, Iterator

from card_auth.errors import NoReader
from card_auth.workstation import Finding, Questions, Subject, Verdict, inspect
from card_auth.workstation.inspection import STEPS, Step

WORKS = Finding(Subject.SYSTEM, Verdict.PASS, "works")


def works(_questions: Questions, _at: datetime.datetime) -> Iterable[Finding]:
    return [WORKS]


def breaks(_questions: Questions, _at: datetime.datetime) -> Iterator[Finding]:
    yield WORKS
    raise RuntimeError("with a secret in its message")


def test_a_check_that_breaks_is_a_red_cross_and_the_run_goes_on() -> None:
    steps = (Step((Subject.SYSTEM,), None, breaks), Step((Subject.VERSIONS,), None, works))
    found = inspect(Questions(), steps=steps)
    assert [finding.verdict for finding in found.findings] == [Verdict.PASS, Verdict.FAIL, Verdict.PASS]
    assert "RuntimeError" in found.failed[0].detail
    assert "secret" not in found.failed[0].detail
    assert found.failed[0].remedy


def test_a_check_that_hangs_is_a_red_cross_and_the_run_goes_on() -> None:
    released = threading.Event()

    def hangs(_questions: Questions, _at: datetime.datetime) -> Iterator[Finding]:
        released.wait()
        yield WORKS

    steps = (Step((Subject.CARDS,), None, hangs), Step((Subject.VERSIONS,), None, works))
    found = inspect(Questions(), steps=steps, seconds=0.2)
    released.set()
    assert [finding.verdict for finding in found.findings] == [Verdict.FAIL, Verdict.PASS]
    assert "unplug" in found.failed[0].remedy


def test_what_stands_on_a_failure_is_not_tried() -> None:
    def fails(_questions: Questions, _at: datetime.datetime) -> Iterable[Finding]:
        raise NoReader

    steps = (Step((Subject.READERS,), None, fails), Step((Subject.CARDS,), Subject.READERS, works))
    found = inspect(Questions(), steps=steps)
    assert [finding.verdict for finding in found.findings] == [Verdict.FAIL, Verdict.NOT_TRIED]
    assert found.failed[0].remedy == NoReader.remedy


def test_what_a_check_stands_on_comes_before_it() -> None:
    seen: set[Subject] = set()
    for step in STEPS:
        assert step.ground is None or step.ground in seen
        seen.update(step.subjects)
