"""A PKCS#11 module like a card's: it blocks at the third wrong PIN, and can be pulled out. SoftHSM2 signs behind it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


class StrictCardAbsent(Exception):
    """There is no C compiler to build the module with."""


def build(directory: Path) -> Path:
    """Compile the module. Raises StrictCardAbsent."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise StrictCardAbsent("no C compiler")
    built = directory / "strict_card.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-w", "-o", built, _SOURCE, "-ldl"], check=True)
    return built


class StrictCard:
    """One such module, in the state of a card that was just put in: no try is spent.

    The tokens are those that SoftHSM2's directory holds when the module is loaded.
    """

    def __init__(self, directory: Path, built: Path, softhsm: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        # libraries of its own for each card: their counters and tokens are then its own too
        self.module = Path(shutil.copy(built, directory / "strict_card.so"))
        own = shutil.copy(softhsm, directory / "softhsm.so")
        self._out = directory / "out"
        os.environ["TESTS_STRICT_CARD_MODULE"] = str(own)
        os.environ["TESTS_STRICT_CARD_OUT"] = str(self._out)

    def pull_out(self) -> None:
        """From now on the card is not there."""
        self._out.touch()

    def put_in(self) -> None:
        """It is there again."""
        self._out.unlink(missing_ok=True)
