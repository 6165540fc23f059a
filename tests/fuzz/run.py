"""Fuzzing: `python -m tests.fuzz.run --seconds 60 TARGET`, `--list` for the targets, `--replay BASE64` for one input.

The inputs are tried in a child process. When one fails, hangs or kills it, the parent prints the seed and the input.
"""

from __future__ import annotations

import argparse
import base64
import logging
import mmap
import os
import secrets
import signal
import struct
import sys
import time
import traceback
from collections.abc import Hashable

import structlog

from tests.fuzz.mutation import LONGEST, Mutator
from tests.fuzz.targets import TARGETS, Target

#: An input takes a few milliseconds; one that takes so many seconds hangs, even on a busy machine.
PATIENCE = 120.0
_HEAD = struct.Struct("<QQQ")


class _Slate:
    """What child and parent both see: how many inputs were begun, how many were accepted, and the present one."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEAD.size + LONGEST)
        self.tried = self.accepted = 0

    def begin(self, data: bytes) -> None:
        self.tried += 1
        self._memory[: _HEAD.size] = _HEAD.pack(self.tried, len(data), self.accepted)
        self._memory[_HEAD.size : _HEAD.size + len(data)] = data

    def read(self) -> tuple[int, int, bytes]:
        tried, length, accepted = _HEAD.unpack(self._memory[: _HEAD.size])
        return tried, accepted, self._memory[_HEAD.size : _HEAD.size + length]


def _child(target: Target, seed: int, seconds: float, slate: _Slate) -> int:
    """Try inputs until the time is over. The corpus grows by every input with an outcome not seen before."""
    mutator = Mutator(target.grammar, seed)
    corpus = [seed_input[:LONGEST] for seed_input in target.seeds]
    seen: set[Hashable] = set()
    deadline = time.monotonic() + seconds
    fresh = iter(list(corpus))
    while time.monotonic() < deadline:
        data = next(fresh, None)
        if data is None:
            data = mutator.mutated(corpus)
        slate.begin(data)
        try:
            outcome = target.check(data)
        except Exception:
            traceback.print_exc()
            return 1
        slate.accepted += outcome.accepted
        if outcome not in seen:
            seen.add(outcome)
            corpus.append(data)
    return 0


def fuzz(target: Target, seed: int, seconds: float) -> int:
    """Exit status 0 when every input kept the promises of the target."""
    slate = _Slate()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = _child(target, seed, seconds, slate)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    tried, since = -1, time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        now, accepted, data = slate.read()
        if done:
            break
        if now != tried:
            tried, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return _report(target, seed, data, f"hangs for more than {PATIENCE:g} s")
        time.sleep(0.05)
    if status:
        code = os.waitstatus_to_exitcode(status)
        return _report(target, seed, data, f"ended by signal {-code}" if code < 0 else "failed")
    print(f"{target.name}: {now} inputs in {seconds:g} s, {accepted} of them accepted (seed {seed})")
    return 0


def _report(target: Target, seed: int, data: bytes, what: str) -> int:
    encoded = base64.b64encode(data).decode()
    print(f"{target.name}: {what}, with seed {seed}; to try this input again:", file=sys.stderr)
    print(f"  python -m tests.fuzz.run {target.name} --replay {encoded}", file=sys.stderr)
    return 1


def main(arguments: list[str]) -> int:
    """The command line."""
    targets = {target.name: target for target in TARGETS}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", choices=sorted(targets))
    parser.add_argument("--list", action="store_true", help="print the names of the targets")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="a number that was printed; otherwise a new one")
    parser.add_argument("--replay", metavar="BASE64", help="try one input")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(targets))
        return 0
    if options.target is None:
        parser.error("which target?")
    target = targets[options.target]
    if options.replay is not None:
        print(target.check(base64.b64decode(options.replay)))
        return 0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return fuzz(target, secrets.randbits(32) if options.seed is None else options.seed, options.seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
