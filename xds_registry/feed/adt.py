"""ITI-8 Patient Identity Feed: one ADT message in, one acknowledgement out.

Source: ITI TF-2: 3.8.4.1 (A01, A04, A05, A08), 3.8.4.2 (A40), C.2.3 (acknowledgement).
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Final

import structlog

from dmp.audit import Occasion, Transaction
from schemas.datatypes import Cx
from xds_registry import audited
from xds_registry.feed.acknowledgement import VERSIONS, accepted, refused
from xds_registry.feed.events import FeedUnavailable, announce, merge, record
from xds_registry.feed.hl7v2 import ErrorCode, Hl7Refused, Message, Segment, read_header, read_message
from xds_registry.feed.identity import StatedId, UnusableIdentity, identity_in
from xds_registry.patients import MergeResult
from xds_registry.registry import Registry

log = structlog.get_logger(__name__)

_ADMISSIONS: Final = ("A01", "A04", "A05")
_UPDATE: Final = "A08"
_MERGE: Final = "A40"
#: No patient has more identifiers than this; each repetition costs work.
MAX_IDENTIFIERS: Final = 100
#: HL7 V2.3.1: 2.24.1.10 gives MSH-10 twenty characters.
_CONTROL_ID_LENGTH: Final = 20
_OTHER_DOMAIN: Final = "ignored: an identifier is not of the affinity domain"


def answer(registry: Registry, data: bytes, *, client_address: str = "", certificate: str = "") -> bytes:
    """The acknowledgement of a message without its framing. What it accepts is committed; nothing escapes it.

    MSH-10 of the answer is the correlation id under which logs and audit rows speak of the message. `client_address`
    and `certificate` (SHA-256, hex) are of the connection.
    """
    correlation_id = uuid.uuid4().hex[:_CONTROL_ID_LENGTH]
    occasion = Occasion(
        transaction=Transaction.PATIENT_FEED,
        correlation_id=correlation_id,
        client_address=client_address,
        certificate=certificate,
    )
    header, codec = read_header(data), "ascii"
    try:
        try:
            message = read_message(data)
            header, codec = message.header, message.codec
            trigger = _check_header(message.header)
            remark = _apply(registry, message, trigger, occasion)
        except Hl7Refused as wrong:
            record(registry, audited.message_refused(occasion, wrong.code.name, registry.clock()))
            raise
    except Hl7Refused as wrong:
        log.warning(
            "patient_feed.refused",
            reason=wrong.reason,
            segment=wrong.segment,
            field=wrong.field,
            correlation_id=correlation_id,
        )
        return refused(header, wrong, correlation_id, registry.clock(), codec)
    except FeedUnavailable:
        log.warning("patient_feed.database_unavailable", correlation_id=correlation_id)
        failure = Hl7Refused(ErrorCode.INTERNAL, "the database does not answer; send the message again", rejected=True)
        return refused(header, failure, correlation_id, registry.clock(), codec)
    except Exception as error:
        # A fault of ours must not end the connection: the sender would repeat the message for ever. The error's
        # text may hold parameters of a statement, so only its kind is logged.
        log.error("patient_feed.failed", kind=type(error).__name__, correlation_id=correlation_id)
        with suppress(FeedUnavailable):  # refused all the same
            record(registry, audited.message_refused(occasion, type(error).__name__, registry.clock(), ours=True))
        failure = Hl7Refused(ErrorCode.INTERNAL, "the message could not be processed", rejected=True)
        return refused(header, failure, correlation_id, registry.clock(), codec)
    log.info("patient_feed.accepted", trigger=trigger, outcome=remark or "done", correlation_id=correlation_id)
    return accepted(message, correlation_id, registry.clock(), remark)


def _check_header(header: Segment) -> str:
    """The trigger event of a message that is meant for this transaction. Raises Hl7Refused."""
    message_type = header.field(9)
    if header.component(message_type, 1) != "ADT":
        raise Hl7Refused(ErrorCode.UNSUPPORTED_MESSAGE_TYPE, "MSH-9.1 must be ADT", field=9, rejected=True)
    trigger = header.component(message_type, 2)
    if trigger not in (*_ADMISSIONS, _UPDATE, _MERGE):
        reason = "MSH-9.2 must be A01, A04, A05, A08 or A40"
        raise Hl7Refused(ErrorCode.UNSUPPORTED_EVENT_CODE, reason, field=9, rejected=True)
    if not header.field(10).strip():
        raise Hl7Refused(ErrorCode.REQUIRED_FIELD_MISSING, "MSH-10, the control id, is missing", field=10)
    # The first component only: national extensions name themselves in the others.
    if header.component(header.field(12), 1) not in VERSIONS:
        reason = f"MSH-12 must be {' or '.join(VERSIONS)}"
        raise Hl7Refused(ErrorCode.UNSUPPORTED_VERSION, reason, field=12, rejected=True)
    return trigger


def _apply(registry: Registry, message: Message, trigger: str, occasion: Occasion) -> str:
    """Do what the message says; a remark when that is nothing. Raises Hl7Refused and FeedUnavailable."""
    pid = _only(message, "PID")
    patient_id = _identity(registry, pid, 3)
    if trigger == _MERGE:
        subsumed = _identity(registry, _only(message, "MRG"), 1)
        if patient_id is None or subsumed is None:
            record(registry, audited.revised(occasion, patient_id or subsumed, registry.clock()))
            return _OTHER_DOMAIN
        result = merge(registry, patient_id, subsumed, occasion)
        return "" if result is MergeResult.MERGED else f"ignored: {result.value}"
    if trigger == _UPDATE:
        # ITI TF-2: 3.8.4.1.3: demographics are none of the registry's business, and an update announces nobody.
        record(registry, audited.revised(occasion, patient_id, registry.clock()))
        return "ignored: the registry keeps no demographics"
    if patient_id is None:
        # An AA would let the sender believe that documents can be registered for the patient.
        reason = "no identifier in PID-3 is of the affinity domain"
        raise Hl7Refused(ErrorCode.UNKNOWN_KEY, reason, segment="PID", field=3)
    return "" if announce(registry, patient_id, occasion) else "the patient was known before"


def _only(message: Message, name: str) -> Segment:
    """The segment that must occur exactly once: one patient, or one pair to merge, in a message."""
    found = message.named(name)
    if len(found) != 1:
        reason = f"the message has no segment {name}" if not found else f"the message has more than one segment {name}"
        raise Hl7Refused(ErrorCode.SEGMENT_SEQUENCE, reason, segment=name)
    return found[0]


def _identity(registry: Registry, segment: Segment, number: int) -> Cx | None:
    """The identifier of the affinity domain in a field of CX; None when there are only others. Raises Hl7Refused."""
    stated = [_stated(segment, value) for value in segment.repetitions(number, MAX_IDENTIFIERS)]
    if not any(one.identifier.strip() for one in stated):
        reason = f"{segment.name}-{number}, the patient identifier, is missing"
        raise Hl7Refused(ErrorCode.REQUIRED_FIELD_MISSING, reason, segment=segment.name, field=number)
    try:
        return identity_in(registry.configuration.affinity_domain, stated)
    except UnusableIdentity as wrong:
        raise Hl7Refused(ErrorCode.DATA_TYPE, str(wrong), segment=segment.name, field=number) from None


def _stated(segment: Segment, value: str) -> StatedId:
    authority = segment.component(value, 4)
    return StatedId(
        segment.subcomponent(segment.component(value, 1), 1),
        *(segment.subcomponent(authority, number).strip() for number in (1, 2, 3)),
    )
