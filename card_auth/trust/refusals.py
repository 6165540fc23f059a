"""Why a certificate is not trusted: for operators, logs and audit. Callers learn the name of a fault and no more."""

from __future__ import annotations

import enum


class Refusal(enum.StrEnum):
    """The reasons of RFC 5280's path validation and of our policy, one each."""

    UNREADABLE = "unreadable"
    TOO_MANY_CERTIFICATES = "too many certificates"
    UNKNOWN_AUTHORITY = "unknown authority"
    SELF_SIGNED = "self-signed"
    BAD_SIGNATURE = "bad signature"
    KEY_MISMATCH = "authority key identifier of another authority"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    AUTHORITY_EXPIRED = "authority expired"
    AUTHORITY_NOT_YET_VALID = "authority not yet valid"
    NOT_AN_AUTHORITY = "issuer is not an authority"
    AUTHORITY_MAY_NOT_SIGN = "authority may not sign certificates"
    PATH_TOO_LONG = "path too long"
    IS_AN_AUTHORITY = "an authority's certificate in a holder's place"
    WRONG_KEY_USAGE = "wrong key usage"
    WRONG_EXTENDED_KEY_USAGE = "wrong extended key usage"
    WEAK_ALGORITHM = "weak signature algorithm"
    LEGACY_PERIOD_OVER = "SHA-1 past the end of its legacy period"
    UNKNOWN_ALGORITHM = "unknown signature algorithm"
    WEAK_KEY = "weak key"
    UNKNOWN_CRITICAL_EXTENSION = "unknown critical extension"
    NAME_CONSTRAINTS = "authority with name constraints"
    WRONG_POLICY = "certificate policy not accepted"
    WRONG_HOLDER = "holder of a kind that this authority may not certify"
    REVOKED = "revoked"
    AUTHORITY_REVOKED = "authority revoked"
    REVOCATION_UNKNOWN = "no revocation list of its authority"
    REVOCATION_STALE = "revocation list too old"


class ChainRefused(Exception):
    """No trusted chain. `reason` says why, `fingerprint` (SHA-256, hex) of which certificate; `str` has both."""

    def __init__(self, reason: Refusal, fingerprint: str = "", detail: str = "") -> None:
        self.reason = reason
        self.fingerprint = fingerprint
        self.detail = detail
        parts = [reason.value, detail and f"({detail})", fingerprint and f"[{fingerprint[:16]}]"]
        super().__init__(" ".join(filter(None, parts)))
