"""A test IGC: a root, its authorities, cards, establishments and revocation lists, for demonstrations and for tests.

It is made like the national ones (see `card_auth.professionals`), and says TEST in every name. Its private keys lie in
files beside it: whoever trusts it trusts anybody who can read that directory.

    <directory>/profile.toml                    what `card_auth.trust.load_profile` reads
                authorities/<name>.{pem,key}    root, authentication, signature, organisations
                crl/<name>.crl                  one list per authority
                cards/<national id>/{authentication,signature}.{pem,key}
                organisations/<structure id>/{authentication,signature}.{pem,key}
                revoked.json                    what `revoke` was told
"""

from __future__ import annotations

import datetime
import enum
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from card_auth import der, professionals
from card_auth.certificates import Certificate
from card_auth.demo_certificates import (
    authority_certificate,
    certificate_builder,
    der_integer,
    key_usage,
    new_key,
    write_key,
)
from card_auth.keys.files import load_pem
from card_auth.keys.signing_key import SigningKey

_SKEW: Final = datetime.timedelta(hours=1)
_CARD_YEARS: Final = datetime.timedelta(days=1095)
_LIST_DAYS: Final = datetime.timedelta(days=7)
_POLICY: Final = ObjectIdentifier("1.2.250.1.213.1.7.2.1.1.1.1")  # of the national test authority for persons


class AuthorityName(enum.StrEnum):
    """The authorities of the test IGC; the values are their files' stems."""

    ROOT = "root"
    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    ORGANISATIONS = "organisations"


_COMMON_NAMES: Final = {
    AuthorityName.ROOT: "TEST AC RACINE FEUILLET",
    AuthorityName.AUTHENTICATION: "TEST AC FEUILLET PERSONNES AUTHENTIFICATION",
    AuthorityName.SIGNATURE: "TEST AC FEUILLET PERSONNES SIGNATURE",
    AuthorityName.ORGANISATIONS: "TEST AC FEUILLET ORGANISATIONS",
}


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A certificate with its private key, as files and as a key that is ready to use."""

    certificate_file: Path  # PEM: the certificate, then its authority
    key_file: Path
    key: SigningKey

    @property
    def certificate(self) -> Certificate:
        """The certificate, read."""
        return self.key.certificate


@dataclass(frozen=True, slots=True)
class CpsPair:
    """The two keys of a holder: to connect, and to sign."""

    authentication: IssuedKey
    signature: IssuedKey


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


class DemoPki:
    """A test IGC in a directory. Make one with `create`, come back to it with `open`."""

    def __init__(self, directory: Path, authorities: dict[AuthorityName, _Authority]) -> None:
        self.directory = directory
        self._authorities = authorities

    @classmethod
    def create(
        cls, directory: Path, *, now: datetime.datetime | None = None, key: rsa.RSAPrivateKey | None = None
    ) -> Self:
        """Make the authorities, their empty revocation lists and the trust profile.

        `now` is the first moment of validity plus an hour; `key` is used by all authorities, when given, so that tests
        need not make four. Raises FileExistsError when the directory already holds a test IGC.
        """
        start = _moment(now)
        for name in ("authorities", "crl", "cards", "organisations"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        if (directory / "profile.toml").exists():
            raise FileExistsError(f"{directory} already holds a test IGC")
        root_key = key or new_key()
        root_name = _authority_name(AuthorityName.ROOT)
        root = _Authority(
            authority_certificate(root_name, root_name, root_key, root_key, start, path_length=1), root_key
        )
        authorities = {AuthorityName.ROOT: root}
        for name in AuthorityName:
            if name is not AuthorityName.ROOT:
                own_key = key or new_key()
                certificate = authority_certificate(
                    _authority_name(name), root_name, own_key, root_key, start, path_length=0
                )
                authorities[name] = _Authority(certificate, own_key)
        for name, authority in authorities.items():
            stem = directory / "authorities" / name
            stem.with_suffix(".pem").write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
            write_key(stem.with_suffix(".key"), authority.key)
        pki = cls(directory, authorities)
        pki.write_crl(now=now)
        (directory / "profile.toml").write_text(_profile(pki), encoding="utf-8")
        return pki

    @classmethod
    def open(cls, directory: Path) -> Self:
        """A test IGC that was made before. Raises OSError or ValueError when there is none."""
        authorities = {}
        for name in AuthorityName:
            stem = directory / "authorities" / name
            key = serialization.load_pem_private_key(stem.with_suffix(".key").read_bytes(), None)
            if not isinstance(key, rsa.RSAPrivateKey):
                raise ValueError("the key of a test authority is not RSA")
            certificate = x509.load_pem_x509_certificate(stem.with_suffix(".pem").read_bytes())
            authorities[name] = _Authority(certificate, key)
        return cls(directory, authorities)

    def authority(self, name: AuthorityName) -> Certificate:
        """The certificate of an authority."""
        return Certificate.from_der(self._authorities[name].certificate.public_bytes(serialization.Encoding.DER))

    def authority_key(self, name: AuthorityName) -> rsa.RSAPrivateKey:
        """The private key of an authority, for those who make certificates that no authority would sign."""
        return self._authorities[name].key

    def authority_file(self, name: AuthorityName) -> Path:
        """The certificate of an authority, PEM."""
        return self.directory / "authorities" / f"{name}.pem"

    def crl_file(self, name: AuthorityName) -> Path:
        """The revocation list of an authority, DER."""
        return self.directory / "crl" / f"{name}.crl"

    def issue_cps(
        self,
        national_id: str = "899700218896",
        family_name: str | None = "DOC0021889",
        given_name: str | None = "KIT",
        *,
        profession: int = 10,
        profession_label: str = "Médecin",
        specialities: Sequence[str] = ("SM26",),
        structure_name: str = "TEST",
        card_type: int = 0,
        card_number: str = "8025000001/2500577253",
        now: datetime.datetime | None = None,
        valid_for: datetime.timedelta = _CARD_YEARS,
        keys: tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey] | None = None,
    ) -> CpsPair:
        """The two certificates of a professional's card, valid from an hour before `now`.

        `national_id` is the PS_IdNat (8 and the RPPS number). For a CPE give the form structure/internal identifier,
        and no names for one that bears none. `keys`, when given, are the card's own: authentication, then signature.
        """
        identity = [x509.NameAttribute(NameOID.COMMON_NAME, national_id)]
        identity += [x509.NameAttribute(NameOID.SURNAME, family_name)] if family_name else []
        identity += [x509.NameAttribute(NameOID.GIVEN_NAME, given_name)] if given_name else []
        subject = x509.Name(
            [
                x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")]),
                x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.ORGANIZATION_NAME, structure_name)]),
                x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.TITLE, profession_label)]),
                x509.RelativeDistinguishedName(identity),
            ]
        )
        national = {
            professionals.EXT_CARD_TYPE: der_integer(card_type),
            professionals.EXT_CARD_NUMBER: der.encode(der.PRINTABLE_STRING, card_number.encode("ascii")),
            professionals.EXT_PROFESSION: der_integer(profession),
        }
        if specialities:
            codes = (der.encode(der.UTF8_STRING, code.encode()) for code in specialities)
            national[professionals.EXT_SPECIALITIES] = der.encode(der.SEQUENCE, *codes)
        return self._pair(
            subject,
            self.directory / "cards" / national_id.replace("/", "_"),
            (AuthorityName.AUTHENTICATION, AuthorityName.SIGNATURE),
            national=national,
            now=now,
            valid_for=valid_for,
            keys=keys,
        )

    def issue_organisation(
        self,
        structure_id: str = "10B0127189",
        name: str = "HOPITAL TEST",
        service: str = "TEST SERVICE",
        *,
        now: datetime.datetime | None = None,
        valid_for: datetime.timedelta = _CARD_YEARS,
        keys: tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey] | None = None,
    ) -> CpsPair:
        """The two certificates of a structure (Struct_IdNat): to connect, and its seal."""
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
                x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Paris (75)"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, structure_id),
                x509.NameAttribute(NameOID.COMMON_NAME, service),
            ]
        )
        authorities = (AuthorityName.ORGANISATIONS, AuthorityName.ORGANISATIONS)
        return self._pair(
            subject,
            self.directory / "organisations" / structure_id,
            authorities,
            national={},
            now=now,
            valid_for=valid_for,
            keys=keys,
        )

    def revoke(self, *certificates: Certificate, at: datetime.datetime | None = None) -> None:
        """Remember as revoked; `write_crl` publishes it. Raises ValueError for certificates of other authorities."""
        entries = self._revoked()
        for certificate in certificates:
            for name in AuthorityName:
                if self.authority(name).subject.canonical() == certificate.issuer.canonical():
                    entries.append((name, certificate.serial_number, _moment(at, skew=False)))
                    break
            else:
                raise ValueError("the certificate is of no authority of this test IGC")
        text = json.dumps([[name, f"{serial:x}", moment.isoformat()] for name, serial, moment in entries], indent=1)
        (self.directory / "revoked.json").write_text(text, encoding="utf-8")

    def write_crl(
        self,
        names: Iterable[AuthorityName] = tuple(AuthorityName),
        *,
        now: datetime.datetime | None = None,
        valid_for: datetime.timedelta = _LIST_DAYS,
    ) -> tuple[Path, ...]:
        """Write the revocation lists of those authorities, issued an hour before `now`, each with the next number."""
        start = _moment(now)
        entries = self._revoked()
        written = []
        for name in names:
            authority, file = self._authorities[name], self.crl_file(name)
            number = 1
            if file.exists():
                previous = x509.load_der_x509_crl(file.read_bytes())
                number = previous.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
            builder = (
                x509.CertificateRevocationListBuilder()
                .issuer_name(authority.certificate.subject)
                .last_update(start)
                .next_update(start + valid_for)
                .add_extension(identifier, critical=False)
                .add_extension(x509.CRLNumber(number), critical=False)
            )
            for issuer, serial, moment in entries:
                if issuer == name:
                    entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment)
                    builder = builder.add_revoked_certificate(entry.build())
            content = builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
            temporary = file.with_suffix(".new")
            temporary.write_bytes(content)
            temporary.replace(file)  # a reader sees the old list or the new one
            written.append(file)
        return tuple(written)

    def _revoked(self) -> list[tuple[AuthorityName, int, datetime.datetime]]:
        file = self.directory / "revoked.json"
        if not file.exists():
            return []
        return [
            (AuthorityName(name), int(serial, 16), datetime.datetime.fromisoformat(moment))
            for name, serial, moment in json.loads(file.read_text(encoding="utf-8"))
        ]

    def _pair(
        self,
        subject: x509.Name,
        directory: Path,
        authorities: tuple[AuthorityName, AuthorityName],
        *,
        national: dict[str, bytes],
        now: datetime.datetime | None,
        valid_for: datetime.timedelta,
        keys: tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey] | None,
    ) -> CpsPair:
        start = _moment(now)
        directory.mkdir(parents=True, exist_ok=True)
        issued = []
        for stem, name, own_key in zip(
            ("authentication", "signature"), authorities, keys or (new_key(), new_key()), strict=True
        ):
            signs = stem == "signature"
            authority = self._authorities[name]
            purpose = ExtendedKeyUsageOID.EMAIL_PROTECTION if signs else ExtendedKeyUsageOID.CLIENT_AUTH
            builder = (
                certificate_builder(subject, authority.certificate.subject, own_key.public_key(), start, valid_for)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(key_usage(digital_signature=True, content_commitment=signs), critical=True)
                .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
                .add_extension(x509.CertificatePolicies([x509.PolicyInformation(_POLICY, None)]), critical=False)
                .add_extension(
                    x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
                )
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), critical=False)
            )
            for oid, value in national.items():
                builder = builder.add_extension(
                    x509.UnrecognizedExtension(ObjectIdentifier(oid), value), critical=False
                )
            certificate = builder.sign(authority.key, hashes.SHA256())
            certificate_file, key_file = directory / f"{stem}.pem", directory / f"{stem}.key"
            chain = (certificate, authority.certificate)
            certificate_file.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain))
            write_key(key_file, own_key)
            issued.append(IssuedKey(certificate_file, key_file, load_pem(certificate_file, key_file)))
        return CpsPair(*issued)


def _moment(now: datetime.datetime | None, *, skew: bool = True) -> datetime.datetime:
    moment = (now or datetime.datetime.now(datetime.UTC)).replace(microsecond=0)
    return moment - _SKEW if skew else moment


def _authority_name(name: AuthorityName) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TEST FEUILLET"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "TEST IGC"),
            x509.NameAttribute(NameOID.COMMON_NAME, _COMMON_NAMES[name]),
        ]
    )


def _profile(pki: DemoPki) -> str:
    lines = ['name = "demo"', 'family = "own"', "test = true", ""]
    issues = {
        AuthorityName.ROOT: "[]",
        AuthorityName.AUTHENTICATION: '["person"]',
        AuthorityName.SIGNATURE: '["person"]',
        AuthorityName.ORGANISATIONS: '["organisation"]',
    }
    for name in AuthorityName:
        lines += [
            "[[authority]]",
            f'file = "authorities/{name}.pem"',
            f'sha256 = "{pki.authority(name).fingerprint}"',
            f"anchor = {'true' if name is AuthorityName.ROOT else 'false'}",
            f"issues = {issues[name]}",
            f'revocation_lists = ["crl/{name}.crl"]',
            "",
        ]
    return "\n".join(lines)
