"""The history as a file that the patient takes along: JSON, one object in a line (RFC 8259), or CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Final

from dmp.traces.trace import Trace

COLUMNS: Final = (
    "when",
    "name",
    "national_id",
    "profession",
    "structure_id",
    "deed",
    "transaction",
    "documents",
    "mode",
    "purpose",
    "reason",
    "emergency",
    "secret",
    "software",
    "result",
)
#: What a spreadsheet takes for the beginning of a formula: names and reasons are written by others.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_json_lines(traces: Iterable[Trace]) -> Iterator[str]:
    """A line for each trace, with its end."""
    for trace in traces:
        yield json.dumps(_values(trace), ensure_ascii=False) + "\n"


def as_csv(traces: Iterable[Trace]) -> Iterator[str]:
    """A line of names, then one for each trace; documents are divided by blanks."""
    yield _line(COLUMNS)
    for trace in traces:
        yield _line([_cell(value) for value in _values(trace).values()])


def _values(trace: Trace) -> dict[str, str | bool | list[str]]:
    who, how = trace.who, trace.how
    values = (
        trace.when.astimezone(UTC).isoformat(),
        who.name,
        who.national_id,
        who.profession,
        who.structure_id,
        trace.deed.value,
        trace.transaction,
        list(trace.documents),
        "" if how.mode is None else how.mode.value,
        "" if how.purpose is None else how.purpose.value,
        how.reason,
        how.emergency,
        how.secret,
        how.software,
        trace.result.value,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _cell(value: str | bool | list[str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(value) if isinstance(value, list) else value
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
