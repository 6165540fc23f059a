"""Which change of metadata is which action, and which changes nobody may make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmp.rights.actions import Action
from dmp.rights.changes import ForbiddenChange, action_of_status, actions_of_update
from dmp.rights.marks import CODES, LEVEL_SYSTEM, MARK_SYSTEM, Marks, levels_among, marks_of
from schemas.vocabulary import AvailabilityStatus

NONE, MASKED = Marks.NONE, Marks.MASKED
PATIENT, REPRESENTATIVES = Marks.INVISIBLE_TO_PATIENT, Marks.INVISIBLE_TO_REPRESENTATIVES
CONFIDENTIALITY = {"confidentialityCode"}
A, D = AvailabilityStatus.APPROVED, AvailabilityStatus.DEPRECATED
ARCHIVED, DELETED = AvailabilityStatus.ARCHIVED, AvailabilityStatus.DELETED


@pytest.mark.parametrize(
    ("before", "after", "actions"),
    [
        (NONE, MASKED, {Action.MASK}),
        (MASKED, NONE, {Action.UNMASK}),
        (PATIENT, NONE, {Action.MAKE_VISIBLE}),
        (REPRESENTATIVES, NONE, {Action.MAKE_VISIBLE}),
        (PATIENT | REPRESENTATIVES, REPRESENTATIVES, {Action.MAKE_VISIBLE}),
        (PATIENT, MASKED, {Action.MASK, Action.MAKE_VISIBLE}),
        (MASKED | PATIENT, NONE, {Action.UNMASK, Action.MAKE_VISIBLE}),
        (MASKED, MASKED, set()),
    ],
)
def test_marks_that_come_and_go_are_actions(before: Marks, after: Marks, actions: set[Action]) -> None:
    assert actions_of_update(CONFIDENTIALITY, before, after, same_level=True) == actions


@pytest.mark.parametrize("hidden", [PATIENT, REPRESENTATIVES])
@pytest.mark.parametrize("before", [NONE, MASKED])
def test_what_could_be_seen_is_not_hidden_from_the_patient_s_side(before: Marks, hidden: Marks) -> None:
    with pytest.raises(ForbiddenChange, match="cannot be hidden"):
        actions_of_update(CONFIDENTIALITY, before, before | hidden, same_level=True)


@pytest.mark.parametrize("attribute", ["author", "patientId", "uniqueId", "hash", "creationTime", "legalAuthenticator"])
def test_who_wrote_what_about_whom_stays(attribute: str) -> None:
    with pytest.raises(ForbiddenChange, match=attribute):
        actions_of_update({attribute, "title"}, NONE, NONE, same_level=True)


@pytest.mark.parametrize("attribute", ["classCode", "typeCode", "title", "eventCodeList", "practiceSettingCode"])
def test_filing_a_document_elsewhere_is_reclassifying_it(attribute: str) -> None:
    assert actions_of_update({attribute}, NONE, NONE, same_level=True) == {Action.RECLASSIFY}


def test_another_level_is_reclassifying_too() -> None:
    assert actions_of_update(CONFIDENTIALITY, NONE, MASKED, same_level=False) == {Action.RECLASSIFY, Action.MASK}


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        (A, ARCHIVED, Action.ARCHIVE),
        (ARCHIVED, A, Action.ARCHIVE),
        (A, DELETED, Action.DELETE),
        (ARCHIVED, DELETED, Action.DELETE),
    ],
)
def test_states_that_follow_each_other(before: AvailabilityStatus, after: AvailabilityStatus, action: Action) -> None:
    assert action_of_status(before, after) is action


@pytest.mark.parametrize("after", [A, D, ARCHIVED])
def test_nothing_brings_a_deleted_document_back(after: AvailabilityStatus) -> None:
    with pytest.raises(ForbiddenChange):
        action_of_status(DELETED, after)


@pytest.mark.parametrize("before", [A, D, ARCHIVED])
def test_obsolete_is_what_a_replacement_makes_a_document(before: AvailabilityStatus) -> None:
    with pytest.raises(ForbiddenChange):
        action_of_status(before, D)


@given(st.sets(st.sampled_from(sorted(CODES))), st.sets(st.sampled_from("NRV")), st.lists(st.text(max_size=5)))
def test_marks_and_levels_are_read_by_their_own_systems(marks: set[str], levels: set[str], others: list[str]) -> None:
    codes = [f"{mark}^^{MARK_SYSTEM}" for mark in marks] + [f"{level}^^{LEVEL_SYSTEM}" for level in levels]
    strangers = [f"{word}^^1.2.3" for word in (*CODES, "N", "R")] + others
    found = marks_of(codes + strangers)
    assert {code for code, mark in CODES.items() if mark in found} == marks
    assert levels_among(codes + strangers) == levels
