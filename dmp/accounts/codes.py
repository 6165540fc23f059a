"""One-time codes: asked for, sent, and redeemed once.

A code belongs to one session and one purpose. What is kept of it is keyed with the session's secret, which only the
browser has: who reads the table cannot find the code out. A login that is nobody's is answered as any, and costs the
same: a decoy takes the code's place.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from dmp.accounts import attempts
from dmp.accounts.account import Challenge, ChannelKind, CodeRules, OneTimeMessage, Purpose
from dmp.accounts.attempts import AttemptKind
from dmp.accounts.passwords import is_right
from dmp.records import tables as t
from dmp.records.record import RecordStatus

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_DIGITS: Final = 6
_SALT: Final = 16
_LONGEST_LOGIN: Final = 64


def sign_in(
    connection: Connection,
    login: str,
    password: str,
    kind: ChannelKind,
    *,
    session: str,
    address: str,
    at: datetime,
    rules: CodeRules,
) -> Challenge:
    """Take login and password, and send the code that completes them through one of the account's channels.

    `session` is the secret of the browser's session, `address` the network address of whoever asks. The answer is the
    same whether login and password are right. Raises `TooManyAttempts`, as much for logins that are nobody's.
    """
    _admit(connection, login, address, at, rules)
    account = _account(connection, login)
    right = is_right(password, None if account is None else account[1])
    return _issue(connection, account if right else None, kind, Purpose.SIGN_IN, session=session, at=at, rules=rules)


def send_code(
    connection: Connection,
    login: str,
    kind: ChannelKind,
    purpose: Purpose,
    *,
    session: str,
    address: str,
    at: datetime,
    rules: CodeRules,
) -> Challenge:
    """Send a code for anything but signing in, which wants the password too. As `sign_in` otherwise."""
    if purpose is Purpose.SIGN_IN:
        raise ValueError("signing in wants the password too")
    _admit(connection, login, address, at, rules)
    return _issue(connection, _account(connection, login), kind, purpose, session=session, at=at, rules=rules)


def redeem(
    connection: Connection, code: str, purpose: Purpose, *, session: str, at: datetime, rules: CodeRules
) -> int | None:
    """The account (`Account.pk`) that a right code opens, once; None for a wrong, old or used one.

    Commit either way: a wrong code is counted. After too many for one account in a day no code is right.
    """
    table = t.one_time_code
    row = connection.execute(
        update(table)
        .where(
            table.c.session == _session(session),
            table.c.purpose == purpose.value,
            table.c.tries_left > 0,
            table.c.expires_at > at,
        )
        .values(tries_left=table.c.tries_left - 1)
        .returning(*table.c)
    ).first()
    salt, expected = (row.salt, row.hash) if row is not None else (bytes(_SALT), bytes(32))
    right = hmac.compare_digest(_keyed(session, salt, purpose, code), expected)
    if row is None or row.account_pk is None:
        return None
    subject = str(row.account_pk)
    attempts.alone(connection, AttemptKind.WRONG_CODE, subject)
    wrong = attempts.count(connection, AttemptKind.WRONG_CODE, subject, window=_DAY, at=at)
    if not right:
        attempts.note(connection, AttemptKind.WRONG_CODE, subject, at)
        return None
    used = connection.execute(delete(table).where(table.c.pk == row.pk)).rowcount
    if not used or wrong >= rules.daily_wrong_codes:
        return None
    return int(row.account_pk)


def _admit(connection: Connection, login: str, address: str, at: datetime, rules: CodeRules) -> None:
    attempts.admit(
        connection,
        AttemptKind.CODE_FOR_ACCOUNT,
        _normal(login),
        most=rules.hourly_per_account,
        window=_HOUR,
        at=at,
    )
    attempts.admit(
        connection,
        AttemptKind.CODE_FOR_ADDRESS,
        address,
        most=rules.hourly_per_address,
        window=_HOUR,
        at=at,
    )


def _account(connection: Connection, login: str) -> tuple[int, bytes] | None:
    """The account of a login and its password's hash, if its record is active."""
    row = connection.execute(
        select(t.account.c.pk, t.account.c.password)
        .join(t.record, t.record.c.pk == t.account.c.record_pk)
        .where(t.account.c.login == _normal(login), t.record.c.status == int(RecordStatus.ACTIVE))
    ).first()
    return None if row is None else (row.pk, row.password)


def _normal(login: str) -> str:
    """A login as it is kept, however it was typed."""
    return login.strip().lower().replace("\0", "")[:_LONGEST_LOGIN]


def _issue(
    connection: Connection,
    account: tuple[int, bytes] | None,
    kind: ChannelKind,
    purpose: Purpose,
    *,
    session: str,
    at: datetime,
    rules: CodeRules,
) -> Challenge:
    """Put a code in the place of the session's last one for this purpose, or a decoy that no code opens."""
    account_pk = None if account is None else account[0]
    channels = t.account_channel
    destination = connection.execute(
        select(channels.c.address).where(channels.c.account_pk == account_pk, channels.c.kind == kind.value)
    ).scalar_one_or_none()
    code, salt = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}", secrets.token_bytes(_SALT)
    digest, decoy = _keyed(session, salt, purpose, code), secrets.token_bytes(32)
    real = destination is not None
    table = t.one_time_code
    expires_at = at + rules.lifetime
    connection.execute(delete(table).where(table.c.expires_at <= at))
    connection.execute(delete(table).where(table.c.session == _session(session), table.c.purpose == purpose.value))
    connection.execute(
        insert(table).values(
            account_pk=account_pk if real else None,
            session=_session(session),
            purpose=purpose.value,
            hash=digest if real else decoy,
            salt=salt,
            expires_at=expires_at,
            tries_left=rules.tries,
        )
    )
    message = OneTimeMessage(kind, destination, code, purpose, expires_at) if destination is not None else None
    return Challenge(purpose=purpose, expires_at=expires_at, message=message)


def _session(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()


def _keyed(session: str, salt: bytes, purpose: Purpose, code: str) -> bytes:
    return hmac.digest(session.encode(), salt + purpose.value.encode() + b"\0" + code.encode(), "sha256")
