"""What a submission must say of who sends it and of how confidential each document is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dmp.records.record import RecordRules
from dmp.rights.actors import PROFESSIONALS, STRUCTURES, Actor, ActorKind
from dmp.rights.marks import LEVEL_SYSTEM, MARK_SYSTEM
from dmp.rights.submissions import SIGNATURE_CLASS, check_submission
from schemas.datatypes import Xcn, Xon
from schemas.metadata import Author
from tests.dmp.rights.oracle import ELSEWHERE, HOUSE, ME, STRANGER
from tests.xds_registry import submissions as s

RULES = RecordRules()
DOCTOR = Actor(kind=ActorKind.DOCTOR, identifier=ME, profession="10")
HOSPITAL = Actor(kind=ActorKind.STRUCTURE, identifier=f"3{HOUSE[1:]}/svc", structure=HOUSE)


def person(number: str = ME, authority: str = PROFESSIONALS) -> Author:
    return Author(person=Xcn.parse(f"{number}^N^P^^^^^^&{authority}&ISO^D^^^IDNPS"))


def house(number: str = HOUSE, authority: str = STRUCTURES) -> Author:
    return Author(institutions=(Xon.parse(f"Maison^^^^^&{authority}&ISO^IDNST^^^{number}"),))


def codes(*words: str) -> tuple[Any, ...]:
    return tuple(s.code(word, LEVEL_SYSTEM if word in "NRV" else MARK_SYSTEM) for word in words)


def wrong(actor: Actor, sender: Author, author: Author, *words: str, minor: bool = False, **changes: Any) -> list[str]:
    """What is found wrong with a submission of one document."""
    rules = replace(RULES, **changes.pop("rules", {}))
    entry = s.entry(authors=(author,), confidentiality_codes=codes(*(words or ("N",))), **changes)
    whole = s.submission(s.submission_set(authors=(sender,)), entry)
    return [error.code_context for error in check_submission(actor, whole, rules, minor=minor)]


def test_a_doctor_files_their_own_document() -> None:
    assert wrong(DOCTOR, person(), person()) == []


@pytest.mark.parametrize("sender", [person(STRANGER), person(ME, "1.2.3"), house(), house(ELSEWHERE)])
def test_a_person_sends_in_their_own_name(sender: Author) -> None:
    (found,) = wrong(DOCTOR, sender, person())
    assert "SubmissionSet.author" in found


@pytest.mark.parametrize("author", [person(STRANGER), person(ME, "1.2.3"), house()])
def test_a_person_files_what_they_wrote(author: Author) -> None:
    (found,) = wrong(DOCTOR, person(), author)
    assert "DocumentEntry.author" in found


def test_a_structure_sends_for_its_people_and_for_nobody_else() -> None:
    assert wrong(HOSPITAL, house(), house()) == []
    assert len(wrong(HOSPITAL, house(ELSEWHERE), house(ELSEWHERE))) == 2
    assert len(wrong(HOSPITAL, house(HOUSE, "1.2.3"), person(STRANGER))) == 2


@pytest.mark.parametrize("words", [("MASQUE_PS",), ("N", "R"), ("N", "V", "MASQUE_PS")])
def test_one_level_is_stated(words: tuple[str, ...]) -> None:
    (found,) = wrong(DOCTOR, person(), person(), *words)
    assert "exactly one of the levels" in found


@pytest.mark.parametrize("level", "NRV")
@pytest.mark.parametrize("mark", ["MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"])
def test_a_level_and_a_mark_go_together(level: str, mark: str) -> None:
    assert wrong(DOCTOR, person(), person(), level, mark) == []


def test_masked_and_invisible_exclude_each_other_unless_the_service_allows_it_or_it_is_a_signature() -> None:
    both = ("N", "MASQUE_PS", "INVISIBLE_PATIENT")
    (found,) = wrong(DOCTOR, person(), person(), *both)
    assert "exclude each other" in found
    assert wrong(DOCTOR, person(), person(), *both, rules={"masked_and_invisible": True}) == []
    assert wrong(DOCTOR, person(), person(), *both, class_code=s.code(SIGNATURE_CLASS, "URN")) == []


def test_in_a_secret_connection_a_minor_s_documents_stay_from_representatives() -> None:
    secret = replace(DOCTOR, secret=True)
    (found,) = wrong(secret, person(), person(), minor=True)
    assert "secret connection" in found
    assert wrong(secret, person(), person(), "N", "INVISIBLE_REPRESENTANTS_LEGAUX", minor=True) == []
    assert wrong(secret, person(), person(), minor=False) == []
    assert wrong(secret, person(), person(), minor=True, rules={"minors_managed": False}) == []
    assert wrong(DOCTOR, person(), person(), minor=True) == []
