"""Keys on a token: a real PKCS#11 module, its PIN, its keys and its data objects."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from card_auth import errors
from card_auth.demo_pki import CpsPair
from card_auth.keys import KeyUse, PracticeSituation, modules, open_token, practice_situations, speciality
from tests.services.softhsm import SoftHsm

PIN = "1234"
ACTIVITY = bytes.fromhex("300f") + b"\x84\x04CAB1" + b"\x85\x02\x34\x31" + b"\x86\x03SA7"
labels = (f"token {number}" for number in itertools.count())


@pytest.fixture
def card(softhsm: SoftHsm, cps: CpsPair) -> str:
    """A token like a CPS card: key ids end in 20 and 10, two practice situations."""
    return softhsm.make_token(
        next(labels),
        (b"\x01\x20", cps.authentication),
        (b"\x01\x10", cps.signature),
        data_objects={
            "CPS_INFO_PS": b"xxxxSM26",
            "CPS_ACTIVITY_01_PS": ACTIVITY,
            "CPS_ACTIVITY_02_PS": ACTIVITY.replace(b"CAB1", b"CAB2"),
        },
    )


def _signs(key: rsa.RSAPrivateKey, algorithm: hashes.HashAlgorithm) -> None:
    signature = key.sign(b"to be signed", padding=padding.PKCS1v15(), algorithm=algorithm)
    key.public_key().verify(signature, b"to be signed", padding.PKCS1v15(), algorithm)


def test_a_card_shows_its_two_keys_with_their_use_and_their_chain(softhsm: SoftHsm, card: str, cps: CpsPair) -> None:
    with open_token(softhsm.module, token_label=card, pin=PIN) as token:
        signature, authentication = token.key(KeyUse.SIGNATURE), token.key(KeyUse.AUTHENTICATION)
    assert signature.certificate == cps.signature.certificate
    assert authentication.certificate == cps.authentication.certificate
    assert signature.chain == cps.signature.key.chain


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda one: one.name)
def test_the_token_signs(softhsm: SoftHsm, card: str, algorithm: hashes.HashAlgorithm) -> None:
    with open_token(softhsm.module, token_label=card, pin=PIN) as token:
        _signs(token.key(KeyUse.SIGNATURE).private_key, algorithm)
        _signs(token.key(KeyUse.AUTHENTICATION).authentication_key, algorithm)


def test_a_token_that_hashes_nothing_signs_digests(
    softhsm: SoftHsm, card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = modules.describe

    def without_hashes(path: Path, token: object) -> modules.TokenInfo:
        info = describe(path, token)
        return modules.TokenInfo(
            **{name: getattr(info, name) for name in info.__slots__ if name != "mechanisms"},
            mechanisms=frozenset({"RSA_PKCS"}),
        )

    monkeypatch.setattr(modules, "describe", without_hashes)
    with open_token(softhsm.module, token_label=card, pin=PIN) as token:
        for algorithm in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
            _signs(token.key(KeyUse.SIGNATURE).private_key, algorithm)


def test_a_key_that_asks_for_its_pin_each_time_gets_it(softhsm: SoftHsm, cps: CpsPair) -> None:
    label = softhsm.make_token(next(labels), (b"\x10", cps.signature), always_authenticate=True)
    with open_token(softhsm.module, token_label=label, pin=PIN) as token:
        key = token.key(KeyUse.SIGNATURE).private_key
        _signs(key, hashes.SHA256())
        _signs(key, hashes.SHA256())


def test_the_two_keys_are_never_confused(softhsm: SoftHsm, card: str) -> None:
    with open_token(softhsm.module, token_label=card, pin=PIN) as token:
        signature, authentication = token.key(KeyUse.SIGNATURE), token.key(KeyUse.AUTHENTICATION)
    with pytest.raises(errors.WrongKeyUse):
        _ = authentication.private_key
    with pytest.raises(errors.WrongKeyUse):
        _ = signature.authentication_key


def test_the_key_does_not_leave_its_token(softhsm: SoftHsm, card: str) -> None:
    with open_token(softhsm.module, token_label=card, pin=PIN) as token:
        key = token.key(KeyUse.SIGNATURE).private_key
        with pytest.raises(errors.KeyUnsuitable):
            key.private_numbers()
        with pytest.raises(errors.KeyUnsuitable):
            key.decrypt(b"", padding.PKCS1v15())
        with pytest.raises(errors.KeyUnsuitable):
            key.sign(b"", padding.PKCS1v15(), hashes.SHA1())
        with pytest.raises(errors.KeyUnsuitable):
            key.sign(b"", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def test_without_a_pin_the_card_shows_what_is_public(softhsm: SoftHsm, card: str, cps: CpsPair) -> None:
    with open_token(softhsm.module, token_label=card) as token:
        assert cps.signature.certificate in token.certificates()
        assert "CPS_INFO_PS" in token.data_objects()
        with pytest.raises(errors.PinMissing):
            token.keys()


def test_a_wrong_pin_says_what_it_cost(softhsm: SoftHsm, card: str) -> None:
    with pytest.raises(errors.PinIncorrect) as caught:
        open_token(softhsm.module, token_label=card, pin="9999")
    assert caught.value.tries_left == 2  # SoftHSM2 raises CKF_USER_PIN_COUNT_LOW and never blocks
    assert "9999" not in str(caught.value) + repr(caught.value.__dict__)
    assert {info.label: info.tries_left for info in modules.list_tokens(softhsm.module)}[card] == 2
    open_token(softhsm.module, token_label=card, pin=PIN).close()
    assert {info.label: info.tries_left for info in modules.list_tokens(softhsm.module)}[card] is None


@pytest.mark.parametrize(
    ("flags", "tries"), [(0, None), (0x10000, 2), (0x30000, 1), (0x20000, 1), (0x70000, 0), (0x40000, 0)]
)
def test_flags_are_read_as_tries(flags: int, tries: int | None) -> None:
    assert modules.tries_left(flags) == tries


def test_an_empty_pin_costs_no_try(softhsm: SoftHsm, card: str) -> None:
    with pytest.raises(errors.PinMissing):
        open_token(softhsm.module, token_label=card, pin="")
    assert {info.label: info.tries_left for info in modules.list_tokens(softhsm.module)}[card] is None


def test_a_second_pin_beside_an_open_card_is_refused(softhsm: SoftHsm, card: str) -> None:
    with (
        open_token(softhsm.module, token_label=card, pin=PIN),
        pytest.raises(errors.TokenBusy),
    ):
        open_token(softhsm.module, token_label=card, pin="9999")


def test_a_closed_token_signs_no_more(softhsm: SoftHsm, card: str) -> None:
    with open_token(softhsm.module, token_label=card, pin=PIN) as token:
        key = token.key(KeyUse.SIGNATURE).private_key
    with pytest.raises(errors.CardError):
        _signs(key, hashes.SHA256())
    token.close()


def test_an_unknown_token_and_several_are_said(softhsm: SoftHsm, card: str, cps: CpsPair) -> None:
    softhsm.make_token(next(labels), (b"\x10", cps.signature))
    with pytest.raises(errors.TokenMissing):
        open_token(softhsm.module, token_label="nobody's", pin=PIN)
    with pytest.raises(errors.TokenMissing, match="Several"):
        open_token(softhsm.module, pin=PIN)


def test_a_token_is_found_by_its_slot(softhsm: SoftHsm, card: str) -> None:
    slot = {info.label: info.slot for info in modules.list_tokens(softhsm.module)}[card]
    with open_token(softhsm.module, slot=slot, pin=PIN) as token:
        assert token.info.label == card


def test_a_card_without_the_wanted_key_says_so(softhsm: SoftHsm, cps: CpsPair) -> None:
    label = softhsm.make_token(next(labels), (b"\x20", cps.authentication))
    with (
        open_token(softhsm.module, token_label=label, pin=PIN) as token,
        pytest.raises(errors.KeyMissing, match="signature"),
    ):
        token.key(KeyUse.SIGNATURE)


def test_a_missing_module_is_said(tmp_path: Path) -> None:
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (the extra `card`)")
    with pytest.raises(errors.ModuleMissing):
        open_token(tmp_path / "none.so", pin=PIN)


def test_a_file_that_is_no_module_is_said(tmp_path: Path) -> None:
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (the extra `card`)")
    (tmp_path / "text.so").write_text("this is no library")
    with pytest.raises(errors.ModuleFailed):
        open_token(tmp_path / "text.so", pin=PIN)


def test_opensc_without_a_card_shows_no_token() -> None:
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (the extra `card`)")
    found = [module for module in modules.installed_modules() if "opensc" in module.name]
    if not found:
        pytest.skip("OpenSC's PKCS#11 module is not installed (Debian: opensc)")
    with pytest.raises(errors.TokenMissing):
        open_token(found[0], token_label="a card that nobody holds", pin=PIN)


def test_practice_situations_come_from_the_card(softhsm: SoftHsm, card: str) -> None:
    with open_token(softhsm.module, token_label=card) as token:
        things = token.data_objects()
    assert practice_situations(things) == (
        PracticeSituation(1, "CAB1", "41", "SA7"),
        PracticeSituation(2, "CAB2", "41", "SA7"),
    )
    assert speciality(things) == "SM26"
