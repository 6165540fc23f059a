"""The `lcm:RemoveObjectsRequest`: objects are named one by one (ITI TF-2: 3.62.4.1.2)."""

from __future__ import annotations

from typing import Final

from lxml import etree

from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.errors import XdsErrors, XDSInvalidRequestException, XDSTooManyResults

_LIST: Final = f"{{{v.RIM}}}ObjectRefList"
_REFERENCE: Final = f"{{{v.RIM}}}ObjectRef"
#: ebRS 3.0: 5.7, the scope of a request that states none.
_DELETE_ALL: Final = "urn:oasis:names:tc:ebxml-regrep:DeletionScopeType:DeleteAll"
_NOT_CARRIED: Final = {
    f"{{{v.RIM}}}AdhocQuery": "objects are named by ObjectRef, not by a query",
    f"{{{v.RS}}}RequestSlotList": "a request has no slots",
}


def read_request(request: etree._Element, most_objects: int) -> tuple[str, ...]:
    """The entryUUIDs that a request names, each once, in their order and as registered ones are written.

    Raises `XdsErrors` for what this transaction does not carry: a query, slots, another deletionScope, no object,
    more than `most_objects`.
    """
    for child in r.children(request):
        if str(child.tag) in _NOT_CARRIED:
            raise _wrong(_NOT_CARRIED[str(child.tag)])
    if request.get("deletionScope", _DELETE_ALL) != _DELETE_ALL:
        raise _wrong("objects are removed as a whole; deletionScope is to be left out")
    lists = [child for child in r.children(request) if child.tag == _LIST]
    named = [item.get("id", "").strip() for holder in lists for item in r.children(holder) if item.tag == _REFERENCE]
    if not named:
        raise _wrong("the request names no object")
    if len(named) > most_objects:
        raise XdsErrors((XDSTooManyResults(f"one request names at most {most_objects} objects"),))
    # UUIDs that differ in case only are one UUID (RFC 9562, 4).
    return tuple(dict.fromkeys(name.lower() for name in named))


def _wrong(reason: str) -> XdsErrors:
    return XdsErrors((XDSInvalidRequestException(reason),))
