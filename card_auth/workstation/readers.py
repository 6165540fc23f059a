"""The PC/SC service, its readers and slots, and the cards in them."""

from __future__ import annotations

from collections.abc import Iterator

from card_auth import errors
from card_auth.workstation import pcsc
from card_auth.workstation.findings import Finding, Subject, Verdict
from card_auth.workstation.pcsc import Content


def check_pcsc_service() -> Iterator[Finding]:
    """Whether the service answers. Raises SupportMissing, ServiceUnavailable, ReaderError."""
    pcsc.ask_service()
    yield Finding(Subject.PCSC_SERVICE, Verdict.PASS, "The service answers.")


def check_readers() -> Iterator[Finding]:
    """Every slot by its name. Raises NoReader, and what the service raises."""
    names = pcsc.readers()
    yield Finding(Subject.READERS, Verdict.PASS, f"{len(names)} {'slot' if len(names) == 1 else 'slots'}.")
    if len(names) == 1:
        detail = "One slot takes one card at a time: the professional's and the patient's cannot both be in it."
        remedy = "To read Vitale cards while you are logged in, use a reader with two slots, or a second reader."
        yield Finding(Subject.READERS, Verdict.WARN, detail, remedy, names[0])
    else:
        for name in names:
            yield Finding(Subject.READERS, Verdict.PASS, "Ready.", about=name)


def check_cards() -> Iterator[Finding]:
    """What is in each slot, and whether one may be a professional's card. Raises what the service raises."""
    states = pcsc.slots()
    if all(state.content is Content.EMPTY for state in states):
        raise errors.NoCard
    for state in states:
        yield _judge(state)
    if {state.content for state in states} <= {Content.EMPTY, Content.VITALE}:
        detail = "Only a patient's card is in the reader."
        yield Finding(Subject.CARDS, Verdict.FAIL, detail, errors.WrongCard.remedy)


def _judge(state: pcsc.SlotState) -> Finding:
    match state.content:
        case Content.EMPTY:
            return Finding(Subject.CARDS, Verdict.NOT_APPLICABLE, "No card in this slot.", about=state.reader)
        case Content.MUTE:
            error = errors.MuteCard
            return Finding(Subject.CARDS, Verdict.FAIL, error.summary, error.remedy, state.reader)
        case Content.IN_USE:
            remedy = "Close the program that uses the card (a browser, an EHR), then check again."
            return Finding(Subject.CARDS, Verdict.WARN, "Another program holds the card.", remedy, state.reader)
        case _:
            kind = "Vitale card" if state.content is Content.VITALE else "A card that answers"
            detail = f"{kind} (answer to reset {state.answer_to_reset.hex(' ').upper()})."
            return Finding(Subject.CARDS, Verdict.PASS, detail, about=state.reader)
