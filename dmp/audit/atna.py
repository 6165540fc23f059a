"""An event as the audit message of DICOM PS3.15 A.5, in the codes that IHE gave each transaction.

Source: DICOM PS3.15 A.5.1 (schema), A.5.3 (events of applications and security); ITI TF-2: 3.20.7 and the section
"Security Audit Considerations" of each transaction; ITI TF-2: 3.40.4.2 (who asked, purpose of use).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from dmp.audit.event import Event, Transaction
from schemas.markup import attribute, text

DCM: Final = "DCM"
_IHE: Final = "IHE Transactions"
_OBJECT_TYPES: Final = "RFC-3881"
_ANONYMOUS: Final = "http://www.w3.org/2005/08/addressing/anonymous"
_SUBMISSION_SET: Final = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
#: NOS TRE_R248
_PURPOSES: Final = "1.2.250.1.213.1.1.4.248"
#: The transactions of the DMP by number; as a code system its name is ours, for want of a published one.
_DMP: Final = "DMP Transactions"
#: Codes of our own.
_FEUILLET: Final = "Feuillet"


@dataclass(frozen=True, slots=True)
class Code:
    """A coded value: EV(code, system, meaning)."""

    code: str
    system: str
    meaning: str


@dataclass(frozen=True, slots=True)
class AuditSource:
    """Who reports: AuditSourceID and AuditEnterpriseSiteID, the host's name, and the number of the process."""

    source_id: str
    enterprise_site: str = ""
    host: str = "localhost"
    process: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event stands in the trail. `hash` (hex) is what tells it from every other one, at any receiver."""

    shard: int
    number: int
    hash: str


_QUERY: Final = Code("110112", DCM, "Query")
_IMPORT: Final = Code("110107", DCM, "Import")
_EXPORT: Final = Code("110106", DCM, "Export")
_PATIENT_RECORD: Final = Code("110110", DCM, "Patient Record")
_APPLICATION_ACTIVITY: Final = Code("110100", DCM, "Application Activity")

EVENT_IDS: Final = {
    Transaction.PATIENT_FEED: _PATIENT_RECORD,
    Transaction.STORED_QUERY: _QUERY,
    Transaction.PROVIDE_AND_REGISTER: _IMPORT,
    Transaction.REGISTER: _IMPORT,
    Transaction.REGISTER_ELSEWHERE: _EXPORT,
    Transaction.RETRIEVE: _EXPORT,
    Transaction.PATIENT_FEED_V3: _PATIENT_RECORD,
    Transaction.MULTI_PATIENT_QUERY: _QUERY,
    Transaction.UPDATE: _IMPORT,
    Transaction.REGISTER_ON_DEMAND: _IMPORT,
    Transaction.RESTRICTED_UPDATE: _IMPORT,
    Transaction.REMOVE_METADATA: _PATIENT_RECORD,
    Transaction.REMOVE_DOCUMENTS: _PATIENT_RECORD,
    Transaction.SUBSCRIBE: _QUERY,
    Transaction.NOTIFY: _EXPORT,
    Transaction.ALERT: _EXPORT,
    Transaction.ALERT_SETTINGS: _PATIENT_RECORD,
    Transaction.TEST_EXISTENCE: _QUERY,
    Transaction.SET_AUTHORISATION: _PATIENT_RECORD,
    Transaction.LIST_RECORDS: _QUERY,
    Transaction.SEARCH_PATIENTS: _QUERY,
    Transaction.OPEN_RECORD: _PATIENT_RECORD,
    Transaction.REACTIVATE_RECORD: _PATIENT_RECORD,
    Transaction.READ_SHEET: _PATIENT_RECORD,
    Transaction.AMEND_SHEET: _PATIENT_RECORD,
    Transaction.CLOSE_RECORD: _PATIENT_RECORD,
    Transaction.OPEN_ACCOUNT: _PATIENT_RECORD,
    Transaction.UPDATE_CHANNEL: _PATIENT_RECORD,
    Transaction.RENEW_ACCOUNT: _PATIENT_RECORD,
    Transaction.LIST_AUTHORISED: _QUERY,
    Transaction.START: _APPLICATION_ACTIVITY,
    Transaction.STOP: _APPLICATION_ACTIVITY,
    Transaction.SECURITY_ALERT: Code("110113", DCM, "Security Alert"),
    Transaction.AUDIT_LOG_USED: Code("110101", DCM, "Audit Log Used"),
    Transaction.DESTROY_RECORD: _PATIENT_RECORD,
    Transaction.LEGAL_HOLD: _PATIENT_RECORD,
}
_TYPES: Final = {
    Transaction.START: Code("110120", DCM, "Application Start"),
    Transaction.STOP: Code("110121", DCM, "Application Stop"),
    Transaction.SECURITY_ALERT: Code("110126", DCM, "Node Authentication"),
    Transaction.ALERT: Code("alert", _FEUILLET, "Alert to a Person"),
    Transaction.ALERT_SETTINGS: Code("alert-settings", _FEUILLET, "Alert Settings"),
}
_SOURCE: Final = Code("110153", DCM, "Source Role ID")
_DESTINATION: Final = Code("110152", DCM, "Destination Role ID")
_APPLICATION: Final = Code("110150", DCM, "Application")
_LAUNCHER: Final = Code("110151", DCM, "Application Launcher")
#: What the server sends unasked: it is the requestor, and the event's endpoint is the other side.
_SENT: Final = frozenset({Transaction.REGISTER_ELSEWHERE, Transaction.NOTIFY, Transaction.ALERT})
#: Where the server is the source: it gives documents out, or sends.
_SERVER_IS_SOURCE: Final = frozenset({Transaction.RETRIEVE, *_SENT})
#: What is told of, in ITI-53 (ITI TF-2: 3.53.5.1.2).
_ENTRY: Final = Code("urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1", "IHE XDS Metadata", "document entry object type")
_FOLDER: Final = Code("urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2", "IHE XDS Metadata", "folder classification node")
_REMOVALS: Final = frozenset({Transaction.REMOVE_METADATA, Transaction.REMOVE_DOCUMENTS, Transaction.DESTROY_RECORD})
#: ParticipantObjectDataLifeCycle: permanent erasure.
_ERASURE: Final = "15"
_OBJECT_REFERENCE: Final = Code("urn:ihe:iti:2017:ObjectRef", "IHE XDS Metadata", "registry object reference")
#: Which side's activity an event of the application itself is.
_OPERATED: Final = frozenset({Transaction.AUDIT_LOG_USED, Transaction.DESTROY_RECORD, Transaction.LEGAL_HOLD})
_LOCAL: Final = frozenset({Transaction.START, Transaction.STOP}) | _OPERATED


def message(event: Event, position: Position, source: AuditSource) -> str:
    """The `AuditMessage` of an event, on one line and without an XML declaration."""
    participants = _local(event, source) if event.transaction in _LOCAL else _remote(event, source)
    site = f' AuditEnterpriseSiteID="{attribute(source.enterprise_site)}"' if source.enterprise_site else ""
    return (
        f"<AuditMessage>{_identification(event)}{participants}"
        f'<AuditSourceIdentification{site} AuditSourceID="{attribute(source.source_id)}">'
        f'<AuditSourceTypeCode csd-code="4"/></AuditSourceIdentification>'
        f"{_objects(event)}{_place_in_trail(position)}</AuditMessage>"
    )


def _identification(event: Event) -> str:
    types = [_transaction_code(event.transaction)]
    if event.refused_transaction is not None:
        types.append(_transaction_code(event.refused_transaction))
    codes = "".join(_coded("EventTypeCode", code) for code in types if code is not None)
    reason = " ".join(filter(None, ("" if event.refusal is None else event.refusal.value, event.reason)))
    described = f"<EventOutcomeDescription>{text(reason)}</EventOutcomeDescription>" if reason else ""
    purpose = ""
    if event.purpose_of_use is not None:
        meaning = event.purpose_reason or event.purpose_of_use.value
        purpose = _coded("PurposeOfUse", Code(event.purpose_of_use.value, _PURPOSES, meaning))
    moment = event.happened_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return (
        f'<EventIdentification EventActionCode="{event.action.value}" EventDateTime="{moment}" '
        f'EventOutcomeIndicator="{event.outcome.value}">{_coded("EventID", EVENT_IDS[event.transaction])}'
        f"{codes}{described}{purpose}</EventIdentification>"
    )


def _transaction_code(transaction: Transaction) -> Code | None:
    """The code that IHE gave a transaction, the number that the DMP gave it, or what DICOM calls an activity."""
    if transaction.number is not None:
        return Code(transaction.number, _IHE, transaction.meaning)
    if transaction.value.startswith("TD"):
        return Code(transaction.value, _DMP, transaction.meaning)
    return _TYPES.get(transaction)


def _remote(event: Event, source: AuditSource) -> str:
    """The two machines, the person or automaton that asked."""
    here, there = _DESTINATION, _SOURCE
    if event.transaction in _SERVER_IS_SOURCE:
        here, there = there, here
    sends = event.transaction in _SENT
    own = f"urn:feuillet:{source.host}" if sends else event.endpoint or f"urn:feuillet:{source.host}"
    server = _participant(
        own, here, requestor=sends, address=source.host, address_type="1", alternative=str(source.process)
    )
    other = event.endpoint if sends else _ANONYMOUS
    client = _participant(
        other, there, requestor=not sends, address="" if sends else event.client_address, address_type="2"
    )
    machines = (server, client) if event.transaction in _SERVER_IS_SOURCE else (client, server)
    return "".join(machines) + _person(event)


def _local(event: Event, source: AuditSource) -> str:
    """The application and whoever started it, or reads its trail."""
    person = f'<ActiveParticipant UserID="{attribute(event.name or "unknown")}" UserIsRequestor="true">'
    role = _coded("RoleIDCode", _LAUNCHER) if event.transaction not in _OPERATED else ""
    application = _participant(
        f"urn:feuillet:{source.host}",
        _APPLICATION,
        requestor=False,
        address=source.host,
        address_type="1",
        alternative=str(source.process),
    )
    return f"{application}{person}{role}</ActiveParticipant>"


def _person(event: Event) -> str:
    """ITI TF-2: 3.40.4.2: the subject of the assertion, as alias<user@issuer>; the alias is the person's name."""
    if not event.national_id:
        return ""
    name = f"{event.name}<{event.national_id}@{event.issuer}>"
    roles = ""
    for role in event.roles:
        code, _, system = role.partition("^^")
        roles += _coded("RoleIDCode", Code(code, system, code))
    alternative = f' AlternativeUserID="{attribute(event.software)}"' if event.software else ""
    return (
        f'<ActiveParticipant UserID="{attribute(event.national_id)}"{alternative} UserName="{attribute(name)}" '
        f'UserIsRequestor="true">{roles}</ActiveParticipant>'
    )


def _participant(
    user: str, role: Code, *, requestor: bool, address: str, address_type: str, alternative: str = ""
) -> str:
    network = ""
    if address:
        network = f' NetworkAccessPointID="{attribute(address)}" NetworkAccessPointTypeCode="{address_type}"'
    other = f' AlternativeUserID="{attribute(alternative)}"' if alternative else ""
    return (
        f'<ActiveParticipant UserID="{attribute(user)}"{other} UserIsRequestor="{str(requestor).lower()}"{network}>'
        f"{_coded('RoleIDCode', role)}</ActiveParticipant>"
    )


def _objects(event: Event) -> str:
    objects = ""
    if event.patient:
        objects += _object(event.patient, "1", "1", Code("2", _OBJECT_TYPES, "Patient Number"))
    if event.submission_set:
        kind = Code(_SUBMISSION_SET, "IHE XDS Metadata", "submission set classificationNode")
        signature = [("signature", event.signature)] if event.signature else []
        objects += _object(event.submission_set, "2", "20", kind, details=signature)
    kind_of_query = _transaction_code(event.transaction)
    if event.query_id and kind_of_query is not None:
        details = [("QueryEncoding", "UTF-8")]
        objects += _object(event.query_id, "2", "24", kind_of_query, query=event.query, details=details)
    erased = _ERASURE if event.transaction in _REMOVALS else None
    if event.transaction in (Transaction.RETRIEVE, Transaction.REMOVE_DOCUMENTS, Transaction.DESTROY_RECORD):
        kind = Code("9", _OBJECT_TYPES, "Report Number")
        details = [("Repository Unique ID", event.repository)] if event.repository else []
        for document in event.documents:
            objects += _object(document, "2", "3", kind, details=details, life_cycle=erased)
    for identifier in event.objects:
        objects += _object(identifier, "2", "3", _OBJECT_REFERENCE, life_cycle=erased)
    if event.transaction is Transaction.NOTIFY:
        for entry in event.documents:
            objects += _object(entry, "2", "3", _ENTRY)
        for folder in event.folders:
            objects += _object(folder, "2", "3", _FOLDER)
    if event.transaction is Transaction.SECURITY_ALERT:
        details = [("Alert Description", event.reason), ("Certificate", event.certificate)]
        objects += _object(
            event.client_address or "unknown", "2", "13", Code("110182", DCM, "Node ID"), details=details
        )
    if event.transaction is Transaction.AUDIT_LOG_USED:
        kind = Code("12", _OBJECT_TYPES, "URI")
        objects += _object("urn:feuillet:audit", "2", "13", kind, "Security Audit Log", details=[("Use", event.reason)])
    return objects


def _place_in_trail(position: Position) -> str:
    """An object of our own: receivers tell by it an event that reaches them twice, and auditors find its row."""
    details = [("shard", str(position.shard)), ("number", str(position.number))]
    return _object(position.hash, "2", "13", Code("audit-event", _FEUILLET, "Audit event"), details=details)


def _object(
    identifier: str,
    type_code: str,
    role: str,
    kind: Code,
    name: str = "",
    *,
    query: str | None = None,
    details: list[tuple[str, str]] | None = None,
    life_cycle: str | None = None,
) -> str:
    if query is None:
        content = f"<ParticipantObjectName>{text(name or identifier)}</ParticipantObjectName>"
    else:
        content = f"<ParticipantObjectQuery>{_base64(query)}</ParticipantObjectQuery>"
    for key, value in details or ():
        content += f'<ParticipantObjectDetail type="{attribute(key)}" value="{_base64(value)}"/>'
    stage = "" if life_cycle is None else f' ParticipantObjectDataLifeCycle="{life_cycle}"'
    return (
        f'<ParticipantObjectIdentification ParticipantObjectID="{attribute(identifier)}" '
        f'ParticipantObjectTypeCode="{type_code}" ParticipantObjectTypeCodeRole="{role}"{stage}>'
        f"{_coded('ParticipantObjectIDTypeCode', kind)}{content}</ParticipantObjectIdentification>"
    )


def _coded(element: str, code: Code) -> str:
    return (
        f'<{element} csd-code="{attribute(code.code)}" codeSystemName="{attribute(code.system)}" '
        f'originalText="{attribute(code.meaning)}"/>'
    )


def _base64(value: str) -> str:
    return b64encode(value.encode("utf-8", "replace")).decode("ascii")
