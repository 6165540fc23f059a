"""The smallest correct submissions, of any documents; a test changes one thing of them."""

from __future__ import annotations

import base64
import hashlib
import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lxml import etree

from schemas import vocabulary as v
from schemas.markup import attribute, text
from soap.message import OutgoingPart
from soap.parts import include
from soap.xml import parse_trusted

PATIENT = "91827364^^^&1.3.6.1.4.1.21367.13.20.1000&ISO"
REPOSITORY = "1.2.250.1.213.4.1.1.1.2"
PROVIDE = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
RETRIEVE = "urn:ihe:iti:2007:RetrieveDocumentSet"
REMOVE = "urn:ihe:iti:2017:RemoveDocuments"

_arc = itertools.count(1)


def new_oid() -> str:
    """An identifier nobody else has."""
    return f"2.25.{uuid.uuid4().int}.{next(_arc)}"


@dataclass(frozen=True)
class Paper:
    """A document to submit and what its entry says; `slots` are added to the entry."""

    content: bytes
    unique_id: str = field(default_factory=new_oid)
    entry_id: str = field(default_factory=lambda: f"Document{next(_arc)}")
    mime_type: str = "text/xml"
    slots: tuple[tuple[str, str], ...] = ()
    object_type: str = v.DocumentEntryType.STABLE

    @property
    def sha1(self) -> str:
        return hashlib.sha1(self.content, usedforsecurity=False).hexdigest()

    def saying(self, **slots: str) -> Paper:
        return replace(self, slots=tuple(slots.items()))


@dataclass(frozen=True)
class Submission:
    """A SubmissionSet of papers: the same value is the same request, byte for byte.

    The first paper takes the place of the entry that `replaces` names.
    """

    papers: tuple[Paper, ...]
    unique_id: str = field(default_factory=new_oid)
    patient: str = PATIENT
    replaces: str | None = None

    def metadata(self) -> str:
        """The `lcm:SubmitObjectsRequest`."""
        entries = "".join(_entry(paper, self.patient) for paper in self.papers)
        members = "".join(
            f'<rim:Association id="as{n}" associationType="{v.AssociationType.HAS_MEMBER}" sourceObject="set" '
            f'targetObject="{attribute(paper.entry_id)}">{_slot("SubmissionSetStatus", "Original")}</rim:Association>'
            for n, paper in enumerate(self.papers)
        )
        if self.replaces is not None:
            members += (
                f'<rim:Association id="replace" associationType="{v.AssociationType.REPLACE}" '
                f'sourceObject="{attribute(self.papers[0].entry_id)}" targetObject="{self.replaces}"/>'
            )
        return (
            f'<lcm:SubmitObjectsRequest xmlns:lcm="{v.LCM}" xmlns:rim="{v.RIM}"><rim:RegistryObjectList>{entries}'
            f'<rim:RegistryPackage id="set">{_slot("submissionTime", "20260101120000")}'
            f"{_code('set', v.SUBMISSION_SET_CONTENT_TYPE_CODE)}"
            f'<rim:Classification id="node" classifiedObject="set" classificationNode="{v.SUBMISSION_SET_NODE}"/>'
            f"{_identifier('set', v.SUBMISSION_SET_PATIENT_ID, self.patient, 'XDSSubmissionSet.patientId')}"
            f"{_identifier('set', v.SUBMISSION_SET_SOURCE_ID, '1.2.3.4', 'XDSSubmissionSet.sourceId')}"
            f"{_identifier('set', v.SUBMISSION_SET_UNIQUE_ID, self.unique_id, 'XDSSubmissionSet.uniqueId')}"
            f"</rim:RegistryPackage>{members}</rim:RegistryObjectList></lcm:SubmitObjectsRequest>"
        )

    def mtom(self) -> tuple[bytes, list[OutgoingPart]]:
        """The request with its documents as attachments."""
        parts = [
            OutgoingPart(f"part{n}@test", "application/octet-stream", len(paper.content), iter([paper.content]))
            for n, paper in enumerate(self.papers)
        ]
        documents = [(p.entry_id, include(part.content_id)) for p, part in zip(self.papers, parts, strict=True)]
        return request(self.metadata(), documents), parts

    def inline(self) -> bytes:
        """The request with its documents as base64 text."""
        return request(self.metadata(), [(p.entry_id, base64.b64encode(p.content)) for p in self.papers])


#: An entry that is registered nowhere: what only the registry's own rows tell, once the documents are kept.
NOWHERE = "urn:uuid:00000000-0000-4000-8000-000000000000"


def submission(*contents: bytes | Paper) -> Submission:
    """A submission of these documents."""
    return Submission(tuple(c if isinstance(c, Paper) else Paper(c) for c in contents))


def request(metadata: str, documents: Sequence[tuple[str, bytes]]) -> bytes:
    """An `xdsb:ProvideAndRegisterDocumentSetRequest` of metadata and (id, content of the Document element)."""
    elements = b"".join(
        f'<xdsb:Document id="{attribute(name)}">'.encode() + content + b"</xdsb:Document>"
        for name, content in documents
    )
    head = f'<xdsb:ProvideAndRegisterDocumentSetRequest xmlns:xdsb="{v.XDSB}">{metadata}'.encode()
    return head + elements + b"</xdsb:ProvideAndRegisterDocumentSetRequest>"


def retrieval(*unique_ids: str, repository: str = REPOSITORY, home: str | None = None) -> etree._Element:
    """An `xdsb:RetrieveDocumentSetRequest`."""
    items = _document_requests(*unique_ids, repository=repository, home=home)
    whole = f'<xdsb:RetrieveDocumentSetRequest xmlns:xdsb="{v.XDSB}">{items}</xdsb:RetrieveDocumentSetRequest>'
    return parse_trusted(whole.encode())


def removal(*unique_ids: str, repository: str = REPOSITORY, home: str | None = None) -> etree._Element:
    """An `rmd:RemoveDocumentsRequest`."""
    items = _document_requests(*unique_ids, repository=repository, home=home)
    names = f'xmlns:rmd="{v.RMD}" xmlns:xdsb="{v.XDSB}"'
    return parse_trusted(f"<rmd:RemoveDocumentsRequest {names}>{items}</rmd:RemoveDocumentsRequest>".encode())


def _document_requests(*unique_ids: str, repository: str, home: str | None) -> str:
    community = "" if home is None else f"<xdsb:HomeCommunityId>{text(home)}</xdsb:HomeCommunityId>"
    return "".join(
        f"<xdsb:DocumentRequest>{community}<xdsb:RepositoryUniqueId>{text(repository)}</xdsb:RepositoryUniqueId>"
        f"<xdsb:DocumentUniqueId>{text(unique_id)}</xdsb:DocumentUniqueId></xdsb:DocumentRequest>"
        for unique_id in unique_ids
    )


def _entry(paper: Paper, patient: str) -> str:
    name = paper.entry_id
    slots = {"creationTime": "20260101", "languageCode": "fr-FR", "sourcePatientId": patient} | dict(paper.slots)
    codes = (
        v.DOCUMENT_ENTRY_CLASS_CODE,
        v.DOCUMENT_ENTRY_CONFIDENTIALITY_CODE,
        v.DOCUMENT_ENTRY_FORMAT_CODE,
        v.DOCUMENT_ENTRY_FACILITY_TYPE_CODE,
        v.DOCUMENT_ENTRY_PRACTICE_SETTING_CODE,
        v.DOCUMENT_ENTRY_TYPE_CODE,
    )
    return (
        f'<rim:ExtrinsicObject id="{attribute(name)}" mimeType="{attribute(paper.mime_type)}" '
        f'objectType="{paper.object_type}">'
        f"{''.join(_slot(*item) for item in slots.items())}{''.join(_code(name, scheme) for scheme in codes)}"
        f"{_identifier(name, v.DOCUMENT_ENTRY_PATIENT_ID, patient, 'XDSDocumentEntry.patientId')}"
        f"{_identifier(name, v.DOCUMENT_ENTRY_UNIQUE_ID, paper.unique_id, 'XDSDocumentEntry.uniqueId')}"
        "</rim:ExtrinsicObject>"
    )


def _slot(name: str, value: str) -> str:
    return (
        f'<rim:Slot name="{attribute(name)}"><rim:ValueList><rim:Value>{text(value)}</rim:Value></rim:ValueList>'
        "</rim:Slot>"
    )


def _code(owner: str, scheme: str) -> str:
    return (
        f'<rim:Classification id="cl" classifiedObject="{attribute(owner)}" '
        f'classificationScheme="{scheme}" nodeRepresentation="code">{_slot("codingScheme", "1.2.3")}'
        '<rim:Name><rim:LocalizedString value="A code"/></rim:Name></rim:Classification>'
    )


def _identifier(owner: str, scheme: str, value: str, name: str) -> str:
    return (
        f'<rim:ExternalIdentifier id="ei" registryObject="{attribute(owner)}" identificationScheme="{scheme}" '
        f'value="{attribute(value)}"><rim:Name><rim:LocalizedString value="{name}"/></rim:Name>'
        "</rim:ExternalIdentifier>"
    )
