"""How many examples property tests try: TESTS_EXAMPLES is the share of the full number, 1 by default."""

from __future__ import annotations

import os

SHARE = float(os.environ.get("TESTS_EXAMPLES", "1"))


def some(count: int) -> int:
    """`count`, or the share of it that the run asks for."""
    return max(10, round(count * SHARE))
