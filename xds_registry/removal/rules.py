"""What must still be true of the registry when objects have gone.

Source: ITI TF-2: 3.62.4.1.3; ITI TF-3: 4.1 (the metadata model), 4.2.2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.attributes import ObjectKind
from schemas.errors import (
    ReferencesExistException,
    XdsError,
    XDSMetadataModelException,
    XDSUnreferencedObjectException,
)
from xds_registry.encoding import HAS_MEMBER
from xds_registry.removal.graph import Link, Version


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes, and what stands around it.

    `links` are the associations that go; `touching` those that have an object that goes, or an end of a link that goes,
    as an end themselves. `kinds` knows both, and the sources of `touching`.
    """

    going: Collection[str]
    links: Sequence[Link]
    touching: Sequence[Link]
    versions: Sequence[Version]
    kinds: Mapping[str, ObjectKind]


def broken_rules(plan: Plan) -> list[XdsError]:
    """Every rule that the removal would break.

    An error names objects of the request only: what stands in the way may be hidden from the caller.
    """
    remaining: defaultdict[str, list[Link]] = defaultdict(list)
    for link in plan.touching:
        if link.entry_uuid not in plan.going:
            for end in link.ends:
                remaining[end].append(link)
    return [*_references(plan, remaining), *_left_behind(plan, remaining), *_versions(plan)]


def _references(plan: Plan, remaining: Mapping[str, list[Link]]) -> Iterator[XdsError]:
    """No association is left without one of its ends."""
    for entry_uuid in plan.going:
        if remaining.get(entry_uuid):
            yield ReferencesExistException(f"{entry_uuid}: an association that stays refers to it", location=entry_uuid)


def _left_behind(plan: Plan, remaining: Mapping[str, list[Link]]) -> Iterator[XdsError]:
    """No object is left without an association; none without the submission that it came with."""
    told: set[str] = set()
    for link in plan.links:
        for end in link.ends:
            if end in plan.going or end in told or end not in plan.kinds:
                continue
            if not remaining.get(end):
                told.add(end)
                yield XDSUnreferencedObjectException(
                    f"{link.entry_uuid}: without it an object that stays has no association at all",
                    location=link.entry_uuid,
                )
            elif end == link.target and _was_submitted_by(plan, link) and not _is_submitted(plan, remaining[end]):
                told.add(end)
                yield XDSMetadataModelException(
                    f"{link.entry_uuid}: without it an object that stays belongs to no submission",
                    location=link.entry_uuid,
                )


def _was_submitted_by(plan: Plan, link: Link) -> bool:
    if link.association_type != HAS_MEMBER or plan.kinds.get(link.source) is not ObjectKind.SUBMISSION_SET:
        return False
    kind = plan.kinds.get(link.target)
    return kind is ObjectKind.FOLDER or (kind is ObjectKind.DOCUMENT_ENTRY and link.original)


def _is_submitted(plan: Plan, links: Sequence[Link]) -> bool:
    return any(_was_submitted_by(plan, link) for link in links)


def _versions(plan: Plan) -> Iterator[XdsError]:
    """What is left of an object with versions includes its newest one: the past never becomes the present."""
    by_object: defaultdict[str, list[Version]] = defaultdict(list)
    for version in plan.versions:
        by_object[version.logical_id].append(version)
    for versions in by_object.values():
        newest = max(versions, key=lambda version: version.version)
        if newest.entry_uuid in plan.going and any(version.entry_uuid not in plan.going for version in versions):
            yield XDSMetadataModelException(
                f"{newest.entry_uuid}: the newest version goes together with all older ones only",
                location=newest.entry_uuid,
            )
