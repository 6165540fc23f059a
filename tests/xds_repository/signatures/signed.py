"""Signed submissions: papers with a signature document over them, as a doctor's or a hospital's software sends them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from card_auth.dsg import CLASS_CODE, FORMAT_DMP, Octets, SetAuthor, SetDocument, SubmittedSet, sign
from schemas import vocabulary as v
from schemas.markup import attribute
from tests.card_auth.dsg.conftest import DOCTOR, INSTRUCTED, STRUCTURE, World, parse_document
from tests.xds_repository.submissions import Paper, Submission, new_oid

PERSON = f"{DOCTOR}^DOC^KIT^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
INSTITUTION = f"CABINET^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^{STRUCTURE}"
PAPERS = (
    Paper(INSTRUCTED, mime_type="text/xml"),
    Paper(b"%PDF-1.7\n" + bytes(range(256)) * 2000, mime_type="application/pdf"),  # enough for a spool file
    Paper(b"in words", mime_type="text/plain"),
)


@dataclass(frozen=True)
class Signed(Submission):
    """A submission whose last paper is its signature."""

    format_code: str = FORMAT_DMP
    class_code: str = CLASS_CODE
    signs: bool = True
    person: str = PERSON
    institution: str = INSTITUTION

    def metadata(self) -> str:
        """The metadata of the papers, and what is said of the signature."""
        name = attribute(self.papers[-1].entry_id)
        plain = super().metadata()
        entry = re.search(rf'<rim:ExtrinsicObject id="{name}".*?</rim:ExtrinsicObject>', plain, re.DOTALL)
        assert entry is not None
        own = entry[0]
        for scheme, code in (
            (v.DOCUMENT_ENTRY_FORMAT_CODE, self.format_code),
            (v.DOCUMENT_ENTRY_CLASS_CODE, self.class_code),
        ):
            own = own.replace(f'"{scheme}" nodeRepresentation="code"', f'"{scheme}" nodeRepresentation="{code}"')
        author = (
            f'<rim:Classification id="author" classifiedObject="set" classificationScheme="{v.SUBMISSION_SET_AUTHOR}" '
            f'nodeRepresentation="">{_slot("authorPerson", self.person)}{_slot("authorInstitution", self.institution)}'
            "</rim:Classification>"
        )
        signs = (
            f'<rim:Association id="signs" associationType="{v.AssociationType.SIGNS}" sourceObject="{name}" '
            'targetObject="set"/>'
        )
        whole = plain.replace(entry[0], own).replace(
            '<rim:Classification id="node"', f'{author}<rim:Classification id="node"'
        )
        return whole.replace("</rim:RegistryObjectList>", f"{signs if self.signs else ''}</rim:RegistryObjectList>")


@dataclass(frozen=True)
class Signer:
    """Signs papers; a test changes what is signed, or what is sent."""

    world: World
    who: str = "doctor"
    national_id: str = DOCTOR
    papers: tuple[Paper, ...] = field(
        default_factory=lambda: tuple(replace(one, unique_id=new_oid()) for one in PAPERS)
    )

    def submission(self, change: Callable[[bytes], bytes] = bytes, **metadata: object) -> Signed:
        """The papers and their signature, `change`d once it was made."""
        unique_id = new_oid()
        submitted = SubmittedSet(
            unique_id=unique_id,
            documents=tuple(SetDocument(one.unique_id, one.mime_type, Octets(one.content)) for one in self.papers),
            authors=(SetAuthor(self.national_id, frozenset({STRUCTURE})), SetAuthor("899700218897")),
        )
        key = self.world.people[self.who].signature.key
        signature = sign(submitted, key, at=self.world.now, parse=parse_document)
        papers = (*self.papers, Paper(change(signature), mime_type="text/xml"))
        return Signed(papers, unique_id=unique_id, **metadata)  # type: ignore[arg-type]


def _slot(name: str, value: str) -> str:
    shown = value.replace("&", "&amp;")
    return f'<rim:Slot name="{name}"><rim:ValueList><rim:Value>{shown}</rim:Value></rim:ValueList></rim:Slot>'
