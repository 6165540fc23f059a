"""The PC/SC service, its readers and slots, and the cards in them."""

from __future__ import annotations

from collections.abc import Iterator

from card_auth.workstation.findings import Finding


def check_pcsc_service() -> Iterator[Finding]:
    yield from ()


def check_readers() -> Iterator[Finding]:
    yield from ()


def check_cards() -> Iterator[Finding]:
    yield from ()
