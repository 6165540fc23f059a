"""What an operator decides about signatures of submissions."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from card_auth.dsg.submitted import LARGEST_XML
from card_auth.dsg.vocabulary import XadesVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class DsgPolicy:
    """Which signatures count."""

    window: datetime.timedelta = datetime.timedelta(hours=24)  # between SigningTime and submission
    skew: datetime.timedelta = datetime.timedelta(seconds=60)  # by which a signer's clock may be ahead of ours
    versions: frozenset[XadesVersion] = frozenset(XadesVersion)
    largest_signature: int = 4_000_000  # octets: a manifest of ten thousand documents
    largest_xml: int = LARGEST_XML  # octets of a document that is signed in canonical form
