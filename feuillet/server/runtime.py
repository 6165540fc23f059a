"""What the processes of one server share while it runs: a directory with their figures."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: Tells prometheus_client where processes share their values.
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_directory() -> Iterator[Path]:
    """A directory for this process and its children, gone at the end. To be entered before the figures are imported."""
    directory = Path(tempfile.mkdtemp(prefix="feuillet-"))
    owner = os.getpid()
    os.environ[VARIABLE] = str(directory)
    try:
        yield directory
    finally:
        if os.getpid() == owner:
            shutil.rmtree(directory, ignore_errors=True)
