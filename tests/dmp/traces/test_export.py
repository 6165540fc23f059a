"""A history leaves as lines that its reader gets back whole, and that a spreadsheet takes for text."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from card_auth.caller import PurposeOfUse
from dmp.traces.export import COLUMNS, as_csv, as_json_lines
from dmp.traces.trace import trace_of
from tests.dmp.audit.events import ANY
from tests.dmp.traces.accesses import DOCTOR, access
from tests.examples import some

TRACES = st.lists(st.builds(trace_of, ANY), max_size=5)


@settings(max_examples=some(200))
@given(TRACES)
def test_a_history_is_read_back_as_it_was_written(traces: list[object]) -> None:
    lines = list(as_json_lines(traces))  # type: ignore[arg-type]
    assert all(line.endswith("\n") and "\n" not in line[:-1] for line in lines)
    objects = [json.loads(line) for line in lines]
    rows = list(csv.DictReader(io.StringIO("".join(as_csv(traces)), newline="")))  # type: ignore[arg-type]
    assert len(objects) == len(rows) == len(traces)
    for one, row in zip(objects, rows, strict=True):
        assert tuple(one) == tuple(row) == COLUMNS
        assert one["name"] == row["name"] or row["name"] == f"'{one['name']}"
        assert (row["emergency"] == "yes") is one["emergency"]


def test_a_line_says_it_all() -> None:
    caller = replace(DOCTOR, purpose_of_use=PurposeOfUse.REGULATION)
    (line,) = as_json_lines([trace_of(access(caller=caller, documents=("1.2", "1.3"), hours=1))])
    assert json.loads(line) == {
        "when": "2026-03-01T09:00:00+00:00",
        "name": "DOC0021889 KIT",
        "national_id": "899700218896",
        "profession": "10",
        "structure_id": "499700218896007",
        "deed": "read",
        "transaction": "Retrieve Document Set",
        "documents": ["1.2", "1.3"],
        "mode": "DIRECTE",
        "purpose": "centre_15",
        "reason": "",
        "emergency": True,
        "secret": False,
        "software": "LPS 1.0",
        "result": "allowed",
    }


def test_no_cell_is_a_formula() -> None:
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1"):
        caller = replace(DOCTOR, name=text, purpose_reason=text)
        _, line = as_csv([trace_of(access(caller=caller))])
        row = dict(zip(COLUMNS, next(csv.reader(io.StringIO(line, newline=""))), strict=True))
        assert (row["name"], row["reason"]) == (f"'{text}", f"'{text}")
