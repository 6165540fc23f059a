"""Readers and cards through pyscard and a real pcscd with a virtual reader of two slots."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from card_auth import errors
from card_auth.readers import (
    CardEvent,
    CardKind,
    EventKind,
    OpenVitaleReader,
    Presence,
    connect,
    find_card,
    kind_in,
    list_readers,
    list_slots,
    tries_left,
    verify_pin,
    watch,
)
from card_auth.readers import connection as connection_module
from tests.services.pcscd import SLOTS, Pcscd, eventually
from tests.services.virtual_cards import (
    UNLISTED_ATR,
    VITALE_ATR,
    ScriptedCard,
    VirtualCard,
    cps_card,
    person,
    vitale_card,
    vitale_files,
)

NIR = "150081505104018"
HOLDER = person("MARTIN", "Jean", "19500801", NIR)
CHILD = person("MARTIN", "Léa", "20100230")  # of the general regime: no number of her own


def test_a_reader_with_two_slots_is_one_reader(pcscd: Pcscd) -> None:
    (reader,) = list_readers()
    assert [(slot.name, slot.number, slot.presence) for slot in reader.slots] == [
        (SLOTS[0], 0, Presence.EMPTY),
        (SLOTS[1], 1, Presence.EMPTY),
    ]


@pytest.mark.parametrize("cps_slot", [0, 1])
def test_each_card_is_found_in_whichever_slot_it_is(pcscd: Pcscd, cps_slot: int) -> None:
    pcscd.insert(cps_card(), cps_slot)
    pcscd.insert(vitale_card(HOLDER), 1 - cps_slot)
    assert find_card(CardKind.CPS).number == cps_slot
    assert find_card(CardKind.VITALE).number == 1 - cps_slot


def test_a_card_whose_answer_to_reset_is_unknown_is_known_by_its_applications(pcscd: Pcscd) -> None:
    pcscd.insert(cps_card(atr=UNLISTED_ATR), 0)
    pcscd.insert(vitale_card(HOLDER, atr=UNLISTED_ATR), 1)
    assert [kind_in(slot) for slot in list_slots()] == [CardKind.CPS, CardKind.VITALE]
    pcscd.remove_all()
    pcscd.insert(VirtualCard(UNLISTED_ATR, {}), 0)
    assert [kind_in(slot) for slot in list_slots()] == [CardKind.UNKNOWN, None]


def test_the_persons_of_a_vitale_card_are_read(pcscd: Pcscd) -> None:
    pcscd.insert(vitale_card(HOLDER, CHILD), 1)
    card = OpenVitaleReader().read()
    assert [(one.family_name, one.given_name, one.birth_date, one.is_holder) for one in card.beneficiaries] == [
        ("MARTIN", "Jean", "19500801", True),
        ("MARTIN", "Léa", "20100230", False),
    ]
    assert str(card.holder.nir) == NIR
    assert str(card.holder.ins_c()) == "1541187387477485562488"
    assert card.serial == "8025000001123456789"
    with pytest.raises(errors.CardUnreadable, match="no NIR"):
        card.beneficiaries[1].ins_c()


def test_a_file_of_several_steps_is_read_whole(pcscd: Pcscd) -> None:
    people = [person(f"MARTIN{number}", "Jean", "19500801", NIR) for number in range(16)]
    pcscd.insert(vitale_card(*people), 0)
    assert [one.family_name for one in OpenVitaleReader().read().beneficiaries] == [one[0x80] for one in people]


def test_what_is_missing_is_said(pcscd: Pcscd) -> None:
    with pytest.raises(errors.NoCard):
        find_card(CardKind.VITALE)
    with pytest.raises(errors.NoCard), connect(SLOTS[0]):
        pass
    pcscd.insert(cps_card(), 0)
    with pytest.raises(errors.WrongCard):
        find_card(CardKind.VITALE)
    with pytest.raises(errors.WrongCard):
        OpenVitaleReader().read(list_slots()[0])
    with pytest.raises(errors.NoReader), connect("No such reader"):
        pass


def test_a_card_whose_answer_to_reset_makes_no_sense_is_mute(pcscd: Pcscd) -> None:
    pcscd.insert(VirtualCard(b"\xff\xff\xff", {}), 0)
    with pytest.raises(errors.MuteCard), connect(SLOTS[0]):
        pass


def test_a_card_pulled_out_while_it_is_read_is_said_so(pcscd: Pcscd) -> None:
    files = vitale_card(HOLDER).files

    class Leaving(VirtualCard):
        def answer(self, command: bytes) -> bytes | None:
            return None if command[1] == 0xB0 else super().answer(command)

    pcscd.insert(Leaving(VITALE_ATR, files), 0)
    with pytest.raises(errors.CardPulledOut):
        OpenVitaleReader().read()


def test_wrong_pins_are_counted_until_the_card_is_blocked(pcscd: Pcscd) -> None:
    card = cps_card(pin="4321")
    pcscd.insert(card, 0)
    with connect(find_card(CardKind.CPS)) as connection:
        assert tries_left(connection) == 3
        for left in (2, 1):
            with pytest.raises(errors.PinIncorrect) as refused:
                verify_pin(connection, "0000")
            assert refused.value.tries_left == left == tries_left(connection)
        verify_pin(connection, "4321")
        assert tries_left(connection) == 3  # the right one gives the tries back
        card.tries = 1
        for pin in ("0000", "4321"):
            with pytest.raises(errors.PinBlocked):
                verify_pin(connection, pin)
        assert tries_left(connection) == 0


@pytest.mark.parametrize(
    ("pin", "refusal"), [("", errors.PinMissing), ("12", errors.PinMalformed), ("12a4", errors.PinMalformed)]
)
def test_what_cannot_be_a_pin_costs_no_try(pcscd: Pcscd, pin: str, refusal: type[errors.PinError]) -> None:
    card = cps_card()
    pcscd.insert(card, 0)
    with connect(SLOTS[0]) as connection, pytest.raises(refusal):
        verify_pin(connection, pin)
    assert [command for command in card.commands if command[1] == 0x20] == []


@pytest.mark.parametrize(
    "answer",
    [b"\x61\x00", b"\x61\x10", bytes(255) + b"\x61\xff", b"\x90", bytes(200) + b"\x90\x00"],
    ids=["endless without data", "endless", "endless with data", "one octet", "zeros"],
)
def test_a_card_that_lies_is_unreadable_and_holds_nobody_up(pcscd: Pcscd, answer: bytes) -> None:
    pcscd.insert(ScriptedCard(VITALE_ATR, lambda command: answer), 0)
    with pytest.raises(errors.CardUnreadable):
        OpenVitaleReader().read()


def test_a_card_cannot_lead_on_for_ever(pcscd: Pcscd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_MOST_COMMANDS", 5)
    pcscd.insert(ScriptedCard(VITALE_ATR, lambda command: bytes(command[4] or 256) + b"\x90\x00"), 0)
    with connect(SLOTS[0]) as connection, pytest.raises(errors.CardUnreadable, match="leads on"):
        connection.read_binary()


def test_a_directory_that_is_damaged_is_unreadable(pcscd: Pcscd) -> None:
    files = {name: dict(content) for name, content in vitale_files(b"\x65\x84\xff\xff\xff\xff").items()}
    pcscd.insert(VirtualCard(VITALE_ATR, files), 0)
    with pytest.raises(errors.CardUnreadable):
        OpenVitaleReader().read()


@contextmanager
def watching() -> Iterator[list[CardEvent]]:
    """The events, as they come in another thread."""
    seen: list[CardEvent] = []
    stop = threading.Event()
    thread = threading.Thread(target=lambda: seen.extend(iter_into(seen, stop)))
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def iter_into(seen: list[CardEvent], stop: threading.Event) -> list[CardEvent]:
    for event in watch(stop=stop):
        seen.append(event)
    return []


def kinds(seen: list[CardEvent]) -> list[EventKind]:
    return [event.kind for event in seen]


def test_insertions_and_removals_are_seen(pcscd: Pcscd) -> None:
    with watching() as seen:
        eventually(lambda: kinds(seen), lambda found: found == [EventKind.READER_CONNECTED] * 2)
        card = pcscd.insert(vitale_card(HOLDER), 1)
        eventually(lambda: kinds(seen), lambda found: found[2:] == [EventKind.CARD_INSERTED])
        pcscd.remove(card)
        eventually(lambda: kinds(seen), lambda found: found[3:] == [EventKind.CARD_REMOVED])
    assert [event.slot.name for event in seen[2:] if event.slot] == [SLOTS[1]] * 2


def test_a_service_that_stops_and_starts_is_survived(pcscd: Pcscd) -> None:
    with watching() as seen:
        eventually(lambda: kinds(seen), lambda found: len(found) == 2)
        pcscd.stop()
        eventually(lambda: kinds(seen), lambda found: found[-1:] == [EventKind.SERVICE_LOST])
        with pytest.raises(errors.ServiceUnavailable):
            list_slots()
        pcscd.start()
        eventually(lambda: kinds(seen), lambda found: EventKind.SERVICE_FOUND in found)
        pcscd.insert(cps_card(), 0)
        eventually(lambda: kinds(seen), lambda found: found[-1:] == [EventKind.CARD_INSERTED])


def test_watching_ends_after_its_time(pcscd: Pcscd) -> None:
    assert kinds(list(watch(seconds=1))) == [EventKind.READER_CONNECTED] * 2
