"""Whatever is changed, removed, moved or put back in the trail is found, each of a thousand times.

Whoever tampers has the database and its older copies, knows how hashes are made, and has a key of their own; the
server's key and the anchor file they have not.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, and_, delete, insert, select, update

from dmp.audit import Trail, Transaction
from dmp.audit.canonical import decode, encode
from dmp.audit.chain import genesis, link, signed
from dmp.audit.checkpoints import keep, pending, sign_empty_chains
from dmp.audit.tables import audit_chain, audit_checkpoint, audit_delivery, audit_event, metadata
from dmp.audit.trail import columns
from dmp.audit.verification import Report, Tampering, run, verify
from tests.dmp.audit.events import START, event
from tests.services.trail import KEY

PUBLIC = (KEY.public_key(),)
INTRUDER = Ed25519PrivateKey.generate()
E, C, K = audit_event.c, audit_chain.c, audit_checkpoint.c
Snapshot = dict[str, list[dict[str, Any]]]


def take(engine: Engine) -> Snapshot:
    """Everything that the trail's tables hold."""
    with engine.connect() as connection:
        return {t.name: [dict(r._mapping) for r in connection.execute(select(t))] for t in metadata.sorted_tables}


def put(connection: Connection, snapshot: Snapshot) -> None:
    """Make the tables hold that."""
    for table in metadata.sorted_tables:
        connection.execute(delete(table))
        if snapshot[table.name]:
            connection.execute(insert(table), snapshot[table.name])


@dataclass
class Victim:
    """A trail of some sixty events, three checkpoints and an anchor; `older` is what its tables held before."""

    engine: Engine
    anchor: Path
    now: Snapshot
    older: list[Snapshot]

    def report(self) -> Report:
        return run(verify(self.engine, PUBLIC, anchor=self.anchor))


def victim(trail: Trail, anchor: Path) -> Victim:
    """Written by the product."""
    sign_empty_chains(trail.engine, KEY)
    older = []
    kinds = [Transaction.STORED_QUERY, Transaction.RETRIEVE, Transaction.PROVIDE_AND_REGISTER]
    for minute in range(3):
        for second in range(20):
            told = event(kinds[second % 3], after=60 * minute + second, reason=f"event {minute} {second}")
            writer = Thread(target=trail.record, args=(told,))  # each thread has a chain of its own
            writer.start()
            writer.join()
            if second == 10:
                older.append(take(trail.engine))
        keep(trail.engine, pending(trail.engine).heads, anchor, START + timedelta(minutes=minute))
        older.append(take(trail.engine))
    with trail.engine.begin() as connection:
        connection.execute(
            insert(audit_delivery), {"receiver": "log", "shard": _longest(take(trail.engine)), "number": 3}
        )
    return Victim(trail.engine, anchor, take(trail.engine), older[:-1])


def _longest(snapshot: Snapshot) -> int:
    return int(max(snapshot["audit_chain"], key=lambda row: row["length"])["shard"])


# --- what an intruder does: each takes the connection, a source of chance, and the trail as it was -------------------


def _pick(chance: random.Random, now: Snapshot) -> dict[str, Any]:
    return dict(chance.choice(now["audit_event"]))


def _at(row: dict[str, Any]) -> Any:
    return and_(E.shard == row["shard"], E.number == row["number"])


def _other(chance: random.Random, value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bytes):
        if not value:
            return b"x"
        place = chance.randrange(len(value))
        return value[:place] + bytes([value[place] ^ (1 << chance.randrange(8))]) + value[place + 1 :]
    if isinstance(value, int):
        return value + chance.choice([-1, 1, 7])
    return value + "x"


def edit_a_column(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    row = _pick(chance, now)
    name = chance.choice([c.name for c in audit_event.c if c.name not in ("shard", "number")])
    connection.execute(update(audit_event).where(_at(row)).values({name: _other(chance, row[name])}))


def edit_an_event_with_its_columns(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    row = _pick(chance, now)
    changed = event(Transaction.RETRIEVE, after=1, national_id="", reason="forged")
    values = dict(zip(("happened_at", "kind", "outcome", "patient", "person"), columns(changed), strict=True))
    connection.execute(update(audit_event).where(_at(row)).values(content=encode(changed), **values))


def remove_some(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    first = _pick(chance, now)
    last = first["number"] + chance.randrange(4)
    connection.execute(delete(audit_event).where(E.shard == first["shard"], E.number.between(first["number"], last)))


def swap_two(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    one, other = chance.sample(now["audit_event"], 2)
    kept = () if chance.random() < 0.5 else ("hash",)
    names = [c.name for c in audit_event.c if c.name not in ("shard", "number", *kept)]
    for here, there in ((one, other), (other, one)):
        connection.execute(update(audit_event).where(_at(here)).values({name: there[name] for name in names}))


def renumber(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    row = _pick(chance, now)
    connection.execute(update(audit_event).where(_at(row)).values(number=chance.choice([-5, 0, 500])))


def cut_the_tail(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    """And move the head back, with the old signature, none, or the intruder's own."""
    row = _pick(chance, now)
    shard, length = row["shard"], row["number"] - 1
    before = [r["hash"] for r in now["audit_event"] if (r["shard"], r["number"]) == (shard, length)]
    digest = before[0] if before else genesis(shard)
    connection.execute(delete(audit_event).where(E.shard == shard, E.number > length))
    connection.execute(delete(audit_checkpoint).where(K.shard == shard, K.length > length))
    values: dict[str, Any] = {"length": length, "hash": digest}
    choice = chance.randrange(3)
    if choice:
        values["signature"] = b"" if choice == 1 else signed(INTRUDER, shard, length, digest)
    connection.execute(update(audit_chain).where(C.shard == shard).values(values))


def cut_to_a_checkpoint(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    """Whose signature is the server's: what comes after it goes, later checkpoints too."""
    last = {row["shard"]: row["length"] for row in now["audit_chain"]}
    row = chance.choice([r for r in now["audit_checkpoint"] if r["length"] < last[r["shard"]]])
    connection.execute(delete(audit_event).where(E.shard == row["shard"], E.number > row["length"]))
    connection.execute(delete(audit_checkpoint).where(K.shard == row["shard"], K.length > row["length"]))
    values = {name: row[name] for name in ("length", "hash", "signature")}
    connection.execute(update(audit_chain).where(C.shard == row["shard"]).values(values))


def rebuild(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    """From some event on: one changed or left out, all hashes after it made anew, and the head, perhaps signed."""
    row = _pick(chance, now)
    shard = row["shard"]
    chain = sorted((r for r in now["audit_event"] if r["shard"] == shard), key=lambda r: r["number"])
    left_out = chance.random() < 0.5
    previous, number = genesis(shard), 0
    connection.execute(delete(audit_event).where(E.shard == shard))
    for old in chain:
        content = old["content"]
        if old["number"] == row["number"]:
            if left_out:
                continue
            content = encode(event(after=9, reason="forged"))
        number, previous = number + 1, link(previous, content)
        values = zip(("happened_at", "kind", "outcome", "patient", "person"), columns(decode(content)), strict=True)
        new = {"shard": shard, "number": number, "content": content, "hash": previous, **dict(values)}
        connection.execute(insert(audit_event), new)
    forged = {"length": number, "hash": previous}
    if chance.random() < 0.5:
        forged["signature"] = signed(INTRUDER, shard, number, previous)
    connection.execute(update(audit_chain).where(C.shard == shard).values(forged))
    if chance.random() < 0.5:
        connection.execute(delete(audit_checkpoint).where(K.shard == shard))


def add_an_event(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    """After the head, properly chained; the head is moved along, or not."""
    head = chance.choice(now["audit_chain"])
    shard, number = head["shard"], head["length"] + 1
    content = encode(event(after=3, reason="forged"))
    digest = link(head["hash"], content)
    values = zip(("happened_at", "kind", "outcome", "patient", "person"), columns(decode(content)), strict=True)
    new = {"shard": shard, "number": number, "content": content, "hash": digest, **dict(values)}
    connection.execute(insert(audit_event), new)
    if chance.random() < 0.5:
        connection.execute(update(audit_chain).where(C.shard == shard).values(length=number, hash=digest))


def change_a_head(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    head = chance.choice(now["audit_chain"])
    name = chance.choice(["length", "hash", "signature"])
    connection.execute(update(audit_chain).where(C.shard == head["shard"]).values({name: _other(chance, head[name])}))


def change_a_checkpoint(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    row = chance.choice(now["audit_checkpoint"])
    here = and_(K.shard == row["shard"], K.length == row["length"])
    name = chance.choice(["hash", "signature", None])
    if name is None:
        connection.execute(delete(audit_checkpoint).where(here))
    else:
        connection.execute(update(audit_checkpoint).where(here).values({name: _other(chance, row[name])}))


def remove_a_chain(connection: Connection, chance: random.Random, now: Snapshot) -> None:
    shard = _pick(chance, now)["shard"]
    for table, column in ((audit_chain, C.shard), (audit_event, E.shard), (audit_checkpoint, K.shard)):
        if table is audit_chain or chance.random() < 0.7:
            connection.execute(delete(table).where(column == shard))


WAYS: list[Callable[[Connection, random.Random, Snapshot], None]] = [
    edit_a_column,
    edit_an_event_with_its_columns,
    remove_some,
    swap_two,
    renumber,
    cut_the_tail,
    cut_to_a_checkpoint,
    rebuild,
    add_an_event,
    change_a_head,
    change_a_checkpoint,
    remove_a_chain,
]


def tamper(victim: Victim, seed: int) -> str:
    """Tamper in the way of a seed; its name."""
    chance = random.Random(seed)
    ways = len(WAYS) + 1
    with victim.engine.connect().execution_options(writes=True) as connection, connection.begin():
        if seed % ways == len(WAYS):
            put(connection, chance.choice(victim.older))  # an older copy of the whole database
            return "an older copy"
        put(connection, victim.now)
        way = WAYS[seed % ways]
        way(connection, chance, victim.now)
        return way.__name__


def found(victim: Victim, seeds: range) -> tuple[Counter[str], list[tuple[str, int]]]:
    """How many tamperings of each way there were, and those that were not found."""
    tried: Counter[str] = Counter()
    missed = []
    assert victim.report().intact
    for seed in seeds:
        way = tamper(victim, seed)
        tried[way] += 1
        if victim.report().intact:
            missed.append((way, seed))
    with victim.engine.connect().execution_options(writes=True) as connection, connection.begin():
        put(connection, victim.now)
    assert victim.report().intact  # it is the tampering that is found, nothing else
    return tried, missed


def test_each_of_a_thousand_tamperings_is_found(embedded_trail: Trail, tmp_path: Path) -> None:
    tried, missed = found(victim(embedded_trail, tmp_path / "anchor"), range(1000))
    assert missed == []
    assert tried.total() == 1000
    assert len(tried) == len(WAYS) + 1


def test_each_of_a_hundred_tamperings_is_found_in_several_chains(trail: Trail, tmp_path: Path) -> None:
    tried, missed = found(victim(trail, tmp_path / "anchor"), range(5000, 5104))
    assert missed == []
    assert len(tried) == len(WAYS) + 1


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        (remove_some, {Tampering.MISSING, Tampering.CUT}),
        (edit_an_event_with_its_columns, {Tampering.CHANGED}),
        (swap_two, {Tampering.CHANGED}),
    ],
)
def test_the_first_broken_place_and_its_kind_are_named(
    embedded_trail: Trail, tmp_path: Path, way: Callable[..., None], kind: set[Tampering]
) -> None:
    attacked = victim(embedded_trail, tmp_path / "anchor")
    with attacked.engine.begin() as connection:
        way(connection, random.Random(7), attacked.now)
    first = attacked.report().findings[0]
    assert first.kind in kind
    assert 1 <= first.number <= 60
    assert str(first).startswith(f"chain 0, event {first.number}: ")


def test_without_the_anchor_an_older_copy_looks_whole(embedded_trail: Trail, tmp_path: Path) -> None:
    attacked = victim(embedded_trail, tmp_path / "anchor")
    with attacked.engine.begin() as connection:
        put(connection, attacked.older[1])
    assert run(verify(attacked.engine, PUBLIC)).intact
    kinds = {finding.kind for finding in attacked.report().findings}
    assert kinds == {Tampering.ANCHOR, Tampering.NO_CHECKPOINT}


def test_an_anchor_file_that_is_gone_or_spoilt_is_found(embedded_trail: Trail, tmp_path: Path) -> None:
    attacked = victim(embedded_trail, tmp_path / "anchor")
    lines = attacked.anchor.read_text()
    attacked.anchor.write_text(lines + "nonsense\n")
    assert [finding.kind for finding in attacked.report().findings] == [Tampering.NO_ANCHOR]
    attacked.anchor.write_text(lines + '{"at": "2026')  # a line that a crash cut short
    assert attacked.report().intact
    attacked.anchor.unlink()
    assert [finding.kind for finding in attacked.report().findings] == [Tampering.NO_ANCHOR]


def test_another_key_is_no_key(embedded_trail: Trail, tmp_path: Path) -> None:
    attacked = victim(embedded_trail, tmp_path / "anchor")
    report = run(verify(attacked.engine, (INTRUDER.public_key(),), anchor=attacked.anchor))
    assert Tampering.SIGNATURE in {finding.kind for finding in report.findings}
    assert run(verify(attacked.engine, (INTRUDER.public_key(), *PUBLIC), anchor=attacked.anchor)).intact
