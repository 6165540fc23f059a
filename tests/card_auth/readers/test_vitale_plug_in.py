"""A deployment brings the official interface to Vitale cards as an entry point of a package of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from card_auth.agent.peripherals import PcscPeripherals
from card_auth.errors import SupportMissing
from card_auth.readers import OpenVitaleReader, vitale_reader

OFFICIAL = """
from card_auth.readers import Beneficiary, VitaleCard


class Reader:
    def read(self, slot=None):
        person = Beneficiary("DURAND", "CAMILLE", "19801224", None, rank=1)
        return VitaleCard((person,), regime="01")
"""


@contextmanager
def installed(directory: Path, target: str) -> Iterator[None]:
    """A package on the import path, with an entry point that names `target`."""
    (directory / "official_vitale.py").write_text(OFFICIAL)
    metadata = directory / "official_vitale-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: official-vitale\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[feuillet.vitale_reader]\nofficial = {target}\n")
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))
        sys.modules.pop("official_vitale", None)


def test_the_reader_that_a_package_brings_is_taken(tmp_path: Path) -> None:
    with installed(tmp_path, "official_vitale:Reader"):
        card = vitale_reader().read()
        assert (card.regime, card.holder.rank) == ("01", 1)
        assert [one.family_name for one in PcscPeripherals().vitale()] == ["DURAND"]


def test_one_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    with installed(tmp_path, "official_vitale_missing:Reader"), pytest.raises(SupportMissing, match="official"):
        vitale_reader()


def test_without_one_the_open_files_are_read() -> None:
    assert isinstance(vitale_reader(), OpenVitaleReader)
