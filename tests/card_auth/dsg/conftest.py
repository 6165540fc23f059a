"""A small world of signers, a set of every kind of document, and what a server makes of their signatures."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lxml import etree

from card_auth.caller import AccessMode, Caller, PurposeOfUse, Role
from card_auth.demo_pki import CpsPair, DemoPki
from card_auth.dsg import GATES, DsgPolicy, Octets, SetAuthor, SetDocument, SignatureFinding, SubmittedSet, Verifier
from card_auth.dsg.evidence import Evidence
from card_auth.dsg.verify import Gate
from card_auth.trust import RevocationLists, TrustProfile, TrustStore, load_profile
from soap.xml import XmlLimits, parse_untrusted
from tests.card_auth.conftest import Keys

CDA = Path(__file__).resolve().parents[4] / "shared" / "data" / "cda"
STRUCTURE = "10B0127189"
DOCTOR = "899700218896"
INSTRUCTED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<?xml-stylesheet type="text/xsl" href="a.xsl"?>\n<!-- before -->\n'
    b'<ClinicalDocument xmlns="urn:hl7-org:v3"  b="2" a="1"><!-- within --><title>caf\xc3\xa9</title>'
    b"</ClinicalDocument>\n"
    b"<!-- after -->\n"
)


def parse_document(data: bytes) -> etree._Element:
    """As a server reads documents."""
    return parse_untrusted(data, XmlLimits(processing_instructions=16))


def document(number: int, content: bytes, mime_type: str) -> SetDocument:
    """A document of a set."""
    return SetDocument(f"1.2.250.1.999.{number}", mime_type, Octets(content))


SET = SubmittedSet(
    unique_id="1.2.250.1.999.0",
    documents=(
        document(1, INSTRUCTED, "text/xml"),
        document(2, b"%PDF-1.7\n" + bytes(range(256)), "application/pdf"),
        document(3, b"", "text/plain"),
    ),
    authors=(SetAuthor(DOCTOR, frozenset({STRUCTURE})),),
)


@dataclass(frozen=True, repr=False)
class World:
    """Signers by name, the moment at which all happens, and the server's trust."""

    now: datetime.datetime
    pki: DemoPki
    people: dict[str, CpsPair]
    trust: TrustStore
    profile: TrustProfile

    def caller(self, who: str = "doctor", mode: AccessMode = AccessMode.DIRECT, **changes: object) -> Caller:
        """Who submits."""
        known = Caller(
            national_id=DOCTOR,
            name="KIT DOC0021889",
            roles=(Role("10", "1.2.250.1.71.1.2.7"),),
            structure_id=STRUCTURE,
            structure_name=None,
            sector="SA07",
            mode=mode,
            purpose_of_use=PurposeOfUse.NORMAL,
            certificate_fingerprint=self.people[who].signature.certificate.fingerprint,
        )
        return replace(known, **changes)  # type: ignore[arg-type]

    def verify(
        self,
        signature: bytes,
        submitted: SubmittedSet = SET,
        *,
        caller: Caller | str | None = "the doctor",
        at: datetime.datetime | None = None,
        trust: TrustStore | None = None,
        gates: Sequence[Gate] = GATES,
        policy: DsgPolicy | None = None,
    ) -> SignatureFinding:
        """What the server finds."""
        verifier = Verifier(
            trust or self.trust,
            parse=parse_untrusted,
            parse_document=parse_document,
            policy=policy,
            gates=gates,
        )
        who = self.caller() if isinstance(caller, str) else caller
        return verifier.verify(signature, submitted, caller=who, at=at or self.now)

    def refused_by(self, signature: bytes, submitted: SubmittedSet = SET, **how: object) -> str | None:
        """The name of the gate that refuses a signature; None when none does."""
        passed: list[str] = []

        def watched(gate: Gate) -> Gate:
            def run(evidence: Evidence) -> None:
                passed.append(gate.__name__)
                gate(evidence)

            return run

        gates = how.pop("gates", GATES)
        found = self.verify(signature, submitted, gates=[watched(gate) for gate in gates], **how)  # type: ignore[arg-type,union-attr]
        return passed[-1] if found.verdict == "invalid" else None


@pytest.fixture(scope="session")
def world(igc: DemoPki, rsa_keys: Keys) -> World:
    """A doctor, a colleague and two structures, of one family."""
    keys = {"keys": rsa_keys}
    people = {
        "doctor": igc.issue_cps(**keys),
        "colleague": igc.issue_cps("899700218897", "DOC2", "KIT", **keys),
        "hospital": igc.issue_organisation(**keys),
        "clinic": igc.issue_organisation("10B0127190", "CLINIQUE TEST", **keys),
    }
    profile = load_profile(igc.directory)
    lists = RevocationLists([profile])
    lists.refresh()
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return World(now, igc, people, TrustStore([profile], lists=lists, production=False), profile)
