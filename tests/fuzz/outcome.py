"""What became of one input."""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """Whether it was accepted, and how it went in a few words: inputs with a new outcome are worth keeping."""

    accepted: bool
    detail: tuple[object, ...] = ()
