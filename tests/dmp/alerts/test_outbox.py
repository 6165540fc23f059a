"""The outbox: at least once, in order for each recipient, tried again, given up, never by two at once."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from dmp.alerts import AnnouncedEntry, Announcement, BreakGlassOpened, DocumentsAdded, announce, outbox
from dmp.alerts.announcement import decode, encode
from dmp.alerts.outbox import Draft, Message, Retry
from dmp.audit.event import instant
from tests.dmp.alerts.conftest import Clock
from tests.dmp.alerts.people import AT, added, happens
from xds_registry.database import open_database

RETRY = Retry(attempts=3, first=timedelta(seconds=10), longest=timedelta(seconds=15), lease=timedelta(minutes=1))


class Everybody:
    """Sends every announcement to so many recipients; the content says which entry it was."""

    def __init__(self, *recipients: str, channel: str = "mail") -> None:
        self._recipients = recipients
        self._channel = channel

    def drafts(self, _connection: Connection, announcement: Announcement) -> Iterator[Draft]:
        assert isinstance(announcement, DocumentsAdded)
        for recipient in self._recipients:
            yield Draft(recipient, self._channel, announcement.entries[0].entry_uuid.removeprefix("urn:uuid:"))


def fill(engine: Engine, clock: Clock, messages: int, *recipients: str) -> None:
    """Have messages wait, numbered from 1 for each recipient."""
    happens(engine, *(added(number=number) for number in range(1, messages + 1)))
    outbox.spread(engine, [Everybody(*recipients)], at=clock())


def take(engine: Engine, clock: Clock) -> Message | None:
    return outbox.lease(engine, ["mail"], RETRY, at=clock())


def taken(engine: Engine, clock: Clock) -> Message:
    message = take(engine, clock)
    assert message is not None
    return message


_codes = st.text(max_size=20)
_entries = st.builds(AnnouncedEntry, _codes, _codes, _codes, st.frozensets(_codes, max_size=3))
_instants = st.integers(0, 2**51).map(instant)


@given(
    st.builds(BreakGlassOpened, _codes, _instants)
    | st.builds(
        DocumentsAdded, _codes, _instants, st.lists(_entries, max_size=3).map(tuple), _codes, st.just(("a", "b"))
    )
)
def test_an_announcement_is_read_as_it_was_written(announcement: Announcement) -> None:
    assert decode(encode(announcement)) == announcement


def test_what_is_rolled_back_was_never_announced(engine: Engine, clock: Clock) -> None:
    with engine.connect().execution_options(writes=True) as connection, connection.begin() as transaction:
        announce(connection, added())
        transaction.rollback()
    assert outbox.spread(engine, [Everybody("a")], at=clock()) == 0
    assert take(engine, clock) is None


def test_a_spread_that_dies_leaves_the_announcements_for_the_next_one(engine: Engine, clock: Clock) -> None:
    class Dying:
        def drafts(self, _connection: Connection, _announcement: Announcement) -> Iterator[Draft]:
            yield Draft("a", "mail", "1")
            raise KeyboardInterrupt

    happens(engine, added())
    with pytest.raises(KeyboardInterrupt):
        outbox.spread(engine, [Dying()], at=clock())
    assert take(engine, clock) is None
    assert outbox.spread(engine, [Everybody("a")], at=clock()) == 1
    assert taken(engine, clock).content == "1"


def test_more_announcements_than_a_batch_are_all_spread(engine: Engine, clock: Clock) -> None:
    happens(engine, *(added(number=number) for number in range(outbox.BATCH + 1)))
    assert outbox.spread(engine, [Everybody()], at=clock()) == outbox.BATCH + 1
    assert outbox.backlog(engine, at=clock()).announcements == 0


def test_messages_of_one_recipient_go_one_after_the_other(engine: Engine, clock: Clock) -> None:
    fill(engine, clock, 2, "a", "b")
    first, other = taken(engine, clock), taken(engine, clock)
    assert [(m.recipient, m.content) for m in (first, other)] == [("a", "1"), ("b", "1")]
    assert take(engine, clock) is None  # the second ones wait for the first ones
    assert outbox.sent(engine, first)
    assert taken(engine, clock).content == "2"


def test_a_message_that_was_not_sent_is_tried_later_and_later_and_holds_up_only_its_recipient(
    engine: Engine, clock: Clock
) -> None:
    fill(engine, clock, 2, "a", "b")
    first = taken(engine, clock)
    assert not outbox.failed(engine, first, RETRY, permanent=False, at=clock())
    assert outbox.sent(engine, taken(engine, clock))
    assert taken(engine, clock).recipient == "b"
    clock.advance(seconds=9)
    assert take(engine, clock) is None
    clock.advance(seconds=1)
    again = taken(engine, clock)
    assert (again.number, again.attempts) == (first.number, 1)
    outbox.failed(engine, again, RETRY, permanent=False, at=clock())
    clock.advance(seconds=14)
    assert take(engine, clock) is None
    clock.advance(seconds=1)  # not 20: never longer than the longest wait
    assert taken(engine, clock).number == first.number


@pytest.mark.parametrize("permanent", [False, True])
def test_a_message_that_is_given_up_lets_the_next_one_pass(engine: Engine, clock: Clock, permanent: bool) -> None:
    fill(engine, clock, 2, "a")
    for attempt in range(1, 2 if permanent else 4):
        dead = outbox.failed(engine, taken(engine, clock), RETRY, permanent=permanent, at=clock())
        assert dead is (permanent or attempt == 3)
        clock.advance(minutes=1)
    assert outbox.backlog(engine, at=clock()).dead == 1
    second = taken(engine, clock)
    assert second.content == "2"
    outbox.sent(engine, second)
    assert take(engine, clock) is None
    assert outbox.revive(engine, at=clock()) == 1
    assert (taken(engine, clock).content, outbox.revive(engine, at=clock())) == ("1", 0)


def test_a_lease_that_ends_gives_the_message_to_another_process(engine: Engine, clock: Clock) -> None:
    fill(engine, clock, 1, "a")
    killed = taken(engine, clock)
    clock.advance(seconds=59)
    assert take(engine, clock) is None
    clock.advance(seconds=1)
    second = taken(engine, clock)
    assert second.number == killed.number
    assert not outbox.sent(engine, killed)  # had it only been slow, the message would still be the other's
    outbox.failed(engine, killed, RETRY, permanent=True, at=clock())
    assert outbox.backlog(engine, at=clock()).dead == 0
    assert outbox.sent(engine, second)


def test_a_channel_that_is_not_configured_keeps_its_messages(engine: Engine, clock: Clock) -> None:
    happens(engine, added())
    outbox.spread(engine, [Everybody("a", channel="sms")], at=clock())
    assert take(engine, clock) is None
    assert outbox.backlog(engine, at=clock()).messages == 1


def test_the_backlog_tells_the_age_of_the_oldest(engine: Engine, clock: Clock) -> None:
    assert outbox.backlog(engine, at=clock()) == outbox.Backlog(0, 0, timedelta(0), 0)
    fill(engine, clock, 1, "a")
    happens(engine, added())
    clock.advance(minutes=5)
    assert outbox.backlog(engine, at=clock()) == outbox.Backlog(1, 1, clock() - AT, 0)


def test_several_processes_share_the_work_and_each_message_is_sent_once_in_order(engine: Engine, clock: Clock) -> None:
    recipients = [f"r{number}" for number in range(8)]
    happens(engine, *(added(number=number) for number in range(1, 16)))
    sent: dict[str, list[int]] = defaultdict(list)
    lock, troubles = threading.Lock(), list[BaseException]()

    def work() -> None:
        own = open_database(engine.url.render_as_string(hide_password=False))
        try:
            while True:
                outbox.spread(own, [Everybody(*recipients)], at=clock())
                message = take(own, clock)
                if message is None:
                    left = outbox.backlog(own, at=clock())
                    if left.messages == left.announcements == 0:
                        return
                    continue
                with lock:
                    sent[message.recipient].append(int(message.content))
                assert outbox.sent(own, message)
        except BaseException as error:
            troubles.append(error)
        finally:
            own.dispose()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert troubles == []
    assert sent == {recipient: list(range(1, 16)) for recipient in recipients}
