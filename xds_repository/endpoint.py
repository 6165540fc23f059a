"""The repository's SOAP service: translates and calls, knows no rule."""

from __future__ import annotations

from typing import Final

from schemas import schema_files
from schemas import vocabulary as v
from schemas.responses import registry_response
from soap.message import IncomingMessage, Operation, Reply
from soap.service import Service
from xds_repository.crash_points import CrashPoint, reached
from xds_repository.repository import Repository

_ITI: Final = "urn:ihe:iti:2007:"


class _Acknowledgement(list[bytes]):
    """The body of an answer; whoever sent it closes it when it is out."""

    def close(self) -> None:
        """The answer has left, or its connection has."""
        reached(CrashPoint.ANSWERED)


def repository_service(repository: Repository) -> Service:
    """ITI-41, ITI-43 and ITI-86 as a service (ITI TF-2: 3.41.5, 3.43.5, 3.86.5)."""

    def provide(message: IncomingMessage) -> Reply:
        return Reply(_Acknowledgement([registry_response(repository.provide(message))]))

    def remove(message: IncomingMessage) -> Reply:
        return Reply(_Acknowledgement([registry_response(repository.remove(message))]))

    operations = (
        Operation(
            name="DocumentRepository_ProvideAndRegisterDocumentSet-b",
            action=f"{_ITI}ProvideAndRegisterDocumentSet-b",
            reply_action=f"{_ITI}ProvideAndRegisterDocumentSet-bResponse",
            body=f"{{{v.XDSB}}}ProvideAndRegisterDocumentSetRequest",
            mtom=True,
            handler=provide,
        ),
        Operation(
            name="DocumentRepository_RetrieveDocumentSet",
            action=f"{_ITI}RetrieveDocumentSet",
            reply_action=f"{_ITI}RetrieveDocumentSetResponse",
            body=f"{{{v.XDSB}}}RetrieveDocumentSetRequest",
            mtom=True,
            handler=repository.retrieve,
        ),
        Operation(
            name="DocumentRepository_RemoveDocuments",
            action="urn:ihe:iti:2017:RemoveDocuments",
            reply_action="urn:ihe:iti:2017:RemoveDocumentsResponse",
            body=f"{{{v.RMD}}}RemoveDocumentsRequest",
            mtom=False,
            handler=remove,
        ),
    )
    return Service("DocumentRepository", v.XDSB, operations, schema_files.REPOSITORY_WSDL, schema_files.XSD_DIRECTORY)
