"""How it is presented: now, for us, by its signer's own connection, and for the first time."""

from __future__ import annotations

import hashlib

from card_auth.professionals import ProfessionalCertificate
from card_auth.trust import ChainRefused, Purpose
from card_auth.vihf.evidence import Evidence
from card_auth.vihf.refusals import AssertionRefused, Reason


def issued_now(evidence: Evidence) -> None:
    """IssueInstant lies within the window that ends now, give or take the sender's clock."""
    policy, issued_at = evidence.policy, evidence.claims.issued_at
    if issued_at < evidence.at - policy.window:
        raise AssertionRefused(Reason.TOO_OLD, "IssueInstant")
    if issued_at > evidence.at + policy.skew:
        raise AssertionRefused(Reason.IN_THE_FUTURE, "IssueInstant")


def authenticated_lately(evidence: Evidence) -> None:
    """The person was authenticated before the assertion was issued, and not longer before than a session lasts."""
    claims = evidence.claims
    before = claims.issued_at - claims.statement.authenticated_at
    if not before.total_seconds() >= 0 or before > evidence.policy.session:
        raise AssertionRefused(Reason.AUTHENTICATED_TOO_EARLY)


def within_its_periods(evidence: Evidence) -> None:
    """NotBefore and NotOnOrAfter, which a VIHF need not have, hold where they are stated (SAML 2.0 Core: 2.5.1.2)."""
    for period in evidence.claims.periods:
        if period.start is not None and period.start > evidence.at + evidence.policy.skew:
            raise AssertionRefused(Reason.IN_THE_FUTURE, "NotBefore")
        if period.end is not None and period.end <= evidence.at:
            raise AssertionRefused(Reason.TOO_OLD, "NotOnOrAfter")


def addressed_to_us(evidence: Evidence) -> None:
    """Audience and Recipient, which a VIHF need not have, are us where they are stated (SAML 2.0 Core: 2.5.1.4)."""
    claims, policy = evidence.claims, evidence.policy
    if any(restriction.isdisjoint(policy.audiences) for restriction in claims.audiences):
        raise AssertionRefused(Reason.UNKNOWN_CONDITION, "Audience")
    if not claims.recipients <= policy.recipients:
        raise AssertionRefused(Reason.UNKNOWN_CONDITION, "Recipient")


def trusted_connection(evidence: Evidence) -> None:
    """The connection's certificate is for connections, leads to a pinned authority, and is not revoked."""
    certificate = evidence.peer.certificate
    try:
        chain = evidence.trust.verify_chain(certificate, at=evidence.at, purpose=Purpose.TLS_CLIENT)
    except ChainRefused as refusal:
        raise AssertionRefused(Reason.UNTRUSTED_CONNECTION, refusal.reason, refusal.fingerprint) from None
    evidence.peer_family = chain.family


def same_family(evidence: Evidence) -> None:
    """Both certificates come from one family: a number means the same holder only within one."""
    chain = evidence.signer_chain
    if chain is None or evidence.peer_family is not chain.family:
        raise AssertionRefused(Reason.OTHER_FAMILY)


def same_holder(evidence: Evidence) -> None:
    """The connection is of the assertion's signer: the same person, or the same structure.

    By identity and never by certificate: signing and connecting are done with two certificates of one holder.
    """
    signer, peer = evidence.signer, evidence.peer
    mine, theirs = _identity(signer), _identity(peer)
    if mine is None or mine != theirs:
        raise AssertionRefused(Reason.OTHER_HOLDER, fingerprint=peer.certificate.fingerprint)


def first_use(evidence: Evidence) -> None:
    """Neither the assertion's ID nor its signature was presented before. The last gate: it remembers what passes."""
    signer = evidence.certificates[0].fingerprint.encode()
    keys = (
        hashlib.sha256(b"ID\0" + signer + evidence.claims.identifier.encode()).digest(),
        hashlib.sha256(b"SignatureValue\0" + signer + evidence.signature_value).digest(),
    )
    policy = evidence.policy
    until = evidence.claims.issued_at + policy.window + policy.skew
    if not evidence.replay.admit(keys, until=until, at=evidence.at):
        raise AssertionRefused(Reason.REPLAYED)


def _identity(holder: ProfessionalCertificate) -> tuple[str, str] | None:
    if holder.is_person:
        return None if holder.national_id is None else (holder.kind, holder.national_id)
    return None if holder.structure_id is None else (holder.kind, holder.structure_id)
