"""A PC/SC service of the tests' own: pcscd with a virtual reader of two slots (vsmartcard's vpcd).

It gets its socket handed over, as by systemd, and its reader configuration by name: any number of them run side by
side on a machine, and beside the machine's own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from card_auth.errors import ServiceUnavailable
from card_auth.readers import Presence, list_slots
from tests.services import process
from tests.services.virtual_cards import InsertedCard, VirtualCard

_DRIVERS: Final = (
    "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/lib64/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so",
)
SLOTS: Final = ("Virtual PCD 00 00", "Virtual PCD 00 01")
Result = TypeVar("Result")


class PcscdAbsent(Exception):
    """pcscd, its virtual reader or pyscard is not on this machine; the message says which."""


class Pcscd:
    """A running service. `program` can be stopped and started again; cards come and go."""

    def __init__(self, directory: Path) -> None:
        """Raises PcscdAbsent."""
        self._program, driver = installed()
        try:
            import smartcard.scard  # noqa: F401, PLC0415 - an extra that not every machine has
        except ImportError:
            raise PcscdAbsent("pyscard is not installed (the extra `card`)") from None
        self.port = two_free_ports()
        self.socket = directory / "pcscd.comm"
        self._log = directory / "pcscd.log"
        self._configuration = directory / "reader.conf"
        self._configuration.write_text(reader_configuration(driver, self.port))
        self._process: subprocess.Popen[bytes] | None = None
        self._cards: list[InsertedCard] = []

    def start(self) -> None:
        """Start the service with two empty slots."""
        with socket.socket(socket.AF_UNIX) as listening:
            self.socket.unlink(missing_ok=True)
            listening.bind(str(self.socket))
            listening.listen()
            command = [self._program, "--foreground", "--config", str(self._configuration)]
            self._process = process.start(command, log=self._log, listening=listening)
        process.wait_until(self._serves, self._process, log=self._log, seconds=60)

    def stop(self) -> None:
        """Stop it; the cards leave their slots."""
        if self._process is not None:
            process.stop(self._process)
            self._process = None
        while self._cards:
            self._cards.pop().remove()
        self.socket.unlink(missing_ok=True)

    def insert(self, card: VirtualCard, slot: int = 0) -> InsertedCard:
        """Put a card into a slot, and wait until the service sees it."""
        inserted = InsertedCard(card, self.port, slot)
        self._cards.append(inserted)
        eventually(list_slots, lambda seen: seen[slot].presence is not Presence.EMPTY)
        return inserted

    def remove(self, inserted: InsertedCard) -> None:
        """Take a card out, and wait until the service has seen it."""
        self._cards.remove(inserted)
        inserted.remove()
        eventually(list_slots, lambda seen: seen[inserted.slot].presence is Presence.EMPTY)

    def remove_all(self) -> None:
        """Take every card out, and wait until its slot is free for another."""
        while self._cards:
            self.remove(self._cards[-1])

    @staticmethod
    def _serves() -> bool:
        try:
            return len(list_slots()) == len(SLOTS)
        except ServiceUnavailable:
            return False


def installed() -> tuple[str, str]:
    """The program and its driver for virtual readers. Raises PcscdAbsent."""
    drivers = [driver for driver in _DRIVERS if Path(driver).exists()]
    program = shutil.which("pcscd", path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")
    if not program or not drivers:
        raise PcscdAbsent("pcscd and its virtual reader are not installed (Debian: pcscd vsmartcard-vpcd)")
    if os.geteuid():
        raise PcscdAbsent("pcscd runs as root only")
    return program, drivers[0]


def reader_configuration(driver: str, port: int) -> str:
    """What pcscd reads of a virtual reader of two slots, at this port and the next (reader.conf(5))."""
    return f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x{port:04X}\nLIBPATH {driver}\nCHANNELID 0x{port:04X}\n'


def claim_socket() -> Path:
    """Have this process look for PC/SC at a place of its own, and nowhere else; returns the directory.

    libpcsclite remembers for good where its first call looked, and PKCS#11 modules call it too: claim first.
    """
    directory = Path(tempfile.gettempdir()) / f"pcscd-{os.getpid()}"  # a socket's path is short
    os.environ["PCSCLITE_CSOCK_NAME"] = str(directory / "pcscd.comm")
    return directory


@contextmanager
def run_pcscd() -> Iterator[Pcscd]:
    """A service that this process speaks to. Raises PcscdAbsent."""
    directory = claim_socket()
    directory.mkdir(mode=0o700, exist_ok=True)
    try:
        running = Pcscd(directory)
        try:
            running.start()
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(directory)


def eventually(look: Callable[[], Result], wanted: Callable[[Result], bool], *, seconds: float = 60) -> Result:
    """What `look` sees as soon as it is `wanted`; fails after a time that only a broken service takes."""
    ends = time.monotonic() + seconds
    while not wanted(seen := look()):
        if time.monotonic() > ends:
            raise AssertionError(f"it remained {seen!r}")
        time.sleep(0.02)
    return seen


def two_free_ports() -> int:
    """The first of two neighbouring ports that nobody uses."""
    while True:
        port = process.free_port()
        if port < 65535 and _is_free(port) and _is_free(port + 1):
            return port


def _is_free(port: int) -> bool:
    """Whether a port can be had."""
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
