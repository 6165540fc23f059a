"""Which change of a document's metadata is which action: mask, unmask, make visible, archive, delete, reclassify.

Sources: CI-SIS, volet Partage de documents de santé (ITI-57); GIE SESAM-Vitale SEL-MP-037 TD3.3a to TD3.3d,
EX_3.3-1045, EX_3.3-1050.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from dmp.rights.actions import Action
from dmp.rights.marks import Marks
from schemas.vocabulary import AvailabilityStatus

#: Attributes that say how a document is filed and how sensitive it is.
_FILING: Final = frozenset(
    {
        "classCode",
        "typeCode",
        "eventCodeList",
        "practiceSettingCode",
        "healthcareFacilityTypeCode",
        "title",
        "comments",
        "referenceIdList",
    }
)
_CONFIDENTIALITY: Final = "confidentialityCode"
_STATUSES: Final = {
    (AvailabilityStatus.APPROVED, AvailabilityStatus.ARCHIVED): Action.ARCHIVE,
    (AvailabilityStatus.ARCHIVED, AvailabilityStatus.APPROVED): Action.ARCHIVE,
    (AvailabilityStatus.APPROVED, AvailabilityStatus.DELETED): Action.DELETE,
    (AvailabilityStatus.ARCHIVED, AvailabilityStatus.DELETED): Action.DELETE,
}
_INVISIBLE: Final = Marks.INVISIBLE_TO_PATIENT | Marks.INVISIBLE_TO_REPRESENTATIVES


class ForbiddenChange(Exception):
    """A change that nobody may make; the message names the rule."""


def actions_of_update(attributes: Collection[str], before: Marks, after: Marks, *, same_level: bool) -> set[Action]:
    """What a new version of a document's metadata does. `attributes` are the names of those that differ.

    Raises ForbiddenChange: what was made visible stays visible, and who wrote what about whom does not change.
    """
    fixed = sorted(set(attributes) - _FILING - {_CONFIDENTIALITY})
    if fixed:
        raise ForbiddenChange(f"{', '.join(fixed)}: does not change after submission")
    found: set[Action] = set()
    if set(attributes) & _FILING or not same_level:
        found.add(Action.RECLASSIFY)
    added, removed = after & ~before, before & ~after
    if added & _INVISIBLE:
        raise ForbiddenChange("what patient or legal representatives could see cannot be hidden from them")
    if removed & _INVISIBLE:
        found.add(Action.MAKE_VISIBLE)
    if added & Marks.MASKED:
        found.add(Action.MASK)
    if removed & Marks.MASKED:
        found.add(Action.UNMASK)
    return found


def action_of_status(before: AvailabilityStatus, after: AvailabilityStatus) -> Action:
    """What a change of availabilityStatus is. Raises ForbiddenChange: nothing brings a deleted document back."""
    action = _STATUSES.get((before, after))
    if action is None:
        raise ForbiddenChange("availabilityStatus: documents are archived, brought back, or deleted")
    return action
