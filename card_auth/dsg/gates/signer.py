"""Who signed: somebody trusted to, then and now, who is the caller and an author of the set; and when."""

from __future__ import annotations

from typing import Final

from card_auth.caller import AccessMode
from card_auth.dsg.evidence import Evidence, algorithm_of, hash_named
from card_auth.dsg.finding import Reason, SignatureRefused
from card_auth.dsg.vocabulary import ds
from card_auth.professionals import HolderKind
from card_auth.trust import ChainRefused, Freshness, Purpose, Refusal
from card_auth.xmldsig import refusal_of_sha1, uses_sha1

_REASONS: Final = {
    Refusal.WRONG_KEY_USAGE: Reason.WRONG_KEY_USAGE,
    Refusal.WRONG_EXTENDED_KEY_USAGE: Reason.WRONG_KEY_USAGE,
    Refusal.EXPIRED: Reason.NOT_VALID_AT_SIGNING,
    Refusal.NOT_YET_VALID: Reason.NOT_VALID_AT_SIGNING,
    Refusal.REVOKED: Reason.REVOKED,
    Refusal.AUTHORITY_REVOKED: Reason.REVOKED,
}


def signed_lately(evidence: Evidence) -> None:
    """SigningTime is near the submission: it is all that says when, and is only the signer's word."""
    if evidence.signed_at > evidence.at + evidence.policy.skew:
        raise SignatureRefused(Reason.SIGNED_IN_THE_FUTURE)
    if evidence.signed_at < evidence.at - evidence.policy.window:
        raise SignatureRefused(Reason.SIGNED_TOO_EARLY)


def trusted_signer(evidence: Evidence) -> None:
    """The certificate is for signing, and was valid when it signed; and nothing has been revoked up to now.

    SigningTime is not proven: who holds a revoked card may write any. Hence the second look, at the submission, or at
    the certificate's last moment where that came before.
    """
    signer, *offered = evidence.certificates
    try:
        then = evidence.trust.verify_chain(signer, offered, at=evidence.signed_at, purpose=Purpose.DOCUMENT)
        latest = max(evidence.signed_at, min(evidence.at, then.valid_until))
        now = evidence.trust.verify_chain(signer, offered, at=latest, purpose=Purpose.DOCUMENT)
    except ChainRefused as refusal:
        reason = _REASONS.get(refusal.reason, Reason.UNTRUSTED_SIGNER)
        raise SignatureRefused(reason, refusal.reason) from None
    evidence.chain = then
    evidence.stale_revocation = Freshness.STALE in (then.revocation, now.revocation)


def strong_algorithms(evidence: Evidence) -> None:
    """SHA-2, or SHA-1 as long as the profile of the signer's authority names it as an exception."""
    digests = {
        algorithm_of(reference, "DigestMethod")
        for part in (evidence.signed_info, evidence.manifest)
        for reference in part.iter(ds("Reference"))
    }
    digests |= {
        method.get("Algorithm", "")
        for name in (ds("DigestMethod"), evidence.xades("DigestMethod"))
        for method in evidence.properties.iter(name)
    }
    for digest in digests:
        hash_named(digest)  # even where nothing is digested here: others may
    evidence.legacy_sha1 = evidence.trusted.legacy_sha1
    if not uses_sha1(algorithm_of(evidence.signed_info, "SignatureMethod"), *digests):
        return
    refusal = refusal_of_sha1(evidence.trust, evidence.trusted, evidence.at)
    if refusal is not None:
        over = refusal is Refusal.LEGACY_PERIOD_OVER
        raise SignatureRefused(Reason.LEGACY_PERIOD_OVER if over else Reason.WEAK_ALGORITHM)
    evidence.legacy_sha1 = True


def signer_is_caller(evidence: Evidence) -> None:
    """A person submits what they signed themselves, a structure what it signed itself.

    A structure that also speaks for another one signs the documents with the certificate that it speaks with.
    """
    caller, holder = evidence.caller, evidence.trusted.holder
    if caller is None:
        return  # `unjudged` says so
    if caller.mode is AccessMode.DIRECT:
        same = holder.is_person and holder.national_id == caller.national_id
    else:
        own = holder.structure_id == caller.structure_id
        speaker = holder.certificate.fingerprint == caller.certificate_fingerprint
        same = holder.kind is HolderKind.ORGANISATION and (own or speaker)
    if not same:
        raise SignatureRefused(Reason.OTHER_SIGNER)
    evidence.unjudged = None


def signer_is_author(evidence: Evidence) -> None:
    """The person is an author of the set; or the structure, or the one that it speaks for, is an author's."""
    holder, caller = evidence.trusted.holder, evidence.caller
    if holder.is_person:
        fits = any(author.person_id == holder.national_id for author in evidence.submitted.authors)
    else:
        wanted = {holder.structure_id} if caller is None else {holder.structure_id, caller.structure_id}
        fits = any(author.structure_ids & (wanted - {None}) for author in evidence.submitted.authors)
    if not fits:
        raise SignatureRefused(Reason.OTHER_AUTHOR)
