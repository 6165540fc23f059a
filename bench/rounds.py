"""Comparing two sides fairly: turn by turn in one run, so that whatever else the machine does falls on both."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

#: One round of a side: does its requests and returns what one of them cost, or the rate that was reached.
Round = Callable[[], float]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Samples:
    """One figure a round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """Lowest and highest."""
        return min(self.values), max(self.values)


@dataclass(frozen=True, slots=True)
class Target:
    """What a ratio must be: at most `bound`, or at least."""

    bound: float
    at_least: bool = False

    def met(self, ratio: float) -> bool:
        return ratio >= self.bound if self.at_least else ratio <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was measured and what it is measured against. `unit` is how a figure of either side is shown."""

    title: str
    measured: str
    against: str
    unit: str
    product: Samples
    floor: Samples
    target: Target

    @property
    def ratios(self) -> Samples:
        """Product over floor, round by round."""
        return Samples(tuple(p / f for p, f in zip(self.product.values, self.floor.values, strict=True)))

    @property
    def met(self) -> bool:
        return self.target.met(self.ratios.median)

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "measured": self.measured,
            "against": self.against,
            "unit": self.unit,
            "product": list(self.product.values),
            "floor": list(self.floor.values),
            "ratio": self.ratios.median,
            "ratio_spread": list(self.ratios.spread),
            "target": str(self.target),
            "met": self.met,
        }


def interleave(sides: Sequence[Round], rounds: int) -> list[Samples]:
    """Run each side `rounds` times, in turns whose order changes, after one round each that does not count."""
    for side in sides:
        side()
    values: list[list[float]] = [[] for _ in sides]
    for number in range(rounds):
        order = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
        for position in order:
            values[position].append(sides[position]())
    return [Samples(tuple(found)) for found in values]
