"""A one-time code is right once, for one session and purpose, within minutes; nobody learns who has an account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select

from dmp import errors
from dmp.accounts import Challenge, ChannelKind, CodeRules, Credentials, OneTimeChannel, Purpose
from dmp.accounts.access import change_channel, create_account, regenerate, suppress_channel
from dmp.accounts.codes import redeem, send_code, sign_in
from dmp.records import ClosingReason
from dmp.records import tables as t
from dmp.records.changes import close
from tests.dmp.patients import DOCTOR, NOW, Clock, ins_c, opened
from tests.services.channel import RecordingChannel
from xds_registry.database import writing

RULES = CodeRules()
SMS = OneTimeChannel(ChannelKind.SMS, "0600000000")
SESSION = "a session's secret"


@pytest.fixture
def record_pk(connection: Connection) -> int:
    return opened(connection).pk


@pytest.fixture
def credentials(connection: Connection, record_pk: int) -> Credentials:
    return create_account(connection, record_pk, [SMS], at=NOW)


@pytest.fixture
def phone() -> RecordingChannel:
    return RecordingChannel()


def ask(
    connection: Connection, credentials: Credentials, phone: RecordingChannel | None = None, **changes: Any
) -> Challenge:
    """Sign in, and have what is sent delivered."""
    values: dict[str, Any] = {"session": SESSION, "address": "192.0.2.1", "at": NOW, "rules": RULES}
    values |= changes
    kind = values.pop("kind", ChannelKind.SMS)
    challenge = sign_in(connection, credentials.login, credentials.password, kind, **values)
    if challenge.message is not None and phone is not None:
        phone.send(challenge.message)
    return challenge


def use(connection: Connection, code: str, **changes: Any) -> int | None:
    values: dict[str, Any] = {"session": SESSION, "at": NOW, "rules": RULES}
    values |= changes
    return redeem(connection, code, values.pop("purpose", Purpose.SIGN_IN), **values)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_right_code_opens_the_account_once(
    connection: Connection, credentials: Credentials, phone: RecordingChannel
) -> None:
    ask(connection, credentials, phone)
    (message,) = phone.sent
    assert (message.kind, message.address, message.expires_at) == (
        ChannelKind.SMS,
        "0600000000",
        NOW + timedelta(minutes=5),
    )
    assert len(message.code) == 6
    assert message.code.isdecimal()
    assert use(connection, message.code) == connection.execute(select(t.account.c.pk)).scalar_one()
    assert use(connection, message.code) is None


def test_of_two_uses_at_once_one_is_right(law: Engine, phone: RecordingChannel) -> None:
    with writing(law) as connection:
        credentials = create_account(connection, opened(connection).pk, [SMS], at=NOW)
        ask(connection, credentials, phone)
    together = Barrier(4)

    def use_at_once(_: int) -> bool:
        together.wait()
        with writing(law) as connection:
            return use(connection, phone.last_code) is not None

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use_at_once, range(4))) == [False, False, False, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"session": "another session"},
        {"purpose": Purpose.CHANGE_CHANNEL},
        {"at": NOW + timedelta(minutes=5)},
    ],
    ids=["session", "purpose", "time"],
)
def test_a_code_is_for_one_session_one_purpose_and_five_minutes(
    connection: Connection, credentials: Credentials, phone: RecordingChannel, changes: dict[str, Any]
) -> None:
    ask(connection, credentials, phone)
    assert use(connection, phone.last_code, **changes) is None


def test_the_sixth_try_is_never_right(
    connection: Connection, credentials: Credentials, phone: RecordingChannel
) -> None:
    ask(connection, credentials, phone)
    for _ in range(5):
        assert use(connection, wrong(phone.last_code)) is None
    assert use(connection, phone.last_code) is None


def test_the_fifth_try_may_be(connection: Connection, credentials: Credentials, phone: RecordingChannel) -> None:
    ask(connection, credentials, phone)
    for _ in range(4):
        use(connection, wrong(phone.last_code))
    assert use(connection, phone.last_code) is not None


def test_a_new_code_takes_the_place_of_the_one_before(
    connection: Connection, credentials: Credentials, phone: RecordingChannel
) -> None:
    for _ in range(2):
        ask(connection, credentials, phone)
    first, second = (message.code for message in phone.sent)
    assert first == second or use(connection, first) is None
    assert use(connection, second) is not None


@pytest.mark.parametrize("change", ["regenerate", "change", "suppress"])
def test_codes_on_their_way_are_void_when_the_account_changes(
    connection: Connection, record_pk: int, credentials: Credentials, phone: RecordingChannel, change: str
) -> None:
    ask(connection, credentials, phone)
    if change == "regenerate":
        regenerate(connection, record_pk, at=NOW)
    elif change == "change":
        change_channel(connection, record_pk, OneTimeChannel(ChannelKind.SMS, "0700000000"), at=NOW)
    else:
        suppress_channel(connection, record_pk, ChannelKind.SMS)
    assert use(connection, phone.last_code) is None


@pytest.mark.parametrize("what", ["login", "password", "channel", "closed"])
def test_nobody_learns_whether_an_account_exists(
    connection: Connection, credentials: Credentials, phone: RecordingChannel, what: str
) -> None:
    right = ask(connection, credentials)
    if what == "closed":
        close(connection, ins_c(), reason=ClosingReason.DEATH, by=DOCTOR, at=NOW)
    given = {
        "login": replace(credentials, login="nobody"),
        "password": replace(credentials, password="wrong"),
    }.get(what, credentials)
    kind = ChannelKind.EMAIL if what == "channel" else ChannelKind.SMS
    answer = ask(connection, given, phone, kind=kind)
    assert phone.sent == []
    assert answer == replace(right, message=None)
    assert use(connection, "000000") is None
    rows = connection.execute(select(t.one_time_code)).all()
    assert len(rows) == 1  # a decoy stands where a code would
    assert rows[0].tries_left == 4


def test_a_login_is_known_however_it_is_typed(
    connection: Connection, credentials: Credentials, phone: RecordingChannel
) -> None:
    ask(connection, replace(credentials, login=f" {credentials.login.upper()}\0"), phone)
    assert use(connection, phone.last_code) is not None


@pytest.mark.parametrize("exists", [True, False])
def test_codes_are_asked_for_ten_times_an_hour_for_one_account(
    connection: Connection, credentials: Credentials, exists: bool
) -> None:
    given = credentials if exists else replace(credentials, login="nobody")
    for number in range(10):
        ask(connection, given, address=f"192.0.2.{number}", at=NOW + timedelta(minutes=number))
    with pytest.raises(errors.TooManyAttempts):
        ask(connection, given, address="192.0.2.99", at=NOW + timedelta(minutes=59))
    ask(connection, given, address="192.0.2.99", at=NOW + timedelta(minutes=60))


def test_codes_are_asked_for_ten_times_an_hour_from_one_address(
    connection: Connection, credentials: Credentials
) -> None:
    for number in range(10):
        ask(connection, replace(credentials, login=f"nobody{number}"))
    with pytest.raises(errors.TooManyAttempts):
        ask(connection, credentials)
    ask(connection, credentials, address="192.0.2.2")


def test_a_guesser_has_ten_tries_a_day_for_one_account(
    connection: Connection, credentials: Credentials, phone: RecordingChannel, clock: Clock
) -> None:
    opened_by_guessing = 0
    for number in range(24):  # each hour a new code from a new session
        clock.now = NOW + timedelta(hours=number)
        session = f"session {number}"
        ask(connection, credentials, phone, session=session, at=clock.now)
        if number < 2:
            for _ in range(5):
                assert use(connection, wrong(phone.last_code), session=session, at=clock.now) is None
        else:
            opened_by_guessing += use(connection, phone.last_code, session=session, at=clock.now) is not None
    assert opened_by_guessing == 0
    clock.now = NOW + timedelta(hours=26)
    ask(connection, credentials, phone, at=clock.now)
    assert use(connection, phone.last_code, at=clock.now) is not None


def test_other_purposes_want_no_password_but_signing_in_does(
    connection: Connection, credentials: Credentials, phone: RecordingChannel
) -> None:
    arguments: dict[str, Any] = {"session": SESSION, "address": "192.0.2.1", "at": NOW, "rules": RULES}
    with pytest.raises(ValueError, match="password"):
        send_code(connection, credentials.login, ChannelKind.SMS, Purpose.SIGN_IN, **arguments)
    challenge = send_code(connection, credentials.login, ChannelKind.SMS, Purpose.RESET_PASSWORD, **arguments)
    assert challenge.message is not None
    assert use(connection, challenge.message.code) is None
    assert use(connection, challenge.message.code, purpose=Purpose.RESET_PASSWORD) is not None


def test_neither_code_nor_session_nor_login_nor_address_is_kept_in_clear(
    connection: Connection, credentials: Credentials, phone: RecordingChannel
) -> None:
    ask(connection, credentials, phone)
    use(connection, wrong(phone.last_code))
    kept = [
        value
        for table in (t.one_time_code, t.access_attempt)
        for row in connection.execute(select(table))
        for value in row
    ]
    for secret in (phone.last_code, SESSION, credentials.login, "192.0.2.1"):
        assert secret not in "".join(str(value) for value in kept)
    assert phone.last_code not in repr(phone.sent)


def test_what_no_window_reaches_is_forgotten(connection: Connection, credentials: Credentials) -> None:
    ask(connection, credentials)
    ask(connection, credentials, at=NOW + timedelta(days=1), session="another")
    assert len(connection.execute(select(t.access_attempt)).all()) == 2
    assert len(connection.execute(select(t.one_time_code)).all()) == 1
