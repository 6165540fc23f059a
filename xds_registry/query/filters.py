"""The parameters of stored queries as SQL conditions (ITI TF-2: 3.18.4.1.2.3.4 - 3.18.4.1.2.3.7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Column, ColumnElement, Table, and_, exists, false, or_

from schemas.errors import XDSStoredQueryMissingParam, XDSStoredQueryParamNumber
from schemas.vocabulary import AvailabilityStatus, DocumentAvailability, DocumentEntryType
from xds_registry import tables as t
from xds_registry.encoding import CONFIDENTIALITY, EVENT, STATUS_NUMBER
from xds_registry.query.parameters import Arguments, Groups

Conditions = Iterator[ColumnElement[bool]]

#: LIKE has two wildcards and no escape (3.18.4.1.2.3.4); this character cannot come out of an XML message.
_NO_ESCAPE: Final = "\x01"
#: Patterns of one parameter: each is compared with every value there is, and SQLite nests no deeper than 1000.
MAX_PATTERNS: Final = 100
_STATUSES: Final = {status.value: number for status, number in STATUS_NUMBER.items()}
_TYPES: Final = {DocumentEntryType.STABLE.value: 0, DocumentEntryType.ON_DEMAND.value: 1}

_AVAILABILITIES: Final = {DocumentAvailability.ONLINE.value: 0, DocumentAvailability.OFFLINE.value: 1}

_CODE_COLUMNS: Final = {
    "ClassCode": t.document_entry.c.class_code,
    "TypeCode": t.document_entry.c.type_code,
    "FormatCode": t.document_entry.c.format_code,
    "PracticeSettingCode": t.document_entry.c.practice_setting_code,
    "HealthcareFacilityTypeCode": t.document_entry.c.facility_type_code,
}
_TIME_COLUMNS: Final = {
    "CreationTime": t.document_entry.c.creation_time,
    "ServiceStartTime": t.document_entry.c.service_start_time,
    "ServiceStopTime": t.document_entry.c.service_stop_time,
}
_ENTRY: Final = "$XDSDocumentEntry"


def status(arguments: Arguments, name: str, column: Column[int]) -> Conditions:
    """availabilityStatus: unknown values are ignored, but one known value is needed (3.18.4.1.2.3.6)."""
    numbers = {_STATUSES[value] for value in arguments.all(name) if value in _STATUSES}
    if not numbers:
        known = " or ".join(AvailabilityStatus)
        raise XDSStoredQueryMissingParam(f"{name} holds no known status; {known} is expected", location=name)
    if len(numbers) == 1:
        yield column == numbers.pop()
    elif len(numbers) < len(_STATUSES):
        yield column.in_(sorted(numbers))


def document_entries(arguments: Arguments) -> Conditions:
    """Every filter on DocumentEntries that the query was given; the default of the entry type included."""
    yield from entry_type(arguments)
    for attribute, column in _CODE_COLUMNS.items():
        values = arguments.all(f"{_ENTRY}{attribute}")
        if values:
            yield _any_of(column, values)
    for attribute, column in _TIME_COLUMNS.items():
        yield from _within(arguments, f"{_ENTRY}{attribute}", column, nullable=True)
    for attribute, number in (("EventCodeList", EVENT), ("ConfidentialityCode", CONFIDENTIALITY)):
        owner = t.document_entry_code.c.document_entry_pk == t.document_entry.c.pk
        kind = t.document_entry_code.c.attribute == number
        groups = arguments.groups(f"{_ENTRY}{attribute}")
        yield from _coded(groups, t.document_entry_code, owner, kind)
    availabilities = {
        _AVAILABILITIES[x] for x in arguments.all(f"{_ENTRY}DocumentAvailability") if x in _AVAILABILITIES
    }
    if f"{_ENTRY}DocumentAvailability" in arguments and len(availabilities) < len(_AVAILABILITIES):
        yield t.document_entry.c.offline == availabilities.pop() if availabilities else false()
    name = f"{_ENTRY}AuthorPerson"
    persons = arguments.all(name)
    if persons:
        author = t.document_entry_author.c
        yield _like(name, author.person, author.document_entry_pk == t.document_entry.c.pk, persons)
    name = f"{_ENTRY}ReferenceIdList"
    for group in arguments.groups(name):
        reference = t.document_entry_reference.c
        yield _like(name, reference.reference_id, reference.document_entry_pk == t.document_entry.c.pk, group)


def association_status(arguments: Arguments) -> Conditions:
    """availabilityStatus of Associations, where the query names any (metadata update supplement)."""
    name = "$XDSAssociationStatus"
    if name in arguments:
        yield from status(arguments, name, t.association.c.status)


def entry_type(arguments: Arguments) -> Conditions:
    """Stable entries unless the query names the types (3.18.4.1.2.3.6.2)."""
    if f"{_ENTRY}Type" not in arguments:
        yield t.document_entry.c.on_demand == 0
        return
    kinds = {_TYPES[value] for value in arguments.all(f"{_ENTRY}Type") if value in _TYPES}
    if not kinds:
        yield false()
    elif len(kinds) < len(_TYPES):
        yield t.document_entry.c.on_demand == kinds.pop()


def submission_sets(arguments: Arguments) -> Conditions:
    """Every filter on SubmissionSets but patient and status."""
    columns = t.submission_set.c
    sources = arguments.all("$XDSSubmissionSetSourceId")
    if sources:
        yield _any_of(columns.source_id, sources)
    yield from _within(arguments, "$XDSSubmissionSetSubmissionTime", columns.submission_time, nullable=False)
    contents = arguments.all("$XDSSubmissionSetContentType")
    if contents:
        yield _any_of(columns.content_type, contents)
    name = "$XDSSubmissionSetAuthorPerson"
    persons = arguments.all(name)
    if persons:
        author = t.submission_set_author.c
        yield _like(name, author.person, author.submission_set_pk == columns.pk, persons)


def folders(arguments: Arguments, seen: ColumnElement[datetime] | None = None) -> Conditions:
    """Every filter on Folders but patient and status. `seen` is the moment of the last update that counts, if not
    the one that the row states."""
    since, until = arguments.one("$XDSFolderLastUpdateTimeFrom"), arguments.one("$XDSFolderLastUpdateTimeTo")
    # The registry itself states this time, in whole seconds. A Folder that was updated in the second of `To` had been
    # updated by then: who asks "until now" sees what has just been acknowledged.
    if since is not None:
        yield t.folder.c.last_update_time >= since if seen is None else seen >= _moment(since)
    if until is not None:
        end = _moment(until).replace(microsecond=999_999)
        yield t.folder.c.last_update_time <= until if seen is None else seen <= end
    owner = t.folder_code.c.folder_pk == t.folder.c.pk
    yield from _coded(arguments.groups("$XDSFolderCodeList"), t.folder_code, owner)


def _moment(time: str) -> datetime:
    return datetime.strptime(time, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _any_of(column: Column[str], values: tuple[str, ...]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)


def _within(arguments: Arguments, name: str, column: Column[str], *, nullable: bool) -> Conditions:
    """From <= value < To; an entry without the time is not filtered by it (3.18.4.1.2.3.7.1)."""
    bounds = []
    lower, upper = arguments.one(f"{name}From"), arguments.one(f"{name}To")
    if lower is not None:
        bounds.append(column >= lower)
    if upper is not None:
        bounds.append(column < upper)
    if bounds:
        inside = and_(*bounds)
        yield or_(column.is_(None), inside) if nullable else inside


def _coded(
    groups: Groups, table: Table, owner: ColumnElement[bool], *more: ColumnElement[bool]
) -> Iterable[ColumnElement[bool]]:
    """Each group must be met by one of the object's codes (3.18.4.1.2.3.5)."""
    for group in groups:
        yield exists().where(owner, *more, _any_of(table.c.code, group))


def _like(name: str, column: Column[str], owner: ColumnElement[bool], patterns: tuple[str, ...]) -> ColumnElement[bool]:
    """One of the object's values matches one of the patterns: `%` any run of characters, `_` any one.

    A reference id is matched exactly by the text of 3.18.4.1.2.3.7.14 and as a pattern by its footnote 5: it is a
    pattern where it has a `%`. An underscore belongs to many an identifier, and stands for itself where it is alone.
    """
    wildcards = "%" if column.table is t.document_entry_reference else "%_"
    wild = [pattern for pattern in patterns if any(wildcard in pattern for wildcard in wildcards)]
    if len(wild) > MAX_PATTERNS:
        raise XDSStoredQueryParamNumber(f"{name} has {len(wild)} patterns, {MAX_PATTERNS} at most", location=name)
    plain = [pattern for pattern in patterns if not any(wildcard in pattern for wildcard in wildcards)]
    matches: list[ColumnElement[bool]] = [column.like(pattern, escape=_NO_ESCAPE) for pattern in wild]
    if plain:
        matches.append(column.in_(plain))
    return exists().where(owner, or_(*matches)).correlate_except(column.table)
