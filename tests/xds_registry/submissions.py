"""The smallest valid submissions and queries, to change one thing of.

Objects are values of the metadata model with fresh identifiers; `request` makes a message of them, which has gone
through the parser like one from the network.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml import etree

from schemas import vocabulary as v
from schemas.datatypes import Cx, Dtm, LanguageTag, MimeType, Oid, Sha1Hash, UniqueId
from schemas.ebrim.encode import encode_submission
from schemas.metadata import (
    Association,
    CodedValue,
    DocumentEntry,
    EntryId,
    Folder,
    LocalizedText,
    Slot,
    Submission,
    SubmissionSet,
)
from schemas.vocabulary import AssociationType, AvailabilityStatus, DocumentEntryType
from soap.xml import parse_untrusted

AUTHORITY = "1.3.6.1.4.1.21367.13.20.1000"
REPOSITORY = "1.2.250.1.213.4.1.1.1.2"
APPROVED = AvailabilityStatus.APPROVED.value
DEPRECATED = AvailabilityStatus.DEPRECATED.value
HASH = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"
Item = DocumentEntry | Folder | Association | SubmissionSet

_numbers = itertools.count(1)


def patient(name: str = "P1", authority: str = AUTHORITY) -> Cx:
    """A patient of the affinity domain."""
    return Cx.parse(f"{name}^^^&{authority}&ISO")


def new_id() -> EntryId:
    """A fresh entryUUID."""
    return EntryId(uuid.uuid4().urn)


def unique_id() -> UniqueId:
    """A fresh uniqueId."""
    return UniqueId.parse(f"1.2.250.99.{next(_numbers)}")


def code(value: str, scheme: str = "1.2.3") -> CodedValue:
    """A code with a name to display."""
    return CodedValue(value, scheme, (LocalizedText(f"display of {value}"[:200]),))


def entry(**changes: Any) -> DocumentEntry:
    """A stable DocumentEntry with what ITI-42 requires and nothing else."""
    stable = {"creation_time": Dtm.parse("20240101120000"), "hash": Sha1Hash.parse(HASH), "size": 4}
    given: dict[str, Any] = {"object_type": DocumentEntryType.STABLE, **stable, **changes}
    return _entry(given)


def on_demand_entry(**changes: Any) -> DocumentEntry:
    """An on-demand DocumentEntry with what ITI-61 requires and nothing else."""
    return _entry({"object_type": DocumentEntryType.ON_DEMAND, **changes})


def _entry(given: dict[str, Any]) -> DocumentEntry:
    fields: dict[str, Any] = {
        "entry_uuid": new_id(),
        "mime_type": MimeType.parse("text/xml"),
        "class_code": code("class"),
        "type_code": code("type"),
        "format_code": code("urn:ihe:iti:xds:2017:mimeTypeSufficient"),
        "healthcare_facility_type_code": code("facility"),
        "practice_setting_code": code("practice"),
        "confidentiality_codes": (code("N"),),
        "language_code": LanguageTag.parse("fr-FR"),
        "patient_id": patient(),
        "source_patient_id": patient("source"),
        "repository_unique_id": Oid.parse(REPOSITORY),
        "unique_id": unique_id(),
        **given,
    }
    return DocumentEntry(**fields)


def folder(**changes: Any) -> Folder:
    """A Folder with what is required."""
    fields: dict[str, Any] = {
        "entry_uuid": new_id(),
        "patient_id": patient(),
        "unique_id": unique_id(),
        "title": (LocalizedText("folder"),),
        "code_list": (code("folder-code"),),
        **changes,
    }
    return Folder(**fields)


def submission_set(**changes: Any) -> SubmissionSet:
    """A SubmissionSet with what is required."""
    fields: dict[str, Any] = {
        "entry_uuid": new_id(),
        "patient_id": patient(),
        "unique_id": unique_id(),
        "source_id": Oid.parse("1.2.250.1.213.4.1.1.1.3"),
        "submission_time": Dtm.parse("20240102000000"),
        "content_type_code": code("content"),
        **changes,
    }
    return SubmissionSet(**fields)


def association(kind: AssociationType, source: Any, target: Any, **changes: Any) -> Association:
    """An Association between two objects, or two ids."""
    fields: dict[str, Any] = {
        "entry_uuid": new_id(),
        "association_type": kind,
        "source": _name(source),
        "target": _name(target),
        **changes,
    }
    return Association(**fields)


def member(source: Any, target: Any, status: str | None = None, **changes: Any) -> Association:
    """A HasMember; `status` is its SubmissionSetStatus."""
    return association(AssociationType.HAS_MEMBER, source, target, submission_set_status=status, **changes)


def replaces(new: Any, old: Any, **changes: Any) -> Association:
    """A RPLC."""
    return association(AssociationType.REPLACE, new, old, **changes)


def _name(item: Any) -> EntryId:
    return EntryId(item if isinstance(item, str) else item.entry_uuid)


def submission(*items: Item) -> Submission:
    """A submission of the items: with a SubmissionSet unless one is among them, linked to what it must be linked to.

    A SubmissionSet that is made here is about the patient of the first entry or folder. What already has a HasMember
    from the SubmissionSet gets no other.
    """
    sets = [item for item in items if isinstance(item, SubmissionSet)]
    entries = tuple(item for item in items if isinstance(item, DocumentEntry))
    folders = tuple(item for item in items if isinstance(item, Folder))
    links = [item for item in items if isinstance(item, Association)]
    if not sets:
        about = next((item.patient_id for item in (*entries, *folders) if item.patient_id is not None), patient())
        sets = [submission_set(patient_id=about)]
    (holder,) = sets
    linked = {link.target for link in links if link.source == holder.entry_uuid}
    inner = [x for x in links if x.association_type is AssociationType.HAS_MEMBER and x.source != holder.entry_uuid]
    links += [member(holder, item, "Original") for item in entries if item.entry_uuid not in linked]
    links += [member(holder, item) for item in (*folders, *inner) if item.entry_uuid not in linked]
    return Submission(submission_sets=(holder,), document_entries=entries, folders=folders, associations=tuple(links))


def parsed(message: etree._Element | str | bytes) -> etree._Element:
    """A message as it comes out of the parser."""
    if isinstance(message, str):
        message = message.encode()
    return parse_untrusted(message if isinstance(message, bytes) else etree.tostring(message))


def request(*items: Item | Submission) -> etree._Element:
    """The `lcm:SubmitObjectsRequest` of items, or of one whole Submission."""
    (first, *rest) = items
    whole = first if isinstance(first, Submission) else submission(*items)  # type: ignore[arg-type]
    assert not (rest and isinstance(first, Submission))
    return parsed(encode_submission(whole))


def removal(*items: Any) -> etree._Element:
    """The `lcm:RemoveObjectsRequest` of objects, or of ids."""
    message = etree.Element(f"{{{v.LCM}}}RemoveObjectsRequest", nsmap={"lcm": v.LCM, "rim": v.RIM})
    holder = etree.SubElement(message, f"{{{v.RIM}}}ObjectRefList")
    for item in items:
        etree.SubElement(holder, f"{{{v.RIM}}}ObjectRef", {"id": _name(item)})
    return parsed(message)


def everything_of(whole: Submission) -> list[Item]:
    """Every object of a submission."""
    return [*whole.submission_sets, *whole.document_entries, *whole.folders, *whole.associations]


def without(message: etree._Element, path: str) -> etree._Element:
    """The message without the elements of an XPath (prefixes rim, lcm)."""
    found = select(message, path)
    assert found, path
    for element in found:
        element.getparent().remove(element)
    return message


def select(message: etree._Element, path: str) -> list[Any]:
    """The nodes of an XPath (prefixes rim, lcm, query)."""
    found: Any = message.xpath(path, namespaces={"rim": v.RIM, "lcm": v.LCM, "query": v.QUERY})
    return list(found)


def slot(name: str, *values: str) -> Slot:
    """A slot of the sender's own."""
    return Slot(name, values)


def quoted(*values: Any) -> str:
    """Strings as a stored query writes them: `('a','b')`."""
    return "(" + ",".join("'" + str(value).replace("'", "''") + "'" for value in values) + ")"


#: What a parameter is given: the text of one rim:Value, or of several, or of several slots.
Given = str | Sequence[str] | Sequence[Sequence[str]]


def query(
    query_id: str, parameters: Mapping[str, Given], *, return_type: str | None = "LeafClass", home: str | None = None
) -> etree._Element:
    """A `query:AdhocQueryRequest`. A list of lists is a slot that is repeated."""
    message = etree.Element(f"{{{v.QUERY}}}AdhocQueryRequest", nsmap={"query": v.QUERY, "rim": v.RIM})
    option = etree.SubElement(message, f"{{{v.QUERY}}}ResponseOption", {"returnComposedObjects": "true"})
    if return_type is not None:
        option.set("returnType", return_type)
    adhoc = etree.SubElement(message, f"{{{v.RIM}}}AdhocQuery", {"id": query_id})
    if home is not None:
        adhoc.set("home", home)
    for name, given in parameters.items():
        for values in _slots(given):
            element = etree.SubElement(adhoc, f"{{{v.RIM}}}Slot", {"name": name})
            holder = etree.SubElement(element, f"{{{v.RIM}}}ValueList")
            for value in values:
                etree.SubElement(holder, f"{{{v.RIM}}}Value").text = value
    return parsed(message)


def _slots(given: Given) -> Iterable[Sequence[str]]:
    if isinstance(given, str):
        return [[given]]
    if all(isinstance(value, str) for value in given):
        return [given]  # type: ignore[list-item]
    return given  # type: ignore[return-value]
