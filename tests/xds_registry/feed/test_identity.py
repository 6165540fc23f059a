"""Choosing the identifier of the affinity domain."""

from __future__ import annotations

import pytest

from schemas.affinity_domain import load_affinity_domain
from tests.xds_registry.feed.hospital import AUTHORITY, FOREIGN, NAMESPACE, SECOND_AUTHORITY, cx
from xds_registry.feed.identity import StatedId, UnusableIdentity, identity_in

DOMAIN = load_affinity_domain("ihe", patient_authorities=[AUTHORITY, SECOND_AUTHORITY], patient_namespace=NAMESPACE)


def chosen(*stated: StatedId) -> str | None:
    found = identity_in(DOMAIN, stated)
    return None if found is None else str(found)


@pytest.mark.parametrize(
    "authority",
    [("", AUTHORITY, "ISO"), (NAMESPACE, AUTHORITY, "ISO"), ("OTHER", AUTHORITY, "ISO"), (NAMESPACE,), ()],
)
def test_the_domain_is_recognised_however_its_authority_is_named(authority: tuple[str, ...]) -> None:
    assert chosen(StatedId("7", *authority)) == cx("7")


@pytest.mark.parametrize(
    "authority", [("", FOREIGN, "ISO"), (NAMESPACE, FOREIGN, "ISO"), ("OTHER",), ("", AUTHORITY, "DNS")]
)
def test_identifiers_of_others_are_left_alone(authority: tuple[str, ...]) -> None:
    assert chosen(StatedId("7", *authority)) is None


@pytest.mark.parametrize(
    ("default", "other"), [(AUTHORITY, SECOND_AUTHORITY), (SECOND_AUTHORITY, AUTHORITY)], ids=["first", "second"]
)
def test_the_default_authority_goes_first(default: str, other: str) -> None:
    domain = load_affinity_domain("ihe", patient_authorities=[default, other])
    ours, theirs = StatedId("1", "", default, "ISO"), StatedId("2", "", other, "ISO")
    assert str(identity_in(domain, [theirs])) == cx("2", other)
    assert str(identity_in(domain, [theirs, ours])) == str(identity_in(domain, [ours, theirs])) == cx("1", default)


def test_two_identifiers_of_one_authority_are_refused() -> None:
    with pytest.raises(UnusableIdentity):
        chosen(StatedId("1"), StatedId("2"))
    assert chosen(StatedId("1"), StatedId("1")) == cx("1")


@pytest.mark.parametrize("identifier", ["a\x01b", "a\udce9", "x" * 300, "\x7f"])
def test_an_identifier_that_nobody_could_ask_for_is_refused(identifier: str) -> None:
    with pytest.raises(UnusableIdentity) as refused:
        chosen(StatedId(identifier))
    assert identifier not in str(refused.value)


def test_delimiters_in_an_identifier_are_escaped() -> None:
    assert chosen(StatedId("a^b&c")) == cx("a\\S\\b\\T\\c")
