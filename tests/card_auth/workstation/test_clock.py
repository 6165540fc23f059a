"""The verdict on a clock: what servers would make of an assertion that is made by it."""

from __future__ import annotations

import contextlib
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_auth.vihf.policy import VihfPolicy
from card_auth.workstation import Verdict, clock

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def seconds(number: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=number)


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [
        (0, Verdict.PASS),
        (20, Verdict.PASS),
        (45, Verdict.WARN),
        (62, Verdict.FAIL),
        (86400, Verdict.FAIL),
        (-100, Verdict.PASS),
        (-200, Verdict.WARN),
        (-302, Verdict.FAIL),
        (-86400 * 400, Verdict.FAIL),
    ],
)
def test_the_limits_are_those_of_assertions(ahead: float, verdict: Verdict) -> None:
    finding = clock.judge(clock.skew(NOW + seconds(ahead), NOW, NOW + seconds(ahead + 0.1)))
    assert finding.verdict is verdict
    assert bool(finding.remedy) is (verdict is not Verdict.PASS)
    assert "ahead by more than 60 s or behind by more than 300 s" in finding.detail


def test_a_doubtful_difference_is_no_failure() -> None:
    slow = clock.skew(NOW + seconds(40), NOW, NOW + seconds(90))
    assert clock.judge(slow).verdict is Verdict.WARN


def test_another_policy_has_other_limits() -> None:
    strict = VihfPolicy(skew=seconds(5), window=seconds(30))
    found = clock.skew(NOW + seconds(10), NOW, NOW + seconds(10))
    assert clock.judge(found).verdict is Verdict.PASS
    assert clock.judge(found, strict).verdict is Verdict.FAIL


@given(
    ahead=st.floats(-1e6, 1e6),
    there=st.floats(0, 30),
    back=st.floats(0, 30),
    fraction=st.floats(0, 0.999),
)
def test_the_true_difference_lies_within_what_is_told(ahead: float, there: float, back: float, fraction: float) -> None:
    written = NOW + seconds(fraction)  # the service's clock when it answers; its header loses the fraction
    found = clock.skew(written + seconds(ahead - there), NOW, written + seconds(ahead + back))
    doubt = seconds(1e-5)
    assert found.least - doubt <= seconds(ahead) <= found.most + doubt


@pytest.mark.parametrize(
    "header", ["Sun, 01 Mar 2026 12:00:00 GMT", "Sunday, 01-Mar-26 12:00:00 GMT", "Sun Mar  1 12:00:00 2026"]
)
def test_every_form_of_an_http_date_is_read(header: str) -> None:
    assert clock.read_date(header) == NOW


@given(st.text(max_size=60))
def test_what_is_no_date_is_said_to_be_none(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert clock.read_date(text).tzinfo is not None
