"""Professionals with their cards, who speak to a server as their software does: SOAP over mutual TLS, a fresh VIHF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import requests
from lxml import etree

from card_auth.caller import PurposeOfUse, Role
from card_auth.demo_pki import CpsPair, DemoPki
from card_auth.vihf import Statement, issue, security_header
from dmp.rights.actors import PROFESSIONALS, STRUCTURES
from dmp.rights.marks import LEVEL_SYSTEM, MARK_SYSTEM
from schemas import vocabulary as v
from schemas.datatypes import Cx, Xcn, Xon
from schemas.ebrim.decode import decode_document_entry
from schemas.ebrim.encode import encode_submission
from schemas.ebrim.reading import Problems
from schemas.metadata import Association, Author, CodedValue, DocumentEntry, Submission
from schemas.responses import RegistryOutcome, read_registry_response
from schemas.vocabulary import AvailabilityStatus
from soap.client.caller import SoapCaller
from soap.message import OutgoingPart
from soap.parts import include
from tests.card_auth.vihf.messages import direct
from tests.services.engine import REPOSITORY_ID, Engine
from tests.xds_registry import submissions as s
from xds_registry.query.catalogue import QueryId

PROVIDE = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
REGISTER = "urn:ihe:iti:2007:RegisterDocumentSet-b"
STORED_QUERY = "urn:ihe:iti:2007:RegistryStoredQuery"
UPDATE = "urn:ihe:iti:2010:UpdateDocumentSet"
RETRIEVE = "urn:ihe:iti:2007:RetrieveDocumentSet"
INS = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO"
G15 = "1.2.250.1.71.1.2.7"
_RIM = f"{{{v.RIM}}}"


def confidentiality(*codes: str) -> tuple[CodedValue, ...]:
    """The levels and marks of a document."""
    return tuple(s.code(code, LEVEL_SYSTEM if code in "NRV" else MARK_SYSTEM) for code in codes)


def provided(whole: Submission, contents: Sequence[bytes]) -> tuple[bytes, list[OutgoingPart]]:
    """The request of ITI-41 for a submission, and the documents of its entries, in their order, as parts."""
    parts, documents = [], b""
    for number, (entry, content) in enumerate(zip(whole.document_entries, contents, strict=True)):
        part = OutgoingPart(f"part{number}@test", "text/xml", len(content), iter([content]))
        parts.append(part)
        documents += f'<x:Document xmlns:x="{v.XDSB}" id="{entry.entry_uuid}">'.encode()
        documents += include(part.content_id) + b"</x:Document>"
    body = (
        f'<x:ProvideAndRegisterDocumentSetRequest xmlns:x="{v.XDSB}">'.encode()
        + etree.tostring(encode_submission(whole))
        + documents
        + b"</x:ProvideAndRegisterDocumentSetRequest>"
    )
    return body, parts


@dataclass(frozen=True, slots=True)
class Professional:
    """Somebody with a card at a workstation."""

    engine: Engine
    card: CpsPair
    national_id: str
    roles: tuple[Role, ...]
    family: str = "DUPONT"
    given: str = "ALIX"
    patient: str | None = INS
    purpose: PurposeOfUse = PurposeOfUse.NORMAL
    reason: str | None = None
    structure: str = "10B0127189"

    def breaking_glass(self, reason: str) -> Professional:
        return replace(self, purpose=PurposeOfUse.BREAK_GLASS, reason=reason)

    def about(self, patient: str | None) -> Professional:
        return replace(self, patient=patient)

    def caller(self, path: str) -> SoapCaller:
        """The way to one address of the server."""
        session = requests.Session()
        files = self.card.authentication.certificate_file, self.card.authentication.key_file
        session.cert, session.verify, session.trust_env = tuple(map(str, files)), str(self.engine.pki.ca), False
        return SoapCaller(f"{self.engine.https}{path}", session=session, security=self.header)

    def header(self) -> bytes:
        """A fresh assertion."""
        now = datetime.now(UTC)
        return security_header(issue(self.statement(now), self.card.signature.key, at=now))

    def statement(self, now: datetime) -> Statement:
        resource = None if self.patient is None else f"{self.patient}^NH"
        return direct(
            now,
            self.national_id,
            roles=self.roles,
            structure_id=self.structure,
            resource_id=resource,
            purpose_of_use=self.purpose,
            purpose_reason=self.reason,
        )

    @property
    def author(self) -> Author:
        """The professional as the author of a document."""
        name = f"{self.national_id}^{self.family}^{self.given}^^^^^^&{PROFESSIONALS}&ISO^D^^^IDNPS"
        house = f"Cabinet^^^^^&{STRUCTURES}&ISO^IDNST^^^{self.structure}"
        return Author(person=Xcn.parse(name), institutions=(Xon.parse(house),))

    def entry(self, *marks: str, **changes: object) -> DocumentEntry:
        """A document's metadata by this author."""
        given: dict[str, object] = {
            "patient_id": Cx.parse(self.patient or INS),
            "authors": (self.author,),
            "class_code": s.code("10", "1.2.250.1.213.1.1.4.1"),
            "type_code": s.code("11488-4", "2.16.840.1.113883.6.1"),
            "healthcare_facility_type_code": s.code("SA07", "1.2.250.1.71.4.2.4"),
            "practice_setting_code": s.code("AMBULATOIRE", "1.2.250.1.213.1.1.4.9"),
            "confidentiality_codes": confidentiality("N", *marks),
            "hash": None,
            "size": None,
            **changes,
        }
        return s.entry(**given)

    def provide(self, *entries: DocumentEntry, links: Sequence[Association] = ()) -> RegistryOutcome:
        """ITI-41, with a small document for each entry."""
        package = s.submission_set(patient_id=entries[0].patient_id, authors=(self.author,))
        contents = [f"<ClinicalDocument>{entry.unique_id}</ClinicalDocument>".encode() for entry in entries]
        body, parts = provided(s.submission(package, *entries, *links), contents)
        with self.caller("/repository").call(PROVIDE, body, parts=parts, mtom=True) as answer:
            return read_registry_response(answer.body)

    def refer(self, *entries: DocumentEntry, provide: bool = False) -> RegistryOutcome:
        """ITI-42, or ITI-41 without documents, of a set that refers to registered documents and has nothing else."""
        package = s.submission_set(patient_id=entries[0].patient_id, authors=(self.author,))
        whole = s.submission(package, *(s.member(package, entry, "Reference") for entry in entries))
        if provide:
            where, action, body = "/repository", PROVIDE, provided(whole, [])[0]
        else:
            where, action, body = "/registry", REGISTER, etree.tostring(encode_submission(whole))
        with self.caller(where).call(action, body, mtom=provide) as answer:
            return read_registry_response(answer.body)

    def change(self, changes: Submission) -> RegistryOutcome:
        """ITI-57, in the caller's own name."""
        (package,) = changes.submission_sets
        whole = replace(changes, submission_sets=(replace(package, authors=(self.author,)),))
        with self.caller("/registry").call(UPDATE, etree.tostring(encode_submission(whole))) as answer:
            return read_registry_response(answer.body)

    def query(self, query: QueryId, parameters: dict[str, s.Given], return_type: str = "LeafClass") -> etree._Element:
        """ITI-18: the response."""
        request = s.query(query, parameters, return_type=return_type)  # type: ignore[arg-type]
        with self.caller("/registry").call(STORED_QUERY, etree.tostring(request)) as answer:
            return answer.body

    def read(self, entry_uuid: str) -> DocumentEntry:
        """GetDocuments: the metadata as the registry has them."""
        answer = self.query(QueryId.GET_DOCUMENTS, {"$XDSDocumentEntryEntryUUID": s.quoted(entry_uuid)})
        (element,) = answer.iter(f"{_RIM}ExtrinsicObject")
        return decode_document_entry(element, Problems())

    def find(self, *statuses: AvailabilityStatus, return_type: str = "LeafClass") -> dict[str, etree._Element]:
        """FindDocuments: the entries by entryUUID."""
        asked = [status.value for status in statuses or (AvailabilityStatus.APPROVED,)]
        parameters: dict[str, s.Given] = {
            "$XDSDocumentEntryPatientId": f"'{self.patient or INS}'",
            "$XDSDocumentEntryStatus": s.quoted(*asked),
        }
        answer = self.query(QueryId.FIND_DOCUMENTS, parameters, return_type)
        outcome = read_registry_response(answer)
        if not outcome.succeeded:
            raise AssertionError([error.code for error in outcome.errors])
        found = answer.find(f"{_RIM}RegistryObjectList")
        return {} if found is None else {item.get("id", ""): item for item in found}

    def retrieve(self, *unique_ids: object) -> tuple[RegistryOutcome, bytes]:
        """ITI-43: what it says, and the whole answer's documents."""
        requests_ = "".join(
            f"<x:DocumentRequest><x:RepositoryUniqueId>{REPOSITORY_ID}</x:RepositoryUniqueId>"
            f"<x:DocumentUniqueId>{unique_id}</x:DocumentUniqueId></x:DocumentRequest>"
            for unique_id in unique_ids
        )
        body = f'<x:RetrieveDocumentSetRequest xmlns:x="{v.XDSB}">{requests_}</x:RetrieveDocumentSetRequest>'
        with self.caller("/repository").call(RETRIEVE, body.encode(), mtom=True) as answer:
            outcome = read_registry_response(answer.body[0])
            return outcome, b"".join(chunk for part in answer.parts.values() for chunk in part.chunks())


def professional(
    engine: Engine, igc: DemoPki, national_id: str, profession: str = "10", speciality: str = "SM26", **names: str
) -> Professional:
    """A new professional with a card of the test IGC."""
    family, given = names.get("family", "DUPONT"), names.get("given", "ALIX")
    specialities = (speciality,) if speciality else ()
    card = igc.issue_cps(
        national_id, family, given, profession=int(profession), profession_label="test", specialities=specialities
    )
    roles = (
        Role(profession, G15, "profession"),
        *(Role(each, "1.2.250.1.71.4.2.5", "savoir-faire") for each in specialities),
    )
    return Professional(engine, card, national_id, roles, family, given)
