"""One revocation list (RFC 5280: 5): read, proved to be its authority's, asked about a serial number."""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from card_auth import der
from card_auth.certificates import (
    EXT_AUTHORITY_KEY_ID,
    Certificate,
    Extension,
    KeyUsage,
    authority_key_id,
    read_extensions,
    signature_algorithm,
)
from card_auth.names import CanonicalName, Name
from card_auth.trust.algorithms import AlgorithmPolicy, refusal_of_signature

LARGEST: Final = 64 * 1024 * 1024  # octets of one list
_PEM: Final = re.compile(rb"-----BEGIN X509 CRL-----\s([A-Za-z0-9+/=\s]+)-----END X509 CRL-----")
_EXT_NUMBER: Final = "2.5.29.20"
_EXT_REASON: Final = "2.5.29.21"
_EXT_DELTA: Final = "2.5.29.27"
_EXT_DISTRIBUTION_POINT: Final = "2.5.29.28"
_UNDERSTOOD: Final = frozenset({_EXT_NUMBER, _EXT_DELTA, _EXT_DISTRIBUTION_POINT, EXT_AUTHORITY_KEY_ID})
_UNDERSTOOD_OF_ENTRIES: Final = frozenset({_EXT_REASON, "2.5.29.24"})  # and invalidityDate
_REMOVED: Final = 8  # removeFromCRL


class ListRefused(Exception):
    """A revocation list that does not count; the message says why and never repeats the list."""


@dataclass(frozen=True, slots=True)
class RevocationList:
    """What an authority has revoked, as of `this_update`. A delta says what changed since the list number `base`."""

    authority: str  # fingerprint of the authority whose signature was proved
    digest: str  # SHA-256 of the file, hex
    this_update: datetime.datetime
    next_update: datetime.datetime
    number: int | None
    base: int | None  # None: a complete list
    only_holders: bool  # says nothing about authorities
    only_authorities: bool  # says nothing about holders
    revoked: Mapping[int, datetime.datetime] = field(repr=False)  # by serial number
    released: frozenset[int] = field(repr=False)  # serial numbers that a delta takes off the list

    def covers(self, certificate: Certificate) -> bool:
        """Whether the list speaks of certificates of that kind."""
        return not (self.only_holders if certificate.is_authority else self.only_authorities)


def read_list(data: bytes, authority: Certificate, policy: AlgorithmPolicy, *, at: datetime.datetime) -> RevocationList:
    """Read a list in DER or PEM and prove that `authority` signed it. `at` only serves the algorithm policy.

    Raises ListRefused.
    """
    if len(data) > LARGEST:
        raise ListRefused(f"the list is larger than {LARGEST} octets")
    digest = hashlib.sha256(data).hexdigest()
    if block := _PEM.search(data):
        try:
            data = base64.b64decode(b"".join(block[1].split()), validate=True)
        except binascii.Error:
            raise ListRefused("the list is not base64") from None
    try:
        return _read(data, digest, authority, policy, at)
    except der.DerError as error:
        raise ListRefused(f"the list cannot be read: {error}") from None


def _read(
    data: bytes, digest: str, authority: Certificate, policy: AlgorithmPolicy, at: datetime.datetime
) -> RevocationList:
    outer = der.read(data).sequence()
    signed = outer.take(der.SEQUENCE)
    algorithm = outer.take(der.SEQUENCE)
    signature = outer.take(der.BIT_STRING).bits()
    outer.end()
    fields = signed.sequence()
    fields.take_optional(der.INTEGER)
    if fields.take(der.SEQUENCE).encoded != algorithm.encoded:
        raise der.DerError("two signature algorithms that differ")
    issuer = Name.from_element(fields.take(der.SEQUENCE))
    # whose list it is and who signed it come before the work of reading its entries
    _check_issuer(issuer.canonical(), authority)
    if refusal := refusal_of_signature(
        signed.encoded, signature, signature_algorithm(algorithm), authority, policy, at=at
    ):
        raise ListRefused(f"the list's signature is refused: {refusal}")
    this_update = fields.take().time()
    if fields.peek() not in (der.UTC_TIME, der.GENERALIZED_TIME):
        raise ListRefused("the list does not say when the next one comes")  # RFC 5280: 5.1.2.5
    next_update = fields.take().time()
    entries = fields.take_optional(der.SEQUENCE)
    wrapped = fields.take_optional(0xA0)
    fields.end()
    extensions = read_extensions(der.read(wrapped.content)) if wrapped else {}
    if unknown := {oid for oid, one in extensions.items() if one.critical} - _UNDERSTOOD:
        raise ListRefused(f"the list has an unknown critical extension, {min(unknown)}")
    identifier = extensions.get(EXT_AUTHORITY_KEY_ID)
    if identifier and authority.subject_key_id not in (None, authority_key_id(identifier.value) or None):
        raise ListRefused("the list names another key of its authority")
    only_holders, only_authorities = _scope(extensions)
    revoked, released = _entries(entries)
    return RevocationList(
        authority=authority.fingerprint,
        digest=digest,
        this_update=this_update,
        next_update=next_update,
        number=_number(extensions, _EXT_NUMBER),
        base=_number(extensions, _EXT_DELTA),
        only_holders=only_holders,
        only_authorities=only_authorities,
        revoked=MappingProxyType(revoked),
        released=frozenset(released),
    )


def _check_issuer(issuer: CanonicalName, authority: Certificate) -> None:
    if issuer != authority.subject.canonical():
        raise ListRefused("the list is of another authority")
    if not authority.may(KeyUsage.CRL_SIGNATURE):
        raise ListRefused("the authority may not sign lists")


def _number(extensions: dict[str, Extension], oid: str) -> int | None:
    return der.read(extensions[oid].value).integer() if oid in extensions else None


def _scope(extensions: dict[str, Extension]) -> tuple[bool, bool]:
    """onlyContainsUserCerts and onlyContainsCACerts (RFC 5280: 5.2.5); partial lists of other kinds are refused."""
    if _EXT_DISTRIBUTION_POINT not in extensions:
        return False, False
    members = der.read(extensions[_EXT_DISTRIBUTION_POINT].value).sequence()
    members.take_optional(0xA0)  # where it is published
    only_holders, only_authorities = members.take_optional(0x81), members.take_optional(0x82)
    if members.peek() is not None:
        raise ListRefused("the list is limited to some reasons, indirect, or of attribute certificates")
    return only_holders is not None, only_authorities is not None


def _entries(entries: der.Element | None) -> tuple[dict[int, datetime.datetime], set[int]]:
    revoked: dict[int, datetime.datetime] = {}
    released: set[int] = set()
    times: dict[bytes, datetime.datetime] = {}  # a list of a million entries has few distinct days
    for entry in entries.children() if entries else ():
        members = entry.sequence()
        serial = members.take(der.INTEGER).integer()
        written = members.take()
        moment = times.get(written.encoded) or times.setdefault(written.encoded, written.time())
        reason = 0
        if members.peek() is not None:
            extensions = read_extensions(members.take())
            if unknown := {oid for oid, one in extensions.items() if one.critical} - _UNDERSTOOD_OF_ENTRIES:
                raise ListRefused(f"an entry has an unknown critical extension, {min(unknown)}")
            if _EXT_REASON in extensions:
                value = der.read(extensions[_EXT_REASON].value).expect(der.ENUMERATED).content
                reason = int.from_bytes(value, "big")
        members.end()
        if reason == _REMOVED:
            released.add(serial)
        else:
            revoked[serial] = moment
    return revoked, released
