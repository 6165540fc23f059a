"""Checkpoints: signed heads kept beside the chains, and outside the database, where whoever has it cannot reach them.

A head that is in the anchor file proves that the trail was at least so long: what was cut off since, and an older copy
of the whole database, show by it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from dmp.audit.chain import Head, signed
from dmp.audit.tables import audit_chain, audit_checkpoint

#: A checkpoint is made after so many events, however little time has passed.
MOST_EVENTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Pending:
    """The heads that have moved since their last checkpoint, and the events since then in all."""

    heads: tuple[Head, ...]
    events: int


def heads(connection: Connection) -> list[Head]:
    """The heads of all chains."""
    rows = connection.execute(select(audit_chain).order_by(audit_chain.c.shard))
    return [Head(row.shard, row.length, row.hash, row.signature) for row in rows]


def sign_empty_chains(engine: Engine, key: Ed25519PrivateKey) -> None:
    """Sign the heads of chains that have no event yet, so that emptying one shows."""
    columns = audit_chain.c
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        for head in heads(connection):
            if head.count == 0 and not head.signature:
                connection.execute(
                    update(audit_chain)
                    .where(columns.shard == head.shard, columns.length == 0)
                    .values(signature=signed(key, head.shard, 0, head.hash))
                )


def pending(engine: Engine) -> Pending:
    """What a checkpoint would be made of."""
    columns = audit_checkpoint.c
    last = select(columns.shard, func.max(columns.length).label("length")).group_by(columns.shard)
    with engine.connect() as connection:
        known = {row.shard: row.length for row in connection.execute(last)}
        moved = tuple(head for head in heads(connection) if head.signature and head.count > known.get(head.shard, -1))
    return Pending(moved, sum(head.count - max(0, known.get(head.shard, 0)) for head in moved))


def keep(engine: Engine, moved: Sequence[Head], anchor: Path | None, at: datetime) -> None:
    """Write heads down as checkpoints, then in the anchor file. Raises `OSError` when that cannot be written."""
    for head in moved:
        row = {"shard": head.shard, "length": head.count, "hash": head.hash, "signature": head.signature}
        try:
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                connection.execute(insert(audit_checkpoint), row)
        except IntegrityError:
            continue  # another node has made the same one
    if anchor is not None and moved:
        _append(anchor, "".join(f"{line(head, at)}\n" for head in moved))


def line(head: Head, at: datetime) -> str:
    """A head as a line of the anchor file."""
    values = {
        "at": at.isoformat(timespec="seconds"),
        "shard": head.shard,
        "count": head.count,
        "hash": head.hash.hex(),
        "signature": head.signature.hex(),
    }
    return json.dumps(values)


def read_anchor(file: Path) -> Iterator[Head | None]:
    """The heads in an anchor file; None for a line that is none. A last line that was not finished does not count."""
    content = file.read_text(encoding="utf-8", errors="replace")
    for written in content.splitlines(keepends=True):
        if not written.endswith("\n"):
            return
        try:
            values = json.loads(written)
            yield Head(
                int(values["shard"]),
                int(values["count"]),
                bytes.fromhex(values["hash"]),
                bytes.fromhex(values["signature"]),
            )
        except (ValueError, KeyError, TypeError):
            yield None


def _append(file: Path, lines: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, lines.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
