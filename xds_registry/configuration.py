"""What an operator decides about the registry."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from schemas.affinity_domain import AffinityDomain


class UnknownPatientPolicy(enum.Enum):
    """What a query for an unknown patient is answered (ITI TF-2: 3.18.4.1.3 leaves it to the affinity domain)."""

    EMPTY = "empty"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RegistryConfiguration:
    """The affinity domain and the choices that the standard leaves to it.

    `max_results` bounds the objects of one answer and those that one removal names (XDSTooManyResults beyond it);
    `home_community_id` is the `urn:oid:` this community is known by, or None. `register_unknown_patients` takes a
    patient as known when it is first seen in a submission, for a registry without a patient feed. `own_repositories`
    are those whose documents are kept beside the registry: what they are is known, and no update may say otherwise.
    """

    affinity_domain: AffinityDomain
    unknown_patient: UnknownPatientPolicy = UnknownPatientPolicy.EMPTY
    home_community_id: str | None = None
    max_results: int = 10_000
    register_unknown_patients: bool = False
    own_repositories: frozenset[str] = frozenset()
