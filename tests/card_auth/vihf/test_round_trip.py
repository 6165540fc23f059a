"""What is issued is what is verified."""

from __future__ import annotations

import datetime

import pytest

from card_auth.caller import AccessMode, AuthenticationLevel, PurposeOfUse, Role
from card_auth.errors import CertificateExpired, WrongKeyUse
from card_auth.vihf import AssertionRefused, Digest, Fault, Reason, Statement, StatementRefused, VihfVersion, issue
from tests.card_auth.vihf.conftest import World
from tests.card_auth.vihf.messages import PATIENT, SOFTWARE, direct, envelope, indirect

KINDS = [
    "direct",
    "direct 2.0",
    "indirect",
    "indirect 2.0",
    "reinforced",
    "secret",
    "broken glass",
    "regulation",
    "automaton",
]


def statement_of(kind: str, now: datetime.datetime) -> tuple[str, Statement]:
    """Who states what in each of the kinds that we issue."""
    match kind:
        case "direct":
            return "doctor", direct(now)
        case "direct 2.0":
            return "doctor", direct(now, version=VihfVersion.V2_0, sector=None)
        case "indirect":
            return "hospital", indirect(now)
        case "indirect 2.0":
            return "hospital", indirect(now, version=VihfVersion.V2_0)
        case "reinforced":
            level = AuthenticationLevel.MOBILE_TWO_FACTOR
            return "hospital", indirect(now, mode=AccessMode.REINFORCED_INDIRECT, level=level, subject="899700218896")
        case "secret":
            return "doctor", direct(now, secret_connection=True)
        case "broken glass":
            reason = 'Patient inconscient, <urgence> & "détresse"'
            return "doctor", direct(now, purpose_of_use=PurposeOfUse.BREAK_GLASS, purpose_reason=reason)
        case "regulation":
            return "doctor", direct(now, purpose_of_use=PurposeOfUse.REGULATION, resource_id=None)
        case _:
            robot = (Role("AUTOMATE", "1.2.250.1.213.1.1.4.6"),)
            return "laboratory", indirect(now, "339172288100052", roles=robot, level=AuthenticationLevel.TLS_CLIENT)


@pytest.mark.parametrize("kind", KINDS)
def test_the_caller_is_what_was_stated(world: World, kind: str) -> None:
    who, stated = statement_of(kind, world.now)
    pair = world.people[who]
    message = envelope(issue(stated, pair.signature.key, at=world.now))
    caller = world.verify(message, pair.authentication.certificate.der)
    assert caller.national_id == stated.subject
    assert caller.name == (stated.subject_name or "KIT DOC0021889")
    assert caller.roles == stated.roles
    assert (caller.structure_id, caller.sector, caller.mode) == (stated.structure_id, stated.sector, stated.mode)
    assert (caller.purpose_of_use, caller.purpose_reason) == (stated.purpose_of_use, stated.purpose_reason)
    assert (caller.resource_id, caller.secret_connection) == (stated.resource_id, stated.secret_connection)
    assert (caller.software, caller.level) == (SOFTWARE, stated.level)
    assert caller.authenticated_at == stated.authenticated_at
    assert caller.certificate_fingerprint == pair.signature.certificate.fingerprint
    assert not caller.stale_revocation
    assert not caller.legacy_sha1
    assert PATIENT not in repr(caller) + repr(stated)


@pytest.mark.parametrize("digest", Digest)
def test_every_digest_that_we_sign_with_is_accepted(world: World, digest: Digest) -> None:
    pair = world.people["doctor"]
    message = envelope(issue(direct(world.now), pair.signature.key, at=world.now, digest=digest))
    assert world.verify(message, pair.authentication.certificate.der).national_id == "899700218896"


def test_an_assertion_counts_once(world: World) -> None:
    from card_auth.vihf import ReplayMemory  # noqa: PLC0415

    memory, pair = ReplayMemory(), world.people["doctor"]
    message = envelope(issue(direct(world.now), pair.signature.key, at=world.now))
    world.verify(message, pair.authentication.certificate.der, replay=memory)
    with pytest.raises(AssertionRefused) as caught:
        world.verify(message, pair.authentication.certificate.der, replay=memory)
    assert caught.value.reason is Reason.REPLAYED


def test_an_authentication_key_is_refused_by_name_on_both_sides(world: World) -> None:
    from tests.card_auth.vihf.messages import Forger, unsigned  # noqa: PLC0415

    pair = world.people["doctor"]
    with pytest.raises(WrongKeyUse):
        issue(direct(world.now), pair.authentication.key, at=world.now)
    assertion = unsigned(direct(world.now), pair.signature, world.now)
    with pytest.raises(AssertionRefused) as caught:
        world.verify(envelope(Forger.of(pair.authentication).sign(assertion)), pair.authentication.certificate.der)
    assert caught.value.reason is Reason.WRONG_KEY_USAGE
    assert caught.value.fault is Fault.INVALID_CERTIFICATE
    assert caught.value.fault.local_name == "DMPInvalidCertificate"


@pytest.mark.parametrize(
    ("who", "changes", "reason"),
    [
        ("doctor", {"subject": "899700218897"}, Reason.OTHER_SUBJECT),
        ("doctor", {"mode": AccessMode.INDIRECT, "subject_name": "X"}, Reason.WRONG_MODE),
        ("hospital", {}, Reason.WRONG_MODE),
        ("doctor", {"roles": (Role("60", "1.2.250.1.71.1.2.7"),)}, Reason.OTHER_PROFESSION),
        ("doctor", {"roles": (Role("10", "1.2.250.1.71.1.2.7"),)}, Reason.OTHER_PROFESSION),
        ("doctor", {"roles": ()}, Reason.OTHER_PROFESSION),
        ("doctor", {"sector": None}, Reason.MALFORMED_CLAIM),
        ("doctor", {"sector": "SA7"}, Reason.MALFORMED_CLAIM),
        ("doctor", {"structure_id": ""}, Reason.MALFORMED_CLAIM),
        ("doctor", {"purpose_of_use": PurposeOfUse.BREAK_GLASS}, Reason.MALFORMED_CLAIM),
        ("doctor", {"purpose_reason": " blank first"}, Reason.MALFORMED_CLAIM),
        ("doctor", {"resource_id": PATIENT.replace("97^", "98^")}, Reason.UNKNOWN_PATIENT),
    ],
)
def test_what_no_server_would_accept_is_not_signed(
    world: World, who: str, changes: dict[str, object], reason: Reason
) -> None:
    with pytest.raises(StatementRefused) as caught:
        issue(direct(world.now, **changes), world.people[who].signature.key, at=world.now)
    assert caught.value.reason is reason


def test_an_expired_card_signs_nothing(world: World) -> None:
    later = world.now + datetime.timedelta(days=4000)
    with pytest.raises(CertificateExpired):
        issue(direct(world.now), world.people["doctor"].signature.key, at=later)
