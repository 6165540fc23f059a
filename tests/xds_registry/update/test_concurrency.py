"""Updates at the same time: one after the other, or one and not the other, never half of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from schemas.responses import RegistryOutcome
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client
from tests.xds_registry.submissions import entry, folder, member, patient, replaces
from tests.xds_registry.update.messages import (
    APPROVED,
    DEPRECATED,
    appends,
    becomes,
    ends,
    links,
    next_version,
    updates,
    versions,
)

AT_ONCE = 6


def together(*works: Callable[[], RegistryOutcome]) -> Counter[str]:
    """What several submissions are answered that are sent at the same moment: Success, or their codes."""
    start = Barrier(len(works))

    def run(work: Callable[[], RegistryOutcome]) -> str:
        start.wait()
        outcome = work()
        return "Success" if outcome.succeeded else " ".join(error.code for error in outcome.errors)

    with ThreadPoolExecutor(len(works)) as pool:
        return Counter(pool.map(run, works))


def updating(client: Client, submission: Any) -> Callable[[], RegistryOutcome]:
    """The work of sending an update, whose message is made beforehand."""
    message = s.request(submission)
    return lambda: client.send_update(message)


@pytest.mark.parametrize("maker", [entry, folder])
def test_of_several_updates_of_one_version_one_wins(client: Client, maker: Any) -> None:
    first = maker()
    client.accept(first)
    works = [updating(client, updates(next_version(first))) for _ in range(AT_ONCE)]
    assert together(*works) == {"Success": 1, "XDSMetadataVersionError": AT_ONCE - 1}
    assert versions(client, first) == [(1, "Deprecated"), (2, "Approved")]


def test_of_several_moves_to_different_patients_one_wins(client: Client) -> None:
    client.announce("P3", "P4")
    first = entry()
    client.accept(first)
    moves = [updating(client, updates(next_version(first, patient_id=patient(x)))) for x in ("P2", "P3", "P4")]
    assert together(*moves) == {"Success": 1, "XDSMetadataVersionError": 2}


def test_the_same_update_from_several_threads_is_done_once(client: Client) -> None:
    first = entry()
    client.accept(first)
    submission = updates(next_version(first))
    works = [updating(client, submission) for _ in range(AT_ONCE)]
    assert together(*works) == {"Success": AT_ONCE}
    assert versions(client, first) == [(1, "Deprecated"), (2, "Approved")]


def test_a_document_is_not_replaced_and_updated_at_once(client: Client) -> None:
    first, new = entry(), entry()
    client.accept(first)
    replacing = s.request(new, replaces(new, first))
    found = together(
        lambda: client.send(replacing),
        updating(client, updates(next_version(first))),
        updating(client, becomes(first, APPROVED, DEPRECATED)),
    )
    assert found["Success"] == 1, found
    assert set(found) <= {
        "Success",
        "XDSRegistryDeprecatedDocumentError",
        "XDSMetadataUpdateError",
        "XDSMetadataVersionError",
    }
    assert sum(status == "Approved" for _, status in versions(client, first)) <= 1


def test_two_objects_are_linked_once(client: Client) -> None:
    first, second, holder = entry(), entry(), folder()
    client.accept(first, second, holder)
    for make in (lambda: appends(first, second), lambda: member(holder, first)):
        works = [updating(client, links(make())) for _ in range(AT_ONCE)]
        assert together(*works) == {"Success": 1, "XDSMetadataUpdateError": AT_ONCE - 1}
    assert len(ends(client, first)) == 2


def test_updates_of_different_documents_do_not_hinder_each_other(client: Client) -> None:
    entries = [entry(patient_id=patient(x)) for x in ("P1", "P2") for _ in range(3)]
    for one in entries:
        client.accept(one)
    assert together(*(updating(client, updates(next_version(x))) for x in entries)) == {"Success": len(entries)}
