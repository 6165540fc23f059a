"""What is signed is believed: every kind of document, signer, key and version."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from card_auth.caller import AccessMode
from card_auth.demo_pki import AuthorityName, CpsPair, DemoPki
from card_auth.dsg import DsgPolicy, Octets, Reason, SetAuthor, SetDocument, SetRefused, Verdict, XadesVersion, sign
from card_auth.dsg.instants import read_zoned_instant
from card_auth.errors import CertificateExpired, WrongKeyUse
from card_auth.keys import KeyUse, load_pem, open_token
from card_auth.trust import RevocationLists, TrustStore, load_profile
from card_auth.xmldsig import Digest
from tests.card_auth.conftest import Keys
from tests.card_auth.dsg.conftest import CDA, DOCTOR, SET, STRUCTURE, World, document, parse_document
from tests.examples import some
from tests.services.softhsm import SoftHsm

HOUR = datetime.timedelta(hours=1)
SAMPLES = sorted(CDA.glob("*.xml"))


def signed(world: World, who: str = "doctor", **how: object) -> bytes:
    options = {"at": world.now, "parse": parse_document, **how}
    submitted = options.pop("submitted", SET)
    return sign(submitted, world.people[who].signature.key, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", XadesVersion)
@pytest.mark.parametrize("digest", Digest)
def test_every_version_and_digest_that_we_sign_with_is_valid(
    world: World, version: XadesVersion, digest: Digest
) -> None:
    found = world.verify(signed(world, version=version, digest=digest))
    assert (found.verdict, found.reason, found.detail) == (Verdict.VALID, None, "")
    assert (found.signer_national_id, found.signer_name) == (DOCTOR, "KIT DOC0021889")
    assert found.certificate_fingerprint == world.people["doctor"].signature.certificate.fingerprint
    assert (found.signed_at, found.xades) == (world.now, version)
    assert found.algorithm.endswith(f"rsa-{digest.value}")
    assert not found.legacy_sha1
    assert not found.stale_revocation
    assert found.summary == "valid"


def test_a_structure_signs_for_its_people(world: World) -> None:
    found = world.verify(signed(world, "hospital"), caller=world.caller("hospital", AccessMode.INDIRECT))
    assert (found.verdict, found.signer_structure_id, found.signer_national_id) == (Verdict.VALID, STRUCTURE, "")


def test_a_structure_signs_for_one_that_it_speaks_for(world: World) -> None:
    affiliate = "10B0999999"
    submitted = replace(SET, authors=(SetAuthor(DOCTOR, frozenset({affiliate})),))
    caller = world.caller("hospital", AccessMode.INDIRECT, structure_id=affiliate)
    assert world.verify(signed(world, "hospital", submitted=submitted), submitted, caller=caller).verdict == "valid"


def test_without_a_caller_a_right_signature_is_not_judged_and_a_wrong_one_is(world: World) -> None:
    found = world.verify(signed(world), caller=None)
    assert (found.verdict, found.reason) == (Verdict.UNVERIFIABLE, Reason.NOBODY_KNOWN)
    assert world.verify(signed(world), replace(SET, unique_id="1.2.3"), caller=None).reason is Reason.OTHER_SET


@pytest.mark.parametrize("sample", SAMPLES or [None], ids=lambda one: one.name if one else "none")
def test_clinical_documents_are_signed_in_canonical_form(world: World, sample: Path | None) -> None:
    if sample is None:
        pytest.skip("no sample documents at ../shared")
    content = sample.read_bytes()
    submitted = replace(SET, documents=(document(1, content, "text/xml"),))
    signature = signed(world, submitted=submitted)
    assert world.verify(signature, submitted).verdict is Verdict.VALID
    lines = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")  # the same document, other octets
    assert world.verify(signature, replace(SET, documents=(document(1, lines, "text/xml"),))).verdict is Verdict.VALID
    changed = content.replace(b"<title", b"<title ID='x'", 1)
    assert changed != content
    again = replace(SET, documents=(document(1, changed, "text/xml"),))
    assert world.verify(signature, again).reason is Reason.OTHER_DOCUMENT


@settings(max_examples=some(60), deadline=None)
@given(contents=st.lists(st.binary(max_size=300), min_size=1, max_size=5), flipped=st.integers(0, 10_000))
def test_any_octets_are_signed_and_no_octet_may_change(world: World, contents: list[bytes], flipped: int) -> None:
    submitted = replace(
        SET, documents=tuple(document(n, one, "application/octet-stream") for n, one in enumerate(contents, 1))
    )
    signature = signed(world, submitted=submitted)
    assert world.verify(signature, submitted).verdict is Verdict.VALID
    which = flipped % len(contents)
    content = bytearray(contents[which])
    if content:
        content[flipped % len(content)] ^= 1
    else:
        content = bytearray(b"\0")
    others = [*submitted.documents]
    others[which] = replace(others[which], content=Octets(bytes(content)))
    found = world.verify(signature, replace(submitted, documents=tuple(others)))
    assert (found.reason, found.detail) == (Reason.OTHER_DOCUMENT, others[which].unique_id)


def test_the_key_may_stay_on_its_token(world: World, softhsm: SoftHsm) -> None:
    label = softhsm.make_token("signer", (b"\x10", world.people["doctor"].signature))
    with open_token(softhsm.module, token_label=label, pin="1234") as token:
        signature = sign(SET, token.key(KeyUse.SIGNATURE), at=world.now, parse=parse_document)
    assert world.verify(signature).verdict is Verdict.VALID


def test_the_key_may_lie_in_files(world: World) -> None:
    issued = world.people["hospital"].signature
    key = load_pem(issued.certificate_file, issued.key_file)
    signature = sign(SET, key, at=world.now, parse=parse_document)
    caller = world.caller("hospital", AccessMode.REINFORCED_INDIRECT)
    assert world.verify(signature, caller=caller).verdict is Verdict.VALID


def test_what_no_server_would_accept_is_not_signed(world: World) -> None:
    key = world.people["doctor"]
    for submitted, reason in (
        (replace(SET, documents=()), Reason.MISSING_DOCUMENT),
        (replace(SET, documents=SET.documents * 2), Reason.REPEATED_DOCUMENT),
        (replace(SET, authors=()), Reason.OTHER_AUTHOR),
        (replace(SET, authors=(SetAuthor("899700218897"),)), Reason.OTHER_AUTHOR),
        (replace(SET, documents=(document(1, b"<a>", "text/xml"),)), Reason.NOT_CANONICAL),
        (replace(SET, documents=(document(1, b"<!DOCTYPE a><a/>", "text/xml"),)), Reason.NOT_CANONICAL),
        (replace(SET, documents=(document(1, b"<a>" + b" " * 12_000_000, "text/xml"),)), Reason.NOT_CANONICAL),
    ):
        with pytest.raises(SetRefused) as refused:
            sign(submitted, key.signature.key, at=world.now, parse=parse_document)
        assert refused.value.reason is reason
    with pytest.raises(WrongKeyUse):
        sign(SET, key.authentication.key, at=world.now, parse=parse_document)
    with pytest.raises(CertificateExpired):
        sign(SET, key.signature.key, at=world.now + 9999 * HOUR * 24, parse=parse_document)


def test_the_time_of_signing_is_near_the_submission(world: World) -> None:
    signature = signed(world)
    policy = DsgPolicy(window=HOUR, skew=datetime.timedelta(seconds=60))
    for ahead, reason in (
        (datetime.timedelta(seconds=-60), None),
        (datetime.timedelta(seconds=-61), Reason.SIGNED_IN_THE_FUTURE),
        (HOUR, None),
        (HOUR + datetime.timedelta(seconds=1), Reason.SIGNED_TOO_EARLY),
    ):
        assert world.verify(signature, at=world.now + ahead, policy=policy).reason is reason


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T02:00:05+02:00", 5),
        ("1970-01-01T00:00:05Z", 5),
        ("1970-01-01T00:00:05.9Z", 5.9),
        ("1970-01-01T00:30:05.000-00:30", 3605),
        *((bad, None) for bad in ("1970-01-01T00:00:05", "1970-01-01", "", "Z", "1970-01-01T00:00:05+2:00")),
        *((bad, None) for bad in ("1970-01-01T00:00:05+15:00", "1970-01-01T00:00:05+01:60", "1970-01-01T24:00:00Z")),
    ],
)
def test_times_have_a_zone(text: str, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(ValueError):  # noqa: PT011 - whichever part is wrong
            read_zoned_instant(text)
    else:
        assert read_zoned_instant(text).timestamp() == seconds


def trusting(igc: DemoPki) -> TrustStore:
    profile = load_profile(igc.directory)
    lists = RevocationLists([profile])
    lists.refresh()
    return TrustStore([profile], lists=lists, production=False)


def test_a_card_that_was_revoked_before_it_signed_or_since_is_refused(
    world: World, own_igc: DemoPki, rsa_keys: Keys
) -> None:
    pair: CpsPair = own_igc.issue_cps(keys=rsa_keys)
    signature = sign(SET, pair.signature.key, at=world.now - HOUR / 2, parse=parse_document)
    assert world.verify(signature, trust=trusting(own_igc)).verdict is Verdict.VALID
    own_igc.revoke(pair.signature.certificate, at=world.now)
    own_igc.write_crl()
    assert world.verify(signature, trust=trusting(own_igc), at=world.now + HOUR).reason is Reason.REVOKED


def test_a_certificate_that_expired_between_signing_and_submission_was_valid(
    world: World, own_igc: DemoPki, rsa_keys: Keys
) -> None:
    pair = own_igc.issue_cps(keys=rsa_keys, valid_for=HOUR * 2)  # an hour of it is past
    signature = sign(SET, pair.signature.key, at=world.now, parse=parse_document)
    trust = trusting(own_igc)
    assert world.verify(signature, trust=trust, at=world.now + 3 * HOUR).verdict is Verdict.VALID
    own_igc.revoke(pair.signature.certificate, at=world.now)
    own_igc.write_crl()
    assert world.verify(signature, trust=trusting(own_igc), at=world.now + 3 * HOUR).reason is Reason.REVOKED


def test_an_identifier_that_is_a_urn_is_named_as_it_is(world: World) -> None:
    submitted = replace(SET, documents=(SetDocument("urn:uuid:0b0b", "text/plain", Octets(b"x")),))
    signature = signed(world, submitted=submitted)
    assert b'URI="urn:uuid:0b0b"' in signature
    assert world.verify(signature, submitted).verdict is Verdict.VALID


def test_the_root_of_trust_is_the_server_s(world: World, own_igc: DemoPki) -> None:
    assert own_igc.authority(AuthorityName.ROOT) != world.pki.authority(AuthorityName.ROOT)
    assert world.verify(signed(world), trust=trusting(own_igc)).reason is Reason.UNTRUSTED_SIGNER
