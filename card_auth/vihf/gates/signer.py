"""Who signed: a certificate that is trusted to sign assertions, and claims that are its holder's to make."""

from __future__ import annotations

from card_auth.trust import ChainRefused, Purpose, Refusal
from card_auth.vihf import agreement
from card_auth.vihf.evidence import Evidence
from card_auth.vihf.patient import is_patient
from card_auth.vihf.refusals import AssertionRefused, Reason

_USAGE: frozenset[Refusal] = frozenset({Refusal.WRONG_KEY_USAGE, Refusal.WRONG_EXTENDED_KEY_USAGE})


def trusted_signer(evidence: Evidence) -> None:
    """The signer's certificate is for signing, leads to a pinned authority, and is not revoked (RFC 5280: 6)."""
    signer, *offered = evidence.certificates
    try:
        chain = evidence.trust.verify_chain(signer, offered, at=evidence.at, purpose=Purpose.ASSERTION)
    except ChainRefused as refusal:
        reason = Reason.WRONG_KEY_USAGE if refusal.reason in _USAGE else Reason.UNTRUSTED_SIGNER
        raise AssertionRefused(reason, refusal.reason, refusal.fingerprint) from None
    evidence.signer_chain = chain


def issuer_is_signer(evidence: Evidence) -> None:
    """Issuer is the subject of the signer's certificate, however it is spelt."""
    certificate = evidence.signer.certificate
    if not certificate.subject.is_written_as(evidence.claims.issuer):
        raise AssertionRefused(Reason.OTHER_ISSUER, fingerprint=certificate.fingerprint)


def mode_is_signers(evidence: Evidence) -> None:
    """Persons sign for themselves, structures for their people."""
    _refuse(agreement.refusal_of_mode(evidence.claims.statement, evidence.signer, evidence.policy))


def subject_is_signers(evidence: Evidence) -> None:
    """NameID is the holder of the card, or somebody the structure may speak for."""
    _refuse(agreement.refusal_of_subject(evidence.claims.statement, evidence.signer, evidence.policy))


def structure_is_signers(evidence: Evidence) -> None:
    """Identifiant_Structure is the certificate's, or one that it also speaks for."""
    _refuse(agreement.refusal_of_structure(evidence.claims.statement, evidence.signer, evidence.policy))


def roles_are_signers(evidence: Evidence) -> None:
    """The roles are those of the card."""
    _refuse(agreement.refusal_of_roles(evidence.claims.statement, evidence.signer))


def no_claim_twice(evidence: Evidence) -> None:
    """No attribute is there twice: readers that take the first and readers that take the last must agree."""
    if evidence.claims.repeated:
        raise AssertionRefused(Reason.REPEATED_CLAIM)


def for_this_service(evidence: Evidence) -> None:
    """Version, resource and software are accepted here."""
    statement, policy = evidence.claims.statement, evidence.policy
    if statement.version not in policy.versions:
        raise AssertionRefused(Reason.UNKNOWN_VERSION)
    if statement.resource_urn not in policy.resources:
        raise AssertionRefused(Reason.UNKNOWN_RESOURCE)
    if policy.homologations is not None and statement.software.homologation not in policy.homologations:
        raise AssertionRefused(Reason.UNKNOWN_SOFTWARE)


def for_a_patient(evidence: Evidence) -> None:
    """The patient, where one is named, has an identifier of a known authority with the right key."""
    patient = evidence.claims.statement.resource_id
    if patient is not None and not is_patient(patient, evidence.policy.patient_authorities):
        raise AssertionRefused(Reason.UNKNOWN_PATIENT)


def _refuse(reason: Reason | None) -> None:
    if reason is not None:
        raise AssertionRefused(reason)
