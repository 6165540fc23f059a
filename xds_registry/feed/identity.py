"""Which of the identifiers that a message gives a patient is the one of the affinity domain.

Source: ITI TF-2: 3.8.4.1.2.3 (PID-3), 3.8.4.1.3 and 3.44.4.1.3 (what the registry takes from it).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.affinity_domain import AffinityDomain
from schemas.datatypes import Cx, DataTypeError
from schemas.datatypes.hl7 import escape

#: What the column `patient.patient_id` holds.
_LONGEST: Final = 256


class UnusableIdentity(Exception):
    """The identifiers of a message do not name one patient; the text says why and repeats none of them."""


@dataclass(frozen=True, slots=True)
class StatedId:
    """An identifier as a message states it, escapes resolved; how, or whether, the authority is named is up to it."""

    identifier: str
    namespace: str = ""
    universal_id: str = ""
    universal_id_type: str = ""


def identity_in(domain: AffinityDomain, stated: Iterable[StatedId]) -> Cx | None:
    """The identifier of the affinity domain, None when all belong to others.

    The default authority of the domain goes before its other ones. Raises UnusableIdentity when one authority gave the
    patient several identifiers, or when the identifier cannot be one.
    """
    found: dict[str, set[str]] = {}
    for one in stated:
        authority = _authority(domain, one)
        if authority is not None and one.identifier.strip():
            found.setdefault(authority, set()).add(one.identifier.strip())
    if not found:
        return None
    chosen = min(found, key=lambda authority: (authority != domain.patient_authority, authority))
    if len(found[chosen]) > 1:
        raise UnusableIdentity("the affinity domain's authority gave the patient several identifiers")
    return _cx(found[chosen].pop(), chosen)


def _authority(domain: AffinityDomain, stated: StatedId) -> str | None:
    """The domain's authority that is meant, None for another one's.

    The registry fills in what is not said (ITI TF-2: 3.8.4.1.2.3): a namespace alone must be the domain's own, for an
    unknown one may stand for anybody.
    """
    if stated.universal_id:
        oid = stated.universal_id_type in ("ISO", "") and stated.universal_id in domain.patient_authorities
        return stated.universal_id if oid else None
    if stated.universal_id_type not in ("ISO", "") or stated.namespace not in ("", domain.patient_namespace):
        return None
    return domain.patient_authority


def _cx(identifier: str, authority: str) -> Cx:
    if not identifier.isprintable():
        raise UnusableIdentity("the patient identifier holds characters that cannot be read")
    try:
        cx = Cx.of(escape(identifier), authority)
    except DataTypeError as wrong:
        raise UnusableIdentity(f"the patient identifier is no CX: {wrong.reason}") from None
    if len(str(cx)) > _LONGEST:
        raise UnusableIdentity(f"the patient identifier is longer than {_LONGEST} characters")
    return cx
