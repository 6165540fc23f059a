"""The Find queries and GetAll against a reading of the standard in lists."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.examples import some
from tests.schemas.xsd.official import Schemas
from tests.xds_registry.query.graphs import BY_PATIENT, Plan, asked_by_patient, compare, plans, subject


@settings(max_examples=some(15))
@given(plan=plans(), data=st.data())
def test_a_query_by_patient_finds_what_meets_every_parameter(
    opened_database: Engine, official: Schemas | None, plan: Plan, data: Any
) -> None:
    registry = subject(opened_database, official, plan)
    for query in BY_PATIENT * 4:  # cheaper than to register as often
        compare(data, registry, query, data.draw(asked_by_patient(query)))
