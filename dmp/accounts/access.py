"""A patient's internet account, as professionals set it up with the patient (TD1.5a, TD1.5b, TD1.5d)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from dmp.accounts.account import Account, ChannelKind, Credentials, OneTimeChannel
from dmp.accounts.passwords import hashed, new_login, new_password
from dmp.errors import (
    DMPInvalidRequest,
    DMPPatientAccessAlreadyExists,
    DMPPatientAccessNotFound,
    DMPPatientAccessOTPAlreadyExists,
)
from dmp.records import tables as t
from dmp.records.find import require_active

_MOBILE: Final = re.compile(r"\+?[0-9]{6,15}", re.ASCII)
_SEPARATORS: Final = str.maketrans("", "", " .-/()\N{NO-BREAK SPACE}")
_MAIL: Final = re.compile(r"[^@\s\x00-\x1f<>,;:\"\\]{1,64}@[^@\s\x00-\x1f<>,;:\"\\]{1,189}\.[^@\s.]{2,63}")


def create_account(
    connection: Connection, record_pk: int, channels: Sequence[OneTimeChannel], *, at: datetime
) -> Credentials:
    """Open an account with at least one channel; login and password, for the patient's secrets sheet only.

    Raises `DMPPatientAccessAlreadyExists`, `DMPInvalidRequest` for a number or an address that is none, `DMPNotFound`,
    `DMPClosed`.
    """
    require_active(connection, record_pk)
    checked = {channel.kind: _checked(channel) for channel in channels}
    if not checked or len(checked) != len(channels):
        raise DMPInvalidRequest("An account needs a channel for one-time codes, and one at most of each kind.")
    credentials = Credentials(new_login(), new_password())
    try:
        with connection.begin_nested():
            account_pk = connection.execute(
                insert(t.account)
                .values(
                    record_pk=record_pk,
                    login=credentials.login,
                    password=hashed(credentials.password),
                    created_at=at,
                )
                .returning(t.account.c.pk)
            ).scalar_one()
    except IntegrityError:
        raise DMPPatientAccessAlreadyExists from None
    for channel in checked.values():
        _add(connection, account_pk, channel, at)
    return credentials


def find_account(connection: Connection, record_pk: int) -> Account | None:
    """The account of a record's patient."""
    row = connection.execute(select(t.account).where(t.account.c.record_pk == record_pk)).first()
    if row is None:
        return None
    channels = connection.execute(
        select(t.account_channel).where(t.account_channel.c.account_pk == row.pk).order_by(t.account_channel.c.kind)
    )
    return Account(
        pk=row.pk,
        record_pk=row.record_pk,
        login=row.login,
        channels=tuple(OneTimeChannel(ChannelKind(found.kind), found.address) for found in channels),
        created_at=row.created_at,
        renewed_at=row.renewed_at,
    )


def add_channel(connection: Connection, record_pk: int, channel: OneTimeChannel, *, at: datetime) -> None:
    """Add a channel (action AJOUT). Raises `DMPPatientAccessNotFound`, `DMPPatientAccessOTPAlreadyExists`."""
    account = _account(connection, record_pk)
    checked = _checked(channel)
    try:
        with connection.begin_nested():
            _add(connection, account.pk, checked, at)
    except IntegrityError:
        raise DMPPatientAccessOTPAlreadyExists from None


def change_channel(connection: Connection, record_pk: int, channel: OneTimeChannel, *, at: datetime) -> None:
    """Change the address of a channel (action MODIFICATION); codes on their way are void.

    Raises `DMPPatientAccessNotFound`, `DMPInvalidRequest`.
    """
    account = _account(connection, record_pk)
    checked = _checked(channel)
    table = t.account_channel
    changed = connection.execute(
        update(table)
        .where(table.c.account_pk == account.pk, table.c.kind == channel.kind.value)
        .values(address=checked.address, added_at=at)
    )
    if not changed.rowcount:
        raise DMPPatientAccessNotFound
    _void_codes(connection, account.pk)


def suppress_channel(connection: Connection, record_pk: int, kind: ChannelKind) -> None:
    """Remove a channel (action SUPPRESSION); codes on their way are void. Raises `DMPPatientAccessNotFound`."""
    account = _account(connection, record_pk)
    table = t.account_channel
    gone = connection.execute(delete(table).where(table.c.account_pk == account.pk, table.c.kind == kind.value))
    if not gone.rowcount:
        raise DMPPatientAccessNotFound
    _void_codes(connection, account.pk)


def regenerate(connection: Connection, record_pk: int, *, at: datetime) -> Credentials:
    """A new login and password, for a new secrets sheet: the ones before open nothing any more.

    Raises `DMPPatientAccessNotFound`, `DMPNotFound`, `DMPClosed`.
    """
    account = _account(connection, record_pk)
    credentials = Credentials(new_login(), new_password())
    connection.execute(
        update(t.account)
        .where(t.account.c.pk == account.pk)
        .values(login=credentials.login, password=hashed(credentials.password), renewed_at=at)
    )
    _void_codes(connection, account.pk)
    return credentials


def _account(connection: Connection, record_pk: int) -> Row[Any]:
    require_active(connection, record_pk)
    row = connection.execute(select(t.account).where(t.account.c.record_pk == record_pk)).first()
    if row is None:
        raise DMPPatientAccessNotFound
    return row


def _add(connection: Connection, account_pk: int, channel: OneTimeChannel, at: datetime) -> None:
    connection.execute(
        insert(t.account_channel).values(
            account_pk=account_pk, kind=channel.kind.value, address=channel.address, added_at=at
        )
    )


def _void_codes(connection: Connection, account_pk: int) -> None:
    connection.execute(delete(t.one_time_code).where(t.one_time_code.c.account_pk == account_pk))


def _checked(channel: OneTimeChannel) -> OneTimeChannel:
    """The channel with its address as it is kept."""
    if channel.kind is ChannelKind.SMS:
        address = channel.address.translate(_SEPARATORS)
        fits = _MOBILE.fullmatch(address)
    else:
        address = channel.address.strip()
        fits = _MAIL.fullmatch(address)
    if not fits:
        raise DMPInvalidRequest("A channel is a mobile number or a mail address.")
    return OneTimeChannel(channel.kind, address)
