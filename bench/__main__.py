"""`python -m bench`: the product beside the floors that it cannot beat."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console

from bench import machine, report, rights, transactions, workload
from bench.database import CACHE
from bench.databases import databases
from bench.memory import Growth, memory
from bench.product import Bucket, Setup
from bench.profiling import PROFILES, profile
from bench.rounds import Comparison
from bench.rows import capture
from bench.transactions import Run
from tests.services import minio

_MEASUREMENTS: Final[dict[str, Callable[[Run], list[Comparison]]]] = {
    "iti18": transactions.find_documents,
    "iti41": transactions.provide,
    "iti43": transactions.retrieve,
    "growth": transactions.growth,
    "rights": rights.rights,
}
_ALL: Final = (*_MEASUREMENTS, "memory")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say with the exit status whether every target was met."""
    options = _options(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    if options.profile:
        profile(options.profile, requests=options.requests, console=console)
        return 0
    busy = machine.busy_share()
    if busy > machine.BUSY and not options.force:
        console.print(
            f"{busy:.0%} of this machine is at work on something else: figures would wander. "
            "Wait, or measure all the same with --force."
        )
        return 2
    facts = {**machine.description(), "others": f"{busy:.0%}"}
    comparisons: list[Comparison] = []
    growths: list[Growth] = []
    CACHE.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))
    try:
        with ExitStack() as stack:
            captured = capture(workload.document(100 * 1024))
            say = lambda line: console.print(line, style="dim", highlight=False)  # noqa: E731
            found = stack.enter_context(
                databases(postgresql=options.postgresql, directory=directory, captured=captured, say=say)
            )
            facts["database"] = found.name
            report.print_machine(console, facts)
            run = Run(options.rounds, options.requests, directory, found, captured, options.entries)
            for name in options.only:
                if name in _MEASUREMENTS:
                    with console.status(f"measuring {name}"):
                        comparisons += _MEASUREMENTS[name](run)
            if "memory" in options.only:
                with console.status("measuring memory"):
                    growths += memory(run, Setup(found.copy(10_000).url, directory / "memory"), "directory")
                    if options.s3:
                        server = stack.enter_context(minio.run_server(say))
                        bucket = Bucket(server, stack.enter_context(server.fresh_bucket()))
                        setup = Setup(found.copy(10_000).url, directory / "s3", bucket)
                        growths += memory(run, setup, server.program.kind.value)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if comparisons:
        report.print_comparisons(console, comparisons)
    if growths:
        report.print_growths(console, growths)
    if options.json:
        report.write_json(options.json, facts, comparisons, growths)
    met = [*(comparison.met for comparison in comparisons), *(growth.met for growth in growths)]
    return 0 if all(met) else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", type=_names, default=list(_ALL), help=f"which of {', '.join(_ALL)}, with commas")
    parser.add_argument("--rounds", type=int, default=9, help="rounds that count (%(default)s)")
    parser.add_argument("--requests", type=int, default=200, help="requests a round (%(default)s)")
    parser.add_argument("--entries", type=int, default=1_000_000, help="size of the large database (%(default)s)")
    parser.add_argument("--postgresql", action="store_true", help="measure on a PostgreSQL cluster of its own")
    parser.add_argument("--s3", action="store_true", help="measure memory on an S3 server of its own too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round to a file")
    parser.add_argument("--force", action="store_true", help="measure although the machine is busy")
    parser.add_argument("--profile", choices=PROFILES, help="show where the time of one transaction goes instead")
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in _ALL]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: expected some of {', '.join(_ALL)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
