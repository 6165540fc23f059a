"""The verification of a signed submission set: every rule in turn, then a finding."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Final

from card_auth.caller import Caller
from card_auth.dsg.evidence import Evidence, algorithm_of
from card_auth.dsg.finding import SignatureFinding, SignatureRefused, Verdict
from card_auth.dsg.gates import manifest, signed, signer, structure
from card_auth.dsg.policy import DsgPolicy
from card_auth.dsg.submitted import Content, Octets, Parse, SubmittedSet
from card_auth.trust import TrustStore

Gate = Callable[[Evidence], None]

#: In this order; all of them, always, up to the first that refuses. What costs most comes last.
GATES: Final[tuple[Gate, ...]] = (
    # 1. the document has the one form in which nothing in it can be taken for something else
    structure.is_a_signature,
    structure.only_known_content,
    structure.each_in_its_place,
    structure.unique_identifiers,
    # 2. the signature is made in an accepted way, and holds
    signed.two_references,
    signed.parts_match,
    signed.signature_matches,
    signed.for_the_purpose,
    signed.names_its_certificate,
    # 3. by somebody we trust, who submits it, now
    signer.signed_lately,
    signer.trusted_signer,
    signer.strong_algorithms,
    signer.signer_is_caller,
    signer.signer_is_author,
    # 4. over this set and every document of it
    manifest.of_this_set,
    manifest.every_document_once,
    manifest.documents_match,
)


class Verifier:
    """Verifies signatures of submission sets against pinned authorities. Safe to use from several threads."""

    def __init__(
        self,
        trust: TrustStore,
        *,
        parse: Parse,
        parse_document: Parse,
        policy: DsgPolicy | None = None,
        gates: Sequence[Gate] = GATES,
    ) -> None:
        """`parse` reads the signature, `parse_document` the XML documents; `gates` is for tests that leave one out."""
        self._trust = trust
        self._parse = parse
        self._parse_document = parse_document
        self.policy = policy or DsgPolicy()
        self._gates = tuple(gates)

    def verify(
        self, signature: Content | bytes, submitted: SubmittedSet, *, caller: Caller | None, at: datetime.datetime
    ) -> SignatureFinding:
        """What is to be said of a signature document that came with a set at that moment (aware, UTC).

        `caller` is who submits; without one a signature that is right in everything else is unverifiable. Raises what
        the documents' contents raise when they cannot be read.
        """
        evidence = Evidence(
            Octets(signature) if isinstance(signature, bytes) else signature,
            submitted,
            caller=caller,
            parse=self._parse,
            parse_document=self._parse_document,
            trust=self._trust,
            policy=self.policy,
            at=at,
        )
        try:
            for gate in self._gates:
                gate(evidence)
        except SignatureRefused as refused:
            return _finding(evidence, refused)
        return _finding(evidence, None)


def _finding(evidence: Evidence, refused: SignatureRefused | None) -> SignatureFinding:
    verdict = Verdict.INVALID if refused else Verdict.UNVERIFIABLE if evidence.unjudged else Verdict.VALID
    reason, detail = (refused.reason, refused.detail) if refused else (evidence.unjudged, "")
    if not evidence.holds or evidence.chain is None:
        return SignatureFinding(verdict=verdict, reason=reason, detail=detail)
    holder = evidence.chain.holder
    return SignatureFinding(
        verdict=verdict,
        reason=reason,
        detail=detail,
        signer_national_id=holder.national_id or "",
        signer_structure_id=holder.structure_id or "",
        signer_name=holder.name,
        certificate_fingerprint=holder.certificate.fingerprint,
        signed_at=evidence.signed_at,
        algorithm=algorithm_of(evidence.signed_info, "SignatureMethod"),
        xades=evidence.version,
        legacy_sha1=evidence.legacy_sha1,
        stale_revocation=evidence.stale_revocation,
    )
