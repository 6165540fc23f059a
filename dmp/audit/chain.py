"""The hash chain and its signatures: what makes a change of the trail show.

    hash(0) = SHA-256("feuillet audit chain 1" | shard)
    hash(n) = SHA-256(hash(n-1) | canonical bytes of event n)

The head of a chain (shard, n, hash(n)) is signed with the server's Ed25519 key (RFC 8032) whenever it moves: whoever
has the database alone can neither add, cut off nor rebuild.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_GENESIS: Final = b"feuillet audit chain 1"
_HEAD: Final = b"feuillet audit head 1"
_SHARD: Final = Struct(">I")
_PLACE: Final = Struct(">IQ")


class AuditKeyError(ValueError):
    """A key of the trail cannot be used. The message says what would be accepted."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain at some moment: `count` events, the last with `hash`."""

    shard: int
    count: int
    hash: bytes
    signature: bytes = b""


def genesis(shard: int) -> bytes:
    """The hash before the first event."""
    return sha256(_GENESIS + _SHARD.pack(shard)).digest()


def link(previous: bytes, content: bytes) -> bytes:
    """The hash of an event that follows one with the hash `previous`."""
    return sha256(previous + content).digest()


def signed(key: Ed25519PrivateKey, shard: int, count: int, hash_: bytes) -> bytes:
    """The signature of a head."""
    return key.sign(_HEAD + _PLACE.pack(shard, count) + hash_)


def is_signed(keys: tuple[Ed25519PublicKey, ...], head: Head) -> bool:
    """Whether one of the keys has signed a head."""
    message = _HEAD + _PLACE.pack(head.shard, head.count) + head.hash
    for key in keys:
        try:
            key.verify(head.signature, message)
        except InvalidSignature:
            continue
        return True
    return False


def make_key(file: Path) -> Ed25519PublicKey:
    """Write a new key (PKCS#8, PEM, mode 0600) to a file that is not there yet. Raises `OSError`."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(pem)
        opened.flush()
        os.fsync(opened.fileno())
    return key.public_key()


def load_key(file: Path) -> Ed25519PrivateKey:
    """The private key of a PEM file. Raises `AuditKeyError`."""
    expected = "expected an Ed25519 private key in PEM without password (`feuillet audit key FILE` makes one)"
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        raise AuditKeyError(expected) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise AuditKeyError(expected)
    return key


def load_public_key(file: Path) -> Ed25519PublicKey:
    """The public key of a PEM file. Raises `AuditKeyError`."""
    expected = f"{file}: expected an Ed25519 public key in PEM"
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (OSError, ValueError):
        raise AuditKeyError(expected) from None
    if not isinstance(key, Ed25519PublicKey):
        raise AuditKeyError(expected)
    return key


def public_pem(key: Ed25519PublicKey) -> str:
    """A public key as PEM."""
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()
