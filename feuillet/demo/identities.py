"""Who there is in the demo: a test IGC, a doctor with a card, and a hospital that answers for its own people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from card_auth.caller import AccessMode, AuthenticationLevel, Role, Software
from card_auth.demo_pki import AuthorityName, DemoPki
from card_auth.keys.files import load_pem
from card_auth.vihf import Statement, issue, security_header
from card_auth.vihf.patient import PRODUCTION_AUTHORITIES, TEST_AUTHORITIES

DOCTOR: Final = "899700218896"
HOSPITAL: Final = "10B0127189"
#: Whose identifiers an assertion may name in the demo.
PATIENT_AUTHORITIES: Final = tuple(sorted(PRODUCTION_AUTHORITIES | TEST_AUTHORITIES))

_ROLES: Final = (
    Role("10", "1.2.250.1.71.1.2.7", "Médecin"),
    Role("SM26", "1.2.250.1.71.4.2.5", "Qualifié en médecine générale"),
)


def make_identities(directory: Path, *, doctor: str = DOCTOR, hospital: str = HOSPITAL) -> DemoPki:
    """The test IGC of a directory with these two holders, made as far as it is not there.

    Its revocation lists are issued anew each time. Raises OSError, and ValueError when what is there cannot be read.
    """
    if (directory / "profile.toml").exists():
        pki = DemoPki.open(directory)
        pki.write_crl()
    else:
        pki = DemoPki.create(directory)
    if not (directory / "cards" / doctor.replace("/", "_") / "signature.pem").exists():
        pki.issue_cps(doctor)
    if not (directory / "organisations" / hospital / "signature.pem").exists():
        pki.issue_organisation(hospital, "Hôpital de démonstration")
    return pki


def authorities(pki: DemoPki) -> bytes:
    """The certificates of all its authorities, PEM: whom a TLS server lets in."""
    return b"".join(pki.authority_file(name).read_bytes() for name in AuthorityName)


def hospital_files(directory: Path) -> tuple[Path, Path]:
    """Certificate and key with which the hospital connects."""
    place = directory / "organisations" / HOSPITAL
    return place / "authentication.pem", place / "authentication.key"


def hospital_header(directory: Path, patient: str | None = None) -> bytes:
    """A fresh wsse:Security header: the hospital answers for one of its doctors (CI-SIS, VIHF, indirect mode)."""
    place = directory / "organisations" / HOSPITAL
    key = load_pem(place / "signature.pem", place / "signature.key")
    now = datetime.now(UTC)
    statement = Statement(
        mode=AccessMode.INDIRECT,
        subject=f"3{HOSPITAL[1:]}/demo",
        subject_name="Camille Untel",
        roles=_ROLES,
        structure_id=HOSPITAL,
        sector="SA01",
        resource_id=patient,
        software=Software("Feuillet demo"),
        level=AuthenticationLevel.PASSWORD,
        authenticated_at=now - timedelta(minutes=1),
    )
    return security_header(issue(statement, key, at=now))
