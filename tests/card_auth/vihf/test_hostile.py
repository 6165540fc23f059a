"""Nothing hostile is believed, and each rule is needed for that."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from card_auth.vihf import GATES, ReplayMemory
from soap.xml import XmlRefused, parse_untrusted
from tests.card_auth.vihf.conftest import World
from tests.card_auth.vihf.hostile import Case, Corpus
from tests.card_auth.vihf.messages import XMLENC, envelope

FEWEST = 1000
PARSER = "parser"


@pytest.fixture(scope="module")
def corpus(world: World) -> Corpus:
    return Corpus(world)


@pytest.fixture(scope="module")
def refusals(world: World, corpus: Corpus) -> dict[str, list[Case]]:
    """The cases by what refuses them; under "" those that nothing does."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in corpus.cases():
        try:
            gate = world.refused_by(case.message, case.peer) or ""
        except XmlRefused:
            gate = PARSER
        found[gate].append(case)
    return found


def test_the_honest_message_is_believed(world: World, corpus: Corpus) -> None:
    assert world.refused_by(corpus.honest, corpus.peer) is None
    assert world.refused_by(corpus.forged(lambda _: None), corpus.peer) is None  # the forger can sign as we do


def test_every_hostile_message_is_refused(refusals: dict[str, list[Case]]) -> None:
    assert [case.name for case in refusals[""]] == []
    counts = Counter({gate: len(cases) for gate, cases in refusals.items()})
    assert counts.total() - counts[PARSER] >= FEWEST, counts


# a gate whose finding another gate builds upon is left out together with that one
BUILT_UPON = {"trusted_signer": ("same_family",), "trusted_connection": ("same_family",)}


@pytest.mark.parametrize("name", [gate.__name__ for gate in GATES if gate.__name__ != "first_use"])
def test_each_gate_is_what_refuses_something(world: World, refusals: dict[str, list[Case]], name: str) -> None:
    dropped = (name, *BUILT_UPON.get(name, ()))
    rest = [gate for gate in GATES if gate.__name__ not in dropped]
    kept = [gate for gate in GATES if gate.__name__ not in BUILT_UPON.get(name, ())]
    believed = (case for case in refusals[name] if world.refused_by(case.message, case.peer, gates=rest) is None)
    case = next(believed, None)
    assert case is not None, f"{len(refusals[name])} cases, each refused by another gate too"
    assert world.refused_by(case.message, case.peer, gates=kept) == name


REPLAYS = ("the same message", "another message", "signed again under its ID", "its signature in lines")


@pytest.mark.parametrize("how", REPLAYS)
def test_what_was_presented_is_refused_and_only_the_last_gate_sees_it(world: World, corpus: Corpus, how: str) -> None:
    second = {
        "the same message": corpus.honest,
        "another message": envelope(corpus.issued, body=b'<r:other xmlns:r="urn:r"/>'),
        "signed again under its ID": _again(corpus),
        "its signature in lines": corpus.honest.replace(b"SignatureValue>", b"SignatureValue>\n  "),
    }[how]
    memory = ReplayMemory()
    assert world.refused_by(corpus.honest, corpus.peer, replay=memory) is None
    assert world.refused_by(second, corpus.peer, replay=memory) == "first_use"
    assert world.refused_by(second, corpus.peer, replay=memory, gates=GATES[:-1]) is None


def _again(corpus: Corpus) -> bytes:
    own = parse_untrusted(corpus.issued).get("ID")
    return corpus.forged(lambda assertion: assertion.set("ID", own), digest=f"{XMLENC}sha512")


def test_of_parallel_copies_one_is_believed(world: World, corpus: Corpus) -> None:
    memory = ReplayMemory()

    def present(_: int) -> str | None:
        return world.refused_by(corpus.honest, corpus.peer, replay=memory)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(present, range(20)))
    assert outcomes.count(None) == 1


def test_what_is_refused_may_be_presented_again_and_what_is_forgotten_is_too_old(world: World, corpus: Corpus) -> None:
    memory = ReplayMemory()
    stranger = world.people["clinic"].authentication.certificate.der
    assert world.refused_by(corpus.honest, stranger, replay=memory) == "same_holder"
    assert world.refused_by(corpus.honest, corpus.peer, replay=memory) is None
    later = world.now + datetime.timedelta(minutes=6)
    assert world.refused_by(corpus.honest, corpus.peer, replay=memory, at=later) == "issued_now"


def test_a_full_memory_refuses_to_forget(world: World, corpus: Corpus) -> None:
    with pytest.raises(MemoryError):
        world.verify(corpus.honest, corpus.peer, replay=ReplayMemory(most=1))
