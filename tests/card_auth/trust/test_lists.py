"""Revocation lists: what lies here is known without the network being asked."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

from card_auth.demo_pki import AuthorityName, DemoPki
from card_auth.trust import Freshness, RevocationLists, load_profile
from card_auth.trust.fetching import fetch


def test_lists_that_lie_here_are_known_without_the_network(igc: DemoPki, tmp_path: Path) -> None:
    profile = load_profile(igc.directory)
    elsewhere = {
        authority.certificate.fingerprint: f"http://lists.example/{number}"
        for number, authority in enumerate(profile.authorities)
    }
    remote = replace(
        profile,
        authorities=tuple(
            replace(authority, revocation_lists=(elsewhere[authority.certificate.fingerprint],))
            for authority in profile.authorities
        ),
    )
    files = {
        elsewhere[authority.certificate.fingerprint]: authority.revocation_lists[0] for authority in profile.authorities
    }
    asked: list[str] = []

    def network(location: str) -> bytes:
        asked.append(location)
        return fetch(files[location])

    root = igc.authority(AuthorityName.ROOT)
    signing = igc.authority(AuthorityName.SIGNATURE)
    now = datetime.datetime.now(datetime.UTC)

    first = RevocationLists([remote], directory=tmp_path, fetch=network)
    first.refresh(here_only=True)
    assert asked == []
    assert first.status(signing, root, now).freshness is Freshness.UNKNOWN
    first.refresh()
    assert sorted(asked) == sorted(files)

    second = RevocationLists([remote], directory=tmp_path, fetch=network)  # after a restart
    asked.clear()
    second.refresh(here_only=True)
    assert asked == []
    assert second.status(signing, root, now).freshness is Freshness.FRESH

    local = RevocationLists([profile])
    local.refresh(here_only=True)
    assert local.status(signing, root, now).freshness is Freshness.FRESH
