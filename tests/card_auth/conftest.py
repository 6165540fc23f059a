"""A test IGC, a card and an establishment of it, and tokens to keep keys in."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from card_auth.demo_pki import CpsPair, DemoPki, new_key
from tests.services.softhsm import SoftHsm, SoftHsmAbsent

Keys = tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]


@pytest.fixture(scope="session")
def rsa_keys() -> Keys:
    """Two RSA keys that any number of test certificates may share: making keys is what costs."""
    return new_key(), new_key()


@pytest.fixture(scope="session")
def igc(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    """A test IGC that no test revokes in."""
    return DemoPki.create(tmp_path_factory.mktemp("igc") / "pki")


@pytest.fixture(scope="session")
def cps(igc: DemoPki) -> CpsPair:
    """The card of a doctor."""
    return igc.issue_cps()


@pytest.fixture(scope="session")
def establishment(igc: DemoPki, rsa_keys: Keys) -> CpsPair:
    """The certificates of a hospital."""
    return igc.issue_organisation(keys=rsa_keys)


@pytest.fixture
def own_igc(tmp_path: Path, rsa_keys: Keys) -> DemoPki:
    """A test IGC of the test's own, to revoke in."""
    return DemoPki.create(tmp_path / "pki", key=rsa_keys[0])


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """SoftHSM2 on a token directory of this run."""
    try:
        return SoftHsm(tmp_path_factory.mktemp("softhsm") / "here")
    except SoftHsmAbsent as absent:
        pytest.skip(str(absent))
