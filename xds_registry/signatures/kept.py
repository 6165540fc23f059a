"""Findings about signatures as rows: written in the transaction that registers, read by the set's uniqueId."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from card_auth.dsg import ABSENT, Reason, SignatureFinding, Verdict, XadesVersion, signature_entries
from schemas.metadata import Submission
from xds_registry.encoding import normal
from xds_registry.tables import signature_finding, submission_set

_INSERT: Final = insert(signature_finding)


def unexamined(submission: Submission) -> SignatureFinding:
    """What can be said of a submission without its documents: a signature is there, or it is not."""
    if not signature_entries(submission):
        return ABSENT
    return SignatureFinding(verdict=Verdict.UNVERIFIABLE, reason=Reason.NOT_EXAMINED)


def keeping(
    finding: SignatureFinding,
    submission: Submission,
    clock: Callable[[], datetime],
    within: Callable[[Connection], None] | None,
) -> Callable[[Connection], None] | None:
    """`within`, and before it the finding is kept; just `within` where there is nothing to keep."""
    if finding.verdict is Verdict.ABSENT:
        return within

    def write(connection: Connection) -> None:
        keep(connection, str(submission.submission_sets[0].unique_id), finding, clock())
        if within is not None:
            within(connection)

    return write


def keep(connection: Connection, submission_set_unique_id: str, finding: SignatureFinding, at: datetime) -> None:
    """Write what was found at that moment (aware), in the place of what may have been found before."""
    unique_id = normal(submission_set_unique_id)
    columns = signature_finding.c
    connection.execute(delete(signature_finding).where(columns.submission_set_unique_id == unique_id))
    if finding.verdict is Verdict.ABSENT:
        return
    connection.execute(
        _INSERT,
        {
            "submission_set_unique_id": unique_id,
            "verdict": finding.verdict,
            "reason": "" if finding.reason is None else finding.reason.name,
            "detail": finding.detail[:512],
            "signer_national_id": finding.signer_national_id[:128],
            "signer_structure_id": finding.signer_structure_id[:64],
            "signer_name": finding.signer_name[:256],
            "certificate_fingerprint": finding.certificate_fingerprint,
            "signed_at": finding.signed_at,
            "algorithm": finding.algorithm[:128],
            "xades": finding.xades or "",
            "legacy_sha1": finding.legacy_sha1,
            "stale_revocation": finding.stale_revocation,
            "examined_at": at.astimezone(UTC),
        },
    )


def forget(connection: Connection, submission_sets: Sequence[int]) -> None:
    """Forget what was found of these sets (rows of `submission_set`), which are about to go themselves."""
    named = select(submission_set.c.unique_id).where(submission_set.c.pk.in_(submission_sets))
    columns = signature_finding.c
    connection.execute(delete(signature_finding).where(columns.submission_set_unique_id.in_(named)))


def signature_of(connection: Connection, submission_set_unique_id: str) -> SignatureFinding:
    """What was found of the signature of a set when it came; ABSENT where there is none, or no such set."""
    columns = signature_finding.c
    row = connection.execute(
        select(signature_finding).where(columns.submission_set_unique_id == normal(submission_set_unique_id))
    ).one_or_none()
    if row is None:
        return ABSENT
    signed_at = row.signed_at
    if signed_at is not None and signed_at.tzinfo is None:
        signed_at = signed_at.replace(tzinfo=UTC)  # SQLite keeps no time zone
    return SignatureFinding(
        verdict=Verdict(row.verdict),
        reason=Reason[row.reason] if row.reason else None,
        detail=row.detail,
        signer_national_id=row.signer_national_id,
        signer_structure_id=row.signer_structure_id,
        signer_name=row.signer_name,
        certificate_fingerprint=row.certificate_fingerprint,
        signed_at=signed_at,
        algorithm=row.algorithm,
        xades=XadesVersion(row.xades) if row.xades else None,
        legacy_sha1=row.legacy_sha1,
        stale_revocation=row.stale_revocation,
    )
