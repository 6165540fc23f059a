"""patientList (TD0.4): the records that a professional is authorised on."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

from dmp.services.messages.operations.outcome import (
    Outcome,
    field_of,
    only,
    output_of,
    read_outcome,
    write_request,
    write_response,
)
from dmp.services.messages.reading import MOST_ROWS, MessageRefused, member, moment, several
from dmp.services.messages.writing import element, local_moment, text
from dmp.services.vocabulary import PATIENTS
from schemas.datatypes import Cx, DataTypeError

PATIENT_LIST: Final = "patientList"
_ROW: Final = "patientlistData"


class ListedBy(enum.StrEnum):
    """Which date `startDate` is compared with."""

    LAST_AUTHORISATION = "LASTAUTORIZATION"
    LAST_DOCUMENT = "LASTDOC"


@dataclass(frozen=True, slots=True)
class RecordListQuery:
    """The records with such a date from `since` on; all of them where it is None."""

    since: datetime | None
    by: ListedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """A record of the list. Dates are `yyyyMMddHHmmss`, `birth_date` yyyyMMdd; `message`: something is to be read."""

    identifiers: tuple[Cx, ...] = field(repr=False)
    usual_name: str = field(default="", repr=False)
    birth_name: str = field(default="", repr=False)
    first_name: str = field(default="", repr=False)
    civility: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    treating: bool = False
    message: bool = False
    last_access: str = ""
    last_update: str = ""
    last_addition: str = ""


@dataclass(frozen=True, slots=True)
class RecordList:
    """The answer of TD0.4."""

    outcome: Outcome
    rows: tuple[RecordRow, ...] = field(default=(), repr=False)


def read_record_list_query(request: etree._Element) -> RecordListQuery:
    """Read a `patientList`. Another professional's list (`psOwnerId`) is not to be had."""
    only(request, PATIENTS, "startDate", "dateType")
    since = field_of(request, PATIENTS, "startDate")
    by = field_of(request, PATIENTS, "dateType") or ListedBy.LAST_AUTHORISATION.value
    return RecordListQuery(moment(since, "startDate") if since else None, member(ListedBy, by, "dateType"))


def write_record_list_query(query: RecordListQuery) -> bytes:
    """Write a `patientList`."""
    since = local_moment(query.since)
    return write_request(PATIENT_LIST, PATIENTS, text("startDate", since), text("dateType", query.by))


def read_record_list(response: etree._Element) -> RecordList:
    """Read a `patientListResponse`."""
    output = output_of(response, PATIENTS)
    return RecordList(
        read_outcome(output, PATIENTS), tuple(_row(one) for one in several(output, PATIENTS, _ROW, MOST_ROWS))
    )


def write_record_list(answer: RecordList) -> bytes:
    """Write a `patientListResponse`."""
    rows = [_written_row(row) for row in answer.rows]
    return write_response(f"{PATIENT_LIST}Response", PATIENTS, answer.outcome, *rows)


def _row(one: etree._Element) -> RecordRow:
    def at(name: str) -> str:
        return field_of(one, PATIENTS, name)

    return RecordRow(
        identifiers=tuple(_identifier(each) for each in several(one, PATIENTS, "patientIdentifier")),
        usual_name=at("lastName"),
        birth_name=at("patronymicalName"),
        first_name=at("firstName"),
        civility=at("civility"),
        birth_date=at("dateOfBirth"),
        treating=_truth(at("MT")),
        message=_truth(at("message")),
        last_access=at("lastAccessDate"),
        last_update=at("lastUpdateDate"),
        last_addition=at("lastAddDate"),
    )


def _identifier(one: etree._Element) -> Cx:
    try:
        return Cx.of(field_of(one, PATIENTS, "nationalId"), field_of(one, PATIENTS, "nationalIdType"))
    except DataTypeError:
        raise MessageRefused("a patientIdentifier is not an identifier of an authority") from None


def _truth(value: str) -> bool:
    if value not in ("true", "false", "1", "0"):
        raise MessageRefused("MT or message is neither true nor false")
    return value in ("true", "1")


def _written_row(row: RecordRow) -> str:
    identifiers = [
        element("patientIdentifier", text("nationalId", one.id), text("nationalIdType", one.authority))
        for one in row.identifiers
    ]
    return element(
        _ROW,
        *identifiers,
        text("lastName", row.usual_name),
        text("patronymicalName", row.birth_name),
        text("firstName", row.first_name),
        text("civility", row.civility),
        text("dateOfBirth", row.birth_date),
        text("MT", str(row.treating).lower()),
        text("message", str(row.message).lower()),
        text("lastAccessDate", row.last_access),
        text("lastUpdateDate", row.last_update),
        text("lastAddDate", row.last_addition),
    )
