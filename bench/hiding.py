"""`python -m bench.hiding`: whether the time of an ITI-43 tells a document that is hidden from one that is not there.

As many of one kind as of the other are asked for, each once, in an order drawn at random. By the wall clock, and by the
processor's time, which no other work disturbs: both medians, their difference, and the two-sample Kolmogorov-Smirnov
statistic beside its bound at the 1 % level.
"""

from __future__ import annotations

import argparse
import logging
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import update

from bench import workload
from bench.database import CACHE
from bench.product import Setup
from bench.rights import body_of, message, open_records, retrieval
from bench.wire import Failed
from bench.workload import Submission, patient_id
from dmp.rights.marks import Marks
from xds_registry import tables as t
from xds_registry.database import writing

_SIZE: Final = 4096
#: The factor of the two-sample test at the 1 % level.
_STRICT: Final = 1.628


def kolmogorov_smirnov(one: Sequence[float], other: Sequence[float]) -> float:
    """The largest distance between the two samples' distributions."""
    merged = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    sizes, counts, largest = (len(one), len(other)), [0, 0], 0.0
    for position, (value, which) in enumerate(merged):
        counts[which] += 1
        if position + 1 == len(merged) or merged[position + 1][0] != value:
            largest = max(largest, abs(counts[0] / sizes[0] - counts[1] / sizes[1]))
    return largest


def bound(one: int, other: int) -> float:
    """What the statistic of two samples of one distribution exceeds once in a hundred times."""
    return _STRICT * math.sqrt((one + other) / (one * other))


#: Microseconds of a retrieval: by the wall clock, of the processor.
Taken = tuple[float, float]


def times(directory: Path, documents: int) -> tuple[list[Taken], list[Taken]]:
    """What the retrievals of so many hidden documents took, and of as many that are not there."""
    setup = Setup(f"sqlite:///{directory}/rows.db", directory)
    setup.create_tables()
    with retrieval(setup, documents, _SIZE) as subject:
        open_records(subject.engine, 1)
        with writing(subject.engine) as connection:
            hiding = int(Marks.MASKED)
            connection.execute(update(t.document_entry).values(marks=hiding, owners=""))
        absent = [Submission.fresh(patient_id(1)).unique_id for _ in range(documents)]
        asked = [(0, x) for x in subject.unique_ids] + [(1, x) for x in absent]
        random.Random(43).shuffle(asked)
        taken: tuple[list[Taken], list[Taken]] = ([], [])
        for kind, unique_id in asked:
            request = message(body_of(workload.retrieval(unique_id)), patient_id(1))
            wall, processor = time.perf_counter(), time.process_time()
            reply = subject.lawful.retrieve(request)
            spent = time.perf_counter() - wall, time.process_time() - processor
            taken[kind].append((spent[0] * 1e6, spent[1] * 1e6))
            if reply.parts:
                raise Failed("a hidden document is given")
    return taken


def main() -> int:
    """Measure and print; says with the exit status whether the times can be told apart."""
    parser = argparse.ArgumentParser(prog="python -m bench.hiding", description=__doc__)
    parser.add_argument("--documents", type=int, default=1000, help="of each kind (%(default)s)")
    parser.add_argument("--directory", type=Path, default=CACHE, help="where the database lies (.cache/bench)")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    options.directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        hidden, absent = times(Path(directory), options.documents)
    most = bound(len(hidden), len(absent))
    told_apart = False
    for place, name in enumerate(("wall clock", "processor")):
        one, other = [taken[place] for taken in hidden], [taken[place] for taken in absent]
        distance, first, second = kolmogorov_smirnov(one, other), statistics.median(one), statistics.median(other)
        print(
            f"{name}: hidden {first:.0f} µs, absent {second:.0f} µs (medians of {options.documents:,}), difference"
            f" {first - second:+.0f} µs; Kolmogorov-Smirnov {distance:.4f}, {most:.4f} at 1 %"
        )
        told_apart |= distance > most
    return 1 if told_apart else 0


if __name__ == "__main__":
    sys.exit(main())
