"""What the agent signs, with which key, and only after its holder said so on the workstation."""

from __future__ import annotations

import base64
import datetime
import hashlib
import logging
import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from card_auth.agent import LoginProof, LoginRefused, verify_login
from card_auth.agent.login import login_text
from card_auth.certificates import Certificate
from card_auth.demo_pki import CpsPair, DemoPki
from card_auth.trust import Purpose, RevocationPolicy, TrustStore, load_profile
from card_auth.vihf.vocabulary import DS
from soap.xml import parse_untrusted
from tests.card_auth.agent.conftest import OTHER_PORTAL, PIN, PORTAL, Answer, Workstation

CHALLENGE = secrets.token_bytes(32)
NOW = datetime.datetime.now
PATIENT = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"


def encoded(challenge: bytes) -> str:
    return base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()


def login(workstation: Workstation) -> Answer:
    return workstation.page().connect().ask("POST", "/sign", {"kind": "login", "challenge": encoded(CHALLENGE)})


def proof_of(answer: Answer) -> LoginProof:
    return LoginProof(
        base64.b64decode(answer.json["certificate"]),
        tuple(base64.b64decode(one) for one in answer.json["chain"]),
        answer.json["signed_at"],
        base64.b64decode(answer.json["signature"]),
    )


def assertion(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "assertion",
        "roles": [
            {"code": "10", "code_system": "1.2.250.1.71.1.2.7", "display_name": "Médecin"},
            {"code": "SM26", "code_system": "1.2.250.1.71.4.2.5", "display_name": "Qualifié en médecine générale"},
        ],
        "structure_id": "10B0127189",
        "sector": "SA07",
        "purpose_of_use": "normal",
        "patient": PATIENT,
        "software": {"name": "Portal", "version": "1"},
        **changes,
    }


def documents(**changes: Any) -> dict[str, Any]:
    one = {"unique_id": "1.2.250.1.99.1", "sha256": hashlib.sha256(b"letter").hexdigest(), "title": "Lettre", **changes}
    return {"kind": "documents", "documents": [one]}


def test_a_login_is_proved_by_the_authentication_certificate(
    workstation: Workstation, cps: CpsPair, igc: DemoPki
) -> None:
    proof = proof_of(login(workstation))
    at = NOW(datetime.UTC)
    certificate = verify_login(proof, origin=PORTAL, challenge=CHALLENGE, at=at)
    assert certificate == cps.authentication.certificate
    trust = TrustStore([load_profile(igc.directory)], revocation=RevocationPolicy(required=False), production=False)
    chain = trust.verify_chain(certificate, proof.chain, at=at, purpose=Purpose.TLS_CLIENT)
    assert chain.holder.national_id == "899700218896"
    assert PORTAL in workstation.user.asked[-1]


@pytest.mark.parametrize(
    ("origin", "challenge", "later"),
    [
        (OTHER_PORTAL, CHALLENGE, 0),
        (PORTAL, secrets.token_bytes(32), 0),
        (PORTAL, CHALLENGE, 301),
        (PORTAL, CHALLENGE, -61),
        (PORTAL, b"", 0),
    ],
    ids=["other portal", "other challenge", "too late", "from the future", "no challenge"],
)
def test_a_proof_is_good_for_its_portal_its_challenge_and_its_moment_only(
    workstation: Workstation, origin: str, challenge: bytes, later: int
) -> None:
    proof = proof_of(login(workstation))
    at = NOW(datetime.UTC) + datetime.timedelta(seconds=later)
    with pytest.raises(LoginRefused):
        verify_login(proof, origin=origin, challenge=challenge, at=at)


def test_a_signature_by_the_signature_key_is_no_login(cps: CpsPair) -> None:
    signed_at = NOW(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = login_text(PORTAL, CHALLENGE, signed_at)
    signature = cps.signature.key.private_key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    proof = LoginProof(cps.signature.certificate.der, (), signed_at, signature)
    with pytest.raises(LoginRefused, match="not of authentication"):
        verify_login(proof, origin=PORTAL, challenge=CHALLENGE, at=NOW(datetime.UTC))


def test_an_assertion_is_signed_with_the_signature_key_after_the_holder_saw_it(
    workstation: Workstation, cps: CpsPair
) -> None:
    answer = workstation.page().connect().ask("POST", "/sign", assertion())
    assert answer.status == 200, answer.text
    tree = parse_untrusted(base64.b64decode(answer.json["assertion"]))
    (certificate,) = tree.iter(f"{{{DS}}}X509Certificate")
    assert base64.b64decode("".join(certificate.itertext())) == cps.signature.certificate.der
    question = workstation.user.asked[-2]
    assert PORTAL in question
    assert "279035121518989" in question


def test_breaking_the_glass_is_said_loudly(workstation: Workstation) -> None:
    request = assertion(purpose_of_use="bris_de_glace", purpose_reason="Patient inconscient")
    assert workstation.page().connect().ask("POST", "/sign", request).status == 200
    assert "BREAKING THE GLASS" in workstation.user.asked[-2]
    assert "Patient inconscient" in workstation.user.asked[-2]


def test_the_page_cannot_say_who_speaks(workstation: Workstation) -> None:
    page = workstation.page().connect()
    assert page.ask("POST", "/sign", assertion(subject="899700218897")).code == "malformed"
    stranger = assertion(roles=[{"code": "60", "code_system": "1.2.250.1.71.1.2.7"}])
    assert page.ask("POST", "/sign", stranger).code == "statement-refused"


def test_documents_are_signed_with_the_signature_key_after_the_holder_saw_their_titles(
    workstation: Workstation, cps: CpsPair
) -> None:
    answer = workstation.page().connect().ask("POST", "/sign", documents())
    assert answer.status == 200, answer.text
    tree = parse_untrusted(base64.b64decode(answer.json["signature"]))
    (signed,) = tree.iter(f"{{{DS}}}SignedInfo")
    (reference,) = signed.iter(f"{{{DS}}}Reference")
    assert reference.get("URI") == "urn:oid:1.2.250.1.99.1"
    (digest,) = signed.iter(f"{{{DS}}}DigestValue")
    assert base64.b64decode("".join(digest.itertext())) == hashlib.sha256(b"letter").digest()
    (value,) = tree.iter(f"{{{DS}}}SignatureValue")
    public = cps.signature.certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    octets = etree.tostring(signed, method="c14n", exclusive=True)
    public.verify(base64.b64decode("".join(value.itertext())), octets, padding.PKCS1v15(), hashes.SHA256())
    assert "Lettre" in workstation.user.asked[-2]


@pytest.mark.parametrize("request_of", [assertion, documents])
def test_nothing_is_signed_that_the_holder_refuses_and_no_pin_is_asked(
    workstation: Workstation, request_of: Any
) -> None:
    page = workstation.page().connect()
    workstation.user.says_yes = False
    answer = page.ask("POST", "/sign", request_of())
    assert (answer.status, answer.code) == (403, "not-confirmed")
    assert workstation.user.pins_asked == []


def test_without_a_pin_nothing_is_signed(workstation: Workstation) -> None:
    workstation.user.pin = None
    answer = login(workstation)
    assert (answer.status, answer.code) == (403, "not-confirmed")


def test_wrong_pins_are_counted_to_the_blocked_card(workstation: Workstation) -> None:
    page = workstation.page().connect()
    workstation.user.pin = "9999"
    request = {"kind": "login", "challenge": encoded(CHALLENGE)}
    answers = [page.ask("POST", "/sign", request) for _ in range(4)]
    assert [answer.status for answer in answers] == [403] * 4
    assert [answer.code for answer in answers] == ["pin-incorrect", "pin-incorrect", "pin-blocked", "pin-blocked"]
    assert [answer.json["error"]["tries_left"] for answer in answers] == [2, 1, 0, 0]
    assert workstation.user.pins_asked == [None, 2, 1]  # a blocked card is not asked for again
    assert "PUK" in answers[-1].json["error"]["remedy"]


def test_a_right_pin_gives_the_tries_back(workstation: Workstation) -> None:
    page = workstation.page().connect()
    request = {"kind": "login", "challenge": encoded(CHALLENGE)}
    workstation.user.pin = "9999"
    assert page.ask("POST", "/sign", request).code == "pin-incorrect"
    workstation.user.pin = PIN
    assert page.ask("POST", "/sign", request).status == 200
    assert page.ask("GET", "/card").json["tries_left"] is None


def test_a_card_that_is_pulled_out_signs_nothing(workstation: Workstation) -> None:
    page = workstation.page().connect()
    workstation.user.meanwhile = workstation.card.pull_out
    request = {"kind": "login", "challenge": encoded(CHALLENGE)}
    answer = page.ask("POST", "/sign", request)
    assert (answer.status, answer.code) == (409, "card-pulled-out")
    workstation.user.meanwhile = lambda: None
    assert page.ask("GET", "/card").status == 409
    workstation.card.put_in()
    assert page.ask("POST", "/sign", request).status == 200


def test_the_card_shows_its_certificates_with_their_use(workstation: Workstation, cps: CpsPair) -> None:
    view = workstation.page().connect().ask("GET", "/card").json
    shown = {one["use"]: Certificate.from_der(base64.b64decode(one["certificate"])) for one in view["certificates"]}
    assert shown == {"authentication": cps.authentication.certificate, "signature": cps.signature.certificate}


def test_neither_pin_nor_patient_nor_token_nor_path_leaves(
    workstation: Workstation, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        page = workstation.page().connect()
        answers = [page.ask("POST", "/sign", assertion()), page.ask("GET", "/card"), page.ask("GET", "/readers")]
        workstation.user.pin = "98765"
        answers.append(page.ask("POST", "/sign", documents()))
        workstation.card.pull_out()
        answers.append(page.ask("GET", "/card"))
    told = "".join(answer.text + str(answer.headers) for answer in answers)
    for secret in (PIN, "98765", page.token or "", "279035121518989"):
        assert secret not in caplog.text
    for secret in ("98765", page.token or "", str(workstation.card.module.parent)):
        assert secret not in told
