"""The answer to a stored query, written by concatenation of the stored fragments (ITI TF-2: 3.18.4.1.3)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.errors import XdsError
from schemas.markup import attribute
from schemas.responses import error_list
from schemas.vocabulary import QUERY, RIM, RS, ResponseStatus
from xds_registry.query.search import Found

_HEAD: Final = f'<query:AdhocQueryResponse xmlns:query="{QUERY}" xmlns:rim="{RIM}" xmlns:rs="{RS}" status="%s">'
_SUCCESS: Final = ((_HEAD % ResponseStatus.SUCCESS.value) + "<rim:RegistryObjectList>").encode()
_TAIL: Final = b"</rim:RegistryObjectList></query:AdhocQueryResponse>"


class ReturnType(enum.StrEnum):
    """What an answer holds: whole objects, or their ids (ITI TF-2: 3.18.4.1.2.2)."""

    LEAF_CLASS = "LeafClass"
    OBJECT_REF = "ObjectRef"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that has not been given yet, and what is to be said of it.

    `patients` are those whose objects are in it, or who were asked about, with how many objects each; `results` counts
    all objects. `query_id` is as it was sent.
    """

    chunks: list[bytes]
    query_id: str
    patients: Mapping[str, int] = field(default_factory=dict)
    results: int = 0
    errors: tuple[XdsError, ...] = ()


def found(objects: Sequence[Found], return_type: ReturnType) -> list[bytes]:
    """Success, with the objects or references to them; an object that was found twice is stated once."""
    if return_type is ReturnType.OBJECT_REF:
        references = {row[1]: row[3] for row in objects}
        return [_SUCCESS, *(_reference(uuid, home) for uuid, home in references.items()), _TAIL]
    fragments = {row[1]: row[4] for row in objects}
    return [_SUCCESS, *fragments.values(), _TAIL]


def failed(errors: Iterable[XdsError]) -> list[bytes]:
    """Failure. The empty list of objects is what query.xsd wants."""
    head = _HEAD % ResponseStatus.FAILURE.value
    return [f"{head}{error_list(errors)}<rim:RegistryObjectList/></query:AdhocQueryResponse>".encode()]


def _reference(uuid: str, home: str | None) -> bytes:
    stated = f' home="{attribute(home)}"' if home else ""
    return f'<rim:ObjectRef id="{attribute(uuid)}"{stated}/>'.encode()
