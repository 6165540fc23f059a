"""A way to patients' telephones and mailboxes that keeps what it is given."""

from __future__ import annotations

from dmp.accounts import OneTimeMessage


class RecordingChannel:
    """Implements `dmp.accounts.Channel`."""

    def __init__(self) -> None:
        self.sent: list[OneTimeMessage] = []

    def send(self, message: OneTimeMessage) -> None:
        self.sent.append(message)

    @property
    def last_code(self) -> str:
        """The code that arrived last."""
        return self.sent[-1].code
