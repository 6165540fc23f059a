"""Where notifications may go: to the hosts that the operator named, over TLS, and nowhere else.

Who subscribes chooses an address that this server will call. Without a list it could be made to call what only it can
reach.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import requests

from dmp.alerts import NotSent
from soap.client.caller import NoAnswer, SoapCaller
from soap.faults import SoapFault
from soap.intake import SoapLimits
from xds_registry.subscriptions.vocabulary import NOTIFY_ACTION

# Stricter than RFC 3986, so that no two readers of an address can disagree about its host: no user, no escapes in the
# host, no backslash, no fragment.
_URL: Final = re.compile(
    r"(https?)://([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:]{2,39}\])(?::([0-9]{1,5}))?"
    r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?",
    re.ASCII,
)
_LONGEST: Final = 2048
_PORTS: Final = {"https": "443", "http": "80"}
#: What a consumer may answer: nothing, or a fault.
_LIMITS: Final = SoapLimits(body=100_000, document=100_000, root=100_000, part=1, parts=2, spool_reserve=0)


class ConsumerRefused(ValueError):
    """Notifications do not go there. The message does not repeat the address."""


class Consumers:
    """The consumers that are allowed (`host` or `host:port`), and the way to them.

    `session` holds what TLS needs. `insecure_http` lets `http` addresses pass.
    """

    def __init__(
        self, allowed: Collection[str], session: requests.Session, *, insecure_http: bool = False, seconds: float = 20.0
    ) -> None:
        self._allowed = frozenset(name.lower() for name in allowed)
        self._session = session
        self._insecure_http = insecure_http
        self._seconds = seconds

    def check(self, address: str) -> None:
        """See that notifications may go to an address. Raises `ConsumerRefused`."""
        match = _URL.fullmatch(address) if len(address) <= _LONGEST else None
        if match is None:
            raise ConsumerRefused("The consumer's address is no plain https URL")
        scheme, host, port = match[1], match[2].lower(), match[3]
        if scheme != "https" and not self._insecure_http:
            raise ConsumerRefused("The consumer's address does not begin with https")
        usual = port is None or port == _PORTS[scheme]
        if f"{host}:{port or _PORTS[scheme]}" not in self._allowed and not (usual and host in self._allowed):
            raise ConsumerRefused("The consumer is not one of those that notifications may go to")

    def tell(self, address: str, body: bytes) -> None:
        """Send a `wsnt:Notify`. Raises `NotSent`."""
        try:
            self.check(address)
        except ConsumerRefused as refused:
            raise NotSent(str(refused), permanent=True) from None
        caller = SoapCaller(address, session=self._session, timeout=self._seconds, limits=_LIMITS)
        try:
            caller.tell(NOTIFY_ACTION, body)
        except SoapFault as fault:
            raise NotSent(f"fault {fault.code.value}") from None
        except NoAnswer as trouble:
            raise NotSent(str(trouble)) from None
