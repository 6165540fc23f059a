"""The machine that is measured on: what it is, how busy it is, what processes cost on it."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from lxml import etree

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")
_LIBRARIES: Final = ("lxml", "sqlalchemy", "spyne", "gunicorn")
#: Above this share of all cores, others work here too and figures wander.
BUSY: Final = 0.25


def description() -> dict[str, str]:
    """Processor, system and library versions."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "libxml2": ".".join(map(str, etree.LIBXML_VERSION)),
        **{name: version(name) for name in _LIBRARIES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def busy_share(seconds: float = 2.0) -> float:
    """The share of all cores that is at work, over a while; somebody else's work before a measurement starts."""
    idle, total = _cores()
    time.sleep(seconds)
    later_idle, later_total = _cores()
    return 1 - (later_idle - idle) / max(1, later_total - total)


def _cores() -> tuple[int, int]:
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)  # idle and waiting for a disk


@dataclass(frozen=True, slots=True)
class Cpu:
    """What the processes of a server have used so far: user and system time in seconds."""

    ticked: float
    threads: dict[str, float]

    def since(self, earlier: Cpu) -> float:
        """Seconds used since `earlier`.

        The scheduler's own count has nanoseconds, but a thread takes its count with it when it ends: then the sum in
        ticks of 10 ms serves.
        """
        if self.threads and earlier.threads.keys() <= self.threads.keys():
            return sum(seconds - earlier.threads.get(name, 0.0) for name, seconds in self.threads.items())
        return self.ticked - earlier.ticked


def cpu(processes: list[int]) -> Cpu:
    """The CPU time of processes, their ended children excluded. Raises `OSError` when one is gone."""
    ticked = 0.0
    threads: dict[str, float] = {}
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticked += (int(fields[11]) + int(fields[12])) * _TICK
        for thread in Path(f"/proc/{process}/task").iterdir():
            try:
                spent = (thread / "schedstat").read_text().split()
            except FileNotFoundError:
                continue
            if int(spent[0]):
                threads[thread.name] = int(spent[0]) / 1e9
    return Cpu(ticked, threads)


def family(process: int) -> list[int]:
    """A process and all that descend from it."""
    found = [process]
    for parent in found:
        for thread in Path(f"/proc/{parent}/task").iterdir():
            found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def resident(processes: list[int]) -> int:
    """The memory that processes have resident now, in bytes, added up."""
    return sum(_status(process, "VmRSS") for process in processes)


def peak_resident(processes: list[int]) -> int:
    """The most memory that each process has had resident since `forget_peaks`, in bytes, added up."""
    return sum(_status(process, "VmHWM") for process in processes)


def forget_peaks(processes: list[int]) -> None:
    """Have the kernel start the peaks anew."""
    for process in processes:
        Path(f"/proc/{process}/clear_refs").write_text("5")


def _status(process: int, name: str) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{process}/status has no {name}")
