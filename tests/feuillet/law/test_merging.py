"""When the feed merges two patients their records become one in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dmp.audit import Occasion
from dmp.audit.event import Transaction
from dmp.records import ClosingReason, history
from dmp.records import tables as record_tables
from dmp.records.changes import close, destroy
from dmp.records.find import find_record
from feuillet.law.merging import follow_merge
from schemas.affinity_domain import load_affinity_domain
from schemas.datatypes import Cx, InsAuthority
from tests.dmp.patients import DOCTOR, NOW, RULES, ins_c, opened
from tests.services.trail import make_trail
from xds_registry import tables
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database, writing
from xds_registry.feed.events import FeedUnavailable, announce, merge
from xds_registry.patients import MergeResult, find_patient
from xds_registry.registry import Registry

ONE, TWO = Cx.parse(ins_c(1)), Cx.parse(ins_c(2))
FEED = Occasion(transaction=Transaction.PATIENT_FEED)


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """A registry that knows two patients with a record each."""
    embedded = request.param == "sqlite"
    engine = open_database(
        f"sqlite:///{tmp_path}/merging.db" if embedded else request.getfixturevalue("postgresql_url")
    )
    for metadata in (tables.metadata, record_tables.metadata):
        metadata.create_all(engine)
    domain = load_affinity_domain("ihe", patient_authorities=[InsAuthority.INS_C])
    registry = Registry(engine, RegistryConfiguration(domain), trail=make_trail(engine), merging=follow_merge)
    for number, patient in ((1, ONE), (2, TWO)):
        announce(registry, patient, FEED)
        with writing(engine) as connection:
            opened(connection, number)
    yield registry
    engine.dispose()


def test_the_records_of_merged_patients_are_one(registry: Registry) -> None:
    assert merge(registry, ONE, TWO, FEED) is MergeResult.MERGED
    with registry.engine.connect() as connection:
        record = find_record(connection, str(TWO))
        assert record == find_record(connection, str(ONE))
        assert record is not None
        assert history.statuses(connection, record.pk)[-1].author.national_id == "ITI-8"


def test_patients_that_are_not_merged_keep_their_records(registry: Registry) -> None:
    assert merge(registry, ONE, Cx.parse(ins_c(3)), FEED) is MergeResult.UNKNOWN_SUBSUMED
    with registry.engine.connect() as connection:
        assert find_record(connection, str(TWO)) != find_record(connection, str(ONE))


def test_a_merge_waits_until_the_documents_of_a_destroyed_record_are_gone(registry: Registry) -> None:
    with writing(registry.engine) as connection:
        record = close(connection, str(TWO), reason=ClosingReason.DEATH, by=DOCTOR, at=NOW)
        later = datetime.now(UTC) + timedelta(days=11 * 366)
        destroy(connection, record.pk, by=DOCTOR, at=later, rules=RULES)
    with pytest.raises(FeedUnavailable):
        merge(registry, ONE, TWO, FEED)
    with registry.engine.connect() as connection:
        found = find_patient(connection, TWO)
        assert found is not None
        assert found.active
