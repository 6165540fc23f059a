"""The kinds of values that settings are made of: each is checked as it is read, and says what would be accepted."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from schemas.datatypes import is_oid

_HIGHEST_PORT: Final = 65_535
_LONGEST_SOCKET_PATH: Final = 107


class Section(BaseModel):
    """A section of the configuration: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) <= _HIGHEST_PORT:
        raise ValueError("expected HOST:PORT, such as 0.0.0.0:8443 or [::1]:8443")
    return text


def loopback_address(text: str) -> str:
    """The same address, if only this machine can reach it. Raises ValueError."""
    host = _address(text).rpartition(":")[0].strip("[]")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError("expected a loopback address, such as 127.0.0.1:8080: this port asks for no certificate")
    return text


def _oid(text: str) -> str:
    if not is_oid(text):
        raise ValueError("expected an OID of at most 64 characters, such as 1.2.250.1.213.4.1.1.1.2")
    return text


def _home_community(text: str) -> str:
    if not text.startswith("urn:oid:") or not is_oid(text.removeprefix("urn:oid:")):
        raise ValueError("expected urn:oid: and an OID")
    return text


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("expected the path of a readable file")
    return path


def _socket_path(path: Path) -> Path:
    # sun_path of unix(7) holds 108 bytes with the terminating one
    if not path.is_absolute() or len(os.fsencode(path)) > _LONGEST_SOCKET_PATH or not path.parent.is_dir():
        raise ValueError("expected the absolute path of a Unix socket of at most 107 bytes, in an existing directory")
    return path


def _directory(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("expected the path of a directory")
    return path


def _fingerprint(text: str) -> str:
    plain = text.replace(":", "").lower()
    if len(plain) != 64 or not all(digit in "0123456789abcdef" for digit in plain):
        raise ValueError("expected the SHA-256 of a certificate: 64 hexadecimal digits, colons between them or not")
    return plain


def _database_url(secret: SecretStr) -> SecretStr:
    expected = "expected sqlite:////absolute/path or postgresql://user:password@host/database"
    try:
        url = make_url(secret.get_secret_value())
    except ArgumentError:
        raise ValueError(expected) from None
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ValueError(expected)
    if backend == "sqlite" and not Path(url.database or "").is_absolute():
        raise ValueError("expected an absolute path to a file for SQLite: sqlite:////absolute/path")
    return secret


Address = Annotated[str, AfterValidator(_address)]
LoopbackAddress = Annotated[str, AfterValidator(loopback_address)]
Oid = Annotated[str, AfterValidator(_oid)]
HomeCommunity = Annotated[str, AfterValidator(_home_community)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]
SocketPath = Annotated[Path, AfterValidator(_socket_path)]
Directory = Annotated[Path, AfterValidator(_directory)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
