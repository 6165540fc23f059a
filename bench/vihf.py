"""`python -m bench.vihf`: what verifying an assertion costs a server, beside what no verification can leave out.

The floor is two canonicalisations and one RSA-2048 verification of the same bytes; both run in turns in one process, so
that what disturbs one disturbs the other. The best round of each counts, by the wall clock.
"""

# ruff: noqa: ARG002 (an interface is kept)
from __future__ import annotations

import datetime
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from card_auth.demo_pki import DemoPki
from card_auth.trust import RevocationLists, TrustStore, load_profile
from card_auth.vihf import Verifier, VihfPolicy, issue
from card_auth.vihf.patient import TEST_AUTHORITIES
from card_auth.vihf.vocabulary import SECURITY, SIGNATURE
from soap.xml import parse_untrusted
from tests.card_auth.vihf.messages import direct, envelope

ROUNDS: Final = 40
CALLS: Final = 25
TARGET: Final = 1.0  # milliseconds


class _Forgetful:
    """Lets the same assertion through again and again: the database's part is not measured here."""

    def admit(self, keys: Sequence[bytes], *, until: datetime.datetime, at: datetime.datetime) -> bool:
        return True


def main() -> int:
    """Measure, print, and say with the exit status whether the target was met."""
    with tempfile.TemporaryDirectory() as directory:
        pki = DemoPki.create(Path(directory) / "pki")
        card = pki.issue_cps()
        profile = load_profile(pki.directory)
        lists = RevocationLists([profile])
        lists.refresh()
        trust = TrustStore([profile], lists=lists, production=False)
    now = datetime.datetime.now(datetime.UTC)
    root = parse_untrusted(envelope(issue(direct(now), card.signature.key, at=now)))
    security = next(root.iter(SECURITY))
    policy = VihfPolicy(patient_authorities=TEST_AUTHORITIES)
    verifier = Verifier(trust, parse=parse_untrusted, replay=_Forgetful(), policy=policy)
    peer = card.authentication.certificate.der
    signature = security[0].find(SIGNATURE)
    assert signature is not None
    key, signed = card.signature.certificate.public_key(), signature[0]
    value = card.signature.key.private_key.sign(_canonical(signed), padding.PKCS1v15(), hashes.SHA256())

    def floor() -> None:
        _canonical(security[0])
        key.verify(value, _canonical(signed), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[call-arg,arg-type]

    ours, least = _alternate(lambda: verifier.verify(security, peer, at=now), floor)
    print(f"verification {ours:.3f} ms, floor {least:.3f} ms, ratio {ours / least:.1f}, target {TARGET:.1f} ms")
    return 0 if ours <= TARGET else 1


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def _alternate(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of one call of each."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for index, call in enumerate((first, second)):
            start = time.perf_counter()
            for _ in range(CALLS):
                call()
            best[index] = min(best[index], (time.perf_counter() - start) / CALLS * 1000)
    return best[0], best[1]


if __name__ == "__main__":
    raise SystemExit(main())
