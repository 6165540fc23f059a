"""What was signed: this set, all of its documents, and nothing else (ITI TF-3: 5.5.3)."""

from __future__ import annotations

import hmac

from lxml import etree

from card_auth.dsg.evidence import Evidence, algorithm_of, from_base64, hash_named, transform_of
from card_auth.dsg.finding import Reason, SignatureRefused
from card_auth.dsg.submitted import NotCanonical, SetDocument
from card_auth.dsg.vocabulary import CANONICALIZATIONS, NO_DIGEST, ds, uri_of


def of_this_set(evidence: Evidence) -> None:
    """The first reference names the set; a set has no octets, so there is no digest."""
    first = evidence.manifest.find(ds("Reference"))
    if first is None or first.get("URI") != uri_of(evidence.submitted.unique_id):
        raise SignatureRefused(Reason.OTHER_SET)
    if transform_of(first) is not None or from_base64(first.find(ds("DigestValue"))) != NO_DIGEST:
        raise SignatureRefused(Reason.OTHER_SET, "digest")


def every_document_once(evidence: Evidence) -> None:
    """The others name the documents of the set, each once. No URI is ever looked up."""
    named = [reference.get("URI", "") for reference in evidence.manifest.iterfind(ds("Reference"))][1:]
    expected = {uri_of(document.unique_id) for document in evidence.submitted.documents}
    if len(set(named)) != len(named):
        raise SignatureRefused(Reason.REPEATED_DOCUMENT)
    if not set(named) <= expected:
        raise SignatureRefused(Reason.UNKNOWN_DOCUMENT)
    if missing := sorted(expected - set(named)):
        raise SignatureRefused(Reason.MISSING_DOCUMENT, missing[0][:256])


def documents_match(evidence: Evidence) -> None:
    """Every document is what was signed: its octets, or for XML its canonical form."""
    documents = {uri_of(document.unique_id): document for document in evidence.submitted.documents}
    for reference in evidence.manifest.findall(ds("Reference"))[1:]:
        document = documents.get(reference.get("URI", ""))
        if document is None:
            raise SignatureRefused(Reason.UNKNOWN_DOCUMENT)
        digest = _digest(evidence, reference, document)
        if not hmac.compare_digest(digest, from_base64(reference.find(ds("DigestValue")))):
            raise SignatureRefused(Reason.OTHER_DOCUMENT, document.unique_id)


def _digest(evidence: Evidence, reference: etree._Element, document: SetDocument) -> bytes:
    algorithm = hash_named(algorithm_of(reference, "DigestMethod"))
    transform = transform_of(reference)
    if transform is None:
        return document.digest(algorithm)
    method = CANONICALIZATIONS.get(transform)
    if method is None or not document.is_xml:
        raise SignatureRefused(Reason.WRONG_TRANSFORM, document.unique_id)
    try:
        return document.canonical_digest(
            algorithm, method, evidence.parse_document, largest=evidence.policy.largest_xml
        )
    except NotCanonical as error:
        raise SignatureRefused(Reason.NOT_CANONICAL, f"{document.unique_id}: {error}") from None
