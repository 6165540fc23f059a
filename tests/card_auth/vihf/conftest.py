"""A small world of identities, a server that trusts them, and what it makes of a message."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from card_auth.caller import Caller
from card_auth.demo_pki import CpsPair, DemoPki
from card_auth.trust import Family, RevocationLists, TrustProfile, TrustStore, load_profile
from card_auth.vihf import GATES, AssertionRefused, Reason, ReplayMemory, Verifier, VihfPolicy
from card_auth.vihf.evidence import Evidence
from card_auth.vihf.patient import TEST_AUTHORITIES
from card_auth.vihf.verify import Gate
from card_auth.vihf.vocabulary import SECURITY
from soap.xml import parse_untrusted
from tests.card_auth.conftest import Keys

POLICY = VihfPolicy(
    patient_authorities=TEST_AUTHORITIES,
    audiences=frozenset({"urn:feuillet:test"}),
    recipients=frozenset({"https://dmp.example/registry"}),
)


@dataclass(frozen=True)
class World:
    """Identities by name, the moment at which all happens, and the server's trust."""

    now: datetime.datetime
    pki: DemoPki
    people: dict[str, CpsPair]
    other: CpsPair  # the first doctor again, certified by another family of authorities
    trust: TrustStore
    profile: TrustProfile

    def verify(
        self,
        message: bytes,
        peer: bytes | None,
        *,
        at: datetime.datetime | None = None,
        gates: Sequence[Gate] = GATES,
        policy: VihfPolicy = POLICY,
        replay: ReplayMemory | None = None,
        trust: TrustStore | None = None,
    ) -> Caller:
        """What the server makes of a message. Raises AssertionRefused, or XmlRefused from the parser."""
        verifier = Verifier(
            trust or self.trust, parse=parse_untrusted, replay=replay or ReplayMemory(), policy=policy, gates=gates
        )
        root = parse_untrusted(message)
        security = next(root.iter(SECURITY), None)
        if security is None:  # as an endpoint says that has no header to hand over
            raise AssertionRefused(Reason.NO_SECURITY)
        return verifier.verify(security, peer, at=at or self.now)

    def refused_by(self, message: bytes, peer: bytes | None, **how: object) -> str | None:
        """The name of the gate that refuses a message; None when it is accepted."""
        passed: list[str] = []

        def watched(gate: Gate) -> Gate:
            def run(evidence: Evidence) -> None:
                passed.append(gate.__name__)
                gate(evidence)

            return run

        gates = how.pop("gates", GATES)
        try:
            self.verify(message, peer, gates=[watched(gate) for gate in gates], **how)  # type: ignore[arg-type,union-attr]
        except AssertionRefused:
            return passed[-1] if passed else "endpoint"
        return None


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, igc: DemoPki, rsa_keys: Keys) -> World:
    """Three people and three structures of one family; the first of them in a second family too."""
    keys = {"keys": rsa_keys}
    people = {
        "doctor": igc.issue_cps(**keys),
        "colleague": igc.issue_cps("899700218897", "DOC2", "KIT", **keys),
        "nurse": igc.issue_cps(
            "899700218898", "INF3", "KIT", profession=60, profession_label="Infirmier", specialities=(), **keys
        ),
        "hospital": igc.issue_organisation(**keys),
        "clinic": igc.issue_organisation("10B0127190", "CLINIQUE TEST", **keys),
        "laboratory": igc.issue_organisation("339172288100052", "LABO TEST", **keys),
    }
    elsewhere = DemoPki.create(tmp_path_factory.mktemp("elsewhere") / "pki", key=rsa_keys[1])
    profile = load_profile(igc.directory)
    profiles = (profile, replace(load_profile(elsewhere.directory), name="elsewhere", family=Family.IGC_SANTE))
    lists = RevocationLists(profiles)
    lists.refresh()
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    trust = TrustStore(profiles, lists=lists, production=False)
    return World(now, igc, people, elsewhere.issue_cps(**keys), trust, profile)
