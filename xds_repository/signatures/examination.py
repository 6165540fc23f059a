"""A submission and its signature: found by the metadata, verified over the received documents, admitted or refused."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from card_auth.caller import Caller
from card_auth.dsg import (
    ABSENT,
    FORMAT_DMP,
    Reason,
    SetDocument,
    SignatureFinding,
    SignatureMisdescribed,
    SubmittedSet,
    Verdict,
    Verifier,
    authors_of,
    signature_entry,
)
from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.ebrim.reading import Problems
from schemas.ebrim.submission import decode_submission, registry_object_list
from schemas.errors import InvalidDocumentContent, XdsErrors, XDSRepositoryMetadataError
from xds_repository.document_set import DocumentSet, ProvidedDocument
from xds_repository.ledger import normal


class SignaturePolicy(enum.StrEnum):
    """What is asked of a submission."""

    OFF = "off"  # signatures are documents like others
    VERIFY = "verify"  # one that is there must not be wrong
    REQUIRED = "required"  # one must be there, and valid


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of the signature of a submission, and the document that is the signature, where there is one."""

    finding: SignatureFinding
    document: ProvidedDocument | None = None


class SignatureExamination:
    """Finds and verifies the signatures of submissions. Safe to use from several threads.

    Without a `verifier`, as nobody is trusted, a signature cannot be judged.
    """

    def __init__(self, policy: SignaturePolicy, verifier: Verifier | None) -> None:
        self.policy = policy
        self._verifier = verifier

    def examine(self, document_set: DocumentSet, caller: Caller | None, at: datetime) -> Examined | None:
        """What is to be said of a submission's signature; None where nobody looks, or nothing could be signed.

        Raises `XdsErrors` for metadata that tell of a signature and not as the standard wants (ITI TF-3: 5.5.4).
        """
        if self.policy is SignaturePolicy.OFF or not document_set.documents:
            return None
        if not _may_be_signed(document_set.request):
            return Examined(ABSENT)
        submission = decode_submission(document_set.request, Problems()).submission
        try:
            entry = signature_entry(submission)
        except SignatureMisdescribed as wrong:
            raise XdsErrors((XDSRepositoryMetadataError(str(wrong)),)) from None
        sets = submission.submission_sets
        signature = next((one for one in document_set.documents if entry and one.entry_id == entry.entry_uuid), None)
        if signature is None or len(sets) != 1:
            return Examined(ABSENT)
        if self._verifier is None:
            return Examined(SignatureFinding(verdict=Verdict.UNVERIFIABLE, reason=Reason.NO_TRUST), signature)
        submitted = SubmittedSet(
            unique_id=normal(str(sets[0].unique_id or "")),
            documents=tuple(_document(one) for one in document_set.documents if one is not signature),
            authors=authors_of(submission),
        )
        return Examined(self._verifier.verify(signature.content, submitted, caller=caller, at=at), signature)

    def admit(self, examined: Examined | None) -> None:
        """Whether the policy lets a submission pass with that signature. Raises `XdsErrors`.

        A signature that does not hold is a document with the wrong content: InvalidDocumentContent, as the standard
        says for a document that "has failed other requirements" (ITI TF-3: Table 4.2.4.1-2). That there is none is told
        by the metadata: XDSRepositoryMetadataError.
        """
        if examined is None or examined.finding.verdict is Verdict.VALID:
            return
        finding, document = examined.finding, examined.document
        if self.policy is not SignaturePolicy.REQUIRED and finding.verdict is not Verdict.INVALID:
            return
        if document is None:
            missing = "a submission needs a signature document here (IHE DSG): there is none"
            raise XdsErrors((XDSRepositoryMetadataError(missing),))
        reason = "" if finding.reason is None else finding.reason.value
        detail = f" ({finding.detail})" if finding.detail else ""
        context = f"{document.unique_id}: {reason}{detail}"
        raise XdsErrors((InvalidDocumentContent(context, location=document.entry_id),))


UNEXAMINED: Final = SignatureExamination(SignaturePolicy.OFF, None)


def _may_be_signed(request: etree._Element) -> bool:
    """Whether anything in the metadata speaks of a signature: most submissions need not be decoded to see that not."""
    holder = registry_object_list(request)
    for element in () if holder is None else r.children(holder):
        if element.tag == r.ASSOCIATION and element.get("associationType") == v.AssociationType.SIGNS:
            return True
        if element.tag == r.EXTRINSIC_OBJECT and any(
            child.get("classificationScheme") == v.DOCUMENT_ENTRY_FORMAT_CODE
            and (child.get("nodeRepresentation") or "").strip() == FORMAT_DMP
            for child in r.children(element)
        ):
            return True
    return False


def _document(provided: ProvidedDocument) -> SetDocument:
    return SetDocument(provided.unique_id, provided.mime_type, provided.content)
