"""The fuzzer itself: it finds what is there to find, says how to see it again, and its targets hold on known inputs."""

from __future__ import annotations

import base64
import faulthandler
import os
import time

import pytest

from tests.fuzz import run
from tests.fuzz.mutation import LONGEST, Grammar, Mutator
from tests.fuzz.outcome import Outcome
from tests.fuzz.targets import TARGETS, Target

GRAMMAR = Grammar([b"<a>", b"</a>", b"!"], b"<>")

#: What fuzzing found once. Each input made its target fail before the fault was mended.
FOUND = {
    "xml": [b"<a " + b"n" * 300 + b":a:b='v'/>", b"<" + b"n" * 300 + b":a:b/>"],
    "envelope": [
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><' + b"n" * 300 + b":a:b/></s:Envelope>"
    ],
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_target_keeps_its_promises_on_its_seeds_and_on_some_mutations_of_them(target: Target) -> None:
    mutator = Mutator(target.grammar, seed=1)
    inputs = [*target.seeds, *FOUND.get(target.name, []), *(mutator.mutated(target.seeds) for _ in range(200))]
    outcomes = [target.check(data[:LONGEST]) for data in inputs]
    assert any(outcome.accepted for outcome in outcomes)
    assert not all(outcome.accepted for outcome in outcomes)


def test_one_seed_gives_one_sequence_of_inputs() -> None:
    first, second, other = (Mutator(GRAMMAR, seed) for seed in (7, 7, 8))
    sequence = [first.mutated([b"<a>text</a>", b""]) for _ in range(300)]
    assert sequence == [second.mutated([b"<a>text</a>", b""]) for _ in range(300)]
    assert sequence != [other.mutated([b"<a>text</a>", b""]) for _ in range(300)]
    assert max(map(len, sequence)) <= LONGEST


def fuzzed(check: object) -> tuple[Target, int]:
    target = Target("broken", check, [b"<a>text</a>"], GRAMMAR)  # type: ignore[arg-type]
    return target, run.fuzz(target, seed=3, seconds=20)


def replayed(output: str) -> bytes:
    return base64.b64decode(output.rpartition("--replay ")[2].split()[0])


def test_an_input_that_breaks_a_promise_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    def check(data: bytes) -> Outcome:
        assert b"!" not in data
        return Outcome(True)

    target, status = fuzzed(check)
    assert status == 1
    printed = capfd.readouterr().err
    assert "seed 3" in printed
    with pytest.raises(AssertionError):
        target.check(replayed(printed))


def test_an_input_that_hangs_is_shown(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PATIENCE", 3.0)

    def check(data: bytes) -> Outcome:
        if b"!" in data:
            time.sleep(60)
        return Outcome(True)

    _, status = fuzzed(check)
    assert status == 1
    printed = capfd.readouterr().err
    assert "hangs" in printed
    assert b"!" in replayed(printed)


def test_an_input_that_kills_the_process_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    def check(data: bytes) -> Outcome:
        if b"!" in data:
            faulthandler.disable()  # pytest's, in this child: it would tell of the crash that is wanted
            os.abort()
        return Outcome(True)

    _, status = fuzzed(check)
    assert status == 1
    printed = capfd.readouterr().err
    assert "signal 6" in printed
    assert b"!" in replayed(printed)


def test_a_target_without_faults_ends_in_time(capfd: pytest.CaptureFixture[str]) -> None:
    target = Target("sound", lambda data: Outcome(True, (len(data) % 3,)), [b"x"], GRAMMAR)
    assert run.fuzz(target, seed=1, seconds=0.2) == 0
    assert "inputs in 0.2 s" in capfd.readouterr().out


def test_the_command_line_names_the_targets_and_replays(capfd: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--list"]) == 0
    assert capfd.readouterr().out.split() == [target.name for target in TARGETS]
    assert run.main(["xml", "--replay", base64.b64encode(b"<a/>").decode()]) == 0
    assert "accepted=True" in capfd.readouterr().out
