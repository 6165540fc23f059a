"""An event has one written form, and that form one event."""

from __future__ import annotations

from hypothesis import given

from dmp.audit.canonical import decode, encode
from dmp.audit.event import FIELDS, Event
from tests.dmp.audit.events import ANY, event


@given(ANY)
def test_an_event_is_read_as_it_was_written(some: Event) -> None:
    content = encode(some)
    assert decode(content) == some
    assert encode(decode(content)) == content
    assert content.isascii()


@given(ANY, ANY)
def test_two_events_have_two_forms(one: Event, other: Event) -> None:
    assert (encode(one) == encode(other)) == (one == other)


def test_no_patient_shows_where_an_event_is_printed() -> None:
    printed = repr(event(query="<x>279035121518989</x>"))
    assert "279035121518989" not in printed
    assert "patient" in FIELDS
