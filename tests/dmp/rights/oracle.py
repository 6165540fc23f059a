"""The law told again, one document at a time and without conditions: what the product must agree with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from card_auth.caller import PurposeOfUse
from dmp.authorisations import AuthorisationStatus, Standing
from dmp.records.record import RecordStatus
from dmp.rights.actions import Action
from dmp.rights.actors import Actor, ActorKind, author_of
from dmp.rights.conditions import Document
from dmp.rights.marks import Marks
from schemas.vocabulary import AvailabilityStatus
from tests.dmp.rights.table import COLUMNS, PUBLISHED

PATIENT: Final = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO"
OTHER_PATIENT: Final = "153078987658513^^^&1.2.250.1.213.1.4.10&ISO"
ME: Final = "899900000011"
COLLEAGUE: Final = "899900000022"
STRANGER: Final = "899900000033"
HOUSE: Final = "10B0127189"
ELSEWHERE: Final = "10B0999999"
REPORT: Final = "10^^1.2.250.1.213.1.1.4.1"
PERSONAL: Final = "90^^1.2.250.1.213.1.1.4.1"
CONSULTATION: Final = "11488-4^^2.16.840.1.113883.6.1"
PSYCHIATRY: Final = "68599-0^^2.16.840.1.113883.6.1"
RESIDENCE: Final = "ATTEST-RESID^^1.2.250.1.213.1.1.4.12"

#: Actions on documents.
ON_DOCUMENTS: Final = (
    Action.SEARCH,
    Action.LOOK_UP_REFERENCE,
    Action.READ,
    Action.MASK,
    Action.UNMASK,
    Action.MAKE_VISIBLE,
    Action.DELETE,
    Action.ARCHIVE,
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at a record, and how they stand to it."""

    name: str
    column: str  # of the published table; empty for patient and representative
    actor: Actor
    standing: Standing


def _actor(kind: ActorKind, profession: str, purpose: PurposeOfUse) -> Actor:
    identifier = {ActorKind.STRUCTURE: f"3{HOUSE}/svc", ActorKind.EMPLOYEE: f"3{HOUSE}/rx"}.get(kind, ME)
    reason = "unconscious" if purpose is PurposeOfUse.BREAK_GLASS else ""
    return Actor(
        kind=kind, identifier=identifier, structure=HOUSE, profession=profession, purpose=purpose, reason=reason
    )


def standing(**changes: object) -> Standing:
    """Of somebody who is authorised for an active record."""
    given: dict[str, object] = {
        "record_pk": 1,
        "record_status": RecordStatus.ACTIVE,
        "person": AuthorisationStatus.VALID,
        **changes,
    }
    return Standing(**given)  # type: ignore[arg-type]  # by name


def viewers() -> list[Viewer]:
    """Every column of the table in the states that count, and the patient's side."""
    normal, regulation, glass = PurposeOfUse.NORMAL, PurposeOfUse.REGULATION, PurposeOfUse.BREAK_GLASS
    columns = {
        "PSn": (ActorKind.PROFESSIONAL, "60", normal),
        "PSr": (ActorKind.PROFESSIONAL, "60", regulation),
        "PSb": (ActorKind.PROFESSIONAL, "60", glass),
        "Dn": (ActorKind.DOCTOR, "10", normal),
        "Dr": (ActorKind.DOCTOR, "10", regulation),
        "Db": (ActorKind.DOCTOR, "10", glass),
        "MW": (ActorKind.OCCUPATIONAL_DOCTOR, "10", normal),
        "Tn": (ActorKind.DOCTOR, "10", normal),
        "Tb": (ActorKind.DOCTOR, "10", glass),
        "CPE": (ActorKind.EMPLOYEE, "", normal),
        "ESn": (ActorKind.STRUCTURE, "", normal),
        "ESr": (ActorKind.STRUCTURE, "", regulation),
    }
    states: dict[str, dict[str, object]] = {
        "authorised": {},
        "through the structure": {"person": AuthorisationStatus.NONE, "structure": AuthorisationStatus.VALID},
        "not authorised": {"person": AuthorisationStatus.NONE},
        "expired": {"person": AuthorisationStatus.EXPIRED},
        "blocked": {"person": AuthorisationStatus.FORBIDDEN},
        "closed": {"record_status": RecordStatus.CLOSED},
        "masked readable": {"masked_readable_in_emergency": True},
        "opposed": {"opposed_to_break_glass": True, "opposed_to_regulation": True},
    }
    found = []
    for column, (kind, profession, purpose) in columns.items():
        for state, changes in states.items():
            held = standing(is_treating_doctor=column in ("Tn", "Tb"), **changes)
            found.append(Viewer(f"{column} {state}", column, _actor(kind, profession, purpose), held))
    for kind in (ActorKind.PATIENT, ActorKind.REPRESENTATIVE):
        for state, changes in (("active", {}), ("closed", {"record_status": RecordStatus.CLOSED})):
            held = standing(person=AuthorisationStatus.NONE, **changes)
            found.append(Viewer(f"{kind} {state}", "", Actor(kind=kind, identifier=PATIENT), held))
    return found


def documents() -> list[Document]:
    """Every combination of marks, status, author and type, and a few of another patient."""
    authors = {
        "me": (frozenset({author_of(ME)}), frozenset({HOUSE})),
        "colleague": (frozenset({author_of(COLLEAGUE)}), frozenset({HOUSE})),
        "stranger": (frozenset({author_of(STRANGER)}), frozenset({ELSEWHERE})),
        "patient": (frozenset({PATIENT}), frozenset[str]()),
    }
    found = []
    for marks in range(8):
        for status in AvailabilityStatus:
            for who, (persons, structures) in authors.items():
                for kind in (CONSULTATION, PSYCHIATRY, RESIDENCE):
                    found.append(
                        Document(
                            patient=PATIENT,
                            class_code=PERSONAL if who == "patient" else REPORT,
                            type_code=kind,
                            status=status,
                            marks=Marks(marks),
                            authors=persons,
                            structures=structures,
                        )
                    )
    mine = authors["me"]
    found.append(
        Document(
            patient=OTHER_PATIENT,
            class_code=REPORT,
            type_code=CONSULTATION,
            authors=mine[0],
            structures=mine[1],
        )
    )
    return found


def symbol(column: str, action: Action) -> str:
    """What the published table says."""
    return dict(zip(COLUMNS, PUBLISHED[action.value].replace(" ", ""), strict=True))[column]


def allowed(viewer: Viewer, action: Action, document: Document) -> bool:
    """Whether the law lets a viewer do something with a document."""
    if document.patient != PATIENT or viewer.standing.record_status is not RecordStatus.ACTIVE:
        return False
    if not viewer.column:
        return _patient_may(viewer, action, document)
    kind = viewer.column.rstrip("nrb")
    sign = symbol(viewer.column, action)
    own = author_of(ME) in document.authors
    of_house = HOUSE in document.structures
    of_patient = PATIENT in document.authors
    if sign == "n" or not _let_in(viewer, action):
        return False
    if kind in ("CPE", "ES"):
        return of_house
    if action in (Action.DELETE, Action.LOOK_UP_REFERENCE) and not _authorised(viewer):
        return own
    if sign in "68" and not own:
        return action is Action.DELETE and kind == "T" and of_patient and _sees(viewer, document)
    if action is Action.ARCHIVE and of_patient and kind != "T":
        return False
    return own or _sees(viewer, document)


def _let_in(viewer: Viewer, action: Action) -> bool:
    """Whether the patient opens the door: to what one filed oneself it is always open."""
    if action in (Action.DELETE, Action.LOOK_UP_REFERENCE):
        return True
    held = viewer.standing
    if held.blocked:
        return False
    if viewer.actor.purpose is PurposeOfUse.BREAK_GLASS:
        return not held.opposed_to_break_glass
    if viewer.actor.purpose is PurposeOfUse.REGULATION:
        return not held.opposed_to_regulation
    return _authorised(viewer)


def _authorised(viewer: Viewer) -> bool:
    held = viewer.standing
    if held.blocked:
        return False
    valid = AuthorisationStatus.VALID
    return held.is_treating_doctor or valid in (held.person, held.structure)


def _sees(viewer: Viewer, document: Document) -> bool:
    """Whether a professional sees what somebody else wrote."""
    refused = {"60": {PSYCHIATRY, RESIDENCE}, "10": {RESIDENCE}}[viewer.actor.profession]
    if document.type_code in refused:
        return False
    if not document.marks & Marks.MASKED:
        return True
    sign = symbol(viewer.column, Action.READ_MASKED)
    return sign == "o" or (sign == "7" and viewer.standing.masked_readable_in_emergency)


def _patient_may(viewer: Viewer, action: Action, document: Document) -> bool:
    own = PATIENT in document.authors
    hidden = bool(document.marks & Marks.INVISIBLE_TO_PATIENT)
    if viewer.actor.kind is ActorKind.REPRESENTATIVE:
        hidden = hidden or bool(document.marks & Marks.INVISIBLE_TO_REPRESENTATIVES)
    if action is Action.MAKE_VISIBLE:
        return False
    if action in (Action.DELETE, Action.ARCHIVE):
        return own
    return own or not hidden
