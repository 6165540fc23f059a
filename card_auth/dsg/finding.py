"""What was found of the signature of a submission: kept as metadata, shown, audited."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass

from card_auth.dsg.vocabulary import XadesVersion


class Verdict(enum.StrEnum):
    """What became of it."""

    VALID = "valid"
    INVALID = "invalid"
    ABSENT = "absent"  # there is no signature document
    UNVERIFIABLE = "unverifiable"  # there is one, and it cannot be judged here


class Reason(enum.StrEnum):
    """Which rule a signature breaks, or why it cannot be judged."""

    TOO_LARGE = "a signature document that is larger than any needs to be"
    UNREADABLE = "a signature document that cannot be read"
    NO_SIGNATURE = "a signature document that is no signature"
    UNKNOWN_CONTENT = "content that a signature document may not have"
    AMBIGUOUS_IDENTIFIER = "an identifier that is malformed, or borne twice"
    WRONG_REFERENCE = "a signature over something else than manifest and signed properties"
    WRONG_TRANSFORM = "a transform or canonicalisation that is not accepted there"
    WEAK_ALGORITHM = "a signature or digest algorithm that does not count"
    LEGACY_PERIOD_OVER = "SHA-1 past the end of its legacy period"
    WRONG_DIGEST = "manifest or signed properties are not what was signed"
    WRONG_SIGNATURE = "the signature is not the certificate's"
    UNREADABLE_CERTIFICATE = "a certificate that cannot be read"
    OTHER_CERTIFICATE = "the signed properties name another certificate"
    OTHER_PURPOSE = "a signature for another purpose, or of something else"
    MALFORMED_TIME = "a signing time that cannot be read, or without a time zone"
    SIGNED_TOO_EARLY = "signed long before it was submitted"
    SIGNED_IN_THE_FUTURE = "signed after it was submitted"
    NOT_VALID_AT_SIGNING = "the certificate was not valid yet, or no longer, when it signed"
    REVOKED = "the certificate is revoked"
    WRONG_KEY_USAGE = "not signed with a signature certificate"
    UNTRUSTED_SIGNER = "the signer's certificate is not trusted"
    OTHER_SIGNER = "the signer is not who submits"
    OTHER_AUTHOR = "the signer is not an author of the submission set"
    OTHER_SET = "the manifest is of another submission set"
    MISSING_DOCUMENT = "a document of the set is not in the manifest"
    UNKNOWN_DOCUMENT = "the manifest names a document that is not of the set"
    REPEATED_DOCUMENT = "the manifest names a document twice"
    NOT_CANONICAL = "an XML document that cannot be brought into canonical form: too large, or not read here"
    OTHER_DOCUMENT = "a document is not what was signed"
    NOBODY_KNOWN = "nobody is known to have submitted it"
    NO_TRUST = "no authority is trusted here"
    NOT_EXAMINED = "nobody here has looked at the documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFinding:
    """What was found. Who signed, when and how is only told once the signature itself has held."""

    verdict: Verdict
    reason: Reason | None = None
    detail: str = ""  # an element, a uniqueId or a certificate's trouble; never content
    signer_national_id: str = ""  # of a person
    signer_structure_id: str = ""  # of a structure
    signer_name: str = ""
    certificate_fingerprint: str = ""  # SHA-256, hex
    signed_at: datetime.datetime | None = None  # aware, UTC; what the signer says
    algorithm: str = ""  # SignatureMethod, a URI
    xades: XadesVersion | None = None
    legacy_sha1: bool = False  # counts only under the dated exception for SHA-1
    stale_revocation: bool = False  # trusted on a revocation list past its nextUpdate

    @property
    def summary(self) -> str:
        """In one line, for audit and logs; empty when there is no signature."""
        if self.verdict is Verdict.ABSENT:
            return ""
        why = "" if self.reason is None else f" {self.reason.name}"
        return f"{self.verdict}{why}{' legacy-sha1' if self.legacy_sha1 else ''}"


ABSENT = SignatureFinding(verdict=Verdict.ABSENT)


class SignatureRefused(Exception):
    """A gate refuses; `detail` is for operators."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}{f' ({detail})' if detail else ''}")
        self.reason = reason
        self.detail = detail
