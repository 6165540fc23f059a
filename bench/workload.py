"""The messages that are sent: complete metadata as French hospitals write it, and CDA documents of a given size."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas import vocabulary as v
from schemas.markup import attribute, text
from soap.envelope import request_head, tail
from soap.message import OutgoingPart
from soap.mtom.writer import package
from soap.parts import include
from soap.vocabulary import MEDIA_SOAP

AUTHORITY: Final = "1.3.6.1.4.1.21367.13.20.1000"
REPOSITORY: Final = "1.2.250.1.213.4.1.1.1.2"
PROVIDE: Final = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
RETRIEVE: Final = "urn:ihe:iti:2007:RetrieveDocumentSet"
QUERY: Final = "urn:ihe:iti:2007:RegistryStoredQuery"

_SAMPLES: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "cda"
_SAMPLE: Final = "eP-MED-DM_2022.01_PosoStruct.xml"
_PARAGRAPH: Final = (
    "<component><section><title>Compte rendu</title><text><paragraph>Examen sans particularit&#233;. "
    "Contr&#244;le dans un mois.</paragraph></text></section></component>\n"
)
_CODES: Final = (
    # scheme, code, coding scheme, display name
    (v.DOCUMENT_ENTRY_CLASS_CODE, "10", "1.2.250.1.213.1.1.4.1", "Comptes rendus"),
    (v.DOCUMENT_ENTRY_TYPE_CODE, "11502-2", "2.16.840.1.113883.6.1", "CR d'examens biologiques"),
    (v.DOCUMENT_ENTRY_FORMAT_CODE, "urn:ihe:lab:xd-lab:2008", "1.3.6.1.4.1.19376.1.2.3", "Compte rendu de biologie"),
    (v.DOCUMENT_ENTRY_FACILITY_TYPE_CODE, "SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel"),
    (v.DOCUMENT_ENTRY_PRACTICE_SETTING_CODE, "AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire"),
    (v.DOCUMENT_ENTRY_CONFIDENTIALITY_CODE, "N", "2.16.840.1.113883.5.25", "Normal"),
    (v.DOCUMENT_ENTRY_EVENT_CODE, "18725-2", "2.16.840.1.113883.6.1", "Microbiologie"),
)
_AUTHOR: Final = (
    ("authorInstitution", "Laboratoire du Parc^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1750803447"),
    ("authorPerson", "899700218896^DUPONT^Marie^^^Dr^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"),
    ("authorRole", "AUTHOR^Auteur^1.2.250.1.213.1.1.4.6"),
    ("authorSpecialty", "G15_10/SM03^Medecin - Biologie medicale (SM)^1.2.250.1.213.1.1.4.5"),
)


def patient_id(number: int) -> str:
    """The CX of the patient of a number."""
    return f"{number:015d}^^^&{AUTHORITY}&ISO"


def document(size: int, seed: int = 0) -> bytes:
    """A CDA document of exactly `size` bytes: a real one of the sample set where that is at hand, cut or padded."""
    path = _SAMPLES / _SAMPLE
    content = path.read_bytes() if path.exists() else _generated(size)
    closing = b"</ClinicalDocument>"
    end = content.rfind(closing)
    mark = f"<!-- {seed:020d} -->".encode()
    room = size - len(closing) - len(mark)
    body = content[: min(end, room)]
    if len(body) < room:
        line = b"<!-- " + bytes(random.Random(seed).choices(range(97, 123), k=4087)) + b" -->"
        body += (line * (room // len(line) + 1))[: room - len(body)]
    return body + mark + closing


def sample_name() -> str:
    """Which document `document` makes its bytes of."""
    return _SAMPLE if (_SAMPLES / _SAMPLE).exists() else "generated CDA"


def _generated(size: int) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3">'
    return (head + _PARAGRAPH * (size // len(_PARAGRAPH) + 1) + "</ClinicalDocument>").encode()


@dataclass(frozen=True, slots=True)
class Posted:
    """An HTTP request body and its Content-Type."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """One document for one patient; every identifier in it derives from `name`."""

    patient: str
    name: str

    @staticmethod
    def fresh(patient: str) -> Submission:
        return Submission(patient, f"2.25.{uuid.uuid4().int}")

    @property
    def unique_id(self) -> str:
        return f"{self.name}.1"

    def metadata(self) -> str:
        """The `lcm:SubmitObjectsRequest`."""
        return (
            f'<lcm:SubmitObjectsRequest xmlns:lcm="{v.LCM}" xmlns:rim="{v.RIM}"><rim:RegistryObjectList>'
            f"{self._entry()}{self._submission_set()}"
            f'<rim:Association id="as" associationType="{v.AssociationType.HAS_MEMBER}" sourceObject="set" '
            f'targetObject="doc">{_slot("SubmissionSetStatus", "Original")}</rim:Association>'
            "</rim:RegistryObjectList></lcm:SubmitObjectsRequest>"
        )

    def _entry(self) -> str:
        slots = (
            ("creationTime", "20260114093000"),
            ("languageCode", "fr-FR"),
            ("legalAuthenticator", _AUTHOR[1][1]),
            ("serviceStartTime", "20260113081500"),
            ("serviceStopTime", "20260113094500"),
            ("sourcePatientId", self.patient),
            ("sourcePatientInfo", "PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-7|19750701", "PID-8|F"),
        )
        return (
            f'<rim:ExtrinsicObject id="doc" mimeType="text/xml" objectType="{v.DocumentEntryType.STABLE}">'
            f"{''.join(_slot(*item) for item in slots)}{_name('CR de microbiologie')}"
            f"{_author('doc', v.DOCUMENT_ENTRY_AUTHOR)}{''.join(_code('doc', *item) for item in _CODES)}"
            f"{_identifier('doc', v.DOCUMENT_ENTRY_PATIENT_ID, self.patient, 'XDSDocumentEntry.patientId')}"
            f"{_identifier('doc', v.DOCUMENT_ENTRY_UNIQUE_ID, self.unique_id, 'XDSDocumentEntry.uniqueId')}"
            "</rim:ExtrinsicObject>"
        )

    def _submission_set(self) -> str:
        kind = (v.SUBMISSION_SET_CONTENT_TYPE_CODE, "04", "1.2.250.1.213.2.2", "Hospitalisation de jour")
        return (
            f'<rim:RegistryPackage id="set">{_slot("submissionTime", "20260114093500")}{_name("Lot de documents")}'
            f"{_author('set', v.SUBMISSION_SET_AUTHOR)}{_code('set', *kind)}"
            f'<rim:Classification id="node" classifiedObject="set" classificationNode="{v.SUBMISSION_SET_NODE}"/>'
            f"{_identifier('set', v.SUBMISSION_SET_PATIENT_ID, self.patient, 'XDSSubmissionSet.patientId')}"
            f"{_identifier('set', v.SUBMISSION_SET_SOURCE_ID, '1.2.250.1.999.1.1.8121.1', 'XDSSubmissionSet.sourceId')}"
            f"{_identifier('set', v.SUBMISSION_SET_UNIQUE_ID, f'{self.name}.2', 'XDSSubmissionSet.uniqueId')}"
            "</rim:RegistryPackage>"
        )

    def provided(self, content: bytes) -> Posted:
        """The ITI-41 request, an MTOM package."""
        kind, _, chunks = self.streamed(len(content), iter([content]))
        return Posted(kind, b"".join(chunks))

    def streamed(self, size: int, content: Iterator[bytes]) -> tuple[str, int, Iterable[bytes]]:
        """The same for content that is made on the way: Content-Type, length, chunks."""
        part = OutgoingPart("document@bench", "text/xml", size, content)
        root = (
            f'<xdsb:ProvideAndRegisterDocumentSetRequest xmlns:xdsb="{v.XDSB}">{self.metadata()}'
            f'<xdsb:Document id="doc">{include(part.content_id).decode()}</xdsb:Document>'
            "</xdsb:ProvideAndRegisterDocumentSetRequest>"
        )
        packed = package(_envelope(PROVIDE, root), [part], action=PROVIDE)
        assert packed.length is not None
        return packed.content_type, packed.length, packed.chunks


def retrieval(unique_id: str) -> Posted:
    """The ITI-43 request for one document, an MTOM package."""
    root = (
        f'<xdsb:RetrieveDocumentSetRequest xmlns:xdsb="{v.XDSB}"><xdsb:DocumentRequest>'
        f"<xdsb:RepositoryUniqueId>{REPOSITORY}</xdsb:RepositoryUniqueId>"
        f"<xdsb:DocumentUniqueId>{unique_id}</xdsb:DocumentUniqueId>"
        "</xdsb:DocumentRequest></xdsb:RetrieveDocumentSetRequest>"
    )
    packed = package(_envelope(RETRIEVE, root), [], action=RETRIEVE)
    return Posted(packed.content_type, b"".join(packed.chunks))


def find_documents(patient: str) -> Posted:
    """The ITI-18 FindDocuments request for the approved documents of a patient, LeafClass."""
    root = (
        f'<query:AdhocQueryRequest xmlns:query="{v.QUERY}" xmlns:rim="{v.RIM}">'
        '<query:ResponseOption returnComposedObjects="true" returnType="LeafClass"/>'
        '<rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">'
        + _slot("$XDSDocumentEntryPatientId", f"'{patient}'")
        + _slot("$XDSDocumentEntryStatus", f"('{v.AvailabilityStatus.APPROVED}')")
        + "</rim:AdhocQuery></query:AdhocQueryRequest>"
    )
    return Posted(f'{MEDIA_SOAP}; charset=utf-8; action="{QUERY}"', b"".join(_envelope(QUERY, root)))


def _envelope(action: str, root: str) -> Sequence[bytes]:
    return [request_head(action, f"urn:uuid:{uuid.uuid4()}", "http://localhost/"), root.encode(), tail()]


def _slot(name: str, *values: str) -> str:
    listed = "".join(f"<rim:Value>{text(value)}</rim:Value>" for value in values)
    return f'<rim:Slot name="{attribute(name)}"><rim:ValueList>{listed}</rim:ValueList></rim:Slot>'


def _name(value: str) -> str:
    return f'<rim:Name><rim:LocalizedString value="{attribute(value)}"/></rim:Name>'


def _author(owner: str, scheme: str) -> str:
    return (
        f'<rim:Classification id="{owner}-author" classifiedObject="{owner}" classificationScheme="{scheme}" '
        f'nodeRepresentation="">{"".join(_slot(*item) for item in _AUTHOR)}</rim:Classification>'
    )


def _code(owner: str, scheme: str, code: str, coding_scheme: str, name: str) -> str:
    return (
        f'<rim:Classification id="{owner}-{scheme[-6:]}" classifiedObject="{owner}" classificationScheme="{scheme}" '
        f'nodeRepresentation="{code}">{_slot("codingScheme", coding_scheme)}{_name(name)}</rim:Classification>'
    )


def _identifier(owner: str, scheme: str, value: str, name: str) -> str:
    return (
        f'<rim:ExternalIdentifier id="{owner}-{scheme[-6:]}" registryObject="{owner}" identificationScheme="{scheme}" '
        f'value="{attribute(value)}">{_name(name)}</rim:ExternalIdentifier>'
    )
