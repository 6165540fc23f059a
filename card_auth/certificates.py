"""X.509 certificates, read by ourselves: cards hold some that stricter readers refuse for the order inside a name.

One reader serves all rooms, so that what is verified is what is believed. Nothing here trusts: see `card_auth.trust`.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import enum
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from card_auth import der
from card_auth.errors import CertificateUnreadable
from card_auth.names import Name

LARGEST: Final = 16 * 1024  # octets of one certificate: those of cards have 1 to 2 KB
_MOST_EXTENSIONS: Final = 40
_LONGEST_SERIAL: Final = 21  # octets: 20 are allowed (RFC 5280: 4.1.2.2), and a sign
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")

EXT_SUBJECT_KEY_ID: Final = "2.5.29.14"
EXT_KEY_USAGE: Final = "2.5.29.15"
EXT_SUBJECT_ALTERNATIVE_NAME: Final = "2.5.29.17"
EXT_BASIC_CONSTRAINTS: Final = "2.5.29.19"
EXT_NAME_CONSTRAINTS: Final = "2.5.29.30"
EXT_CERTIFICATE_POLICIES: Final = "2.5.29.32"
EXT_AUTHORITY_KEY_ID: Final = "2.5.29.35"
EXT_EXTENDED_KEY_USAGE: Final = "2.5.29.37"

EKU_ANY: Final = "2.5.29.37.0"
EKU_CLIENT_AUTHENTICATION: Final = "1.3.6.1.5.5.7.3.2"
EKU_EMAIL_PROTECTION: Final = "1.3.6.1.5.5.7.3.4"
EKU_SMARTCARD_LOGON: Final = "1.3.6.1.4.1.311.20.2.2"

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class KeyUsage(enum.IntEnum):
    """What a key may do: the bits of RFC 5280: 4.2.1.3."""

    DIGITAL_SIGNATURE = 0
    NON_REPUDIATION = 1
    KEY_ENCIPHERMENT = 2
    DATA_ENCIPHERMENT = 3
    KEY_AGREEMENT = 4
    CERTIFICATE_SIGNATURE = 5
    CRL_SIGNATURE = 6
    ENCIPHER_ONLY = 7
    DECIPHER_ONLY = 8


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension as the certificate holds it: `value` is DER."""

    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """An AlgorithmIdentifier: its OID, and its parameters in DER (empty when absent)."""

    oid: str
    parameters: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """A certificate and what it says. Two are equal when they are the same bytes."""

    der: bytes = field(repr=False)
    fingerprint: str  # SHA-256 of the DER, hex
    serial_number: int
    issuer: Name = field(repr=False)
    subject: Name = field(repr=False)
    not_before: datetime.datetime
    not_after: datetime.datetime
    signed: bytes = field(repr=False)  # TBSCertificate, the bytes that the issuer signed
    signature_algorithm: SignatureAlgorithm
    signature: bytes = field(repr=False)
    public_key_info: bytes = field(repr=False)  # SubjectPublicKeyInfo, DER
    extensions: Mapping[str, Extension] = field(repr=False)
    key_usage: frozenset[KeyUsage] | None  # None: the certificate does not say
    extended_key_usage: frozenset[str] | None  # OIDs; None: the certificate does not say
    is_authority: bool  # basicConstraints cA
    path_length: int | None  # how many authorities may follow below this one; None: any number
    policies: frozenset[str]  # OIDs
    subject_key_id: bytes | None = field(repr=False)
    authority_key_id: bytes | None = field(repr=False)

    @classmethod
    def from_der(cls, data: bytes) -> Certificate:
        """Read one certificate. Raises CertificateUnreadable."""
        if len(data) > LARGEST:
            raise CertificateUnreadable(f"The certificate has {len(data)} octets, more than {LARGEST}.")
        try:
            return _remembered(bytes(data))
        except der.DerError as error:
            raise CertificateUnreadable(f"The certificate cannot be read: {error}.") from None

    @classmethod
    def from_pem(cls, data: bytes) -> tuple[Certificate, ...]:
        """The certificates of a PEM text, at least one. Raises CertificateUnreadable."""
        try:
            found = [base64.b64decode(b"".join(block.split()), validate=True) for block in _PEM.findall(data)]
        except binascii.Error:
            raise CertificateUnreadable("The PEM text holds a certificate that is not base64.") from None
        if not found:
            raise CertificateUnreadable("The PEM text holds no certificate.")
        return tuple(cls.from_der(der_bytes) for der_bytes in found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def pem(self) -> bytes:
        """The certificate as a PEM text."""
        body = base64.b64encode(self.der)
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        return b"\n".join((b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""))

    @property
    def is_self_issued(self) -> bool:
        """Whether it names itself as its issuer (its signature may say otherwise)."""
        return self.subject.canonical() == self.issuer.canonical()

    def public_key(self) -> PublicKey:
        """The holder's RSA or elliptic-curve key. Raises CertificateUnreadable for any other, and for no key."""
        return _public_key(self.public_key_info)

    def may(self, usage: KeyUsage) -> bool:
        """Whether the certificate says that its key may do that. One that does not say, may not."""
        return self.key_usage is not None and usage in self.key_usage


@lru_cache(maxsize=512)
def _public_key(info: bytes) -> PublicKey:
    try:
        key = load_der_public_key(info)
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateUnreadable("The certificate's public key cannot be read.") from None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise CertificateUnreadable("The certificate's public key is neither RSA nor elliptic-curve.")
    return key


@lru_cache(maxsize=1024)
def _remembered(data: bytes) -> Certificate:
    """The same few hundred certificates come with every request."""
    return _read(data)


def _read(data: bytes) -> Certificate:
    # RFC 5280: 4.1
    outer = der.read(data).sequence()
    signed = outer.take(der.SEQUENCE)
    algorithm = outer.take(der.SEQUENCE)
    signature = outer.take(der.BIT_STRING).bits()
    outer.end()
    fields = signed.sequence()
    version = fields.take_optional(0xA0)
    serial = fields.take(der.INTEGER)
    if len(serial.content) > _LONGEST_SERIAL:
        raise der.DerError("a serial number that is too long")
    if fields.take(der.SEQUENCE).encoded != algorithm.encoded:  # RFC 5280: 4.1.1.2
        raise der.DerError("two signature algorithms that differ")
    issuer = Name.from_element(fields.take(der.SEQUENCE))
    validity = fields.take(der.SEQUENCE).sequence()
    not_before, not_after = validity.take().time(), validity.take().time()
    validity.end()
    subject = Name.from_element(fields.take(der.SEQUENCE))
    public_key_info = fields.take(der.SEQUENCE).encoded
    for identifier in (0x81, 0x82, 0xA1, 0xA2):  # unique identifiers, in nobody's use
        fields.take_optional(identifier)
    wrapped = fields.take_optional(0xA3)
    fields.end()
    extensions = _extensions(wrapped)
    if extensions and (version is None or der.read(version.content).integer() != 2):
        raise der.DerError("extensions in a certificate that is not of version 3")
    is_authority, path_length = _basic_constraints(extensions)
    return Certificate(
        der=data,
        fingerprint=hashlib.sha256(data).hexdigest(),
        serial_number=serial.integer(),
        issuer=issuer,
        subject=subject,
        not_before=not_before,
        not_after=not_after,
        signed=signed.encoded,
        signature_algorithm=signature_algorithm(algorithm),
        signature=signature,
        public_key_info=public_key_info,
        extensions=MappingProxyType(extensions),
        key_usage=_key_usage(extensions),
        extended_key_usage=_extended_key_usage(extensions),
        is_authority=is_authority,
        path_length=path_length,
        policies=_policies(extensions),
        subject_key_id=_subject_key_id(extensions),
        authority_key_id=_authority_key_id(extensions),
    )


def signature_algorithm(element: der.Element) -> SignatureAlgorithm:
    """Read an AlgorithmIdentifier. Raises DerError."""
    members = element.sequence()
    oid = members.take(der.OBJECT_IDENTIFIER).oid()
    parameters = members.take().encoded if members.peek() is not None else b""
    members.end()
    return SignatureAlgorithm(oid, parameters)


def read_extensions(element: der.Element) -> dict[str, Extension]:
    """Read Extensions, each at most once (RFC 5280: 4.2). Raises DerError."""
    extensions: dict[str, Extension] = {}
    for one in element.expect(der.SEQUENCE).children():
        members = one.sequence()
        oid = members.take(der.OBJECT_IDENTIFIER).oid()
        critical = members.take_optional(der.BOOLEAN)
        value = members.take(der.OCTET_STRING).octets()
        members.end()
        if oid in extensions or len(extensions) == _MOST_EXTENSIONS:
            raise der.DerError("an extension twice, or too many")
        extensions[oid] = Extension(critical is not None and critical.boolean(), value)
    return extensions


def authority_key_id(value: bytes) -> bytes | None:
    """The keyIdentifier of an authorityKeyIdentifier's value (RFC 5280: 4.2.1.1). Raises DerError."""
    identifier = der.read(value).sequence().take_optional(0x80)
    return identifier.content if identifier else None


def _extensions(wrapped: der.Element | None) -> dict[str, Extension]:
    return read_extensions(der.read(wrapped.content)) if wrapped else {}


def _key_usage(extensions: dict[str, Extension]) -> frozenset[KeyUsage] | None:
    if EXT_KEY_USAGE not in extensions:
        return None
    octets = der.read(extensions[EXT_KEY_USAGE].value).bits()
    return frozenset(usage for usage in KeyUsage if usage // 8 < len(octets) and octets[usage // 8] & 0x80 >> usage % 8)


def _extended_key_usage(extensions: dict[str, Extension]) -> frozenset[str] | None:
    if EXT_EXTENDED_KEY_USAGE not in extensions:
        return None
    purposes = der.read(extensions[EXT_EXTENDED_KEY_USAGE].value).expect(der.SEQUENCE).children()
    return frozenset(purpose.oid() for purpose in purposes)


def _basic_constraints(extensions: dict[str, Extension]) -> tuple[bool, int | None]:
    if EXT_BASIC_CONSTRAINTS not in extensions:
        return False, None
    members = der.read(extensions[EXT_BASIC_CONSTRAINTS].value).sequence()
    authority = members.take_optional(der.BOOLEAN)
    length = members.take_optional(der.INTEGER)
    members.end()
    path_length = length.integer() if length else None
    if path_length is not None and path_length < 0:
        raise der.DerError("a negative path length")
    return authority is not None and authority.boolean(), path_length


def _policies(extensions: dict[str, Extension]) -> frozenset[str]:
    if EXT_CERTIFICATE_POLICIES not in extensions:
        return frozenset()
    policies = der.read(extensions[EXT_CERTIFICATE_POLICIES].value).expect(der.SEQUENCE).children()
    return frozenset(policy.sequence().take(der.OBJECT_IDENTIFIER).oid() for policy in policies)


def _subject_key_id(extensions: dict[str, Extension]) -> bytes | None:
    extension = extensions.get(EXT_SUBJECT_KEY_ID)
    return der.read(extension.value).octets() if extension else None


def _authority_key_id(extensions: dict[str, Extension]) -> bytes | None:
    extension = extensions.get(EXT_AUTHORITY_KEY_ID)
    return authority_key_id(extension.value) if extension else None
