"""Hostile signatures: every one is refused for the reason that was meant, and each gate is needed for some."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from card_auth.dsg import GATES, Verdict
from card_auth.dsg.verify import Gate
from tests.card_auth.dsg.conftest import DOCTOR, World
from tests.card_auth.dsg.hostile import Case, Corpus
from tests.examples import some

#: What the first refuses, others would refuse as well, for a vaguer reason; without the second nobody is trusted.
NEVER_ALONE = {"is_a_signature", "trusted_signer"}


@pytest.fixture(scope="module")
def corpus(world: World) -> Corpus:
    return Corpus(world)


@pytest.fixture(scope="module")
def cases(corpus: Corpus) -> list[Case]:
    return list(corpus.cases())


@pytest.fixture(scope="module")
def refusing(world: World, cases: list[Case]) -> dict[str | None, list[Case]]:
    """The cases by the gate that refuses them."""
    found: dict[str | None, list[Case]] = {}
    for case in cases:
        found.setdefault(world.refused_by(case.signature, case.submitted, **case.options), []).append(case)
    return found


def test_the_honest_ones_are_believed(world: World, corpus: Corpus) -> None:
    assert world.verify(corpus.honest).verdict is Verdict.VALID
    assert world.verify(corpus.older).verdict is Verdict.VALID


def test_every_hostile_signature_is_refused_for_its_reason(world: World, cases: list[Case]) -> None:
    assert len({case.name for case in cases}) == len(cases) >= 150
    wrong = []
    for case in cases:
        found = world.verify(case.signature, case.submitted, **case.options)  # type: ignore[arg-type]
        if found.verdict is not Verdict.INVALID or found.reason not in case.reasons:
            wrong.append((case.name, found.verdict, found.reason, found.detail))
    assert wrong == []


@settings(max_examples=some(400), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1), removed=st.integers(0, 60), inserted=st.binary(max_size=12), old=st.booleans())
def test_any_octets_are_answered_with_a_finding(
    world: World, corpus: Corpus, position: float, removed: int, inserted: bytes, old: bool
) -> None:
    honest = corpus.older if old else corpus.honest
    start = int(position * len(honest))
    octets = honest[:start] + inserted + honest[start + removed :]
    found = world.verify(octets)
    assert found.verdict is Verdict.INVALID or (found.signer_national_id, found.signed_at) == (DOCTOR, world.now)


def test_nobody_is_named_for_a_signature_that_is_not_theirs(world: World, cases: list[Case]) -> None:
    for case in cases:
        found = world.verify(case.signature, case.submitted, **case.options)  # type: ignore[arg-type]
        if found.reason and found.reason.name in ("WRONG_DIGEST", "WRONG_SIGNATURE", "UNTRUSTED_SIGNER", "REVOKED"):
            assert (found.signer_national_id, found.signer_name, found.signed_at) == ("", "", None), case.name


@pytest.mark.parametrize("left_out", GATES, ids=lambda gate: gate.__name__)
def test_without_a_gate_something_gets_through(
    world: World, refusing: dict[str | None, list[Case]], left_out: Gate
) -> None:
    rest = [gate for gate in GATES if gate is not left_out]
    passed = [
        case.name
        for case in refusing[left_out.__name__]
        if world.verify(case.signature, case.submitted, gates=rest, **case.options).verdict is not Verdict.INVALID  # type: ignore[arg-type]
    ]
    assert bool(passed) is (left_out.__name__ not in NEVER_ALONE)
