"""Opening, closing and reactivating a record (TD1.1, TD1.2, TD1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from dmp.errors import (
    DestructionUnderWay,
    DMPClosed,
    DMPFound,
    DMPInvalidRequest,
    IdentityMismatch,
    NoConsent,
    NotEligible,
    NoVitaleReading,
    TooLong,
    VitaleReadingTooOld,
)
from dmp.records import tables as t
from dmp.records.changes.amendment import apply_choices
from dmp.records.changes.identifiers import add_local_identifier
from dmp.records.consents import Author, Consent, ConsentCode
from dmp.records.find import active, canonical, existing, find_record, record_of
from dmp.records.history import add_consents, add_reading, add_sheet, add_status
from dmp.records.record import ClosingReason, Record, RecordRules, RecordStatus, StatusChange
from dmp.records.rules import DEPENDANTS
from dmp.records.traits import Sheet
from dmp.records.vitale import VitaleReading, ins

#: How far ahead a professional's clock may be.
SKEW: Final = timedelta(minutes=5)
LONGEST_NOTE: Final = 2000
_CHOICES: Final = frozenset(
    {ConsentCode.BREAK_GLASS_OPPOSITION, ConsentCode.REGULATION_OPPOSITION, ConsentCode.MASKED_IN_EMERGENCY}
)


def open_record(
    connection: Connection,
    patient: str,
    sheet: Sheet,
    *,
    reading: VitaleReading | None,
    consents: Sequence[Consent],
    by: Author,
    at: datetime,
    rules: RecordRules,
    local_identifiers: Sequence[str] = (),
) -> Record:
    """Open the record of a patient, from a reading of their Vitale card and with their consent (TD1.1).

    `consents` holds CONSENTEMENT_OUVERTURE_DMP and the patient's oppositions; what is not stated is not opposed.
    Of several openings at once one succeeds, the others are refused with `DMPFound`.

    Raises `NoVitaleReading`, `InsInvalid`, `IdentityMismatch`, `VitaleReadingTooOld`, `NotEligible`, `NoConsent`;
    `DMPFound`, `DMPClosed`, `DestructionUnderWay`; `DMPInvalidRequest` and its kinds for what cannot be.
    """
    checked = _checked_reading(reading, patient, sheet, at, rules)
    if checked.is_dependant_of_general_regime and not rules.dependants_of_general_regime:
        raise NotEligible(DEPENDANTS)
    _check_consents(consents, ConsentCode.OPENING, checked, at, rules)
    identifier = canonical(patient)
    _refuse_existing(connection, identifier)
    try:
        with connection.begin_nested():
            record_pk = _insert(connection, identifier, at)
    except IntegrityError:  # opened by another connection meanwhile
        raise DMPFound from None
    add_status(connection, record_pk, StatusChange(RecordStatus.ACTIVE, at, by))
    add_sheet(connection, record_pk, 1, sheet, by=by, at=at)
    add_reading(connection, record_pk, checked, at=at)
    add_consents(connection, record_pk, consents)
    apply_choices(connection, record_pk, consents)
    for local in local_identifiers:
        add_local_identifier(connection, record_pk, local, at=at)
    return record_of(connection, record_pk)


def reactivate(
    connection: Connection,
    patient: str,
    *,
    reading: VitaleReading | None,
    consents: Sequence[Consent],
    by: Author,
    at: datetime,
    rules: RecordRules,
    sheet: Sheet | None = None,
) -> Record:
    """Make a closed record active again, as it was, with the patient's consent (TD1.2).

    `sheet` takes the place of the one that is kept, where it is given. Raises what `open_record` raises, and
    `DMPNotFound` when there is no record, or it was destroyed.
    """
    record = existing(connection, patient)
    if record.active:
        raise DMPFound
    now = sheet or record.sheet
    assert now is not None  # noqa: S101 - only a destroyed record has none
    checked = _checked_reading(reading, patient, now, at, rules)
    _check_consents(consents, ConsentCode.REACTIVATION, checked, at, rules)
    connection.execute(
        update(t.record)
        .where(t.record.c.pk == record.pk)
        .values(status=int(RecordStatus.ACTIVE), closed_at=None, closing_reason="", closing_note="")
    )
    add_status(connection, record.pk, StatusChange(RecordStatus.ACTIVE, at, by))
    add_reading(connection, record.pk, checked, at=at)
    add_consents(connection, record.pk, consents)
    apply_choices(connection, record.pk, consents)
    if sheet is not None and sheet != record.sheet:
        add_sheet(connection, record.pk, record.sheet_version + 1, sheet, by=by, at=at)
    return record_of(connection, record.pk)


def close(
    connection: Connection, patient: str, *, reason: ClosingReason, note: str = "", by: Author, at: datetime
) -> Record:
    """Close a record: nobody reads it any more, everything in it is kept until it is destroyed (TD1.4).

    `note` is the free text that goes with the reason. What was opened in an emergency ends at once. Raises
    `DMPNotFound`, `DMPClosed`, `TooLong`.
    """
    if len(note) > LONGEST_NOTE:
        raise TooLong
    record = active(connection, patient)
    connection.execute(
        update(t.record)
        .where(t.record.c.pk == record.pk)
        .values(status=int(RecordStatus.CLOSED), closed_at=at, closing_reason=reason.value, closing_note=note)
    )
    connection.execute(
        update(t.emergency_opening)
        .where(t.emergency_opening.c.record_pk == record.pk, t.emergency_opening.c.expires_at > at)
        .values(expires_at=at)
    )
    add_status(connection, record.pk, StatusChange(RecordStatus.CLOSED, at, by, reason.value, note))
    return record_of(connection, record.pk)


def _checked_reading(
    reading: VitaleReading | None, patient: str, sheet: Sheet, at: datetime, rules: RecordRules
) -> VitaleReading:
    """The reading, once it is about this patient and of now, or its later use is justified."""
    if reading is None:
        raise NoVitaleReading
    identifier = ins(canonical(patient))
    if canonical(reading.patient) != canonical(identifier.value) or reading.birth_date != sheet.traits.birth_date:
        raise IdentityMismatch
    if len(reading.deferral) > LONGEST_NOTE:
        raise TooLong
    deferred = at - reading.read_at > rules.reading_lifetime
    if reading.read_at > at + SKEW or (deferred and not reading.deferral.strip()):
        raise VitaleReadingTooOld
    return reading


def _check_consents(
    consents: Sequence[Consent], wanted: ConsentCode, reading: VitaleReading, at: datetime, rules: RecordRules
) -> None:
    """Refuse without the consent that is wanted, gathered when the card was read."""
    codes = [consent.code for consent in consents]
    if len(set(codes)) != len(codes) or not set(codes) <= _CHOICES | {wanted}:
        raise DMPInvalidRequest("A consent is stated twice, or is no consent of this act.")
    if any(consent.at > at + SKEW for consent in consents):
        raise DMPInvalidRequest("A consent is of a time to come.")
    given = next((consent for consent in consents if consent.code is wanted), None)
    if given is None or not given.value:
        raise NoConsent
    if abs(given.at - reading.read_at) > rules.reading_lifetime:
        raise NoConsent("The consent was not gathered when the Vitale card was read.")


def _refuse_existing(connection: Connection, identifier: str) -> None:
    """Refuse where there is a record already; free the identifier of one that was destroyed with its documents."""
    record = find_record(connection, identifier, lock=True)
    if record is None:
        return
    if record.active:
        raise DMPFound
    if record.status is RecordStatus.CLOSED:
        raise DMPClosed
    gone = select(t.record.c.documents_gone_at).where(t.record.c.pk == record.pk)
    if connection.execute(gone).scalar_one() is None:
        raise DestructionUnderWay
    connection.execute(delete(t.record_identifier).where(t.record_identifier.c.identifier == identifier))


def _insert(connection: Connection, identifier: str, at: datetime) -> int:
    record_pk = connection.execute(
        insert(t.record)
        .values(
            status=int(RecordStatus.ACTIVE),
            birth_date="",
            sex="",
            sheet_version=0,
            opened_at=at,
            closing_reason="",
            closing_note="",
            opposed_to_break_glass=False,
            opposed_to_regulation=False,
            masked_readable_in_emergency=False,
            legal_hold_reason="",
        )
        .returning(t.record.c.pk)
    ).scalar_one()
    connection.execute(
        insert(t.record_identifier).values(
            identifier=identifier, record_pk=record_pk, is_local=False, position=0, added_at=at
        )
    )
    return int(record_pk)
