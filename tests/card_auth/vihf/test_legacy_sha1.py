"""SHA-1 counts as a named exception only: for the cards of the authorities that a profile names, until its day."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from card_auth.demo_pki import AuthorityName
from card_auth.trust import RevocationLists, TrustStore
from card_auth.trust.algorithms import AlgorithmPolicy, LegacySha1
from card_auth.vihf import AssertionRefused, Reason
from card_auth.vihf.vocabulary import DS
from tests.card_auth.vihf.conftest import World
from tests.card_auth.vihf.messages import Forger, direct, envelope, unsigned

DAY = datetime.timedelta(days=1)


def trusting(world: World, until: datetime.date, authority: AuthorityName) -> TrustStore:
    """The server's trust, with SHA-1 allowed to the cards of an authority up to a day."""
    exception = LegacySha1(until, frozenset({world.pki.authority(authority).fingerprint}))
    profile = replace(world.profile, algorithms=AlgorithmPolicy(legacy_sha1=exception))
    lists = RevocationLists([profile])
    lists.refresh()
    return TrustStore([profile], lists=lists, production=False)


def presented(world: World, trust: TrustStore, **how: str) -> bool:
    """Whether an assertion that is signed so passes on sufferance. Raises AssertionRefused."""
    doctor = world.people["doctor"]
    assertion = unsigned(direct(world.now), doctor.signature, world.now)
    message = envelope(Forger.of(doctor.signature, **how).sign(assertion))
    return world.verify(message, doctor.authentication.certificate.der, trust=trust).legacy_sha1


SHA1 = {"method": f"{DS}rsa-sha1", "digest": f"{DS}sha1"}


@pytest.mark.parametrize(
    "how", [SHA1, {"method": f"{DS}rsa-sha1"}, {"digest": f"{DS}sha1"}], ids=["both", "signature", "digest"]
)
def test_within_the_period_it_passes_and_is_marked(world: World, how: dict[str, str]) -> None:
    trust = trusting(world, world.now.date() + DAY, AuthorityName.SIGNATURE)
    assert presented(world, trust, **how)
    assert not presented(world, trust)


def test_on_its_day_the_period_is_over(world: World) -> None:
    trust = trusting(world, world.now.date(), AuthorityName.SIGNATURE)
    with pytest.raises(AssertionRefused) as refused:
        presented(world, trust, **SHA1)
    assert refused.value.reason is Reason.LEGACY_PERIOD_OVER


def test_the_exception_of_one_authority_is_not_another_s(world: World) -> None:
    trust = trusting(world, world.now.date() + DAY, AuthorityName.ORGANISATIONS)
    with pytest.raises(AssertionRefused) as refused:
        presented(world, trust, **SHA1)
    assert refused.value.reason is Reason.WEAK_ALGORITHM


def test_without_an_exception_it_is_refused(world: World) -> None:
    with pytest.raises(AssertionRefused) as refused:
        presented(world, world.trust, **SHA1)
    assert refused.value.reason is Reason.WEAK_ALGORITHM
