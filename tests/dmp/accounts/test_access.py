"""An account's secrets are shown once; its channels are added, changed and suppressed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, Engine, select

from dmp import errors
from dmp.accounts import ChannelKind, OneTimeChannel
from dmp.accounts.access import (
    add_channel,
    change_channel,
    create_account,
    find_account,
    regenerate,
    suppress_channel,
)
from dmp.accounts.passwords import hashed, is_right
from dmp.records import ClosingReason
from dmp.records import tables as t
from dmp.records.changes import close
from tests.dmp.patients import DOCTOR, NOW, ins_c, opened
from xds_registry.database import writing

SMS = OneTimeChannel(ChannelKind.SMS, "0600000000")
MAIL = OneTimeChannel(ChannelKind.EMAIL, "jean@example.org")


@pytest.fixture
def record_pk(connection: Connection) -> int:
    return opened(connection).pk


def channels(connection: Connection, record_pk: int) -> tuple[OneTimeChannel, ...]:
    account = find_account(connection, record_pk)
    assert account is not None
    return account.channels


def test_an_account_has_login_password_and_channel(connection: Connection, record_pk: int) -> None:
    credentials = create_account(connection, record_pk, [SMS], at=NOW)
    account = find_account(connection, record_pk)
    assert account is not None
    assert (account.login, account.channels, account.created_at) == (credentials.login, (SMS,), NOW)


def test_a_patient_has_one_account(connection: Connection, record_pk: int) -> None:
    create_account(connection, record_pk, [SMS], at=NOW)
    with pytest.raises(errors.DMPPatientAccessAlreadyExists) as refusal:
        create_account(connection, record_pk, [MAIL], at=NOW)
    assert refusal.value.code == "DMPPatientAccessAlreadyExists"


def test_of_two_accounts_made_at_once_one_is_the_patients(law: Engine) -> None:
    with writing(law) as connection:
        record_pk = opened(connection).pk
    together = Barrier(4)

    def create_at_once(_: int) -> str:
        together.wait()
        try:
            with writing(law) as connection:
                create_account(connection, record_pk, [SMS], at=NOW)
        except errors.DMPPatientAccessAlreadyExists:
            return "exists"
        return "created"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(create_at_once, range(4))) == ["created", "exists", "exists", "exists"]


def test_no_secret_is_kept_or_shown(connection: Connection, record_pk: int) -> None:
    credentials = create_account(connection, record_pk, [SMS], at=NOW)
    kept = "".join(repr(tuple(row)) for table in t.metadata.sorted_tables for row in connection.execute(select(table)))
    assert credentials.password not in kept
    assert credentials.password not in repr(credentials)
    account = find_account(connection, record_pk)
    for secret in (credentials.login, SMS.address):
        assert secret not in repr(account)


def test_passwords_differ_and_each_is_salted() -> None:
    assert hashed("same") != hashed("same")
    assert is_right("same", hashed("same"))
    assert not is_right("other", hashed("same"))
    assert not is_right("same", None)
    assert not is_right("x" * 129, hashed("x" * 128))


def test_channels_come_and_go(connection: Connection, record_pk: int) -> None:
    create_account(connection, record_pk, [SMS], at=NOW)
    add_channel(connection, record_pk, MAIL, at=NOW)
    with pytest.raises(errors.DMPPatientAccessOTPAlreadyExists) as refusal:
        add_channel(connection, record_pk, MAIL, at=NOW)
    assert refusal.value.code == "DMPPatientAccessOTPAlreadyExists"
    change_channel(connection, record_pk, OneTimeChannel(ChannelKind.EMAIL, "j@example.net"), at=NOW)
    assert channels(connection, record_pk) == (OneTimeChannel(ChannelKind.EMAIL, "j@example.net"), SMS)
    suppress_channel(connection, record_pk, ChannelKind.SMS)
    assert channels(connection, record_pk) == (OneTimeChannel(ChannelKind.EMAIL, "j@example.net"),)
    for act in (
        lambda: suppress_channel(connection, record_pk, ChannelKind.SMS),
        lambda: change_channel(connection, record_pk, SMS, at=NOW),
    ):
        with pytest.raises(errors.DMPPatientAccessNotFound):
            act()


def test_regenerating_makes_the_old_secrets_void(connection: Connection, record_pk: int) -> None:
    old = create_account(connection, record_pk, [SMS], at=NOW)
    new = regenerate(connection, record_pk, at=NOW)
    assert (old.login, old.password) != (new.login, new.password)
    account = find_account(connection, record_pk)
    assert account is not None
    assert (account.login, account.renewed_at) == (new.login, NOW)
    kept = connection.execute(select(t.account.c.password)).scalar_one()
    assert is_right(new.password, kept)
    assert not is_right(old.password, kept)


@pytest.mark.parametrize(
    "act",
    [
        lambda connection, pk: add_channel(connection, pk, SMS, at=NOW),
        lambda connection, pk: regenerate(connection, pk, at=NOW),
    ],
    ids=["channel", "regenerate"],
)
def test_without_an_account_there_is_nothing_to_change(
    connection: Connection, record_pk: int, act: Callable[[Connection, int], None]
) -> None:
    with pytest.raises(errors.DMPPatientAccessNotFound):
        act(connection, record_pk)


def test_a_closed_record_gets_no_account(connection: Connection, record_pk: int) -> None:
    close(connection, ins_c(), reason=ClosingReason.PATIENT_REQUEST, by=DOCTOR, at=NOW)
    with pytest.raises(errors.DMPClosed):
        create_account(connection, record_pk, [SMS], at=NOW)


@pytest.mark.parametrize(
    ("channel", "kept"),
    [
        (OneTimeChannel(ChannelKind.SMS, "06 00.00-00 00"), "0600000000"),
        (OneTimeChannel(ChannelKind.SMS, "+33 (6) 00000000"), "+33600000000"),
        (OneTimeChannel(ChannelKind.EMAIL, " jean@example.org "), "jean@example.org"),
    ],
)
def test_an_address_is_kept_as_it_is_used(
    connection: Connection, record_pk: int, channel: OneTimeChannel, kept: str
) -> None:
    create_account(connection, record_pk, [channel], at=NOW)
    assert channels(connection, record_pk)[0].address == kept


@pytest.mark.parametrize(
    "given",
    [
        [],
        [SMS, SMS],
        [OneTimeChannel(ChannelKind.SMS, "jean@example.org")],
        [OneTimeChannel(ChannelKind.SMS, "")],
        [OneTimeChannel(ChannelKind.SMS, "٠٦٠٠٠٠٠٠٠٠")],
        [OneTimeChannel(ChannelKind.EMAIL, "0600000000")],
        [OneTimeChannel(ChannelKind.EMAIL, "a@b.fr\r\nBcc: c@d.fr")],
        [OneTimeChannel(ChannelKind.EMAIL, "a@b.fr, c@d.fr")],
        [OneTimeChannel(ChannelKind.EMAIL, "@example.org")],
    ],
)
def test_what_is_no_number_or_address_is_refused(
    connection: Connection, record_pk: int, given: list[OneTimeChannel]
) -> None:
    with pytest.raises(errors.DMPInvalidRequest):
        create_account(connection, record_pk, given, at=NOW)
    assert find_account(connection, record_pk) is None
