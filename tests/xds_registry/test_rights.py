"""The filter of every query and the decision about one document are the same law; what is hidden leaves no trace."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, literal, select, update
from sqlalchemy.sql.visitors import replacement_traverse

from dmp.rights.actions import Action
from dmp.rights.actors import PROFESSIONALS, STRUCTURES
from dmp.rights.conditions import Condition, Document, Marked, Not, OfPatient, WrittenBy, both, either, holds
from dmp.rights.decision import Law
from dmp.rights.marks import CODES, LEVEL_SYSTEM, MARK_SYSTEM, Marks, marks_of
from schemas.affinity_domain import load_affinity_domain
from schemas.datatypes import Cx, Xcn, Xon
from schemas.datatypes.hl7 import unescape
from schemas.metadata import Author, CodedValue, DocumentEntry
from schemas.vocabulary import AssociationType
from tests.dmp.rights.oracle import ON_DOCUMENTS, PATIENT, documents, viewers
from tests.examples import some
from tests.schemas.xsd.official import Schemas
from tests.xds_registry import submissions as s
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
from tests.xds_registry.test_visibility import erase, restamp, updated
from xds_registry import tables as t
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import writing
from xds_registry.encoding import STATUS_NUMBER, owners
from xds_registry.query.conditions import as_sql, visible_entries
from xds_registry.registry import Registry
from xds_registry.visibility import OfRecord

LAW = Law()


def metadata(document: Document) -> DocumentEntry:
    """A DocumentEntry that the law sees as this document."""
    authors = []
    for person in sorted(document.authors):
        number, authority = person.split("^^^")
        houses = tuple(
            Xon.parse(f"house^^^^^&{STRUCTURES}&ISO^IDNST^^^{structure}") for structure in sorted(document.structures)
        )
        authors.append(Author(person=Xcn.parse(f"{number}^N^P^^^^^^{authority}^D^^^IDNPS"), institutions=houses))
    marks = [code for code, mark in CODES.items() if document.marks & mark]
    return s.entry(
        patient_id=Cx.parse(document.patient),
        authors=tuple(authors),
        class_code=coded(document.class_code),
        type_code=coded(document.type_code),
        confidentiality_codes=(s.code("N", LEVEL_SYSTEM), *(s.code(mark, MARK_SYSTEM) for mark in marks)),
    )


def coded(text: str) -> CodedValue:
    code, _, scheme = text.partition("^^")
    return s.code(code, scheme)


@pytest.fixture
def configuration() -> RegistryConfiguration:
    """An affinity domain of French patients."""
    return RegistryConfiguration(load_affinity_domain("ihe", patient_authorities=("1.2.250.1.213.1.4.10",)))


@pytest.fixture
def filed(registry: Registry, engine: Engine) -> dict[str, Document]:
    """Every document of the tests of decisions, registered; by entryUUID."""
    client = Client(registry, None)
    found: dict[str, Document] = {}
    for patient in {document.patient for document in documents()}:
        client.announce(Cx.parse(patient))
        here = {metadata(document): document for document in documents() if document.patient == patient}
        client.accept(*here)
        found |= {entry.entry_uuid: document for entry, document in here.items()}
    with writing(engine) as connection:
        for uuid, document in found.items():
            column = t.document_entry.c.entry_uuid
            number = STATUS_NUMBER[document.status]
            connection.execute(update(t.document_entry).where(column == uuid).values(status=number))
    return found


def test_policy_and_filter_agree_on_every_viewer_action_and_document(
    engine: Engine, filed: dict[str, Document]
) -> None:
    compared = set[Condition]()
    with engine.connect() as connection:
        for viewer in viewers():
            for action in (*ON_DOCUMENTS, Action.FEED, Action.REPLACE, Action.RECLASSIFY):
                ruling = LAW.ruling(viewer.actor, action, PATIENT, viewer.standing)
                if ruling.documents in compared:
                    continue
                compared.add(ruling.documents)
                statement = select(t.document_entry.c.entry_uuid).where(as_sql(ruling.documents))
                decided = {uuid for uuid, document in filed.items() if holds(ruling.documents, document)}
                assert set(connection.scalars(statement)) == decided, (viewer.name, action)
                # None of them has a past, so that what is written for whoever comes by the same rule says the same.
                seen = select(t.document_entry.c.entry_uuid).where(visible_entries(ruling.documents))
                assert set(connection.scalars(seen)) == decided, (viewer.name, action)
    assert len(compared) > 15


_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5) | st.sampled_from(
    ["%", "_", "/", "\\", "a_c", "abc", "A", "a", "p 8", "8", "8\np 9", "é", "e\u0301"]
)


@settings(max_examples=some(200))
@given(author=_WORDS, filed_by=st.lists(_WORDS, max_size=3))
def test_an_author_is_found_by_the_whole_identifier_and_nothing_else(
    opened_database: Engine, author: str, filed_by: list[str]
) -> None:
    named = [word for word in filed_by if word.strip() and "^" not in word and "&" not in word]
    authors = [Author(person=Xcn(f"{word}^N^^^^^^^&1.2.3&ISO")) for word in named]
    line = owners(authors)
    asked = WrittenBy(f"{author}^^^&1.2.3&ISO")

    def with_line(element: Any, **_: Any) -> Any:
        return literal(line) if element is t.document_entry.c.owners else None

    with opened_database.connect() as connection:
        found = connection.scalar(select(replacement_traverse(as_sql(asked), {}, with_line)))
    names = {unicodedata.normalize("NFC", unescape(word)) for word in named}
    expected = unicodedata.normalize("NFC", author) in {name for name in names if name.isprintable()}
    assert bool(found) == expected


@st.composite
def marked_plans(draw: Any) -> Plan:
    """Submissions whose documents bear marks and name authors who count."""
    found: Plan = []
    for on_demand, items in draw(plans()):
        found.append((on_demand, [_marked(draw, x) if isinstance(x, DocumentEntry) else x for x in items]))
    return found


def _marked(draw: Any, entry: DocumentEntry) -> DocumentEntry:
    marks = Marks(draw(st.integers(0, 7)))
    codes = (s.code("N", LEVEL_SYSTEM), *(s.code(code, MARK_SYSTEM) for code, mark in CODES.items() if marks & mark))
    person = Xcn.parse(f"{draw(st.sampled_from('12'))}^N^^^^^^^&{PROFESSIONALS}&ISO")
    authors = draw(
        st.sampled_from([(), (Author(person=person),), (Author(person=Xcn.parse("^Nobody")), Author(person=person))])
    )
    return replace(entry, confidentiality_codes=codes, authors=authors)


_SIGHTS = (
    OfPatient("P1^^^&1.3.6.1.4.1.21367.13.20.1000&ISO"),
    Not(Marked(Marks.MASKED)),
    Not(Marked(Marks.INVISIBLE_TO_PATIENT | Marks.INVISIBLE_TO_REPRESENTATIVES)),
    either(WrittenBy(f"1^^^&{PROFESSIONALS}&ISO"), Not(Marked(Marks.MASKED))),
    WrittenBy(f"2^^^&{PROFESSIONALS}&ISO"),
)


def hidden_from(record: Record, condition: Condition) -> frozenset[str]:
    """What somebody does not see of a record, worked out object by object."""
    of_patient = str(s.patient("P1"))
    hidden = {str(x.entry_uuid) for x in record.objects if str(x.patient_id) != of_patient}
    for entry in record.entries:
        persons = [author.person for author in entry.authors if author.person is not None]
        document = Document(
            patient=str(entry.patient_id),
            class_code="",
            type_code="",
            marks=marks_of(f"{code.code}^^{code.scheme}" for code in entry.confidentiality_codes),
            authors=frozenset(f"{person.id}^^^{person.authority}" for person in persons),
        )
        if not holds(condition, document):
            hidden.add(str(entry.entry_uuid))
    entries = {str(entry.entry_uuid) for entry in record.entries}
    folders = {str(folder.entry_uuid) for folder in record.folders}
    for folder in sorted(folders):
        inside = {x.target for x in record.links if x.source == folder and x.kind is AssociationType.HAS_MEMBER}
        _hide_if_all_is(folder, inside & entries, hidden)
    links = {link.uuid: link for link in record.links}
    lost = {uuid for uuid, link in links.items() if {link.source, link.target} & hidden}
    for package in record.sets:
        inside = {link.target for link in record.links if link.source == str(package.entry_uuid)}
        concealed = hidden | {uuid for uuid in lost if uuid in inside}
        if inside and inside <= concealed:
            hidden.add(str(package.entry_uuid))
    return frozenset(hidden)


def _hide_if_all_is(package: str, inside: set[str], hidden: set[str]) -> None:
    if inside and inside <= hidden:
        hidden.add(package)


@settings(max_examples=some(25))
@given(plan=marked_plans(), condition=st.sampled_from(_SIGHTS), data=st.data())
def test_every_answer_is_as_if_what_the_law_hides_did_not_exist(
    opened_database: Engine, official: Schemas | None, plan: Plan, condition: Condition, data: Any
) -> None:
    registry = subject(opened_database, official, plan)
    client, record = registry.client, registry.record
    patient = str(s.patient("P1"))
    documents_seen = both(OfPatient(patient), condition)
    sight = OfRecord(patient, documents_seen)
    hidden = hidden_from(record, documents_seen)
    visible = record.without(hidden)
    times = updated(opened_database, record, visible)
    visible = replace(visible, updated=times)
    questions = overview(record)
    questions += [(query, data.draw(asked_by_patient(query))) for query in BY_PATIENT]
    questions += [(query, data.draw(asked_by_identifier(query, record))) for query in BY_IDENTIFIER]
    asking = [(query, asked, data.draw(written(asked))) for query, asked in questions]
    before = []
    for query, asked, parameters in asking:
        references = client.ask(query, parameters, visibility=sight, return_type="ObjectRef")
        assert references.ids == reference.answer(visible, query, asked)
        before += [references.raw, client.ask(query, parameters, visibility=sight).raw]
    erase(opened_database, hidden | {x.uuid for x in record.links} - {x.uuid for x in visible.links})
    restamp(opened_database, times)
    after = []
    for query, _, parameters in asking:
        after += [client.ask(query, parameters, return_type="ObjectRef").raw, client.ask(query, parameters).raw]
    assert before == after
