"""A signature that holds is worth what its certificate is worth."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from card_auth.demo_certificates import certificate_builder, key_usage, new_key
from card_auth.demo_pki import AuthorityName, DemoPki
from card_auth.trust import RevocationLists, TrustStore, load_profile
from card_auth.vihf import AssertionRefused, Fault, Reason
from tests.card_auth.conftest import Keys
from tests.card_auth.vihf.conftest import World
from tests.card_auth.vihf.messages import MORE, Forger, direct, envelope, unsigned

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def _like(world: World, key: Key, issuer: x509.Name, issuing: Key, *, authority: bool = False, days: int = 0) -> bytes:
    """A certificate with the doctor's name and extensions, of another key or another authority."""
    model = x509.load_der_x509_certificate(world.people["doctor"].signature.certificate.der)
    start = world.now + datetime.timedelta(days=days, hours=-1)
    builder = certificate_builder(model.subject, issuer, key.public_key(), start, datetime.timedelta(days=30))  # type: ignore[arg-type]
    builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
    builder = builder.add_extension(
        key_usage(digital_signature=True, content_commitment=True, key_cert_sign=authority), critical=True
    )
    for extension in model.extensions:
        if isinstance(extension.value, x509.UnrecognizedExtension):
            builder = builder.add_extension(extension.value, critical=False)
    return builder.sign(issuing, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _refusal(world: World, key: Key, *certificates: bytes, method: str = f"{MORE}rsa-sha256") -> AssertionRefused:
    doctor = world.people["doctor"]
    assertion = unsigned(direct(world.now), doctor.signature, world.now)
    message = envelope(Forger(key, certificates, method=method).sign(assertion))
    with pytest.raises(AssertionRefused) as caught:
        world.verify(message, doctor.authentication.certificate.der)
    assert caught.value.fault is Fault.INVALID_CERTIFICATE
    return caught.value


def _names(world: World) -> tuple[x509.Name, x509.Name, rsa.RSAPrivateKey]:
    authority = x509.load_der_x509_certificate(world.pki.authority(AuthorityName.SIGNATURE).der)
    model = x509.load_der_x509_certificate(world.people["doctor"].signature.certificate.der)
    return authority.subject, model.subject, world.pki.authority_key(AuthorityName.SIGNATURE)


FAKES: dict[str, Callable[[World, Keys], tuple[Key, tuple[bytes, ...]]]] = {
    "self-signed under the same name": lambda w, k: (k[0], (_like(w, k[0], _names(w)[1], k[0]),)),
    "of an authority of the same name": lambda w, k: (k[0], (_like(w, k[0], _names(w)[0], new_key()),)),
    "of an authority that came along": lambda w, k: (
        k[0],
        (_like(w, k[0], _names(w)[1], k[1]), _like(w, k[1], _names(w)[1], k[1], authority=True)),
    ),
    "certified by another card": lambda w, k: (
        k[0],
        (_like(w, k[0], _names(w)[1], k[1]), w.people["doctor"].signature.certificate.der),
    ),
    "expired": lambda w, k: (k[0], (_like(w, k[0], _names(w)[0], _names(w)[2], days=-40),)),
    "not yet valid": lambda w, k: (k[0], (_like(w, k[0], _names(w)[0], _names(w)[2], days=2),)),
    "an authority's": lambda w, k: (k[0], (_like(w, k[0], _names(w)[0], _names(w)[2], authority=True),)),
}


@pytest.mark.parametrize("fake", FAKES)
def test_a_faked_certificate_is_not_trusted(world: World, rsa_keys: Keys, fake: str) -> None:
    key, certificates = FAKES[fake](world, rsa_keys)
    assert _refusal(world, key, *certificates).reason is Reason.UNTRUSTED_SIGNER


def test_the_same_certificate_made_by_its_authority_is_trusted(world: World, rsa_keys: Keys) -> None:
    issuer, _, issuing = _names(world)
    doctor = world.people["doctor"]
    assertion = unsigned(direct(world.now), doctor.signature, world.now)
    message = envelope(Forger(rsa_keys[0], (_like(world, rsa_keys[0], issuer, issuing),)).sign(assertion))
    assert world.verify(message, doctor.authentication.certificate.der).national_id == "899700218896"


def test_an_elliptic_curve_key_is_verified_as_one(world: World) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, _, issuing = _names(world)
    doctor = world.people["doctor"]
    assertion = unsigned(direct(world.now), doctor.signature, world.now)
    forger = Forger(key, (_like(world, key, issuer, issuing),), method=f"{MORE}ecdsa-sha256")
    assert world.verify(envelope(forger.sign(assertion)), doctor.authentication.certificate.der)


def test_a_short_key_is_not_trusted(world: World) -> None:
    key = new_key(1024)
    issuer, _, issuing = _names(world)
    assert "weak key" in str(_refusal(world, key, _like(world, key, issuer, issuing)))


def test_a_revoked_card_is_refused_from_the_next_list_on(world: World, tmp_path: Path, rsa_keys: Keys) -> None:
    pki = DemoPki.create(tmp_path / "pki", key=rsa_keys[0])
    card = pki.issue_cps(keys=rsa_keys)
    profile = load_profile(pki.directory)
    lists = RevocationLists([profile])
    lists.refresh()
    trust = TrustStore([profile], lists=lists, production=False)
    message = envelope(Forger.of(card.signature).sign(unsigned(direct(world.now), card.signature, world.now)))
    assert world.verify(message, card.authentication.certificate.der, trust=trust)
    pki.revoke(card.signature.certificate)
    pki.write_crl()
    lists.refresh()
    with pytest.raises(AssertionRefused, match="revoked"):
        world.verify(message, card.authentication.certificate.der, trust=trust)
