"""Alerts by SMS, handed to a gateway over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import requests

from dmp.alerts import Medium, NotSent
from dmp.alerts.subscriptions import SubscriptionRefused, check_address

#: Refusals that another attempt may turn: timeout, too early, too many requests; and those of the token (401, 403).
_PASSING: Final = frozenset({401, 403, 407, 408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsGateway:
    """A gateway that takes a POST of `{"to": "+33…", "text": "…"}` (and `"from"`, with a sender) for each message.

    `token` travels as `Authorization: Bearer`. Any 2xx means that the gateway has the message. `session` holds what
    TLS needs; `seconds` is how long the gateway may be silent.
    """

    url: str
    token: str = field(repr=False)
    session: requests.Session
    sender: str = ""
    seconds: float = 20.0

    def send(self, address: str, subject: str, text: str) -> None:
        """Hand a message over; the subject is left out. Raises `NotSent`."""
        del subject
        try:
            body: dict[str, Any] = {"to": check_address(Medium.SMS, address), "text": text}
        except SubscriptionRefused:
            raise NotSent("no telephone number", permanent=True) from None
        if self.sender:
            body["from"] = self.sender
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            answer = self.session.post(
                self.url, json=body, headers=headers, timeout=self.seconds, allow_redirects=False, stream=True
            )
            status = answer.status_code
            answer.close()
        except (requests.RequestException, OSError) as trouble:
            raise NotSent(type(trouble).__name__) from None
        if not 200 <= status < 300:
            raise NotSent(f"HTTP {status}", permanent=400 <= status < 500 and status not in _PASSING)
