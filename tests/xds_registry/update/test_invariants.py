"""Whatever is updated in whatever order: one history for each logical object, without a gap or a second present."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from schemas.affinity_domain import load_affinity_domain
from schemas.metadata import DocumentEntry
from schemas.vocabulary import AvailabilityStatus
from tests.examples import some
from tests.services.trail import make_trail, wipe_trail
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, wipe
from tests.xds_registry.submissions import code, entry, folder, member, patient, replaces
from tests.xds_registry.update.messages import appends, becomes, links, next_version, updates
from xds_registry import tables as t
from xds_registry.changes.states import element_of
from xds_registry.configuration import RegistryConfiguration
from xds_registry.encoding import APPROVED, DEPRECATED, HAS_MEMBER, STATUS_OF_NUMBER
from xds_registry.registry import Registry

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Record:
    """The objects of a test's record: every version that was accepted, the latest one last."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.histories: list[list[Any]] = []

    def add(self, *items: Any) -> None:
        self.client.accept(*items)
        self.histories += [[item] for item in items if hasattr(item, "unique_id")]

    def any_version(self, draw: Draw) -> Any:
        """A version of something, mostly the latest one."""
        history = draw(st.sampled_from(self.histories))
        return history[-1] if draw(st.integers(0, 3)) else draw(st.sampled_from(history))

    def step(self, draw: Draw) -> None:
        """One submission, accepted or refused."""
        operation = draw(
            st.sampled_from([self.update, self.update, self.status, self.status, self.link, self.register])
        )
        operation(draw)

    def update(self, draw: Draw) -> None:
        count = draw(st.integers(1, 2))
        chosen = draw(st.lists(st.sampled_from(self.histories), min_size=1, max_size=count, unique_by=id))
        about = patient(draw(st.sampled_from(["P1", "P1", "P1", "P2"])))
        new = [
            next_version(history[-1], patient_id=about, comments=(), **_changed(draw, history[-1]))
            for history in chosen
        ]
        previous = draw(st.sampled_from([len(chosen[0])] * 4 + [1, 2]))
        restricted = draw(st.integers(0, 4)) == 0
        submission = updates(*new, previous=previous, propagation=draw(st.sampled_from([None, "yes", "no"])))
        outcome = self.client.send_update(s.request(submission), restricted=restricted)
        if outcome.succeeded:
            for history, version in zip(chosen, new, strict=True):
                history.append(version)

    def status(self, draw: Draw) -> None:
        statuses = st.sampled_from(AvailabilityStatus)
        self.client.update(becomes(self.any_version(draw), draw(statuses), draw(statuses)))

    def link(self, draw: Draw) -> None:
        one, other = self.any_version(draw), self.any_version(draw)
        make = member if draw(st.booleans()) else appends
        self.client.update(links(make(one, other)))

    def register(self, draw: Draw) -> None:
        new, target = entry(), self.any_version(draw)
        relation = draw(st.sampled_from([(replaces(new, target),), (appends(new, target),), ()]))
        if self.client.submit(new, *relation).succeeded:
            self.histories.append([new])


def _changed(draw: Draw, item: Any) -> dict[str, Any]:
    mask = isinstance(item, DocumentEntry) and draw(st.booleans())
    return {"confidentiality_codes": (code("N"), code("MASK"))} if mask else {}


@settings(max_examples=some(25), deadline=None)
@given(data=st.data())
def test_every_logical_object_has_one_history(opened_database: Engine, data: st.DataObject) -> None:
    wipe(opened_database)
    wipe_trail(opened_database)
    domain = replace(load_affinity_domain("ihe"), availability_statuses=frozenset(AvailabilityStatus))
    registry = Registry(opened_database, RegistryConfiguration(domain), trail=make_trail(opened_database))
    record = Record(Client(registry, None))
    record.client.announce("P1", "P2")
    first, second, holder = entry(), entry(), folder()
    record.add(first, second, holder, member(holder, first), appends(second, first))
    for _ in range(data.draw(st.integers(1, 12))):
        record.step(data.draw)
        check(opened_database)


def check(engine: Engine) -> None:
    """What holds in every registry, read from its tables."""
    patients: dict[str, int] = {}
    with engine.connect() as connection:
        for table in (t.document_entry, t.folder):
            histories = defaultdict(list)
            for row in connection.execute(select(table).order_by(table.c.version)):
                histories[row.logical_id].append(row)
                patients[row.entry_uuid] = row.patient_pk
                said = element_of(row.fragment)
                assert said.get("status") == STATUS_OF_NUMBER[row.status].value
                assert (said.get("id"), said.get("lid")) == (row.entry_uuid, row.logical_id)
                assert s.select(said, "rim:VersionInfo/@versionName") == [str(row.version)]
            for rows in histories.values():
                assert [row.version for row in rows] == list(range(1, len(rows) + 1))
                assert rows[0].entry_uuid == rows[0].logical_id
                assert len({row.unique_id for row in rows}) == 1
                assert {row.status for row in rows[:-1]} <= {DEPRECATED}
        sets = set(connection.scalars(select(t.submission_set.c.entry_uuid)))
        links_ = connection.execute(select(t.association)).all()
    pairs = [(x.association_type, x.source, x.target) for x in links_ if x.status == APPROVED and x.source not in sets]
    assert len(pairs) == len(set(pairs))
    for link in links_:
        assert element_of(link.fragment).get("status") == STATUS_OF_NUMBER[link.status].value
        if link.source in sets or link.status != APPROVED:
            continue
        assert patients[link.source] == patients[link.target]
        if link.association_type == HAS_MEMBER:
            outer = [x for x in links_ if x.target == link.entry_uuid and x.source in sets]
            assert len(outer) == 1
