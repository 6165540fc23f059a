"""The PC/SC service of a test's own, beside any that the machine runs, with a virtual reader of two slots or with none.

It gets a /run of its own (a mount namespace, so root on Linux only); clients find it by `environment`. What libpcsclite
finds in the environment it remembers for as long as its process lives: only programs that the test starts see it.
"""

from __future__ import annotations

import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.services.pcscd import PcscdAbsent, installed, reader_configuration, two_free_ports
from tests.services.process import start, stop, wait_until

_ATR = bytes.fromhex("3B8001810181")  # T=0 and T=1, one historical byte; of no known card
_POWER_OFF, _POWER_ON, _RESET, _SEND_ATR = 0, 1, 2, 4


@dataclass(frozen=True, slots=True)
class PrivatePcscd:
    """A running service."""

    environment: dict[str, str]  # for its clients
    port: int  # of the first slot; the second has the next

    @contextmanager
    def card(self, slot: int, *, vitale: bool = False, atr: bytes = _ATR) -> Iterator[None]:
        """A card in a slot, which knows the application of a Vitale card or none. A mute one answers zeros."""
        connection = socket.create_connection(("127.0.0.1", self.port + slot))
        thread = threading.Thread(target=_answer, args=(connection, atr, vitale), daemon=True)
        thread.start()
        try:
            yield
        finally:
            connection.shutdown(socket.SHUT_RDWR)
            thread.join()
            connection.close()


@contextmanager
def private_pcscd(directory: Path, *, readers: bool = True) -> Iterator[PrivatePcscd]:
    """Run the service. Raises PcscdAbsent."""
    program, driver = installed()
    if not shutil.which("unshare"):
        raise PcscdAbsent("a PC/SC service of the test's own needs unshare (util-linux)")
    configuration, port, log = directory / "readers", two_free_ports(), directory / "pcscd.log"
    configuration.mkdir(parents=True)
    if readers:
        (configuration / "vpcd").write_text(reader_configuration(driver, port))
    script = 'mount -t tmpfs none /run && exec "$0" --foreground --config "$1"'
    process = start(["unshare", "-m", "sh", "-c", script, program, configuration], log=log)
    place = Path(f"/proc/{process.pid}/root/run/pcscd/pcscd.comm")
    try:
        wait_until(lambda: place.exists() and (not readers or _listens(port)), process, log=log, seconds=60)
        yield PrivatePcscd({"PCSCLITE_CSOCK_NAME": str(place)}, port)
    finally:
        stop(process)


def _answer(connection: socket.socket, atr: bytes, vitale: bool) -> None:
    """Frames of two octets of length and a payload; one octet is a command of the reader, more are a card's command."""
    with suppress(OSError), connection.makefile("rb") as stream:  # the service may end first
        while len(head := stream.read(2)) == 2:
            payload = stream.read(struct.unpack(">H", head)[0])
            if payload == bytes([_SEND_ATR]):
                reply = atr
            elif len(payload) == 1:
                continue
            else:
                reply = bytes.fromhex("9000" if vitale and b"VITALE" in payload else "6A82")
            connection.sendall(struct.pack(">H", len(reply)) + reply)


def _listens(port: int) -> bool:
    """Whether something listens there, seen without connecting: a connection would be a card."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else ():
            fields = line.split()
            if fields[1].endswith(wanted) and fields[3] == "0A":
                return True
    return False
