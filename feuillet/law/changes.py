"""What the record's law says of changes to registered objects: each is an action, and each action is decided."""

from __future__ import annotations

from sqlalchemy import Connection

from dmp.authorisations import Standing
from dmp.records.record import RecordRules
from dmp.rights.actors import Actor
from dmp.rights.authorship import persons, structures
from dmp.rights.changes import ForbiddenChange
from dmp.rights.conditions import Document
from dmp.rights.decision import Law, Refusal
from dmp.rights.marks import marks_of
from dmp.rights.submissions import check_confidentiality
from feuillet.law.refusal import RightsRefused
from schemas.errors import LocalPolicyRestrictionError, XdsErrors
from schemas.metadata import DocumentEntry
from xds_registry.changes import Change, State, actions_of


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
                actions = list(actions_of(change))
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


def _document(state: State | None) -> Document | None:
    """What the law asks of a DocumentEntry; None for other objects."""
    if state is None or not isinstance(state.item, DocumentEntry):
        return None
    authors = state.item.authors
    return Document(
        patient=state.patient,
        class_code=state.class_code,
        type_code=state.type_code,
        status=state.status,
        marks=marks_of(state.confidentiality_codes),
        authors=frozenset(persons(authors)),
        structures=frozenset(structures(authors)),
    )
