"""ITI-44 Patient Identity Feed HL7 V3: the operations, and what each message means for the registry.

The rules are those of ITI-8 in another syntax: a patient is added, revised, or found to be the same as another one.
Source: ITI TF-2: 3.44.4.1 (add, revise), 3.44.4.2 (resolve duplicates), Appendix O.1 (message wrappers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from lxml import etree

from dmp.audit import Occasion, Transaction
from schemas.datatypes import Cx
from schemas.vocabulary import HL7V3
from soap.message import IncomingMessage, Operation, Reply
from xds_registry import audited
from xds_registry.feed.events import FeedUnavailable, announce, merge, record
from xds_registry.feed.identity import StatedId, UnusableIdentity, identity_in
from xds_registry.feed.receipt import Detail, Receipt, Verdict, receipt
from xds_registry.patients import MergeResult
from xds_registry.registry import Registry

log = structlog.get_logger(__name__)

ADDED: Final = "PRPA_IN201301UV02"
REVISED: Final = "PRPA_IN201302UV02"
DUPLICATES_RESOLVED: Final = "PRPA_IN201304UV02"
_RECEIPT: Final = "MCCI_IN000002UV01"

_N: Final = f"{{{HL7V3}}}"
#: No patient has more identifiers than this; each costs work.
MAX_IDENTIFIERS: Final = 100


class _Refused(Exception):
    """A message that is not accepted, and what its sender is told; nothing of the message is in it."""

    def __init__(self, detail: Detail, reason: str) -> None:
        super().__init__(reason)
        self.detail = detail
        self.reason = reason


def anybody_feeds(_message: IncomingMessage) -> None:
    """Whoever is admitted announces and merges patients."""


def identity_feed_operations(
    registry: Registry, admit: Callable[[IncomingMessage], None] = anybody_feeds
) -> tuple[Operation, ...]:
    """The operations of ITI-44, to be published with the registry's others.

    `admit` raises a fault for whoever is no source of identities.
    """

    def operation(name: str, apply: Callable[[Registry, etree._Element, Occasion], str]) -> Operation:
        def handle(message: IncomingMessage) -> Reply:
            admit(message)
            return _handle(registry, message, name, apply)

        return Operation(
            f"DocumentRegistry_{name}",
            f"{HL7V3}:{name}",
            f"{HL7V3}:{_RECEIPT}",
            f"{_N}{name}",
            mtom=False,
            handler=handle,
        )

    return (
        operation(ADDED, _added),
        operation(REVISED, _revised),
        operation(DUPLICATES_RESOLVED, _duplicates_resolved),
    )


def _handle(
    registry: Registry, message: IncomingMessage, name: str, apply: Callable[[Registry, etree._Element, Occasion], str]
) -> Reply:
    """What is answered CA has been committed."""
    occasion = Occasion.of(Transaction.PATIENT_FEED_V3, message)
    try:
        try:
            _check_wrapper(message.body, name)
            remark = apply(registry, message.body, occasion)
        except _Refused as wrong:
            record(registry, audited.message_refused(occasion, wrong.detail.name, registry.clock()))
            raise
    except _Refused as wrong:
        log.warning("patient_feed.refused", reason=wrong.reason, correlation_id=message.correlation_id)
        outcome = Receipt(Verdict.ERROR, wrong.reason, wrong.detail)
    except FeedUnavailable:
        log.warning("patient_feed.database_unavailable", correlation_id=message.correlation_id)
        reason = "the database does not answer; send the message again"
        outcome = Receipt(Verdict.REJECT, reason, Detail.INTERNAL)
    else:
        log.info("patient_feed.accepted", trigger=name, outcome=remark or "done", correlation_id=message.correlation_id)
        outcome = Receipt(Verdict.ACCEPT, remark)
    return Reply((receipt(message.body, outcome, registry.clock()),))


def _check_wrapper(body: etree._Element, name: str) -> None:
    """ITI TF-2: O.1: the interaction is named again inside, and the processing mode is operational."""
    interaction = body.find(f"{_N}interactionId")
    if interaction is None or interaction.get("extension") != name:
        raise _Refused(Detail.UNSUPPORTED_INTERACTION, "interactionId must name the interaction of the message")
    mode = body.find(f"{_N}processingModeCode")
    if mode is None or mode.get("code") != "T":
        raise _Refused(Detail.UNSUPPORTED_MODE, "processingModeCode must be T")
    message_id = body.find(f"{_N}id")
    if message_id is None or not message_id.get("root"):
        raise _Refused(Detail.ATTRIBUTE_MISSING, "the id of the message is missing")


def _added(registry: Registry, body: etree._Element, occasion: Occasion) -> str:
    """ITI TF-2: 3.44.4.1.3: the patient becomes known."""
    patient_id = _patient_id(registry, _registration(body))
    if patient_id is None:
        # An accepting answer would let the sender believe that documents can be registered for the patient.
        raise _Refused(Detail.UNKNOWN_KEY, "no id of the patient is of the affinity domain")
    return "" if announce(registry, patient_id, occasion) else "the patient was known before"


def _revised(registry: Registry, body: etree._Element, occasion: Occasion) -> str:
    """As A08 of ITI-8: demographics are none of the registry's business, and a revision announces nobody."""
    record(registry, audited.revised(occasion, _patient_id(registry, _registration(body)), registry.clock()))
    return "ignored: the registry keeps no demographics"


def _duplicates_resolved(registry: Registry, body: etree._Element, occasion: Occasion) -> str:
    """ITI TF-2: 3.44.4.2.3: the patient of the payload survives, the prior registration is subsumed."""
    event = _registration(body)
    surviving = _patient_id(registry, event)
    prior = event.findall("/".join(f"{_N}{step}" for step in ("replacementOf", "priorRegistration")))
    if len(prior) != 1:
        raise _Refused(Detail.ASSOCIATION_MISSING, "exactly one replacementOf/priorRegistration is expected")
    subsumed = _identity(registry, prior[0], ("subject1", "priorRegisteredRole"))
    if surviving is None or subsumed is None:
        record(registry, audited.revised(occasion, surviving or subsumed, registry.clock()))
        return "ignored: an identifier is not of the affinity domain"
    result = merge(registry, surviving, subsumed, occasion)
    return "" if result is MergeResult.MERGED else f"ignored: {result.value}"


def _registration(body: etree._Element) -> etree._Element:
    path = "/".join(f"{_N}{step}" for step in ("controlActProcess", "subject", "registrationEvent"))
    found = body.findall(path)
    if len(found) != 1:
        reason = "exactly one controlActProcess/subject/registrationEvent is expected"
        raise _Refused(Detail.ASSOCIATION_MISSING, reason)
    return found[0]


def _patient_id(registry: Registry, event: etree._Element) -> Cx | None:
    return _identity(registry, event, ("subject1", "patient"))


def _identity(registry: Registry, within: etree._Element, steps: tuple[str, str]) -> Cx | None:
    """The identifier of the affinity domain that a role has; None when all its ids are others'. Raises _Refused."""
    place = "/".join(steps)
    roles = within.findall("/".join(f"{_N}{step}" for step in steps))
    if len(roles) != 1:
        raise _Refused(Detail.ASSOCIATION_MISSING, f"exactly one {place} is expected")
    ids = roles[0].findall(f"{_N}id")
    if len(ids) > MAX_IDENTIFIERS:
        raise _Refused(Detail.DATA_TYPE, f"{place} has more than {MAX_IDENTIFIERS} ids")
    # Root and extension as a CX (ITI TF-2: 3.44.4.1.2); an id that is a root alone identifies no patient.
    stated = [
        StatedId(extension, universal_id=root, universal_id_type="ISO")
        for one in ids
        if (root := one.get("root")) and (extension := one.get("extension"))
    ]
    if not stated:
        raise _Refused(Detail.ATTRIBUTE_MISSING, f"{place} has no id with root and extension")
    try:
        return identity_in(registry.configuration.affinity_domain, stated)
    except UnusableIdentity as wrong:
        raise _Refused(Detail.DATA_TYPE, f"{place}: {wrong}") from None
