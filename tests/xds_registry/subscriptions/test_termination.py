"""Instants and durations."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds_registry.subscriptions.termination import NoTermination, termination

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-05-31T00:00:00.00000Z", datetime(2026, 5, 31, tzinfo=UTC)),
        ("2026-05-31T02:00:00+02:00", datetime(2026, 5, 31, tzinfo=UTC)),
        (" 2026-05-31T00:00:00 ", datetime(2026, 5, 31, tzinfo=UTC)),
        ("P1D", NOW + timedelta(days=1)),
        ("P1M", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("P2Y1M", datetime(2028, 2, 29, 12, tzinfo=UTC)),
        ("P11M", datetime(2026, 12, 31, 12, tzinfo=UTC)),
        ("PT1H30M1.5S", NOW + timedelta(hours=1, minutes=30, seconds=1)),
    ],
)
def test_what_a_text_means(text: str, meant: datetime) -> None:
    assert termination(text, NOW) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1",
        "1D",
        "-P1D",
        "P1DT",
        "P9999Y",
        "2026-13-01T00:00:00Z",
        "2026-05-31",
        "now",
        "P1D P1D",
        "P\uff11D",
    ],
)
def test_what_means_nothing(text: str) -> None:
    with pytest.raises(NoTermination):
        termination(text, NOW)


@given(st.text(alphabet="P0123456789YMDTHS.:-+Z ", max_size=30) | st.text(max_size=20))
def test_any_text_is_an_instant_or_none(text: str) -> None:
    with suppress(NoTermination):
        assert termination(text, NOW).tzinfo is UTC


@given(st.integers(0, 400), st.integers(0, 100_000))
def test_days_and_seconds_add_up(days: int, seconds: int) -> None:
    assert termination(f"P{days}DT{seconds}S", NOW) == NOW + timedelta(days=days, seconds=seconds)
