"""The `xdsb:DocumentRequest`s of ITI-43 and ITI-86: which documents are meant, and whether they would be here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.errors import (
    XDSDocumentUniqueIdError,
    XdsErrors,
    XDSTooManyResults,
    XDSUnknownCommunity,
    XDSUnknownRepositoryId,
)
from xds_repository.configuration import RepositoryConfiguration

_REQUEST: Final = f"{{{v.XDSB}}}DocumentRequest"
_HOME: Final = f"{{{v.XDSB}}}HomeCommunityId"
_REPOSITORY: Final = f"{{{v.XDSB}}}RepositoryUniqueId"
_DOCUMENT: Final = f"{{{v.XDSB}}}DocumentUniqueId"


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """One `xdsb:DocumentRequest` as it was sent; what is missing is empty (ITI TF-2: 3.43.4.1.2)."""

    home_community_id: str | None
    repository_unique_id: str
    document_unique_id: str


def document_requests(body: etree._Element, configuration: RepositoryConfiguration) -> list[DocumentRequest]:
    """Each document that a request names, once. Raises `XdsErrors` when they are none, or too many."""
    requests = dict.fromkeys(_request(child) for child in r.children(body) if child.tag == _REQUEST)
    if not requests:
        raise XdsErrors((XDSDocumentUniqueIdError("the request names no document"),))
    if len(requests) > configuration.most_documents:
        raise XdsErrors((XDSTooManyResults(f"one request names at most {configuration.most_documents} documents"),))
    return list(requests)


def check_addressed(request: DocumentRequest, configuration: RepositoryConfiguration) -> None:
    """Raises `XdsError` when a request means another community or repository (ITI TF-3: Table 4.2.4.1-2)."""
    location, home = request.document_unique_id, configuration.home_community_id
    if request.home_community_id and home is not None and request.home_community_id != home:
        raise XDSUnknownCommunity(request.home_community_id, location=location)
    if request.repository_unique_id != configuration.repository_unique_id:
        raise XDSUnknownRepositoryId(request.repository_unique_id, location=location)


def _request(element: etree._Element) -> DocumentRequest:
    texts = {child.tag: (r.value_text(child) or "").strip() for child in r.children(element)}
    return DocumentRequest(texts.get(_HOME), texts.get(_REPOSITORY, ""), texts.get(_DOCUMENT, ""))
