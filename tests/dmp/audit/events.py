"""Events for tests: of a doctor with a card, of nobody in particular, and any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from card_auth.caller import AccessMode, Caller, PurposeOfUse, Role, Software
from dmp.audit import Event, Occasion, Outcome, Transaction
from dmp.audit.event import Action
from dmp.audit.refusals import RefusalClass

DOCTOR = "899700218896"
PATIENT = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)

CALLER = Caller(
    national_id=DOCTOR,
    name="DOC0021889 KIT",
    roles=(Role("10", "1.2.250.1.71.1.2.7"), Role("SM26", "1.2.250.1.71.4.2.5")),
    structure_id="499700218896007",
    structure_name=None,
    sector="SA07",
    mode=AccessMode.DIRECT,
    purpose_of_use=PurposeOfUse.BREAK_GLASS,
    purpose_reason="unconscious",
    resource_id=PATIENT,
    software=Software("LPS", "1.0"),
    certificate_fingerprint="ab" * 32,
    assertion_id="_1",
    issuer="CN=899700218896,C=FR",
)


def occasion(transaction: Transaction, **changes: Any) -> Occasion:
    """A request of the doctor's."""
    known: dict[str, Any] = {
        "correlation_id": "c-1",
        "caller": CALLER,
        "client_address": "192.0.2.7",
        "endpoint": "https://feuillet.example/registry",
    }
    return Occasion(transaction=transaction, **(known | changes))


def event(transaction: Transaction = Transaction.PROVIDE_AND_REGISTER, after: float = 0.0, **what: Any) -> Event:
    """An event of the doctor's, so many seconds after the start."""
    what.setdefault("patient", PATIENT)
    return Event.on(occasion(transaction), START + timedelta(seconds=after), **what)


_text = st.text(max_size=20)
ANY: st.SearchStrategy[Event] = st.builds(
    Event,
    happened_at=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)),
    transaction=st.sampled_from(Transaction),
    action=st.sampled_from(Action),
    outcome=st.sampled_from(Outcome),
    refusal=st.none() | st.sampled_from(RefusalClass),
    reason=_text,
    refused_transaction=st.none() | st.sampled_from(Transaction),
    unchanged=st.booleans(),
    national_id=_text,
    name=_text,
    roles=st.lists(_text, max_size=3).map(tuple),
    structure_id=_text,
    mode=st.none() | st.sampled_from(AccessMode),
    purpose_of_use=st.none() | st.sampled_from(PurposeOfUse),
    purpose_reason=_text,
    secret_connection=st.booleans(),
    software=_text,
    assertion_id=_text,
    issuer=_text,
    certificate=_text,
    legacy_sha1=st.booleans(),
    stale_revocation=st.booleans(),
    client_address=_text,
    endpoint=_text,
    correlation_id=_text,
    patient=_text,
    submission_set=_text,
    signature=_text,
    documents=st.lists(_text, max_size=3).map(tuple),
    objects=st.lists(_text, max_size=3).map(tuple),
    repository=_text,
    query_id=_text,
    query=_text,
    results=st.none() | st.integers(0, 10**6),
    functions=st.lists(_text, max_size=2).map(tuple),
)
