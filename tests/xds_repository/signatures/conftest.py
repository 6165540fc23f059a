"""The signers of signature documents, and repositories that they submit to."""

from __future__ import annotations

from tests.card_auth.conftest import igc, own_igc, rsa_keys
from tests.card_auth.dsg.conftest import world

__all__ = ["igc", "own_igc", "rsa_keys", "world"]
