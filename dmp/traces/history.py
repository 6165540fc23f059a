"""Reading the history of one record from the trail: whose traces somebody sees, how many, and how far back.

DMP, historique des accès: patient and médecin traitant see all traces, other professionals their own. Those of a secret
connection are hidden from a minor's legal representatives. On the screen are the traces of one year, a hundred at most;
all others are had by an export.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from sqlalchemy import Connection, Select, func, select

from dmp.audit.canonical import decode
from dmp.audit.event import Transaction, microseconds
from dmp.audit.tables import audit_event
from dmp.traces.trace import Deed, Trace, trace_of

ONE_YEAR: Final = timedelta(days=365)
MOST_ONLINE: Final = 100
_AT_ONCE: Final = 200

#: What is in the trail about a patient and is no access to the record: an errand of the server's own, or the other end
#: of one that has its own event.
_NO_ACCESS: Final = (Transaction.REGISTER_ELSEWHERE.value, "ITI-52", "ITI-53", "alert")
#: What is still told of a document that its reader may not see: that somebody looked.
_LOOKING: Final = frozenset({Deed.READ, Deed.SEARCHED})

#: Of some documents (uniqueIds) those whose existence the reader of the history may know.
Visible = Callable[[Collection[str]], Collection[str]]


def every_document(documents: Collection[str]) -> Collection[str]:
    """All of them: for whom no document is hidden from."""
    return documents


class ViewerKind(enum.StrEnum):
    """What somebody is to the patient whose record it is."""

    PATIENT = "patient"
    REPRESENTATIVE = "representative"  # a minor's legal representative
    TREATING_DOCTOR = "treating-doctor"  # médecin traitant of this patient
    PROFESSIONAL = "professional"  # anybody else with a national identifier


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads the history. Whether they may open the record at all was decided before."""

    kind: ViewerKind
    national_id: str = ""

    @classmethod
    def professional(cls, national_id: str) -> Self:
        """Who sees what they did themselves."""
        return cls(ViewerKind.PROFESSIONAL, national_id)


@dataclass(frozen=True, slots=True)
class History:
    """What is shown, the latest first. `more`: there are other traces, which an export has."""

    traces: tuple[Trace, ...]
    more: bool

    @property
    def normal(self) -> tuple[Trace, ...]:
        """Accesses under an authorisation, and those by nobody in person."""
        return tuple(trace for trace in self.traces if not trace.how.emergency)

    @property
    def emergency(self) -> tuple[Trace, ...]:
        """Accesses by breaking the glass and by the regulation of the SAMU (bris de glace, centre 15)."""
        return tuple(trace for trace in self.traces if trace.how.emergency)


def history(
    connection: Connection,
    patients: Sequence[str],
    viewer: Viewer,
    *,
    visible: Visible,
    at: datetime,
    within: timedelta = ONE_YEAR,
    most: int = MOST_ONLINE,
) -> History:
    """What a viewer sees at that moment of the history of a record.

    `patients` are the record's identifiers, `id^^^&OID&ISO`. Of documents that are not `visible` to the viewer nothing
    is named, and that somebody filed or changed nothing else is no trace. Raises `dmp.audit.canonical.NoEvent` for a
    row that was tampered with.
    """
    shown: list[Trace] = []
    traces = _traces(connection, _rows(patients, viewer, latest_first=True), viewer, visible)
    with closing(traces):
        for trace in traces:
            if trace.when <= at - within or len(shown) == most:
                return History(tuple(shown), more=True)
            shown.append(trace)
    return History(tuple(shown), more=False)


def all_traces(
    connection: Connection,
    patients: Sequence[str],
    viewer: Viewer,
    *,
    visible: Visible,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Trace]:
    """Every trace that a viewer may see, in the order of time, from `since` on and before `until`: for an export."""
    statement = _rows(patients, viewer, latest_first=False)
    if since is not None:
        statement = statement.where(audit_event.c.happened_at >= microseconds(since))
    if until is not None:
        statement = statement.where(audit_event.c.happened_at < microseconds(until))
    yield from _traces(connection, statement, viewer, visible)


def _rows(patients: Sequence[str], viewer: Viewer, *, latest_first: bool) -> Select[Any]:
    columns = audit_event.c
    statement = select(columns.content).where(columns.patient.in_(patients), columns.kind.not_in(_NO_ACCESS))
    if viewer.kind is ViewerKind.PROFESSIONAL:
        # As an expression, so that no index by person is thought of: the patient's events are few, a doctor's are not.
        statement = statement.where(func.coalesce(columns.person, "") == viewer.national_id, columns.person != "")
    order = (columns.happened_at, columns.shard, columns.number)
    return statement.order_by(*(column.desc() if latest_first else column for column in order))


def _traces(
    connection: Connection, statement: Select[Any], viewer: Viewer, visible: Visible
) -> Generator[Trace, None, None]:
    """The rows as the viewer may see them. Content alone tells of some, so that no limit can be the database's."""
    with connection.execute(statement, execution_options={"yield_per": _AT_ONCE}) as result:
        for rows in result.partitions():
            # what was sent again and had been done before is no second deed
            events = [event for event in (decode(content) for (content,) in rows) if not event.unchanged]
            if viewer.kind is ViewerKind.REPRESENTATIVE:
                events = [event for event in events if not event.secret_connection]
            named = {document for event in events for document in event.documents}
            known = frozenset(visible(named)) if named else frozenset()
            for trace in map(trace_of, events):
                documents = tuple(document for document in trace.documents if document in known)
                if documents or not trace.documents or trace.deed in _LOOKING:
                    yield replace(trace, documents=documents)
