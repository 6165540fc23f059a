"""The PC/SC service, its readers and slots, and the cards in them."""

from __future__ import annotations

from collections.abc import Iterator

from card_auth import errors
from card_auth.readers import CardKind, Presence, Slot, kind_in, list_readers, list_slots
from card_auth.workstation.findings import Finding, Subject, Verdict


def check_pcsc_service() -> Iterator[Finding]:
    """Whether the service answers. Raises SupportMissing, ServiceUnavailable."""
    list_slots()
    yield Finding(Subject.PCSC_SERVICE, Verdict.PASS, "The service answers.")


def check_readers() -> Iterator[Finding]:
    """Every reader with its slots. Raises NoReader, SupportMissing, ServiceUnavailable."""
    readers = list_readers()
    if not readers:
        raise errors.NoReader
    for reader in readers:
        count = len(reader.slots)
        yield Finding(Subject.READERS, Verdict.PASS, f"{count} {'slot' if count == 1 else 'slots'}.", about=reader.name)
    if sum(len(reader.slots) for reader in readers) == 1:
        detail = "One slot takes one card at a time: the professional's and the patient's cannot both be in it."
        remedy = "To read Vitale cards while you are logged in, use a reader with two slots, or a second reader."
        yield Finding(Subject.READERS, Verdict.WARN, detail, remedy)


def check_cards() -> Iterator[Finding]:
    """What is in each slot, and whether one may be a professional's card.

    Raises NoCard, SupportMissing, ServiceUnavailable.
    """
    slots = list_slots()
    if all(slot.presence is Presence.EMPTY for slot in slots):
        raise errors.NoCard
    kinds = []
    for slot in slots:
        kind = kind_in(slot)
        kinds.append(kind)
        yield judge_slot(slot, kind)
    if CardKind.VITALE in kinds and all(kind in {None, CardKind.VITALE} for kind in kinds):
        detail = "Only a patient's card can be read here; the professional's is not."
        yield Finding(Subject.CARDS, Verdict.FAIL, detail, errors.WrongCard.remedy)


def judge_slot(slot: Slot, kind: CardKind | None) -> Finding:
    """What is in a slot, and what to do where that is no card that works."""
    if slot.presence is Presence.EMPTY:
        return Finding(Subject.CARDS, Verdict.NOT_APPLICABLE, "No card in this slot.", about=slot.name)
    if slot.held:
        error: type[errors.ReaderError] = errors.CardBusy
        return Finding(Subject.CARDS, Verdict.WARN, error.summary, error.remedy, slot.name)
    if slot.presence is Presence.MUTE or kind is None:
        error = errors.MuteCard
        return Finding(Subject.CARDS, Verdict.FAIL, error.summary, error.remedy, slot.name)
    answer = f"answer to reset {slot.atr.hex(' ').upper()}" if slot.atr else "without an answer to reset"
    if kind is CardKind.UNKNOWN:
        detail = f"A card of an unknown kind ({answer})."
        return Finding(Subject.CARDS, Verdict.WARN, detail, errors.WrongCard.remedy, slot.name)
    return Finding(Subject.CARDS, Verdict.PASS, f"{kind.value} card ({answer}).", about=slot.name)
