"""What an operator decides about assertions. The standard is silent on most of it: the defaults are careful."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from card_auth.caller import AccessMode
from card_auth.vihf.patient import PRODUCTION_AUTHORITIES
from card_auth.vihf.vocabulary import DMP_RESOURCE, VihfVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class VihfPolicy:
    """Which assertions count, and for how long."""

    window: datetime.timedelta = datetime.timedelta(minutes=5)  # after IssueInstant
    skew: datetime.timedelta = datetime.timedelta(seconds=60)  # by which a sender's clock may be ahead of ours
    session: datetime.timedelta = datetime.timedelta(hours=12)  # between AuthnInstant and IssueInstant
    versions: frozenset[VihfVersion] = frozenset(VihfVersion)
    modes: frozenset[AccessMode] = frozenset(AccessMode)
    resources: frozenset[str] = frozenset({DMP_RESOURCE})  # Ressource_URN
    patient_authorities: frozenset[str] = PRODUCTION_AUTHORITIES  # OIDs
    audiences: frozenset[str] = frozenset()  # what we are called, for senders that restrict the audience
    recipients: frozenset[str] = frozenset()  # our addresses, for senders that name the recipient
    homologations: frozenset[str] | None = None  # accepted LPS_ID_HOMOLOGATION_DMP; None: any, and none at all
    # structures that a certified structure also speaks for: its Struct_IdNat to theirs (legal entity to establishments)
    affiliates: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def speaks_for(self, structure_id: str | None) -> frozenset[str]:
        """The structures that a certificate of that structure speaks for, itself included."""
        if structure_id is None:
            return frozenset()
        return frozenset({structure_id}) | self.affiliates.get(structure_id, frozenset())
