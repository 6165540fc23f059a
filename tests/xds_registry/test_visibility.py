"""What is hidden from a caller is answered as if it had never been: it leaves no trace in any answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, Engine, delete, select, update

from schemas.ebrim.fragment import with_slot
from tests.examples import some
from tests.schemas.xsd.official import Schemas
from tests.xds_registry.client import Client
from tests.xds_registry.query import reference
from tests.xds_registry.query.graphs import (
    BY_IDENTIFIER,
    BY_PATIENT,
    Plan,
    asked_by_identifier,
    asked_by_patient,
    overview,
    plans,
    subject,
    written,
)
from tests.xds_registry.query.reference import Record
from tests.xds_registry.submissions import APPROVED, entry, folder, member, patient, quoted, replaces
from xds_registry import tables as t
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import writing
from xds_registry.query.catalogue import QueryId
from xds_registry.registry import Registry
from xds_registry.visibility import between_visible_objects


@dataclass(frozen=True, slots=True)
class Without:
    """Everything but some objects."""

    hidden: Collection[str]

    def document_entries(self) -> ColumnElement[bool]:
        return t.document_entry.c.entry_uuid.not_in(self.hidden)

    def submission_sets(self) -> ColumnElement[bool]:
        return t.submission_set.c.entry_uuid.not_in(self.hidden)

    def folders(self) -> ColumnElement[bool]:
        return t.folder.c.entry_uuid.not_in(self.hidden)

    def associations(self) -> ColumnElement[bool]:
        return between_visible_objects(self)


class OfCommunity(Without):
    """The entries of one home community: an entry that names none is neither in it nor outside."""

    def document_entries(self) -> ColumnElement[bool]:
        return t.document_entry.c.home == "urn:oid:1.2.3"


def erase(engine: Engine, uuids: Collection[str]) -> None:
    """Take objects out of the database, and what belongs to their rows."""
    with writing(engine) as connection:
        for table, parts in (
            (t.document_entry, (t.document_entry_code, t.document_entry_author, t.document_entry_reference)),
            (t.submission_set, (t.submission_set_author,)),
            (t.folder, (t.folder_code,)),
            (t.association, ()),
        ):
            pks = list(connection.scalars(table.select().with_only_columns(table.c.pk).where(_among(table, uuids))))
            for part in parts:
                connection.execute(delete(part).where(part.c[f"{table.name}_pk"].in_(pks)))
            connection.execute(delete(table).where(table.c.pk.in_(pks)))


def updated(engine: Engine, whole: Record, visible: Record) -> dict[str, str]:
    """When each Folder was last updated, had nothing been put into it that is hidden."""
    packages = t.submission_set.c
    with engine.connect() as connection:
        times = connection.execute(select(packages.entry_uuid, packages.registered_at)).all()
    registered = {row.entry_uuid: row.registered_at for row in times}
    made = {x.target: registered[x.source] for x in whole.links if x.source in registered}
    entries = {str(entry.entry_uuid) for entry in visible.entries}
    found = {}
    for holder in (str(item.entry_uuid) for item in visible.folders):
        inside = [x.uuid for x in visible.links if x.source == holder and x.target in entries]
        moment = max(made[uuid] for uuid in (holder, *inside))
        found[holder] = (moment.astimezone(UTC) if moment.tzinfo else moment).strftime("%Y%m%d%H%M%S")
    return found


def restamp(engine: Engine, times: Mapping[str, str]) -> None:
    """Let Folders say that they were last updated then."""
    column = t.folder.c.entry_uuid
    with writing(engine) as connection:
        for uuid, time in times.items():
            fragment = with_slot(
                connection.scalars(select(t.folder.c.fragment).where(column == uuid)).one(), "lastUpdateTime", time
            )
            connection.execute(update(t.folder).where(column == uuid).values(last_update_time=time, fragment=fragment))


def _among(table: Any, uuids: Collection[str]) -> ColumnElement[bool]:
    column: ColumnElement[str] = table.c.entry_uuid
    return column.in_(uuids)


@settings(max_examples=some(15))
@given(plan=plans(), data=st.data())
def test_every_answer_is_the_one_of_a_registry_that_never_had_what_is_hidden(
    opened_database: Engine, official: Schemas | None, plan: Plan, data: Any
) -> None:
    registry = subject(opened_database, official, plan)
    client, record = registry.client, registry.record
    everything = [str(item.entry_uuid) for item in record.objects]
    hidden = frozenset(data.draw(st.lists(st.sampled_from(everything), unique=True)))
    visible = record.without(hidden)
    times = updated(opened_database, record, visible)
    visible = replace(visible, updated=times)
    questions = overview(record)
    questions += [(query, data.draw(asked_by_patient(query))) for query in BY_PATIENT]
    questions += [(query, data.draw(asked_by_identifier(query, record))) for query in BY_IDENTIFIER]
    asking = [(query, asked, data.draw(written(asked))) for query, asked in questions]
    before = []
    for query, asked, parameters in asking:
        references = client.ask(query, parameters, visibility=Without(hidden), return_type="ObjectRef")
        assert references.ids == reference.answer(visible, query, asked)
        before += [references.raw, client.ask(query, parameters, visibility=Without(hidden)).raw]
    erase(opened_database, hidden | {x.uuid for x in record.links} - {x.uuid for x in visible.links})
    restamp(opened_database, times)
    after = []
    for query, _, parameters in asking:
        after += [client.ask(query, parameters, return_type="ObjectRef").raw, client.ask(query, parameters).raw]
    assert before == after


def test_an_association_with_a_hidden_end_is_hidden(client: Client) -> None:
    old, new = entry(), entry()
    client.accept(old)
    client.accept(new, replaces(new, old))
    asked = {"$uuid": quoted(new.entry_uuid)}
    assert len(client.ask(QueryId.GET_ASSOCIATIONS, asked).ids) == 2
    (left,) = client.ask(QueryId.GET_ASSOCIATIONS, asked, visibility=Without([old.entry_uuid])).objects
    assert left.get("targetObject") == new.entry_uuid


@pytest.mark.parametrize("hidden_end", ["document", "folder"])
def test_a_member_that_is_a_hidden_association_is_hidden_too(client: Client, hidden_end: str) -> None:
    document, holder = entry(), folder()
    client.accept(document, holder, (link := member(holder, document)))
    hidden = Without([document.entry_uuid if hidden_end == "document" else holder.entry_uuid])
    asked = {"$uuid": quoted(link.entry_uuid)}
    assert client.ask(QueryId.GET_ASSOCIATIONS, asked).ids
    assert client.ask(QueryId.GET_ASSOCIATIONS, asked, visibility=hidden).ids == set()


def test_what_is_not_said_to_be_visible_is_hidden_with_its_associations(client: Client) -> None:
    document = entry()
    client.accept(document)
    asked = {"$uuid": quoted(document.entry_uuid)}
    assert client.ask(QueryId.GET_ASSOCIATIONS, asked, visibility=OfCommunity(())).ids == set()


def test_what_is_hidden_does_not_count_among_too_many_results(client: Client) -> None:
    documents = [entry() for _ in range(3)]
    client.accept(*documents)
    configuration = RegistryConfiguration(client.registry.configuration.affinity_domain, max_results=2)
    few = Client(Registry(client.registry.engine, configuration, trail=client.registry.trail), None)
    asked = {"$XDSDocumentEntryPatientId": quoted(patient()), "$XDSDocumentEntryStatus": quoted(APPROVED)}
    assert few.ask(QueryId.FIND_DOCUMENTS, asked).error[0] == "XDSTooManyResults"
    answer = few.ask(QueryId.FIND_DOCUMENTS, asked, visibility=Without([documents[1].entry_uuid]))
    assert answer.ids == {documents[0].entry_uuid, documents[2].entry_uuid}


def test_a_hidden_object_of_another_patient_does_not_refuse_the_answer(client: Client) -> None:
    own, other = entry(), entry(patient_id=patient("P2"))
    client.accept(own)
    client.accept(other)
    asked = {"$XDSDocumentEntryEntryUUID": quoted(own.entry_uuid, other.entry_uuid)}
    assert client.ask(QueryId.GET_DOCUMENTS, asked).error[0] == "XDSResultNotSinglePatient"
    assert client.ask(QueryId.GET_DOCUMENTS, asked, visibility=Without([other.entry_uuid])).ids == {own.entry_uuid}
