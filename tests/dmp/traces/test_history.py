"""Who sees which traces of a record, how many, and how far back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from card_auth.caller import PurposeOfUse
from dmp.audit import Event, Outcome, Trail, Transaction
from dmp.audit.refusals import RefusalClass
from dmp.traces import (
    Deed,
    History,
    Person,
    Result,
    Trace,
    Viewer,
    ViewerKind,
    all_traces,
    every_document,
    history,
)
from dmp.traces.trace import trace_of
from tests.dmp.audit.events import DOCTOR as DOCTOR_ID
from tests.dmp.audit.events import PATIENT, START
from tests.dmp.traces.accesses import DOCTOR, NURSE, OLD_IDENTIFIER, OTHER_PATIENT, access
from tests.examples import some

NOW = START + timedelta(days=10)
THE_PATIENT = Viewer(ViewerKind.PATIENT)
REPRESENTATIVE = Viewer(ViewerKind.REPRESENTATIVE)
TREATING = Viewer(ViewerKind.TREATING_DOCTOR, "899700000000")


@contextmanager
def recorded(trail: Trail, *events: Event) -> Iterator[Connection]:
    for event in events:
        trail.record(event)
    with trail.engine.connect() as connection:
        yield connection


def seen(connection: Connection, viewer: Viewer, patients: Sequence[str] = (PATIENT,), **how: Any) -> History:
    return history(connection, patients, viewer, **({"visible": every_document, "at": NOW} | how))


def hours(traces: Sequence[Trace]) -> list[float]:
    return [(trace.when - START) / timedelta(hours=1) for trace in traces]


def test_a_trace_says_who_did_what_when_how_and_whether_they_were_let(trail: Trail) -> None:
    caller = replace(DOCTOR, purpose_of_use=PurposeOfUse.BREAK_GLASS, purpose_reason="unconscious")
    with recorded(trail, access(caller=caller, documents=("1.2.3",), hours=1)) as connection:
        (trace,) = seen(connection, THE_PATIENT).traces
    assert trace.when == START + timedelta(hours=1)
    assert trace.who == Person(
        name="DOC0021889 KIT", national_id=DOCTOR_ID, profession="10", structure_id="499700218896007"
    )
    assert (trace.deed, trace.transaction, trace.documents) == (Deed.READ, "Retrieve Document Set", ("1.2.3",))
    assert (trace.how.purpose, trace.how.reason, trace.how.emergency) == (PurposeOfUse.BREAK_GLASS, "unconscious", True)
    assert trace.result is Result.ALLOWED


def test_patient_and_treating_doctor_see_all_and_another_professional_their_own(trail: Trail) -> None:
    with recorded(
        trail,
        access(hours=1),
        access(hours=2, caller=NURSE),
        access(hours=3),
        access(Transaction.PATIENT_FEED, hours=4, caller=None),
        access(hours=5, patient=OTHER_PATIENT),
    ) as connection:
        assert hours(seen(connection, THE_PATIENT).traces) == [4, 3, 2, 1]
        assert hours(seen(connection, TREATING).traces) == [4, 3, 2, 1]
        assert hours(seen(connection, REPRESENTATIVE).traces) == [4, 3, 2, 1]
        assert hours(seen(connection, Viewer.professional(DOCTOR_ID)).traces) == [3, 1]
        assert hours(seen(connection, Viewer.professional(NURSE.national_id)).traces) == [2]


def test_a_professional_without_identifier_sees_nothing_not_even_what_machines_did(trail: Trail) -> None:
    with recorded(trail, access(Transaction.PATIENT_FEED, caller=None)) as connection:
        assert seen(connection, Viewer.professional("")) == History((), more=False)


def test_a_representative_learns_nothing_of_secret_connections_not_even_that_there_are_more(trail: Trail) -> None:
    secret = replace(DOCTOR, secret_connection=True)
    events = [access(hours=hour, caller=secret) for hour in range(10)]
    with recorded(trail, *events, access(hours=20)) as connection:
        assert hours(seen(connection, REPRESENTATIVE, most=1).traces) == [20]
        assert not seen(connection, REPRESENTATIVE, most=1).more
        assert not seen(connection, REPRESENTATIVE, at=START + timedelta(days=365, hours=15)).more
        assert hours(seen(connection, THE_PATIENT, most=2).traces) == [20, 9]
        exported = all_traces(connection, [PATIENT], REPRESENTATIVE, visible=every_document)
        assert hours(list(exported)) == [20]


def test_normal_and_emergency_accesses_are_told_apart(trail: Trail) -> None:
    purposes = (PurposeOfUse.NORMAL, PurposeOfUse.BREAK_GLASS, PurposeOfUse.REGULATION)
    events = [access(hours=n, caller=replace(DOCTOR, purpose_of_use=one)) for n, one in enumerate(purposes)]
    with recorded(trail, *events) as connection:
        found = seen(connection, THE_PATIENT)
    assert (hours(found.normal), hours(found.emergency)) == ([0], [2, 1])


def test_a_hundred_traces_of_one_year_are_shown_and_the_others_are_exported(trail: Trail) -> None:
    with recorded(trail, *[access(hours=hour) for hour in range(101)]) as connection:
        online = seen(connection, THE_PATIENT)
        assert hours(online.traces) == list(range(100, 0, -1))
        assert online.more
        a_year_later = seen(connection, THE_PATIENT, at=START + timedelta(days=365, hours=98))
        assert hours(a_year_later.traces) == [100, 99]
        assert a_year_later.more
        assert seen(connection, THE_PATIENT, most=101).more is False
        assert hours(seen(connection, THE_PATIENT, within=timedelta(days=10) - timedelta(hours=99)).traces) == [100]
        exported = list(all_traces(connection, [PATIENT], THE_PATIENT, visible=every_document))
        assert hours(exported) == list(range(101))
        between = {"since": START + timedelta(hours=3), "until": START + timedelta(hours=5)}
        part = all_traces(connection, [PATIENT], THE_PATIENT, visible=every_document, **between)
        assert hours(list(part)) == [3, 4]


def test_a_record_has_one_history_under_all_its_identifiers_however_senders_write_them(trail: Trail) -> None:
    with recorded(
        trail,
        access(hours=1, patient=f"{PATIENT}^NH"),
        access(hours=2, patient=OLD_IDENTIFIER),
        access(hours=3, patient=f"{OLD_IDENTIFIER}^INS-C^^20110103"),
    ) as connection:
        assert hours(seen(connection, THE_PATIENT, (PATIENT, OLD_IDENTIFIER)).traces) == [3, 2, 1]
        assert hours(seen(connection, THE_PATIENT, (OLD_IDENTIFIER,)).traces) == [3, 2]
        assert seen(connection, THE_PATIENT, ()).traces == ()


def test_a_document_that_its_reader_may_not_see_is_not_named_nor_told_to_have_come(trail: Trail) -> None:
    asked: list[Collection[str]] = []

    def visible(documents: Collection[str]) -> Collection[str]:
        asked.append(documents)
        return {"1.1"}

    with recorded(
        trail,
        access(Transaction.PROVIDE_AND_REGISTER, hours=1, documents=("1.1", "1.2")),
        access(Transaction.PROVIDE_AND_REGISTER, hours=2, documents=("1.2",)),
        access(hours=3, documents=("1.2",)),
    ) as connection:
        traces = seen(connection, THE_PATIENT, visible=visible).traces
    assert [(trace.deed, trace.documents) for trace in traces] == [(Deed.READ, ()), (Deed.ADDED, ("1.1",))]
    assert asked == [{"1.1", "1.2"}]


def test_what_was_refused_and_what_failed_is_told_so(trail: Trail) -> None:
    refused = {"outcome": Outcome.MINOR_FAILURE, "refusal": RefusalClass.RIGHTS}
    failed = {"outcome": Outcome.SERIOUS_FAILURE, "refusal": RefusalClass.SERVER}
    with recorded(trail, access(hours=1, **refused), access(hours=2, **failed), access(hours=3)) as connection:
        results = [trace.result for trace in seen(connection, THE_PATIENT).traces]
    assert results == [Result.ALLOWED, Result.FAILED, Result.REFUSED]


def test_the_two_ends_of_one_submission_are_one_trace(trail: Trail) -> None:
    both = [access(one) for one in (Transaction.REGISTER_ELSEWHERE, Transaction.PROVIDE_AND_REGISTER)]
    with recorded(trail, *both) as connection:
        (trace,) = seen(connection, THE_PATIENT).traces
    assert trace.transaction == "Provide and Register Document Set-b"


def test_what_was_sent_again_is_one_trace(trail: Trail) -> None:
    sent = [access(Transaction.PROVIDE_AND_REGISTER, hours=hour, unchanged=hour > 1) for hour in (1, 2, 3)]
    with recorded(trail, *sent) as connection:
        assert hours(seen(connection, THE_PATIENT).traces) == [1]


def test_queries_addresses_and_certificates_stay_in_the_trail(trail: Trail) -> None:
    query = access(Transaction.STORED_QUERY, query="<secret/>", query_id="urn:uuid:1")
    with recorded(trail, query) as connection:
        shown = repr(seen(connection, THE_PATIENT))
    for hidden in ("secret/", "192.0.2.7", "abab", "c-1", PATIENT):
        assert hidden not in shown


@pytest.mark.parametrize(
    ("functions", "deed"),
    [
        ((), Deed.READ),
        (("TD3.3a-mask",), Deed.MASKED),
        (("TD3.3a-unmask",), Deed.UNMASKED),
        (("TD3.2-masked",), Deed.READ),
        (("TD0.3-treating-add",), Deed.TREATING_DOCTOR),
        (("TD1.3b",), Deed.RECORD),
        (("something new", "TD3.3d"), Deed.ARCHIVED),
    ],
)
def test_the_functions_of_the_dmp_say_more_than_the_transaction(functions: tuple[str, ...], deed: Deed) -> None:
    assert trace_of(access(functions=functions)).deed is deed


def test_every_deed_has_a_french_name_of_its_own() -> None:
    assert len({deed.french for deed in Deed}) == len(Deed)


def test_the_history_of_one_patient_is_read_from_an_index(trail: Trail) -> None:
    with recorded(trail, access()) as connection:
        statements: list[str] = []
        for viewer in (THE_PATIENT, Viewer.professional(DOCTOR_ID)):
            statements += _plan(connection, viewer)
    assert all("ix_audit_event_patient" in plan for plan in statements), statements


def _plan(connection: Connection, viewer: Viewer) -> list[str]:
    from dmp.traces.history import _rows  # noqa: PLC0415

    postgresql = connection.dialect.name == "postgresql"
    if postgresql:  # with one row it would read the table, which is the same then
        connection.execute(text("SET LOCAL enable_seqscan = off"))
    written = _rows((PATIENT,), viewer, latest_first=True).compile(
        dialect=connection.dialect, compile_kwargs={"literal_binds": True}
    )
    explain = "EXPLAIN" if postgresql else "EXPLAIN QUERY PLAN"
    rows = connection.exec_driver_sql(f"{explain} {written}".replace("%%", "%")).all()
    return [" ".join(str(value) for row in rows for value in row)]


@settings(max_examples=some(100))
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["1", "2", ""]), st.integers(0, 800)), max_size=12), st.data())
def test_a_viewer_is_shown_their_share_of_what_happened(
    happened: list[tuple[bool, str, int]], data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(ViewerKind))
    most, days = data.draw(st.integers(0, 5)), data.draw(st.integers(1, 400))
    events = [
        access(hours=24 * day, caller=replace(DOCTOR, national_id=person, secret_connection=secret))
        for secret, person, day in happened
    ]
    end = START + timedelta(days=800)
    mine = [
        event
        for event in events
        if (kind is not ViewerKind.PROFESSIONAL or event.national_id == "1")
        and not (kind is ViewerKind.REPRESENTATIVE and event.secret_connection)
    ]
    young = sorted((e.happened_at for e in mine if e.happened_at > end - timedelta(days=days)), reverse=True)
    engine = _memory_trail(events)
    with engine.connect() as connection:
        shown = history(
            connection,
            [PATIENT],
            Viewer(kind, "1"),
            visible=every_document,
            at=end,
            within=timedelta(days=days),
            most=most,
        )
    engine.dispose()
    assert [trace.when for trace in shown.traces] == young[:most]
    assert shown.more == (len(mine) > len(shown.traces))


def _memory_trail(events: Sequence[Event]) -> Any:
    from tests.services.trail import make_trail  # noqa: PLC0415
    from xds_registry.database import open_database  # noqa: PLC0415

    engine = open_database("sqlite://", pool_size=1)
    trail = make_trail(engine)
    for event in events:
        trail.record(event)
    return engine
