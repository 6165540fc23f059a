"""The verification of a VIHF: every rule in turn, then a `Caller`."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Final

from lxml import etree

from card_auth.caller import AccessMode, Caller
from card_auth.trust import Freshness, TrustStore
from card_auth.vihf.evidence import Evidence, Parse
from card_auth.vihf.gates import presentation, signature, signer, structure
from card_auth.vihf.policy import VihfPolicy
from card_auth.vihf.replay import ReplayGuard

Gate = Callable[[Evidence], None]

#: In this order, cheapest and most general first; all of them, always.
GATES: Final[tuple[Gate, ...]] = (
    # 1. the message has the one form in which assertion and signature cannot be taken for others
    structure.one_security_header,
    structure.one_assertion,
    structure.one_signature,
    structure.only_known_content,
    structure.unique_identifier,
    # 2. the signature is made in the one accepted way, and holds
    signature.one_reference,
    signature.digest_matches,
    signature.signature_matches,
    # 3. by somebody we trust
    signer.trusted_signer,
    signature.strong_algorithms,
    # 4. whose claims these are to make
    signer.issuer_is_signer,
    signer.no_claim_twice,
    signer.mode_is_signers,
    signer.subject_is_signers,
    signer.structure_is_signers,
    signer.roles_are_signers,
    signer.for_this_service,
    signer.for_a_patient,
    # 5. now, to us, by themselves, once
    presentation.issued_now,
    presentation.authenticated_lately,
    presentation.within_its_periods,
    presentation.addressed_to_us,
    presentation.trusted_connection,
    presentation.same_family,
    presentation.same_holder,
    presentation.first_use,
)


class Verifier:
    """Verifies assertions against pinned authorities. Safe to use from several threads when its parts are."""

    def __init__(
        self,
        trust: TrustStore,
        *,
        parse: Parse,
        replay: ReplayGuard,
        policy: VihfPolicy | None = None,
        gates: Sequence[Gate] = GATES,
    ) -> None:
        """`parse` is the hardened parser of the message itself; `gates` is for tests that leave one out."""
        self._trust = trust
        self._parse = parse
        self._replay = replay
        self._policy = policy or VihfPolicy()
        self._gates = tuple(gates)

    def verify(self, security: etree._Element, peer_certificate: bytes | None, *, at: datetime.datetime) -> Caller:
        """The caller that the assertion in a wsse:Security header names, at that moment (aware, UTC).

        `security` stands in its whole message, which is looked through for look-alikes; `peer_certificate` (DER) is of
        the mutual TLS connection that the message came on. Raises AssertionRefused.
        """
        evidence = Evidence(
            security,
            peer_certificate,
            parse=self._parse,
            trust=self._trust,
            policy=self._policy,
            replay=self._replay,
            at=at,
        )
        for gate in self._gates:
            gate(evidence)
        return _caller(evidence)


def _caller(evidence: Evidence) -> Caller:
    claims, holder, chain = evidence.claims, evidence.signer, evidence.signer_chain
    statement = claims.statement
    direct = statement.mode is AccessMode.DIRECT
    return Caller(
        national_id=statement.subject,
        name=holder.name if direct else statement.subject_name or "",
        roles=statement.roles,
        structure_id=statement.structure_id,
        # a certificate names its own structure: of an affiliate it knows no name
        structure_name=holder.structure_name if holder.structure_id == statement.structure_id else None,
        sector=statement.sector,
        mode=statement.mode,
        purpose_of_use=statement.purpose_of_use,
        purpose_reason=statement.purpose_reason,
        resource_id=statement.resource_id,
        secret_connection=statement.secret_connection,
        software=statement.software,
        certificate_fingerprint=holder.certificate.fingerprint,
        assertion_id=claims.identifier,
        issuer=claims.issuer,
        level=statement.level,
        authenticated_at=statement.authenticated_at,
        stale_revocation=chain is None or chain.revocation is Freshness.STALE,
        legacy_sha1=evidence.legacy_sha1,
    )
