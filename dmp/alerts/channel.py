"""A way by which a short text reaches a person."""

from __future__ import annotations

from typing import Protocol


class NotSent(Exception):
    """The text was not taken; `permanent`: it never will be. The message names the kind of trouble, not the address."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class Channel(Protocol):
    """E-mail, SMS, or what else takes a text to an address."""

    def send(self, address: str, subject: str, text: str) -> None:
        """Hand a text over for good. A channel without subjects leaves the subject out. Raises `NotSent`."""
        ...
