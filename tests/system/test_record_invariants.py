"""The checker of a registry's invariants finds each of them broken: otherwise it would prove nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, update

from schemas.affinity_domain import load_affinity_domain
from schemas.vocabulary import AssociationType
from tests.services.trail import make_trail
from tests.system.professionals import confidentiality
from tests.system.record_invariants import Ledger, broken
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client
from tests.xds_registry.update.messages import next_version, updates
from xds_registry import tables as t
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database
from xds_registry.encoding import APPROVED, ARCHIVED, ASSOCIATION_NUMBER, HAS_MEMBER
from xds_registry.registry import Registry

OLD, NEW, LATEST, OTHER, FOLDER = s.entry(), s.entry(), s.entry(), s.entry(), s.folder()
ENTRY, LINK = t.document_entry, t.association
RPLC = ASSOCIATION_NUMBER[AssociationType.REPLACE]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/registry.db")
    t.metadata.create_all(opened)
    yield opened
    opened.dispose()


def filled(engine: Engine) -> Ledger:
    """A small registry: a document that was replaced, by one that has two versions, and one in a Folder."""
    client = Client(
        Registry(engine, RegistryConfiguration(load_affinity_domain("ihe")), trail=make_trail(engine)), None
    )
    client.announce("P1", "P2")
    ledger = Ledger()
    version = next_version(NEW, confidentiality_codes=confidentiality("N", "MASQUE_PS"), entry_uuid=LATEST.entry_uuid)
    for whole in (
        s.submission(OLD, OTHER, FOLDER, s.member(FOLDER, OTHER)),
        s.submission(NEW, s.replaces(NEW, OLD)),
    ):
        client.accept(whole)
        ledger.accept(whole)
    whole = updates(version)
    client.change(whole)
    ledger.accept(whole)
    ledger.versions = {str(x.entry_uuid): (str(x.entry_uuid), 1) for x in (OLD, NEW, OTHER)}
    ledger.versions[str(LATEST.entry_uuid)] = (str(NEW.entry_uuid), 2)
    return ledger


def of(item: Any, **values: Any) -> Any:
    """Changes columns of an entry."""
    return update(ENTRY).where(ENTRY.c.entry_uuid == item.entry_uuid).values(**values)


BREAKING: list[tuple[str, Any]] = [
    ("acknowledged, but not there", delete(ENTRY).where(ENTRY.c.entry_uuid == OTHER.entry_uuid)),
    ("status differs from the fragment", of(OTHER, status=ARCHIVED)),
    ("another version in the fragment", of(LATEST, version=3)),
    ("versions [1, 3]", of(LATEST, version=3)),
    ("an earlier version is not Deprecated", of(NEW, status=ARCHIVED)),
    ("several documents", of(NEW, unique_id="1.2")),
    ("not the version that was acknowledged", of(LATEST, logical_id=OTHER.entry_uuid)),
    ("marks are not those of the latest version", of(NEW, marks=0)),
    ("marks are not those of the latest version", of(OTHER, marks=1)),
    ("between two patients", of(OTHER, patient_pk=2)),
    ("an end is missing", update(LINK).where(LINK.c.association_type == RPLC).values(target="urn:uuid:nothing")),
    ("of no submission", delete(LINK).where(LINK.c.target == OTHER.entry_uuid, LINK.c.association_type == HAS_MEMBER)),
    ("replaced, but not Deprecated", of(OLD, status=APPROVED)),
    (
        "replaced 2 times",
        update(LINK)
        .where(LINK.c.source == FOLDER.entry_uuid)
        .values(association_type=RPLC, source=OTHER.entry_uuid, target=OLD.entry_uuid),
    ),
    (
        "replaced in a circle",
        update(LINK)
        .where(LINK.c.source == FOLDER.entry_uuid)
        .values(association_type=RPLC, source=OLD.entry_uuid, target=NEW.entry_uuid),
    ),
    (
        "linked 2 times",
        update(LINK).where(LINK.c.source == FOLDER.entry_uuid).values(source=NEW.entry_uuid, target=OLD.entry_uuid),
    ),
]


def test_a_whole_registry_breaks_nothing_and_a_broken_row_is_found(engine: Engine) -> None:
    ledger = filled(engine)
    with engine.connect() as connection:
        assert broken(connection, ledger) == []
    for rule, statement in BREAKING:
        with engine.connect().execution_options(writes=True) as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            connection.execute(statement)
            found = broken(connection, ledger)
            connection.rollback()
        assert any(one.startswith(rule) for one in found), (rule, found)


def test_what_was_removed_or_refused_and_is_there_is_found(engine: Engine) -> None:
    ledger = filled(engine)
    ledger.removed.add(str(OTHER.entry_uuid))
    (first, *_) = ledger.accepted
    del ledger.accepted[first]
    with engine.connect() as connection:
        found = broken(connection, ledger)
    assert f"removed, but there: {OTHER.entry_uuid}" in found
    assert f"refused, but there: {first}" in found
