"""`python -m tests.campaigns.noninterference`: what somebody may not see leaves no trace in any answer.

Random records, random viewers, every stored query: the answer of a registry that holds everything, to a viewer, is
compared with the answer to everybody of a registry in which only what the viewer sees ever was. Which objects these are
is worked out in Python (`tests.campaigns.records`). The graphs of a record are asked about together.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, insert

from dmp.authorisations import AuthorisationStatus, Standing
from dmp.records.record import RecordStatus
from dmp.rights.actions import Action
from dmp.rights.actors import DOCTOR, Actor, ActorKind
from dmp.rights.conditions import (
    ClassAmong,
    Condition,
    FromStructure,
    Marked,
    Not,
    OfPatient,
    TypeAmong,
    WrittenBy,
    both,
    either,
)
from dmp.rights.decision import Law
from dmp.rights.marks import Marks
from schemas.vocabulary import RELATIONSHIPS, AvailabilityStatus, DocumentEntryType
from tests.campaigns.records import (
    BEGUN,
    CLASSES,
    OTHER,
    PERSONS,
    SOURCES,
    STRUCTURES,
    TIMES,
    TYPES,
    Author,
    Contents,
    without_hidden,
)
from xds_registry import tables as t
from xds_registry.database import open_database, reading, writing
from xds_registry.query import answer, find, get
from xds_registry.query.answer import ReturnType
from xds_registry.query.catalogue import QueryId
from xds_registry.query.parameters import Arguments
from xds_registry.query.search import MetadataLevel, Search
from xds_registry.visibility import EVERYTHING, OfRecord, Visibility

#: Graphs of one record, and records that lie in the database together.
GRAPHS: Final = 100
_TOGETHER: Final = 5
#: How many conditions there are that no law would make.
_CONDITIONS: Final = 40
_DOCUMENT: Final = "$XDSDocumentEntry"
_PROFESSIONS: Final = ("60", "93", "31")
_LAW: Final = Law()
_STATUSES: Final = tuple(status.value for status in AvailabilityStatus)
_FIND: Final = {
    QueryId.FIND_DOCUMENTS: find.find_documents,
    QueryId.FIND_DOCUMENTS_BY_REFERENCE_ID: find.find_documents,
    QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS: find.find_documents,
    QueryId.FIND_SUBMISSION_SETS: find.find_submission_sets,
    QueryId.FIND_FOLDERS: find.find_folders,
    QueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS: find.find_folders,
    QueryId.GET_ALL: find.get_all,
}
_GET: Final = {
    QueryId.GET_DOCUMENTS: get.get_documents,
    QueryId.GET_FOLDERS: get.get_folders,
    QueryId.GET_ASSOCIATIONS: get.get_associations,
    QueryId.GET_DOCUMENTS_AND_ASSOCIATIONS: get.get_documents_and_associations,
    QueryId.GET_SUBMISSION_SETS: get.get_submission_sets,
    QueryId.GET_SUBMISSION_SET_AND_CONTENTS: get.get_submission_set_and_contents,
    QueryId.GET_FOLDER_AND_CONTENTS: get.get_folder_and_contents,
    QueryId.GET_FOLDERS_FOR_DOCUMENT: get.get_folders_for_document,
    QueryId.GET_RELATED_DOCUMENTS: get.get_related_documents,
}
_TABLES: Final = [table for table in t.metadata.sorted_tables if table is not t.signature_finding]
_INSERTS: Final = {table.name: insert(table) for table in _TABLES}

Given = dict[str, tuple[tuple[str, ...], ...]]
#: A query that is asked of both registries: its name, and what it does with a search.
Question = tuple[str, MetadataLevel, Callable[[Search], Any]]


@dataclass(slots=True)
class Found:
    """What a campaign came to."""

    graphs: int = 0
    records: int = 0
    objects: int = 0
    hidden: int = 0
    queries: int = 0
    rows: int = 0
    differences: int = 0
    first: str = ""


def run(
    whole: Engine,
    bare: Engine,
    *,
    graphs: int,
    seed: int,
    sight: Callable[[str, Condition], Visibility] = OfRecord,
    tell: Callable[[Found], object] = lambda _: None,
) -> Found:
    """Compare the answers about so many graphs.

    `whole` holds everything, `bare` what one viewer sees; what is in them before is deleted. `sight` makes what is put
    to the test of a patient and a condition.
    """
    chance, found = random.Random(seed), Found()
    while found.graphs < graphs:
        author = Author(chance)
        records: list[tuple[tuple[int, str], Contents]] = []
        patients: list[tuple[int, str]] = []
        while len(records) < _TOGETHER and found.graphs < graphs:
            own, other = (_patient(len(patients) + 1), _patient(len(patients) + 2))
            size = min(GRAPHS, graphs - found.graphs)
            records.append((own, author.record(own, other, size)))
            patients += [own, other]
            found.graphs += size
        _fill(whole, patients, [contents for _, contents in records])
        for own, contents in records:
            _compare(whole, bare, patients, own, contents, chance, found, sight)
        tell(found)
    return found


def _compare(
    whole: Engine,
    bare: Engine,
    patients: list[tuple[int, str]],
    own: tuple[int, str],
    contents: Contents,
    chance: random.Random,
    found: Found,
    sight: Callable[[str, Condition], Visibility],
) -> None:
    viewer, condition = _viewer(chance, own[1])
    left = without_hidden(contents, own, condition)
    _fill(bare, patients, [left])
    visibility = sight(own[1], condition)
    found.records += 1
    found.objects += sum(map(len, _parts(contents)))
    found.hidden += sum(map(len, _parts(contents))) - sum(map(len, _parts(left)))
    with reading(whole) as everything, reading(bare) as rest:
        for name, level, ask in _questions(chance, own, contents):
            told = _told(everything, visibility, level, ask)
            expected = _told(rest, EVERYTHING, level, ask)
            found.queries += 2  # ObjectRef and LeafClass
            found.rows += told[0]
            if told != expected:
                found.differences += 1
                found.first = found.first or f"{name} as {viewer}: {told[0]} objects, expected {expected[0]}"


def _parts(contents: Contents) -> Sequence[Mapping[str, object]]:
    return contents.entries, contents.sets, contents.folders, contents.links


def _told(
    connection: Connection, visibility: Visibility, level: MetadataLevel, ask: Callable[[Search], Any]
) -> tuple[int, bytes, bytes]:
    """What is answered, in both forms."""
    objects = ask(Search(connection, visibility, 1_000_000, level=level))
    references, whole = (
        b"".join(answer.found(objects, form)) for form in (ReturnType.OBJECT_REF, ReturnType.LEAF_CLASS)
    )
    return len(objects), references, whole


def _patient(number: int) -> tuple[int, str]:
    return number, f"{number:015d}^^^&1.2.250.1.213.1.4.8&ISO"


def _fill(engine: Engine, patients: list[tuple[int, str]], records: Sequence[Contents]) -> None:
    """Let a database hold this and nothing else."""
    known = [{"pk": pk, "patient_id": name, "created_at": BEGUN} for pk, name in patients]
    rows = [contents.rows() for contents in records]
    with writing(engine) as connection:
        for table in reversed(_TABLES):
            connection.exec_driver_sql(f"DELETE FROM {table.name}")
        for table in _TABLES:
            added = known if table is t.patient else [row for each in rows for row in each.get(table.name, ())]
            if added:
                connection.execute(_INSERTS[table.name], added)


# Who looks


def _viewer(chance: random.Random, patient: str) -> tuple[str, Condition]:
    """Somebody as the law knows them, or a condition that no law would make."""
    if chance.random() < 0.4:
        number = chance.randrange(_CONDITIONS)
        return f"anybody {number}", both(OfPatient(patient), _condition(random.Random(number), 2))
    actor = chance.choice(
        (
            Actor(kind=ActorKind.DOCTOR, identifier=_id(PERSONS[0]), profession=DOCTOR),
            Actor(
                kind=ActorKind.PROFESSIONAL, identifier=_id(PERSONS[1]), profession=chance.choice(("60", "93", "31"))
            ),
            Actor(kind=ActorKind.STRUCTURE, identifier="3/1", structure=chance.choice(STRUCTURES)),
            Actor(kind=ActorKind.PATIENT, identifier=patient),
            Actor(kind=ActorKind.REPRESENTATIVE, identifier=patient),
        )
    )
    standing = Standing(
        record_status=RecordStatus.ACTIVE,
        person=chance.choice((AuthorisationStatus.VALID, AuthorisationStatus.NONE)),
        is_treating_doctor=chance.random() < 0.2,
    )
    action = Action.SEARCH if standing.person is AuthorisationStatus.VALID else Action.LOOK_UP_REFERENCE
    return f"{actor.kind} {actor.profession} {action}", _LAW.ruling(actor, action, patient, standing).documents


def _id(person: str) -> str:
    return person.partition("^")[0]


def _condition(chance: random.Random, depth: int) -> Condition:
    if depth and chance.random() < 0.6:
        joined = chance.choice((both, either))
        return joined(_condition(chance, depth - 1), _condition(chance, depth - 1))
    simple: Condition = chance.choice(
        (
            Marked(Marks(chance.randint(1, 7))),
            ClassAmong(frozenset(chance.sample(CLASSES, 2))),
            TypeAmong(frozenset(chance.sample(TYPES, 2))),
            WrittenBy(chance.choice(PERSONS)),
            FromStructure(chance.choice(STRUCTURES)),
        )
    )
    return Not(simple) if chance.random() < 0.6 else simple


# What is asked


def _questions(chance: random.Random, own: tuple[int, str], contents: Contents) -> Iterator[Question]:
    """Every stored query, with some of its filters; those that name objects name objects of every graph."""
    for query, search in _FIND.items():
        patients = [own[0]]
        if query in (QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS, QueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS):
            patients = [own[0], own[0] + 1]
        given = _filters(chance, query)
        yield query.name, _level(chance), _finding(search, given, patients)
    for query, wanted in _GET.items():
        yield query.name, _level(chance), _getting(wanted, _named(chance, query, contents))


def _finding(search: Callable[..., Any], given: Arguments, patients: list[int]) -> Callable[[Search], Any]:
    return lambda within: search(within, given, patients)


def _getting(wanted: Callable[..., Any], given: Arguments) -> Callable[[Search], Any]:
    return lambda within: wanted(within, given)


def _level(chance: random.Random) -> MetadataLevel:
    return chance.choice(tuple(MetadataLevel))


def _some(chance: random.Random, values: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return (tuple(chance.sample(values, chance.randint(1, min(2, len(values))))),)


def _statuses(chance: random.Random) -> tuple[tuple[str, ...], ...]:
    return (_STATUSES,) if chance.random() < 0.5 else _some(chance, _STATUSES)


def _filters(chance: random.Random, query: QueryId) -> Arguments:
    given: Given = {
        f"{_DOCUMENT}Status": _statuses(chance),
        "$XDSSubmissionSetStatus": _statuses(chance),
        "$XDSFolderStatus": _statuses(chance),
        f"{_DOCUMENT}Type": (tuple(kind.value for kind in DocumentEntryType),),
    }
    if query is QueryId.FIND_DOCUMENTS_BY_REFERENCE_ID:
        given[f"{_DOCUMENT}ReferenceIdList"] = _some(chance, ("r1", "r2"))
    moments = [f"2026010100000{second}" for second in range(7)]
    optional: Given = {
        f"{_DOCUMENT}ClassCode": _some(chance, CLASSES),
        f"{_DOCUMENT}TypeCode": _some(chance, TYPES),
        f"{_DOCUMENT}EventCodeList": _some(chance, OTHER),
        f"{_DOCUMENT}AuthorPerson": ((f"{PERSONS[0][:2]}%",),),
        f"{_DOCUMENT}CreationTimeFrom": ((chance.choice(TIMES),),),
        "$XDSSubmissionSetSourceId": _some(chance, SOURCES),
        "$XDSFolderCodeList": _some(chance, OTHER),
        "$XDSFolderLastUpdateTimeFrom": ((chance.choice(moments),),),
        "$XDSFolderLastUpdateTimeTo": ((chance.choice(moments),),),
    }
    if query is QueryId.GET_ALL:
        optional = {}
    given |= {name: value for name, value in optional.items() if chance.random() < 0.2}
    return Arguments(given)


def _named(chance: random.Random, query: QueryId, contents: Contents) -> Arguments:
    """Half of all objects of a kind, by one identifier or the other: of hidden ones too."""

    def half(values: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        return (tuple(value for value in values if chance.random() < 0.5) or ("nothing",),)

    objects = [*contents.entries, *contents.sets, *contents.folders, *contents.links]
    if query in (QueryId.GET_ASSOCIATIONS, QueryId.GET_SUBMISSION_SETS):
        return Arguments({"$uuid": half(objects)})
    if query is QueryId.GET_SUBMISSION_SET_AND_CONTENTS:
        return Arguments({"$XDSSubmissionSetUniqueId": half([x["unique_id"] for x in contents.sets.values()])})
    if query in (QueryId.GET_FOLDERS, QueryId.GET_FOLDER_AND_CONTENTS):
        kind, rows = "$XDSFolder", list(contents.folders.values())
    else:
        kind, rows = _DOCUMENT, [entry.row for entry in contents.entries.values()]
    given: Given
    if chance.random() < 0.5:
        given = {f"{kind}EntryUUID": half([row["entry_uuid"] for row in rows])}
    elif chance.random() < 0.3:
        given = {f"{kind}LogicalID": half([row["logical_id"] for row in rows])}
    else:
        given = {f"{kind}UniqueId": half([row["unique_id"] for row in rows])}
    if query is QueryId.GET_RELATED_DOCUMENTS:
        given["$AssociationTypes"] = (tuple(kind.value for kind in RELATIONSHIPS),)
    return Arguments(given)


def main(arguments: list[str] | None = None) -> int:
    """Run, print the figures, and say with the exit status whether no answer differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.noninterference", description=__doc__)
    parser.add_argument("--graphs", type=int, default=100_000, help="how many graphs (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (%(default)s)")
    parser.add_argument("--database", help="URL of an empty database for what holds everything (SQLite in memory)")
    options = parser.parse_args(arguments)
    started, processor = time.monotonic(), time.process_time()
    whole, bare = empty_database(options.database), empty_database(None)

    def tell(found: Found) -> None:
        if found.graphs % 10_000 < _TOGETHER * GRAPHS:
            print(f"{found.graphs:,} graphs, {found.differences} differences", file=sys.stderr, flush=True)

    found = run(whole, bare, graphs=options.graphs, seed=options.seed, tell=tell)
    print(
        f"{found.graphs:,} graphs in {found.records:,} records, {found.objects:,} objects, {found.hidden:,} hidden;"
        f" {found.queries:,} queries, {found.rows:,} objects in answers; {found.differences} differences;"
        f" {time.monotonic() - started:.0f} s, {time.process_time() - processor:.0f} s of the processor"
    )
    if found.first:
        print(found.first)
    return 1 if found.differences else 0


def empty_database(url: str | None) -> Engine:
    """The registry's tables, without a row."""
    # Most of the time would go into compiling the same statements again.
    engine = open_database(url or "sqlite://", pool_size=1).execution_options(compiled_cache={})
    t.metadata.create_all(engine)
    return engine


if __name__ == "__main__":
    sys.exit(main())
