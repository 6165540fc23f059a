"""What an operator decides about the repository. Wrong values are refused here, with what would be accepted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from schemas.datatypes.identifiers import is_oid

_HOME: Final = re.compile(r"urn:oid:(.+)")
#: An unregistered blob may belong to a write that is still under way somewhere: it is never touched before this age.
SHORTEST_INTENT: Final = timedelta(hours=24)


class RepositoryMisconfigured(ValueError):
    """A configuration value cannot be used. The message names the key and what would be accepted."""

    def __init__(self, key: str, accepted: str) -> None:
        super().__init__(f"{key}: expected {accepted}")
        self.key = key
        self.accepted = accepted


@dataclass(frozen=True, slots=True)
class RepositoryConfiguration:
    """Who the repository is and what it keeps to.

    `repository_unique_id` is its OID (ITI TF-3: 4.2.3.2.18); `home_community_id` the `urn:oid:` of its community, or
    None. A write that is not registered `intent_lifetime` after it began is given up and its blobs collected.
    `settle_after` is the age from which a write is looked up in a registry that is reached over the network, in case
    its answer was lost. One retrieval names at most `most_documents` documents; up to `proven_ahead` bytes of its small
    documents are read and proven before the answer starts.
    """

    repository_unique_id: str
    home_community_id: str | None = None
    intent_lifetime: timedelta = SHORTEST_INTENT
    settle_after: timedelta = timedelta(minutes=10)
    most_documents: int = 1000
    proven_ahead: int = 4_194_304

    def __post_init__(self) -> None:
        if not is_oid(self.repository_unique_id):
            raise RepositoryMisconfigured("repository_unique_id", "an OID of at most 64 characters")
        if self.home_community_id is not None:
            named = _HOME.fullmatch(self.home_community_id)
            if named is None or not is_oid(named[1]):
                raise RepositoryMisconfigured("home_community_id", "urn:oid: and an OID, or nothing")
        if self.intent_lifetime < SHORTEST_INTENT:
            raise RepositoryMisconfigured("intent_lifetime", "24 hours or more")
        if self.settle_after <= timedelta(0):
            raise RepositoryMisconfigured("settle_after", "a time above 0")
        if self.most_documents < 1:
            raise RepositoryMisconfigured("most_documents", "1 or more")
        if self.proven_ahead < 0:
            raise RepositoryMisconfigured("proven_ahead", "a number of bytes, 0 or more")
