"""The registry as a SOAP service: ITI-18, 42, 44, 51, 57, 61, 62 and 92 at one address."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from lxml import etree

from dmp.audit import Occasion, Transaction
from schemas.errors import XdsErrors
from schemas.responses import RegistryOutcome, registry_response
from schemas.schema_files import REGISTRY_WSDL, XSD_DIRECTORY
from schemas.vocabulary import LCM, QUERY, XDSB
from soap.message import IncomingMessage, Operation, Reply
from soap.service import Service
from xds_registry.changes import Permit, everything_permitted
from xds_registry.feed import anybody_feeds, identity_feed_operations
from xds_registry.registry import Registry
from xds_registry.visibility import EVERYTHING, Visibility

_SUBMIT: Final = f"{{{LCM}}}SubmitObjectsRequest"
_QUERY: Final = f"{{{QUERY}}}AdhocQueryRequest"
_REMOVE: Final = f"{{{LCM}}}RemoveObjectsRequest"


def everything(_message: IncomingMessage) -> Visibility:
    """Every caller sees every row."""
    return EVERYTHING


def everything_allowed(_message: IncomingMessage) -> Permit:
    """Every caller may change everything."""
    return everything_permitted


def request_digest(request: etree._Element) -> str:
    """What identifies a submission: the SHA-256 of its text, in hexadecimal. The SOAP envelope does not count."""
    return hashlib.sha256(etree.tostring(request, with_tail=False)).hexdigest()


def registry_service(
    registry: Registry,
    *,
    visibility_of: Callable[[IncomingMessage], Visibility] = everything,
    permit_of: Callable[[IncomingMessage], Permit] = everything_allowed,
    feeds: Callable[[IncomingMessage], None] = anybody_feeds,
) -> Service:
    """The service of a registry.

    `visibility_of` tells what the sender of a message may see, `permit_of` what it may change; they raise a fault when
    that is nothing. Of a query the first also raises XdsErrors. `feeds` raises a fault for whoever is no source of
    patient identities.
    """

    def register(message: IncomingMessage) -> Reply:
        outcome = registry.register_document_set(
            message.body,
            digest=request_digest(message.body),
            occasion=Occasion.of(Transaction.REGISTER, message),
        )
        return _response(outcome)

    def register_on_demand(message: IncomingMessage) -> Reply:
        outcome = registry.register_on_demand(
            message.body,
            digest=request_digest(message.body),
            occasion=Occasion.of(Transaction.REGISTER_ON_DEMAND, message),
        )
        return _response(outcome)

    def updating(kind: Transaction, update: Callable[..., RegistryOutcome]) -> Callable[[IncomingMessage], Reply]:
        def handle(message: IncomingMessage) -> Reply:
            outcome = update(
                message.body,
                digest=request_digest(message.body),
                visibility=visibility_of(message),
                permit=permit_of(message),
                occasion=Occasion.of(kind, message),
            )
            return _response(outcome)

        return handle

    def querying(kind: Transaction, ask: Callable[..., list[bytes]]) -> Callable[[IncomingMessage], Reply]:
        def handle(message: IncomingMessage) -> Reply:
            occasion = Occasion.of(kind, message)
            try:
                visibility = visibility_of(message)
            except XdsErrors as wrong:
                return Reply(registry.refuse_query(message.body, wrong.errors, occasion=occasion))
            return Reply(ask(message.body, visibility, occasion=occasion))

        return handle

    def remove_metadata(message: IncomingMessage) -> Reply:
        occasion = Occasion.of(Transaction.REMOVE_METADATA, message)
        permit = permit_of(message)
        outcome = registry.remove_metadata(message.body, visibility_of(message), permit=permit, occasion=occasion)
        return _response(outcome)

    return Service(
        "DocumentRegistry_Service",
        XDSB,
        (
            Operation(
                "DocumentRegistry_RegisterDocumentSet-b",
                "urn:ihe:iti:2007:RegisterDocumentSet-b",
                "urn:ihe:iti:2007:RegisterDocumentSet-bResponse",
                _SUBMIT,
                mtom=False,
                handler=register,
            ),
            Operation(
                "DocumentRegistry_RegistryStoredQuery",
                "urn:ihe:iti:2007:RegistryStoredQuery",
                "urn:ihe:iti:2007:RegistryStoredQueryResponse",
                _QUERY,
                mtom=False,
                handler=querying(Transaction.STORED_QUERY, registry.stored_query),
            ),
            Operation(
                "DocumentRegistry_MultiPatientStoredQuery",
                "urn:ihe:iti:2009:MultiPatientStoredQuery",
                "urn:ihe:iti:2009:MultiPatientStoredQueryResponse",
                _QUERY,
                mtom=False,
                handler=querying(Transaction.MULTI_PATIENT_QUERY, registry.multi_patient_stored_query),
            ),
            Operation(
                "DocumentRegistry_RegisterOnDemandDocumentEntry",
                "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry",
                "urn:ihe:iti:2010:RegisterOnDemandDocumentResponse",
                _SUBMIT,
                mtom=False,
                handler=register_on_demand,
            ),
            Operation(
                "DocumentRegistry_UpdateDocumentSet",
                "urn:ihe:iti:2010:UpdateDocumentSet",
                "urn:ihe:iti:2010:UpdateDocumentSetResponse",
                _SUBMIT,
                mtom=False,
                handler=updating(Transaction.UPDATE, registry.update_document_set),
            ),
            Operation(
                "UpdateResponder_RestrictedUpdateDocumentSet",
                "urn:ihe:iti:2018:RestrictedUpdateDocumentSet",
                "urn:ihe:iti:2018:RestrictedUpdateDocumentSetResponse",
                _SUBMIT,
                mtom=False,
                handler=updating(Transaction.RESTRICTED_UPDATE, registry.restricted_update_document_set),
            ),
            Operation(
                "DocumentRegistry_RemoveMetadata",
                "urn:ihe:iti:2010:DeleteDocumentSet",
                "urn:ihe:iti:2010:DeleteDocumentSetResponse",
                _REMOVE,
                mtom=False,
                handler=remove_metadata,
            ),
            *identity_feed_operations(registry, feeds),
        ),
        REGISTRY_WSDL,
        XSD_DIRECTORY,
    )


def _response(outcome: RegistryOutcome) -> Reply:
    return Reply((registry_response(outcome),))
