"""An audit event: who asked what, about whom, and what was decided.

Source: ITI TF-2: 3.20.4.1, the section "Security Audit Considerations" of each transaction; DICOM PS3.15 A.5.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from card_auth.caller import AccessMode, Caller, PurposeOfUse
from dmp.audit.refusals import RefusalClass, explained
from schemas.errors import XdsError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Transaction(enum.StrEnum):
    """What was asked for: a transaction of IHE or of the DMP by its number, or what the server or its operator did."""

    PATIENT_FEED = "ITI-8"
    STORED_QUERY = "ITI-18"
    PROVIDE_AND_REGISTER = "ITI-41"
    REGISTER = "ITI-42"
    #: ITI-42 as its sender sees it: a repository whose registry is elsewhere.
    REGISTER_ELSEWHERE = "ITI-42-source"
    RETRIEVE = "ITI-43"
    PATIENT_FEED_V3 = "ITI-44"
    MULTI_PATIENT_QUERY = "ITI-51"
    UPDATE = "ITI-57"
    REGISTER_ON_DEMAND = "ITI-61"
    RESTRICTED_UPDATE = "ITI-92"
    REMOVE_METADATA = "ITI-62"
    REMOVE_DOCUMENTS = "ITI-86"
    SUBSCRIBE = "ITI-52"
    NOTIFY = "ITI-53"
    #: A person was told by e-mail or SMS that there is news.
    ALERT = "alert"
    #: Who is told was changed.
    ALERT_SETTINGS = "alert-settings"
    # The DMP's own services, by the numbers of its integration guide.
    TEST_EXISTENCE = "TD0.2"
    SET_AUTHORISATION = "TD0.3"
    LIST_RECORDS = "TD0.4"
    SEARCH_PATIENTS = "TD0.5"
    OPEN_RECORD = "TD1.1"
    REACTIVATE_RECORD = "TD1.2"
    READ_SHEET = "TD1.3a"
    AMEND_SHEET = "TD1.3b"
    CLOSE_RECORD = "TD1.4"
    OPEN_ACCOUNT = "TD1.5a"
    UPDATE_CHANNEL = "TD1.5b"
    RENEW_ACCOUNT = "TD1.5d"
    LIST_AUTHORISED = "TD1.6"
    START = "start"
    STOP = "stop"
    SECURITY_ALERT = "security-alert"
    AUDIT_LOG_USED = "audit-log-used"
    DESTROY_RECORD = "destroy-record"
    LEGAL_HOLD = "legal-hold"

    @property
    def number(self) -> str | None:
        """The number that IHE gave it: `ITI-42`. None for what is no transaction of IHE."""
        return self.value.removesuffix("-source") if self.value.startswith("ITI-") else None

    @property
    def meaning(self) -> str:
        """Its name: `Register Document Set-b`."""
        return _MEANINGS[self]

    @property
    def action(self) -> Action:
        """What the receiver of the transaction does, unless an event says otherwise."""
        return _ACTIONS[self]


class Action(enum.StrEnum):
    """EventActionCode: create, read, update, delete, execute."""

    CREATE = "C"
    READ = "R"
    UPDATE = "U"
    DELETE = "D"
    EXECUTE = "E"


class Outcome(enum.IntEnum):
    """EventOutcomeIndicator. Minor: refused by a rule. Serious: the caller or the message was not accepted, or the
    server could not. Major: a part of the server is not to be had any more."""

    SUCCESS = 0
    MINOR_FAILURE = 4
    SERIOUS_FAILURE = 8
    MAJOR_FAILURE = 12


_MEANINGS: Final = {
    Transaction.PATIENT_FEED: "Patient Identity Feed",
    Transaction.STORED_QUERY: "Registry Stored Query",
    Transaction.PROVIDE_AND_REGISTER: "Provide and Register Document Set-b",
    Transaction.REGISTER: "Register Document Set-b",
    Transaction.REGISTER_ELSEWHERE: "Register Document Set-b",
    Transaction.RETRIEVE: "Retrieve Document Set",
    Transaction.PATIENT_FEED_V3: "Patient Identity Feed",
    Transaction.MULTI_PATIENT_QUERY: "Multi-Patient Stored Query",
    Transaction.UPDATE: "Update Document Set",
    Transaction.REGISTER_ON_DEMAND: "Register On-Demand Document Entry",
    Transaction.RESTRICTED_UPDATE: "Restricted Update Document Set",
    Transaction.REMOVE_METADATA: "Remove Metadata",
    Transaction.REMOVE_DOCUMENTS: "Remove Documents",
    Transaction.SUBSCRIBE: "Document Metadata Subscribe",
    Transaction.NOTIFY: "Document Metadata Notify",
    Transaction.ALERT: "Alert",
    Transaction.ALERT_SETTINGS: "Alert Settings",
    Transaction.TEST_EXISTENCE: "Test of Existence",
    Transaction.SET_AUTHORISATION: "Update of Own Authorisation",
    Transaction.LIST_RECORDS: "List of Authorised Records",
    Transaction.SEARCH_PATIENTS: "Patient Search by Traits",
    Transaction.OPEN_RECORD: "Creation of a Record",
    Transaction.REACTIVATE_RECORD: "Reactivation of a Record",
    Transaction.READ_SHEET: "Consultation of Administrative Data",
    Transaction.AMEND_SHEET: "Modification of Administrative Data",
    Transaction.CLOSE_RECORD: "Closing of a Record",
    Transaction.OPEN_ACCOUNT: "Creation of an Internet Account",
    Transaction.UPDATE_CHANNEL: "Update of a One-Time Code Channel",
    Transaction.RENEW_ACCOUNT: "Renewal of Internet Account Secrets",
    Transaction.LIST_AUTHORISED: "List of Authorised Professionals",
    Transaction.START: "Application Start",
    Transaction.STOP: "Application Stop",
    Transaction.SECURITY_ALERT: "Node Authentication",
    Transaction.AUDIT_LOG_USED: "Audit Log Used",
    Transaction.DESTROY_RECORD: "Record Destruction",
    Transaction.LEGAL_HOLD: "Legal Hold",
}

# ITI TF-2: 3.8.5.1, 3.18.5.1, 3.41.5.1, 3.42.5.1, 3.43.5.1, 3.44.5.1, 3.51.5.1, 3.52.7, 3.53.5.1, 3.57.5.1, 3.61.5.1,
# 3.62.5.1, 3.86.5.1, 3.92.5.1; DICOM PS3.15 A.5.3
_ACTIONS: Final = {
    Transaction.PATIENT_FEED: Action.CREATE,
    Transaction.STORED_QUERY: Action.EXECUTE,
    Transaction.PROVIDE_AND_REGISTER: Action.CREATE,
    Transaction.REGISTER: Action.CREATE,
    Transaction.REGISTER_ELSEWHERE: Action.READ,
    Transaction.RETRIEVE: Action.READ,
    Transaction.PATIENT_FEED_V3: Action.CREATE,
    Transaction.MULTI_PATIENT_QUERY: Action.EXECUTE,
    Transaction.UPDATE: Action.UPDATE,
    Transaction.REGISTER_ON_DEMAND: Action.CREATE,
    Transaction.RESTRICTED_UPDATE: Action.UPDATE,
    Transaction.REMOVE_METADATA: Action.DELETE,
    Transaction.REMOVE_DOCUMENTS: Action.DELETE,
    Transaction.SUBSCRIBE: Action.CREATE,
    Transaction.NOTIFY: Action.READ,
    Transaction.ALERT: Action.READ,
    Transaction.ALERT_SETTINGS: Action.UPDATE,
    # DICOM PS3.15 A.5.3.9, A.5.3.10: queries are executed, records of patients created, read and updated.
    Transaction.TEST_EXISTENCE: Action.EXECUTE,
    Transaction.SET_AUTHORISATION: Action.UPDATE,
    Transaction.LIST_RECORDS: Action.EXECUTE,
    Transaction.SEARCH_PATIENTS: Action.EXECUTE,
    Transaction.OPEN_RECORD: Action.CREATE,
    Transaction.REACTIVATE_RECORD: Action.UPDATE,
    Transaction.READ_SHEET: Action.READ,
    Transaction.AMEND_SHEET: Action.UPDATE,
    Transaction.CLOSE_RECORD: Action.UPDATE,
    Transaction.OPEN_ACCOUNT: Action.CREATE,
    Transaction.UPDATE_CHANNEL: Action.UPDATE,
    Transaction.RENEW_ACCOUNT: Action.UPDATE,
    Transaction.LIST_AUTHORISED: Action.EXECUTE,
    Transaction.START: Action.EXECUTE,
    Transaction.STOP: Action.EXECUTE,
    Transaction.SECURITY_ALERT: Action.EXECUTE,
    Transaction.AUDIT_LOG_USED: Action.READ,
    Transaction.DESTROY_RECORD: Action.DELETE,
    Transaction.LEGAL_HOLD: Action.UPDATE,
}

#: The transaction that a WS-Addressing action asks for.
BY_ACTION: Final = {
    "urn:ihe:iti:2007:RegistryStoredQuery": Transaction.STORED_QUERY,
    "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b": Transaction.PROVIDE_AND_REGISTER,
    "urn:ihe:iti:2007:RegisterDocumentSet-b": Transaction.REGISTER,
    "urn:ihe:iti:2007:RetrieveDocumentSet": Transaction.RETRIEVE,
    "urn:ihe:iti:2009:MultiPatientStoredQuery": Transaction.MULTI_PATIENT_QUERY,
    "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry": Transaction.REGISTER_ON_DEMAND,
    "urn:ihe:iti:2010:UpdateDocumentSet": Transaction.UPDATE,
    "urn:ihe:iti:2018:RestrictedUpdateDocumentSet": Transaction.RESTRICTED_UPDATE,
    "urn:ihe:iti:2010:DeleteDocumentSet": Transaction.REMOVE_METADATA,
    "urn:ihe:iti:2017:RemoveDocuments": Transaction.REMOVE_DOCUMENTS,
    "http://docs.oasis-open.org/wsn/bw-2/NotificationProducer/SubscribeRequest": Transaction.SUBSCRIBE,
    "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest": Transaction.SUBSCRIBE,
    "urn:hl7-org:v3:PRPA_IN201301UV02": Transaction.PATIENT_FEED_V3,
    "urn:hl7-org:v3:PRPA_IN201302UV02": Transaction.PATIENT_FEED_V3,
    "urn:hl7-org:v3:PRPA_IN201304UV02": Transaction.PATIENT_FEED_V3,
    # Which of the transactions of one action is meant stands in the message; these are the first of them.
    "urn:hl7-org:v3:PRPA_IN201307UV02": Transaction.TEST_EXISTENCE,
    "urn:hl7-org:v3:PRPA_IN201311UV02": Transaction.OPEN_RECORD,
    "urn:hl7-org:v3:PRPA_IN201314UV02": Transaction.AMEND_SHEET,
    "urn:hl7-org:v3:PRPA_IN201305UV02": Transaction.SEARCH_PATIENTS,
    "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization": Transaction.SET_AUTHORISATION,
    "urn:si-dmp-habilitations:HabilitationsEndPoint:listAuthorizationByPatient": Transaction.LIST_AUTHORISED,
    "urn:si-dmp-patients:PatientSpecificEndPoint:patientList": Transaction.LIST_RECORDS,
    "urn:si-dmp-patients:PatientSpecificEndPoint:createPatientAccess": Transaction.OPEN_ACCOUNT,
    "urn:si-dmp-patients:PatientSpecificEndPoint:patientOTPUpdate": Transaction.UPDATE_CHANNEL,
    "urn:si-dmp-patients:PatientSpecificEndPoint:updatePatientAccess": Transaction.RENEW_ACCOUNT,
}


class _Addressing(Protocol):
    @property
    def to(self) -> str | None: ...


class _Message(Protocol):
    """What an event takes from a message of the wire."""

    @property
    def caller(self) -> object | None: ...
    @property
    def correlation_id(self) -> str: ...
    @property
    def client_address(self) -> str: ...
    @property
    def peer_certificate(self) -> bytes | None: ...
    @property
    def addressing(self) -> _Addressing: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """The request that a decision is made for: which transaction, who asks, and from where.

    `certificate` is the SHA-256 (hex) of the certificate of the connection, where nobody is known by another one.
    `signature` is what was found of the signature of a submission, once that was looked at.
    """

    transaction: Transaction
    correlation_id: str = ""
    caller: Caller | None = None
    client_address: str = ""
    certificate: str = ""
    endpoint: str = ""
    signature: str = ""

    @classmethod
    def of(cls, transaction: Transaction, message: _Message) -> Occasion:
        """The occasion that a message is."""
        caller = message.caller if isinstance(message.caller, Caller) else None
        peer = message.peer_certificate if caller is None else None
        return cls(
            transaction=transaction,
            correlation_id=message.correlation_id,
            caller=caller,
            client_address=message.client_address,
            certificate="" if peer is None else hashlib.sha256(peer).hexdigest(),
            endpoint=message.addressing.to or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One access decision about at most one patient. Empty values are unknown, or do not apply.

    `refusal` and `reason` say why something was refused: the class, and the names of the rules (never a value of the
    request). `unchanged`: accepted, and nothing was done, since it had been done before or is none of our business.
    `patient` is a CX; `query` the request of a stored query as XML; `results` the objects or documents given out or
    removed, `objects` the entryUUIDs of registry objects that were, or were to be, removed.
    `refused_transaction` is what was asked for by whoever was turned away. `signature` is what was found of the
    signature of a submission: the verdict, and the name of the rule that it breaks; empty where there is none.
    ITI-53 names `documents` and `folders` by entryUUID.
    `functions` are the DMP's own names of what was done, the rows of its functional matrix (TD3.3a-mask, …), where the
    transaction does not tell.
    `act` says which of its acts a transaction of the DMP was: `AJOUT MEDECIN_TRAITANT`.
    """

    happened_at: datetime
    transaction: Transaction
    action: Action
    outcome: Outcome = Outcome.SUCCESS
    refusal: RefusalClass | None = None
    reason: str = ""
    refused_transaction: Transaction | None = None
    unchanged: bool = False
    act: str = ""
    national_id: str = ""
    name: str = ""
    roles: tuple[str, ...] = ()  # code^^code system, the profession first
    structure_id: str = ""
    mode: AccessMode | None = None
    purpose_of_use: PurposeOfUse | None = None
    purpose_reason: str = ""
    secret_connection: bool = False
    software: str = ""
    assertion_id: str = ""
    issuer: str = ""
    certificate: str = ""
    legacy_sha1: bool = False
    stale_revocation: bool = False
    client_address: str = ""
    endpoint: str = ""
    correlation_id: str = ""
    patient: str = field(default="", repr=False)
    submission_set: str = ""
    documents: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    repository: str = ""
    query_id: str = ""
    query: str = field(default="", repr=False)
    results: int | None = None
    signature: str = ""
    functions: tuple[str, ...] = ()

    @classmethod
    def on(cls, occasion: Occasion, happened_at: datetime, **what: Any) -> Event:
        """The event of an occasion: who and where are the occasion's, the rest is given."""
        caller = occasion.caller
        what.setdefault("action", _ACTIONS[occasion.transaction])
        what.setdefault("transaction", occasion.transaction)
        what.setdefault("certificate", occasion.certificate)
        what.setdefault("signature", occasion.signature)
        if "patient" in what:
            what["patient"] = _identifier(what["patient"])
        if caller is not None:
            software = caller.software
            what["certificate"] = caller.certificate_fingerprint
            what |= {
                "national_id": caller.national_id,
                "name": caller.name,
                "roles": tuple([f"{role.code}^^{role.code_system}" for role in caller.roles]),
                "structure_id": caller.structure_id,
                "mode": caller.mode,
                "purpose_of_use": caller.purpose_of_use,
                "purpose_reason": caller.purpose_reason or "",
                "secret_connection": caller.secret_connection,
                "software": "" if software is None else " ".join(filter(None, (software.name, software.version))),
                "assertion_id": caller.assertion_id,
                "issuer": caller.issuer,
                "legacy_sha1": caller.legacy_sha1,
                "stale_revocation": caller.stale_revocation,
            }
        return cls(
            happened_at=happened_at,
            correlation_id=occasion.correlation_id,
            client_address=occasion.client_address,
            endpoint=occasion.endpoint,
            **what,
        )

    @property
    def succeeded(self) -> bool:
        return self.outcome is Outcome.SUCCESS


FIELDS: Final = tuple(f.name for f in fields(Event))


def _identifier(patient: str) -> str:
    """Components 1 and 4 of a CX, by which a patient is found whatever a sender adds. Other text stays as it is."""
    parts = patient.split("^", 4)
    return f"{parts[0]}^^^{parts[3]}" if len(parts) > 3 else patient


def refused(errors: Sequence[XdsError]) -> dict[str, Any]:
    """What an event says of errors: their class, their codes, and how bad they are."""
    kind, codes = explained(errors)
    outcome = Outcome.SERIOUS_FAILURE if kind is RefusalClass.SERVER else Outcome.MINOR_FAILURE
    return {"outcome": outcome, "refusal": kind, "reason": codes}


def microseconds(instant: datetime) -> int:
    """An instant as the microseconds since 1970, UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(microseconds_since_1970: int) -> datetime:
    """The instant that `microseconds` made a number of."""
    return _EPOCH + timedelta(microseconds=microseconds_since_1970)
