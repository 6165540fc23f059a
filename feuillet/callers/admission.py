"""Who asks: the assertion of every request is verified before anything else is done with it, or the request refused.

The caller learns the name of a fault; the reason goes to the log, the figures and the audit trail.
ITI TF-2: 3.40; CI-SIS, VIHF.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import structlog

from card_auth.caller import Caller
from card_auth.trust import RevocationLists
from card_auth.vihf import AssertionRefused, Fault, Reason, Verifier
from dmp.audit import Trail
from feuillet import metrics
from feuillet.audit.recording import turned_away
from soap.faults import sender
from soap.message import IncomingMessage

_log: Final = structlog.get_logger(__name__)

#: What a repository elsewhere may do in its own name: it has admitted the caller itself.
_OF_PEERS: Final = frozenset({"urn:ihe:iti:2007:RegisterDocumentSet-b"})

#: WS-Security 1.1: 12, its own words. The fault of the DMP has none.
_WORDS: Final = {
    Fault.INVALID_CERTIFICATE: "The certificate is not accepted",
    Fault.INVALID_SECURITY: "An error was discovered processing the wsse:Security header",
    Fault.INVALID_TOKEN: "An invalid security token was provided",
    Fault.UNSUPPORTED_ALGORITHM: "An unsupported signature or encryption algorithm was used",
    Fault.FAILED_AUTHENTICATION: "The security token could not be authenticated or authorized",
    Fault.FAILED_CHECK: "The signature or decryption was invalid",
    Fault.EXPIRED: "The message has expired",
}


class Admission:
    """Called with each message. Safe to use from several threads.

    Args:
        verifier: whom it takes assertions from.
        lists: the revocation lists that the verifier looks into.
        trail: where it is recorded who was turned away, and why.
        peers: SHA-256 (hex) of certificates of repositories elsewhere, which register without an assertion.
        required: False lets messages without an assertion pass; one that is there is verified all the same.
    """

    def __init__(
        self,
        verifier: Verifier,
        lists: RevocationLists,
        *,
        trail: Trail,
        peers: frozenset[str] = frozenset(),
        required: bool = True,
    ) -> None:
        self._verifier = verifier
        self._lists = lists
        self._trail = trail
        self._peers = peers
        self._required = required

    def start(self) -> None:
        """Know the revocation lists that lie here, and have the others fetched from now on by a thread."""
        self._lists.refresh(here_only=True)
        self._lists.start()

    def stop(self) -> None:
        """End that thread."""
        self._lists.stop()

    def __call__(self, message: IncomingMessage) -> Caller | None:
        """The caller; None where none need be named. Raises `SoapFault`."""
        if message.security is None and self._may_stay_nameless(message):
            return None
        try:
            if message.security is None:
                raise AssertionRefused(Reason.NO_SECURITY)
            caller = self._verifier.verify(message.security, message.peer_certificate, at=datetime.now(UTC))
        except AssertionRefused as refused:
            metrics.REFUSED.labels(refused.reason.name).inc()
            _log.warning(
                "caller.refused",
                correlation_id=message.correlation_id,
                operation=message.operation.name,
                reason=refused.reason.name,
                detail=refused.detail,
                certificate=refused.fingerprint or None,
                fault=refused.fault.local_name,
            )
            turned_away(self._trail, message, refused.reason.name, refused.fingerprint)
            raise sender(_WORDS[refused.fault], refused.fault.value) from None
        if caller.legacy_sha1 or caller.stale_revocation:
            _log.warning(
                "caller.on_sufferance",
                correlation_id=message.correlation_id,
                certificate=caller.certificate_fingerprint,
                legacy_sha1=caller.legacy_sha1,
                stale_revocation=caller.stale_revocation,
            )
        return caller

    def _may_stay_nameless(self, message: IncomingMessage) -> bool:
        if not self._required:
            return True
        if message.operation.action not in _OF_PEERS or message.peer_certificate is None or not self._peers:
            return False
        return sha256(message.peer_certificate).hexdigest() in self._peers
