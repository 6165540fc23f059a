"""setAuthorization (TD0.3) and listAuthorizationByPatient (TD1.6)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from dmp.services.messages.operations.outcome import (
    Outcome,
    field_of,
    fields_of,
    only,
    output_of,
    read_outcome,
    write_request,
    write_response,
)
from dmp.services.messages.reading import MOST_ROWS, MessageRefused, member, several
from dmp.services.messages.writing import element, text
from dmp.services.vocabulary import HABILITATIONS

SET_AUTHORISATION: Final = "setAuthorization"
LIST_AUTHORISATIONS: Final = "listAuthorizationByPatient"
_ROW: Final = "listOfAuthorizationByPatient"


class AuthorisationAction(enum.StrEnum):
    """What is to be done."""

    ADD = "AJOUT"
    REMOVE = "SUPPRESSION"


class SpecificRight(enum.StrEnum):
    """What somebody may be beside authorised."""

    TREATING_DOCTOR = "MEDECIN_TRAITANT"


class AuthorisationMode(enum.StrEnum):
    """Which authorisations are listed."""

    ACTIVE = "ACTIVE"
    FORBIDDEN = "INTERDITE"
    ALL = "TOUTE"


@dataclass(frozen=True, slots=True)
class SetAuthorisation:
    """Add or remove one's own authorisation, or with `role` that one is médecin traitant."""

    action: AuthorisationAction
    role: SpecificRight | None = None


@dataclass(frozen=True, slots=True)
class ListAuthorisations:
    """Who is authorised on the patient's record."""

    mode: AuthorisationMode


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisationRow:
    """A professional or a structure on a record. Dates are `yyyyMMddHHmmss`."""

    national_id: str
    national_id_type: str
    first_name: str = ""
    last_name: str = ""
    speciality_codes: tuple[str, ...] = ()
    speciality_labels: tuple[str, ...] = ()
    start: str = ""
    last_action: str = ""
    mode: AuthorisationMode
    rights: tuple[SpecificRight, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorisationList:
    """The answer of TD1.6."""

    outcome: Outcome
    rows: tuple[AuthorisationRow, ...] = field(default=(), repr=False)


def read_set_authorisation(request: etree._Element) -> SetAuthorisation:
    """Read a `setAuthorization`."""
    only(request, HABILITATIONS, "action", "role")
    role = field_of(request, HABILITATIONS, "role")
    return SetAuthorisation(
        member(AuthorisationAction, field_of(request, HABILITATIONS, "action"), "action"),
        member(SpecificRight, role, "role") if role else None,
    )


def write_set_authorisation(request: SetAuthorisation) -> bytes:
    """Write a `setAuthorization`."""
    return write_request(
        SET_AUTHORISATION, HABILITATIONS, text("action", request.action), text("role", request.role or "")
    )


def read_authorisation_set(response: etree._Element) -> Outcome:
    """Read a `setAuthorizationResponse`."""
    return read_outcome(output_of(response, HABILITATIONS), HABILITATIONS)


def write_authorisation_set(outcome: Outcome) -> bytes:
    """Write a `setAuthorizationResponse`."""
    return write_response(f"{SET_AUTHORISATION}Response", HABILITATIONS, outcome)


def read_list_authorisations(request: etree._Element) -> ListAuthorisations:
    """Read a `listAuthorizationByPatient`; without a mode the active ones are meant."""
    only(request, HABILITATIONS, "mode")
    mode = field_of(request, HABILITATIONS, "mode") or AuthorisationMode.ACTIVE.value
    return ListAuthorisations(member(AuthorisationMode, mode, "mode"))


def write_list_authorisations(request: ListAuthorisations) -> bytes:
    """Write a `listAuthorizationByPatient`."""
    return write_request(LIST_AUTHORISATIONS, HABILITATIONS, text("mode", request.mode))


def read_authorisation_list(response: etree._Element) -> AuthorisationList:
    """Read a `listAuthorizationByPatientResponse`."""
    output = output_of(response, HABILITATIONS)
    return AuthorisationList(
        read_outcome(output, HABILITATIONS),
        tuple(_row(one) for one in several(output, HABILITATIONS, _ROW, MOST_ROWS)),
    )


def write_authorisation_list(answer: AuthorisationList) -> bytes:
    """Write a `listAuthorizationByPatientResponse`."""
    rows = [_written_row(row) for row in answer.rows]
    return write_response(f"{LIST_AUTHORISATIONS}Response", HABILITATIONS, answer.outcome, *rows)


def _row(one: etree._Element) -> AuthorisationRow:
    def at(name: str) -> str:
        return field_of(one, HABILITATIONS, name)

    if not at("nationalId"):
        raise MessageRefused("an authorisation names nobody")
    return AuthorisationRow(
        national_id=at("nationalId"),
        national_id_type=at("nationalIdType"),
        first_name=at("firstName"),
        last_name=at("lastName"),
        speciality_codes=fields_of(one, HABILITATIONS, "codeSpeciality"),
        speciality_labels=fields_of(one, HABILITATIONS, "libSpeciality"),
        start=at("startOfAuthorization"),
        last_action=at("lastActionDate"),
        mode=member(AuthorisationMode, at("mode"), "mode"),
        rights=tuple(
            member(SpecificRight, right, "specificRight") for right in fields_of(one, HABILITATIONS, "specificRight")
        ),
    )


def _written_row(row: AuthorisationRow) -> str:
    return element(
        _ROW,
        text("nationalId", row.national_id),
        text("nationalIdType", row.national_id_type),
        text("firstName", row.first_name),
        text("lastName", row.last_name),
        *[text("codeSpeciality", code) for code in row.speciality_codes],
        *[text("libSpeciality", label) for label in row.speciality_labels],
        text("startOfAuthorization", row.start),
        text("lastActionDate", row.last_action),
        text("mode", row.mode),
        *[text("specificRight", right) for right in row.rights],
    )
