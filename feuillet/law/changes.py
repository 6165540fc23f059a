"""What the record's law says of changes to registered objects: each is an action, and each action is decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from dmp.authorisations import Standing
from dmp.records.record import RecordRules
from dmp.rights.actions import Action
from dmp.rights.actors import STRUCTURES, Actor
from dmp.rights.changes import ForbiddenChange, action_of_status, actions_of_update
from dmp.rights.conditions import Document
from dmp.rights.decision import Law, Refusal
from dmp.rights.marks import levels_among, marks_of
from dmp.rights.submissions import check_confidentiality
from feuillet.law.refusal import RightsRefused
from schemas.attributes import ObjectKind
from schemas.errors import LocalPolicyRestrictionError, XdsErrors
from schemas.metadata import DocumentEntry
from xds_registry.changes import Change, ChangeKind, State

_FOLDER_MAY_CHANGE: Final = frozenset({"title", "comments", "codeList"})


class ChangeLaw:
    """Decides the changes of one message; `permit` is a `xds_registry.changes.Permit`."""

    def __init__(self, law: Law, actor: Actor, patient: str, standing: Standing, rules: RecordRules) -> None:
        self._law = law
        self._actor = actor
        self._patient = patient
        self._standing = standing
        self._rules = rules

    def permit(self, _connection: Connection, changes: tuple[Change, ...]) -> None:
        """Raises RightsRefused, XdsErrors: then none of the changes is made."""
        for change in changes:
            about = change.before or change.after
            if about is None:
                continue
            for state in (change.before, change.after, *change.ends):
                if state is not None and state.patient != self._patient:
                    raise RightsRefused(Refusal.OTHER_PATIENT, self._patient)
            try:
                actions = list(_actions(change))
            except ForbiddenChange as forbidden:
                raise XdsErrors((LocalPolicyRestrictionError(str(forbidden), location=about.entry_uuid),)) from None
            for action in actions:
                ruling = self._law.decide(self._actor, action, self._patient, self._standing, _document(change.before))
                if ruling.refusal is not None:
                    raise RightsRefused(ruling.refusal, self._patient)
            if change.after is not None and isinstance(change.after.item, DocumentEntry):
                errors = tuple(check_confidentiality(change.after.item, self._rules))
                if errors:
                    raise XdsErrors(errors)


def _actions(change: Change) -> Iterator[Action]:
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


def _document(state: State | None) -> Document | None:
    """What the law asks of a DocumentEntry; None for other objects."""
    if state is None or not isinstance(state.item, DocumentEntry):
        return None
    authority = f"&{STRUCTURES}&ISO"
    authors = state.item.authors
    persons = (author.person for author in authors if author.person is not None and author.person.id)
    return Document(
        patient=state.patient,
        class_code=state.class_code,
        type_code=state.type_code,
        status=state.status,
        marks=marks_of(state.confidentiality_codes),
        authors=frozenset(f"{person.id}^^^{person.authority}" for person in persons),
        structures=frozenset(x.id for author in authors for x in author.institutions if x.authority == authority),
    )
