"""The workstation's side: where its user is asked, and the only place where a PIN is entered."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final, Protocol

from card_auth.agent.refusals import Refusal, Refused

_LONGEST_LINE: Final = 200


class Desk(Protocol):
    """Asks the user of the workstation. One question at a time."""

    def confirm(self, question: str, details: tuple[str, ...]) -> bool:
        """Whether the user says yes. Anything else than a clear yes is a no."""

    def ask_pin(self, purpose: str, *, tries_left: int | None) -> str | None:
        """The PIN as the user enters it; None when they do not."""


class TerminalDesk:
    """Asks on the terminal in which the agent was started; the PIN is not shown."""

    def confirm(self, question: str, details: tuple[str, ...]) -> bool:
        """Whether the user types yes."""
        for line in (question, *details):
            print(shown(line), file=sys.stderr)
        print("[y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in {"y", "yes", "o", "oui"}

    def ask_pin(self, purpose: str, *, tries_left: int | None) -> str | None:
        """What the user types, unseen; an empty line is none."""
        print(shown(purpose), file=sys.stderr)
        if tries_left is not None:
            print(f"Tries left: {tries_left}. The card blocks itself after the last.", file=sys.stderr)
        try:
            return getpass.getpass("PIN (empty to refuse): ") or None
        except EOFError:
            return None


class OneQuestion:
    """Sees that the user has one question before them: what comes meanwhile is refused, not queued behind it.

    A queue would let a page have its question answered by the yes that was meant for another.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = Lock()

    @contextmanager
    def asking(self) -> Iterator[Desk]:
        """The desk, for the questions of one operation. Raises Refused when somebody else is asking."""
        if not self._lock.acquire(blocking=False):
            raise Refused(Refusal.BUSY)
        try:
            yield self._desk
        finally:
            self._lock.release()


def shown(text: str) -> str:
    """A line for a terminal: what could move the cursor or turn the writing round is left out."""
    return "".join(character for character in text if character.isprintable())[:_LONGEST_LINE]
