"""Demo keys: an authority, a certificate for the server and one for a client. They protect nothing of value."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME: Final = datetime.timedelta(days=397)
#: Certificates that end sooner are made anew at the next start.
_MARGIN: Final = datetime.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DemoKeys:
    """PEM files in one directory."""

    directory: Path

    @property
    def authority(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def server(self) -> tuple[Path, Path]:
        """Certificate and key."""
        return self.directory / "server.pem", self.directory / "server.key"

    @property
    def client(self) -> tuple[Path, Path]:
        """Certificate and key."""
        return self.directory / "client.pem", self.directory / "client.key"

    @property
    def audit(self) -> Path:
        """The key of the audit trail, which is kept as long as the demo is."""
        return self.directory / "audit.key"

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.authority, *self.server, *self.client)


def make_keys(directory: Path) -> DemoKeys:
    """The keys of a directory, made when they are missing or about to expire. The authority's own key is not kept."""
    keys = DemoKeys(directory)
    if all(file.is_file() for file in keys.files) and _valid(keys):
        return keys
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Feuillet demo authority")
    authority = (
        _builder(name, name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    for (certificate, key), title, purpose in (
        (keys.server, "Feuillet demo server", ExtendedKeyUsageOID.SERVER_AUTH),
        (keys.client, "Feuillet demo client", ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        own_key = ec.generate_private_key(ec.SECP256R1())
        issued = (
            _builder(_name(title), name, own_key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName(_hosts()), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        _write(key, _private(own_key), mode=0o600)
        _write(certificate, issued.public_bytes(serialization.Encoding.PEM))
    _write(keys.authority, authority.public_bytes(serialization.Encoding.PEM))
    return keys


def _valid(keys: DemoKeys) -> bool:
    until = datetime.datetime.now(datetime.UTC) + _MARGIN
    try:
        certificates = [
            x509.load_pem_x509_certificate(file.read_bytes())
            for file in (keys.authority, keys.server[0], keys.client[0])
        ]
        for certificate in certificates[1:]:
            certificate.verify_directly_issued_by(certificates[0])
    except Exception:  # whatever is wrong with them, new ones are made
        return False
    return all(certificate.not_valid_after_utc > until for certificate in certificates)


def _hosts() -> list[x509.GeneralName]:
    names = dict.fromkeys(["localhost", socket.gethostname()])
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    return [*(x509.DNSName(name) for name in names if name.isascii()), *(x509.IPAddress(one) for one in addresses)]


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _LIFETIME)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    draft.replace(path)
