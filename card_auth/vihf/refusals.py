"""Why an assertion is refused: the reason for operators and audit, the name of a fault for whoever sent it."""

from __future__ import annotations

import enum
from typing import Final

from card_auth.vihf.vocabulary import SOAP12, WSSE, WSU


class Fault(enum.StrEnum):
    """What the sender learns, and no more: the subcode of a SOAP Sender fault, as a Clark name.

    WS-Security 1.1: 12; the first is the DMP's own, for every trouble with a certificate.
    """

    INVALID_CERTIFICATE = f"{{{SOAP12}}}DMPInvalidCertificate"
    INVALID_SECURITY = f"{{{WSSE}}}InvalidSecurity"
    INVALID_TOKEN = f"{{{WSSE}}}InvalidSecurityToken"
    UNSUPPORTED_ALGORITHM = f"{{{WSSE}}}UnsupportedAlgorithm"
    FAILED_AUTHENTICATION = f"{{{WSSE}}}FailedAuthentication"
    FAILED_CHECK = f"{{{WSSE}}}FailedCheck"
    EXPIRED = f"{{{WSU}}}MessageExpired"

    @property
    def local_name(self) -> str:
        """The name without its namespace: `DMPInvalidCertificate`."""
        return self.value.rpartition("}")[2]


class Reason(enum.StrEnum):
    """Which rule an assertion breaks."""

    NO_SECURITY = "no wsse:Security header where one must be, or several"
    NO_ASSERTION = "no assertion where one must be, or several"
    NO_SIGNATURE = "no signature where one must be, or several"
    UNKNOWN_CONTENT = "content that an assertion may not have"
    AMBIGUOUS_IDENTIFIER = "an identifier that is no NCName, or that something else bears too"
    WRONG_REFERENCE = "a signature over something else, or made in another way"
    WEAK_ALGORITHM = "a signature or digest algorithm that does not count"
    LEGACY_PERIOD_OVER = "SHA-1 past the end of its legacy period"
    WRONG_DIGEST = "the assertion is not what was signed"
    WRONG_SIGNATURE = "the signature is not the certificate's"
    UNREADABLE = "the signed form cannot be read again"
    UNREADABLE_CERTIFICATE = "a certificate that cannot be read"
    UNTRUSTED_SIGNER = "the signer's certificate is not trusted"
    WRONG_KEY_USAGE = "not signed with a signature certificate"
    UNTRUSTED_CONNECTION = "the connection's certificate is missing or not trusted"
    OTHER_FAMILY = "assertion and connection come from different families of certificates"
    OTHER_HOLDER = "the connection is not of the assertion's signer"
    MALFORMED_CLAIM = "a claim that is missing or malformed"
    REPEATED_CLAIM = "a claim that is made twice"
    UNKNOWN_VERSION = "a version of the VIHF that is not accepted"
    UNKNOWN_RESOURCE = "an assertion for another resource"
    UNKNOWN_SOFTWARE = "software without an accepted homologation"
    OTHER_ISSUER = "the issuer is not the signer"
    WRONG_MODE = "an access mode that the signer may not use"
    OTHER_SUBJECT = "the subject is not the card's holder, or not of the signing structure"
    OTHER_PROFESSION = "roles that are not those of the card"
    OTHER_STRUCTURE = "a structure that the signer does not speak for"
    UNKNOWN_PATIENT = "a patient identifier of an unknown authority, or with a wrong key"
    TOO_OLD = "issued too long ago, or past its end"
    IN_THE_FUTURE = "issued in the future, or before its start"
    AUTHENTICATED_TOO_EARLY = "the person's authentication is too old, or later than the assertion"
    UNKNOWN_CONDITION = "a condition that cannot be met here"
    REPLAYED = "presented before"


_FAULTS: Final = {
    Reason.NO_SECURITY: Fault.INVALID_SECURITY,
    Reason.NO_ASSERTION: Fault.INVALID_SECURITY,
    Reason.NO_SIGNATURE: Fault.INVALID_SECURITY,
    Reason.UNKNOWN_CONTENT: Fault.INVALID_SECURITY,
    Reason.AMBIGUOUS_IDENTIFIER: Fault.INVALID_SECURITY,
    Reason.WRONG_REFERENCE: Fault.INVALID_SECURITY,
    Reason.WEAK_ALGORITHM: Fault.UNSUPPORTED_ALGORITHM,
    Reason.LEGACY_PERIOD_OVER: Fault.UNSUPPORTED_ALGORITHM,
    Reason.WRONG_DIGEST: Fault.FAILED_CHECK,
    Reason.WRONG_SIGNATURE: Fault.FAILED_CHECK,
    Reason.UNREADABLE: Fault.INVALID_SECURITY,
    Reason.UNREADABLE_CERTIFICATE: Fault.INVALID_CERTIFICATE,
    Reason.UNTRUSTED_SIGNER: Fault.INVALID_CERTIFICATE,
    Reason.WRONG_KEY_USAGE: Fault.INVALID_CERTIFICATE,
    Reason.UNTRUSTED_CONNECTION: Fault.INVALID_CERTIFICATE,
    Reason.TOO_OLD: Fault.EXPIRED,
    Reason.IN_THE_FUTURE: Fault.EXPIRED,
    Reason.OTHER_FAMILY: Fault.FAILED_AUTHENTICATION,
    Reason.OTHER_HOLDER: Fault.FAILED_AUTHENTICATION,
    Reason.OTHER_ISSUER: Fault.FAILED_AUTHENTICATION,
    Reason.OTHER_SUBJECT: Fault.FAILED_AUTHENTICATION,
    Reason.OTHER_PROFESSION: Fault.FAILED_AUTHENTICATION,
    Reason.OTHER_STRUCTURE: Fault.FAILED_AUTHENTICATION,
    Reason.AUTHENTICATED_TOO_EARLY: Fault.FAILED_AUTHENTICATION,
}


class AssertionRefused(Exception):
    """The assertion does not count. `reason` and `detail` are for logs and audit, `fault` for the sender.

    `detail` names a rule, an element or a certificate's trouble; it never repeats a claim. `fingerprint` (SHA-256, hex)
    is of the certificate at fault, where there is one.
    """

    def __init__(self, reason: Reason, detail: str = "", fingerprint: str = "") -> None:
        self.reason = reason
        self.detail = detail
        self.fingerprint = fingerprint
        parts = [reason.value, detail and f"({detail})", fingerprint and f"[{fingerprint[:16]}]"]
        super().__init__(" ".join(filter(None, parts)))

    @property
    def fault(self) -> Fault:
        """What the sender learns."""
        return _FAULTS.get(self.reason, Fault.INVALID_TOKEN)
