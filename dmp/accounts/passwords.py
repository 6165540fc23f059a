"""Passwords: made by the server, shown once, kept as a scrypt hash."""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

#: Letters and digits that are not taken for one another when they are read on paper.
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_LOGIN_LENGTH: Final = 10
_PASSWORD_LENGTH: Final = 16  # 79 bits
_SALT: Final = 16
#: A longer password is nobody's: it is not hashed.
_LONGEST: Final = 128
# 16 MiB for each try, so that many at once do not fill the memory. Nobody chooses these passwords: 79 random bits are
# out of reach of guessing whatever a try costs.
_N, _R, _P = 2**14, 8, 1


def new_login() -> str:
    """A login that tells nothing of whose it is."""
    return _random(_LOGIN_LENGTH)


def new_password() -> str:
    """A password that nobody has chosen."""
    return _random(_PASSWORD_LENGTH)


def hashed(password: str) -> bytes:
    """What is kept of a password: salt and hash."""
    salt = secrets.token_bytes(_SALT)
    return salt + _kdf(salt).derive(password.encode())


def is_right(password: str, kept: bytes | None) -> bool:
    """Whether it is the password; the same work without a `kept` one, for a login that is nobody's."""
    salt, expected = (kept[:_SALT], kept[_SALT:]) if kept is not None else (bytes(_SALT), bytes(32))
    try:
        _kdf(salt).verify(password[:_LONGEST].encode(), expected)
    except InvalidKey:
        return False
    return kept is not None and len(password) <= _LONGEST


def _kdf(salt: bytes) -> Scrypt:
    return Scrypt(salt=salt, length=32, n=_N, r=_R, p=_P)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
