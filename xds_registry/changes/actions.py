"""Changes in the words of the record's law."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from dmp.rights.actions import Action
from dmp.rights.changes import ForbiddenChange, action_of_status, actions_of_update
from dmp.rights.marks import levels_among, marks_of
from schemas.attributes import ObjectKind
from xds_registry.changes.change import Change, ChangeKind

_FOLDER_MAY_CHANGE: Final = frozenset({"title", "comments", "codeList"})


def actions_of(change: Change) -> Iterator[Action]:
    """The actions that a change is. Raises ForbiddenChange when it is one that nobody may make."""
    before, after = change.before, change.after
    if change.kind is ChangeKind.REMOVE:
        # Only the end of a record's term takes anything out of it.
        raise ForbiddenChange("nothing is taken out of a record")
    if change.kind is ChangeKind.ASSOCIATE or before is None or after is None:
        yield Action.SEARCH
    elif change.kind is ChangeKind.UPDATE_FOLDER:
        fixed = change.differing - _FOLDER_MAY_CHANGE
        if fixed:
            raise ForbiddenChange(f"{', '.join(sorted(fixed))}: does not change after submission")
        yield Action.SEARCH
    elif change.kind is ChangeKind.CHANGE_STATUS:
        if before.kind is not ObjectKind.DOCUMENT_ENTRY:
            raise ForbiddenChange("availabilityStatus: only that of documents changes")
        yield action_of_status(before.status, after.status)
    else:
        earlier, later = before.confidentiality_codes, after.confidentiality_codes
        yield from sorted(
            actions_of_update(
                change.differing,
                marks_of(earlier),
                marks_of(later),
                same_level=levels_among(earlier) == levels_among(later),
            )
        )


def functions_of(changes: Sequence[Change]) -> tuple[str, ...]:
    """What changes of documents are called in the functional matrix, each once; changes that no row means have none."""
    found: dict[str, None] = {}
    for change in changes:
        try:
            found |= dict.fromkeys(action.value for action in actions_of(change) if action is not Action.SEARCH)
        except ForbiddenChange:
            continue
    return tuple(found)
