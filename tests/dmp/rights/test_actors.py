"""What a verified caller is to the law."""

from __future__ import annotations

from typing import Any

import pytest

from card_auth.caller import AccessMode, Caller, PurposeOfUse, Role
from dmp.rights.actors import Actor, ActorKind, named_patient

G15, R38, OTHERS = "1.2.250.1.71.1.2.7", "1.2.250.1.71.4.2.5", "1.2.250.1.213.1.1.4.6"


def actor(national_id: str, *roles: Role, mode: AccessMode = AccessMode.DIRECT, **changes: Any) -> Actor:
    """The actor of a caller."""
    given: dict[str, Any] = {
        "structure_id": "10B0127189",
        "structure_name": None,
        "sector": "SA07",
        "purpose_of_use": PurposeOfUse.NORMAL,
        **changes,
    }
    return Actor.of(Caller(national_id=national_id, name="X", roles=roles, mode=mode, **given))


@pytest.mark.parametrize(
    ("national_id", "roles", "kind"),
    [
        ("899700218896", (Role("10", G15),), ActorKind.DOCTOR),
        ("899700218896", (Role("10", G15), Role("SM26", R38)), ActorKind.DOCTOR),
        ("899700218896", (Role("10", G15), Role("SM25", R38)), ActorKind.OCCUPATIONAL_DOCTOR),
        ("899700218896", (Role("60", G15),), ActorKind.PROFESSIONAL),
        ("0759876543", (Role("60", G15),), ActorKind.PROFESSIONAL),
        ("899700218896", (Role("10", R38),), ActorKind.NOBODY),
        ("899700218896", (), ActorKind.NOBODY),
        ("899700218896", (Role("SECRETARIAT_MEDICAL", OTHERS),), ActorKind.NOBODY),
        ("30B0127189/rx", (Role("SECRETARIAT_MEDICAL", OTHERS),), ActorKind.EMPLOYEE),
        ("30B0127189/rx", (Role("10", G15),), ActorKind.EMPLOYEE),
    ],
)
def test_the_card_and_the_profession_make_the_kind(national_id: str, roles: tuple[Role, ...], kind: ActorKind) -> None:
    assert actor(national_id, *roles).kind is kind
    assert actor(national_id, *roles, mode=AccessMode.REINFORCED_INDIRECT).kind is kind


@pytest.mark.parametrize("roles", [(), (Role("10", G15),)])
def test_whoever_a_structure_answers_for_is_the_structure(roles: tuple[Role, ...]) -> None:
    found = actor("30B0127189/4711", *roles, mode=AccessMode.INDIRECT)
    assert (found.kind, found.structure) == (ActorKind.STRUCTURE, "10B0127189")


def test_reinforced_indirect_access_does_not_feed() -> None:
    assert not actor("899700218896", Role("10", G15), mode=AccessMode.REINFORCED_INDIRECT).may_feed
    assert actor("899700218896", Role("10", G15)).may_feed


@pytest.mark.parametrize(
    ("national_id", "stated", "proven"),
    [
        ("899700218896", "10B0127189", ""),
        ("30B0127189/rx", "10B0127189", "10B0127189"),
        ("30B0127189/rx", "10B0999999", ""),
        ("4345678901/7", "2345678901", "2345678901"),
        ("30B0127189/", "10B0127189", ""),
        ("70B0127189/rx", "10B0127189", ""),
    ],
)
def test_a_structure_counts_where_more_than_a_word_says_so(national_id: str, stated: str, proven: str) -> None:
    found = actor(national_id, Role("10", G15), structure_id=stated)
    assert found.structure == (stated if proven else "")


@pytest.mark.parametrize(
    ("cx", "expected"),
    [
        ("2790^^^&1.2.250.1.213.1.4.10&ISO^NH", "2790^^^&1.2.250.1.213.1.4.10&ISO"),
        ("2790^^^&1.2.250.1.213.1.4.10&ISO^NH^^20240101", "2790^^^&1.2.250.1.213.1.4.10&ISO"),
        ("2790^^^&1.2.250.1.213.1.4.10&ISO", "2790^^^&1.2.250.1.213.1.4.10&ISO"),
        ("2790", "2790^^^"),
    ],
)
def test_a_patient_is_named_by_components_1_and_4(cx: str, expected: str) -> None:
    assert named_patient(cx) == expected
