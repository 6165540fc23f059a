"""A SubmitObjectsRequest as a whole: which element is which object, and the Submission they state (ITI TF-3: 4.2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.ebrim.decode import (
    decode_association,
    decode_document_entry,
    decode_folder,
    decode_submission_set,
)
from schemas.ebrim.reading import Problems
from schemas.metadata import Association, DocumentEntry, EntryId, Folder, Submission, SubmissionSet

_PACKAGE_NODES = frozenset({v.SUBMISSION_SET_NODE, v.FOLDER_NODE})


@dataclass(frozen=True, slots=True)
class DecodedSubmission:
    """The objects of a request, beside the elements they were read from (same order, same length)."""

    submission: Submission
    submission_sets: tuple[tuple[SubmissionSet, etree._Element], ...]
    document_entries: tuple[tuple[DocumentEntry, etree._Element], ...]
    folders: tuple[tuple[Folder, etree._Element], ...]
    associations: tuple[tuple[Association, etree._Element], ...]


@dataclass(slots=True)
class _Read:
    """The objects met so far, by kind and in the order they were written."""

    sets: list[tuple[SubmissionSet, etree._Element]] = field(default_factory=list)
    entries: list[tuple[DocumentEntry, etree._Element]] = field(default_factory=list)
    folders: list[tuple[Folder, etree._Element]] = field(default_factory=list)
    associations: list[tuple[Association, etree._Element]] = field(default_factory=list)
    references: list[EntryId] = field(default_factory=list)

    def add(self, element: etree._Element, problems: Problems) -> None:
        """Read one object; what is none of the four kinds is a problem (ITI TF-3: 4.2.1)."""
        if element.tag == r.EXTRINSIC_OBJECT:
            self.entries.append((decode_document_entry(element, problems), element))
        elif element.tag == r.ASSOCIATION:
            association = decode_association(element, problems)
            if association is not None:
                self.associations.append((association, element))
        elif element.tag != r.REGISTRY_PACKAGE:
            name = etree.QName(element).localname
            problems.add(element.get("id", ""), name, "is not an object that a submission may hold")
        elif (nodes := package_nodes(element)) == {v.SUBMISSION_SET_NODE}:
            self.sets.append((decode_submission_set(element, problems), element))
        elif nodes == {v.FOLDER_NODE}:
            self.folders.append((decode_folder(element, problems), element))
        else:
            reason = "must be classified as one of SubmissionSet and Folder"
            problems.add(element.get("id", ""), "RegistryPackage", reason)

    def decoded(self) -> DecodedSubmission:
        return DecodedSubmission(
            Submission(
                submission_sets=tuple(x for x, _ in self.sets),
                document_entries=tuple(x for x, _ in self.entries),
                folders=tuple(x for x, _ in self.folders),
                associations=tuple(x for x, _ in self.associations),
                references=tuple(self.references),
            ),
            tuple(self.sets),
            tuple(self.entries),
            tuple(self.folders),
            tuple(self.associations),
        )


def registry_object_list(request: etree._Element) -> etree._Element | None:
    """The `rim:RegistryObjectList` of a SubmitObjectsRequest."""
    return r.child(request, r.REGISTRY_OBJECT_LIST)


def decode_submission(request: etree._Element, problems: Problems) -> DecodedSubmission:
    """Read every object of an `lcm:SubmitObjectsRequest`; what is wrong goes to `problems`.

    A SubmissionSet or Folder is told by a Classification that stands inside its package or beside it; the latter is
    moved inside, so that the element is complete by itself.
    """
    read = _Read()
    holder = registry_object_list(request)
    if holder is None:
        problems.add("SubmitObjectsRequest", "RegistryObjectList", "is missing")
        holder = etree.Element(r.REGISTRY_OBJECT_LIST)
    _adopt_siblings(holder, problems)
    seen: set[str] = set()
    for element in r.children(holder):
        name = element.get("id", "")
        if element.tag == r.OBJECT_REF:
            read.references.append(EntryId(name))
            continue
        if not name and element.tag != r.ASSOCIATION:
            problems.add(etree.QName(element).localname, "id", "is missing")
        elif name and name in seen:
            problems.add(name, "id", "two objects of the submission have this id")
        seen.add(name)
        read.add(element, problems)
    return read.decoded()


def package_nodes(package: etree._Element) -> set[str]:
    """Which of SubmissionSet and Folder a package is classified as."""
    return {
        child.get("classificationNode", "")
        for child in package
        if child.tag == r.CLASSIFICATION and child.get("classificationNode") in _PACKAGE_NODES
    }


def _adopt_siblings(holder: etree._Element, problems: Problems) -> None:
    """Move classifications that stand beside their object into it (ITI TF-3: 4.2.1.3)."""
    loose = [child for child in holder if child.tag == r.CLASSIFICATION]
    if not loose:
        return
    owners = {child.get("id"): child for child in r.children(holder) if child.tag != r.CLASSIFICATION}
    for classification in loose:
        owner = owners.get(classification.get("classifiedObject"))
        if owner is None:
            name = classification.get("classifiedObject", "")
            problems.add(name, "Classification", "classifies no object of the submission")
            holder.remove(classification)
            continue
        place = len(owner)
        for index, child in enumerate(owner):
            if child.tag == r.EXTERNAL_IDENTIFIER:
                place = index
                break
        owner.insert(place, classification)
