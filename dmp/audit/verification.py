"""Whether the trail is as it was written: every row, every chain to its signed head, every checkpoint and anchor."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine, Row, bindparam, select

from dmp.audit.canonical import NoEvent, decode
from dmp.audit.chain import Head, genesis, is_signed, link
from dmp.audit.checkpoints import heads, read_anchor
from dmp.audit.tables import SHARDS, audit_checkpoint, audit_delivery, audit_event
from dmp.audit.trail import columns

_BATCH: Final = 1000
_ROWS: Final = (
    select(audit_event)
    .where(audit_event.c.shard == bindparam("shard"), audit_event.c.number > bindparam("number"))
    .order_by(audit_event.c.number)
    .limit(_BATCH)
)
_BEFORE_ALL: Final = -(2**63)


class Tampering(enum.Enum):
    """What is wrong."""

    MISSING = "an event is missing"
    CHANGED = "an event is not the one that was written, or not where it was"
    COLUMN = "a column does not say what the event says"
    UNREADABLE = "the content is no event"
    CUT = "the chain ends before its head"
    ADDED = "an event comes after the head"
    HEAD = "the head is not the last event's"
    SIGNATURE = "no key of the trail has signed the head"
    NO_CHAIN = "a chain has no head, or events have no chain"
    CHECKPOINT = "a checkpoint does not match the chain"
    NO_CHECKPOINT = "a checkpoint that the anchor file has is gone"
    ANCHOR = "the anchor file does not match the chain"
    NO_ANCHOR = "the anchor file is gone, or has a line that is none"
    DELIVERED = "events were delivered that are not there"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, and the first place where it shows."""

    shard: int
    number: int
    kind: Tampering

    def __str__(self) -> str:
        return f"chain {self.shard}, event {self.number}: {self.kind.value}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification has come, in events."""

    done: int
    total: int


@dataclass(slots=True)
class Report:
    """What a verification looked at and found."""

    events: int = 0
    checkpoints: int = 0
    anchored: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class _Mark:
    """A head of the past that the chain must go through."""

    count: int
    hash: bytes
    kind: Tampering


def verify(
    engine: Engine, keys: tuple[Ed25519PublicKey, ...], *, anchor: Path | None = None
) -> Generator[Progress, None, Report]:
    """Verify the whole trail; the generator's value is the report, with the first thing wrong of each kind and chain.

    `keys` are the public keys that have ever signed it.
    """
    report = Report()
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    # One view of all tables: what is written meanwhile is left to the next run.
    with engine.connect().execution_options(**options) as connection, connection.begin():
        known = {head.shard: head for head in heads(connection)}
        marks = _marks(connection, keys, anchor, report)
        total = sum(max(0, head.count) for head in known.values())
        for shard in range(SHARDS[engine.dialect.name]):
            if shard not in known:
                report.findings.append(Finding(shard, 0, Tampering.NO_CHAIN))
        for shard, head in known.items():
            for done in _walk(connection, head, marks[shard], keys, report):
                yield Progress(done, total)
        report.findings += _strays(connection, known)
        report.findings += _delivered(connection, known)
    return report


def run(steps: Generator[Progress, None, Report]) -> Report:
    """A verification without anybody watching."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            report: Report = end.value
            return report


def _walk(
    connection: Connection, head: Head, marks: list[_Mark], keys: tuple[Ed25519PublicKey, ...], report: Report
) -> Iterable[int]:
    """From the first event of a chain to its head. What is wrong ends the walk: after it nothing can be told."""
    shard, number, previous = head.shard, 0, genesis(head.shard)
    due = defaultdict(list)
    for mark in marks:
        due[mark.count].append(mark)
    wrong: Finding | None = None
    after = _BEFORE_ALL
    while wrong is None and (rows := connection.execute(_ROWS, {"shard": shard, "number": after}).all()):
        for row in rows:
            wrong = _row_is_wrong(row, number, previous, head)
            if wrong is not None:
                break
            number, previous = row.number, row.hash
            report.events += 1
            report.findings += [Finding(shard, number, m.kind) for m in due.pop(number, ()) if m.hash != previous]
        after = rows[-1].number
        yield report.events
    if wrong is None:
        wrong = _head_is_wrong(head, number, previous, keys, known=bool(marks))
    if wrong is not None:
        report.findings.append(wrong)
        return
    zero = due.pop(0, ())
    report.findings += [Finding(shard, 0, mark.kind) for mark in zero if mark.hash != genesis(shard)]
    report.findings += [Finding(shard, count, left[0].kind) for count, left in sorted(due.items())[:1]]


def _row_is_wrong(row: Row[Any], number: int, previous: bytes, head: Head) -> Finding | None:
    if row.number > head.count and number == head.count:
        return Finding(head.shard, row.number, Tampering.ADDED)
    if row.number != number + 1:
        return Finding(head.shard, number + 1, Tampering.MISSING)
    if link(previous, row.content) != row.hash:
        return Finding(head.shard, row.number, Tampering.CHANGED)
    try:
        said = columns(decode(row.content))
    except NoEvent:
        return Finding(head.shard, row.number, Tampering.UNREADABLE)
    if said != (row.happened_at, row.kind, row.outcome, row.patient, row.person):
        return Finding(head.shard, row.number, Tampering.COLUMN)
    return None


def _head_is_wrong(
    head: Head, number: int, previous: bytes, keys: tuple[Ed25519PublicKey, ...], *, known: bool
) -> Finding | None:
    if number < head.count:
        return Finding(head.shard, number + 1, Tampering.CUT)
    if number != head.count or previous != head.hash:
        return Finding(head.shard, number, Tampering.HEAD)
    # a chain that no server has ever signed is not known elsewhere either
    untouched = head.count == 0 and head.signature == b"" and not known
    if not untouched and not is_signed(keys, head):
        return Finding(head.shard, number, Tampering.SIGNATURE)
    return None


def _marks(
    connection: Connection, keys: tuple[Ed25519PublicKey, ...], anchor: Path | None, report: Report
) -> defaultdict[int, list[_Mark]]:
    """Checkpoints and anchored heads by chain; what is wrong with them in themselves goes into the report."""
    marks: defaultdict[int, list[_Mark]] = defaultdict(list)
    rows = connection.execute(select(audit_checkpoint)).all()
    kept = {(row.shard, row.length) for row in rows}
    checkpoints = [Head(row.shard, row.length, row.hash, row.signature) for row in rows]
    for head in checkpoints:
        report.checkpoints += 1
        if is_signed(keys, head):
            marks[head.shard].append(_Mark(head.count, head.hash, Tampering.CHECKPOINT))
        else:
            report.findings.append(Finding(head.shard, head.count, Tampering.CHECKPOINT))
    if anchor is None:
        return marks
    if not anchor.exists():
        if kept:
            report.findings.append(Finding(0, 0, Tampering.NO_ANCHOR))
        return marks
    for number, anchored in enumerate(read_anchor(anchor), start=1):
        report.anchored += 1
        if anchored is None or not is_signed(keys, anchored):
            report.findings.append(Finding(0, number, Tampering.NO_ANCHOR))
            continue
        marks[anchored.shard].append(_Mark(anchored.count, anchored.hash, Tampering.ANCHOR))
        if (anchored.shard, anchored.count) not in kept:
            report.findings.append(Finding(anchored.shard, anchored.count, Tampering.NO_CHECKPOINT))
    return marks


def _strays(connection: Connection, known: dict[int, Head]) -> list[Finding]:
    """Events of chains that have no head."""
    stray = select(audit_event.c.shard).where(audit_event.c.shard.not_in(known)).distinct()
    return [Finding(shard, 0, Tampering.NO_CHAIN) for shard in connection.execute(stray).scalars()]


def _delivered(connection: Connection, known: dict[int, Head]) -> list[Finding]:
    """Cursors past the end of their chain."""
    return [
        Finding(row.shard, row.number, Tampering.DELIVERED)
        for row in connection.execute(select(audit_delivery).order_by(audit_delivery.c.receiver))
        if row.shard not in known or row.number > known[row.shard].count
    ]
