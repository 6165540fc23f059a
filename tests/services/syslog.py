"""A real syslog server: rsyslog, taking messages over TLS and writing each to a line of a file."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import process
from tests.services.pki import Pki

_MODULE = "/usr/lib/*/rsyslog/lmnsd_gtls.so"


class SyslogAbsent(Exception):
    """rsyslog or its module for TLS is not installed."""


def program() -> str:
    """Where rsyslog is. Raises `SyslogAbsent`."""
    found = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")
    if found is None or not any(Path("/usr/lib").glob(_MODULE.removeprefix("/usr/lib/"))):
        raise SyslogAbsent("rsyslog and rsyslog-gnutls are not installed")
    return found


@dataclass
class SyslogServer:
    """What arrives goes into `file`, whichever run of the server takes it."""

    directory: Path
    pki: Pki
    port: int

    @property
    def file(self) -> Path:
        return self.directory / "messages"

    def messages(self) -> list[str]:
        """What has arrived, in that order."""
        return self.file.read_text().splitlines() if self.file.exists() else []

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The server while the block runs."""
        configuration = self.directory / "rsyslog.conf"
        configuration.write_text(
            f"""global(workDirectory="{self.directory}" maxMessageSize="256k"
  defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{self.pki.ca}"
  defaultNetstreamDriverCertFile="{self.pki.server.certificate}" defaultNetstreamDriverKeyFile="{self.pki.server.key}")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
input(type="imtcp" address="127.0.0.1" port="{self.port}")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{self.file}" template="raw")
"""
        )
        log = self.directory / "rsyslog.log"
        command = [program(), "-n", "-f", configuration, "-i", self.directory / "rsyslog.pid"]
        server = process.start(command, log=log)
        try:
            process.wait_until(self._listens, server, log=log)
            yield server
        finally:
            process.stop(server)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True


def make_server(directory: Path, pki: Pki) -> SyslogServer:
    """A server that does not run yet."""
    directory.mkdir(parents=True, exist_ok=True)
    return SyslogServer(directory, pki, process.free_port())
