"""The floors: servers that do what no implementation can leave out, and nothing else.

    python -m bench.floors iti18 SETTINGS    request parsed, rows by bare SQL, joined, sent
    python -m bench.floors iti41 SETTINGS    bytes hashed and durable, XML parsed and serialised, rows committed
    python -m bench.floors iti43 SETTINGS    file read, hashed, sent

SETTINGS is a JSON object. Each is one process and takes one connection at a time; `iti43` forks one for each worker.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import pickle
import signal
import socket
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from lxml import etree

_CHUNK: Final = 262_144
_DIE_WITH_PARENT: Final = 1  # prctl(2), PR_SET_PDEATHSIG
_RIM: Final = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
_LIST: Final = (
    b'<rim:RegistryObjectList xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">%s</rim:RegistryObjectList>'
)
_ANSWER: Final = b'<?xml version="1.0"?><ok status=":Success"/>'
_FIND: Final = (
    "SELECT d.fragment FROM document_entry d JOIN patient p ON p.pk = d.patient_pk "
    "WHERE p.patient_id = {} AND d.status = 1 AND d.on_demand = 0 ORDER BY d.creation_time, d.pk"
)
#: Above the numbers of all rows that a database was filled with.
_FIRST_ROW: Final = 10_000_000
Handle = Callable[[socket.socket, bytes], None]
Execute = Callable[[str, Sequence[Any]], list[Any]]


def iti18(settings: dict[str, Any]) -> Handle:
    """FindDocuments: the request's XML through a bare parser, the rows through the bare driver, one write.

    With `serialise`, one answer's XML, parsed once before, goes through the bare serialiser for each request too.
    """
    execute, mark = _database(settings["database"])
    find = _FIND.format(mark)
    answers: list[etree._Element] = []

    def handle(connection: socket.socket, body: bytes) -> None:
        root = etree.fromstring(body)
        patient = next(root.iter(_RIM + "Value")).text or ""
        answer = b"".join([row[0] for row in execute(find, (patient.strip("'"),))])
        if settings["serialise"]:
            if not answers:
                answers.append(etree.fromstring(_LIST % answer))
            answer = etree.tostring(answers[0])
        _send(connection, answer)

    return handle


def iti41(settings: dict[str, Any]) -> Handle:
    """Provide and Register: the rows are made before the measurement, `GET` style, by a body that is a number."""
    directory = Path(settings["store"])
    directory.mkdir(parents=True, exist_ok=True)
    captured = pickle.loads(Path(settings["captured"]).read_bytes())
    write = _writer(settings["database"])
    prepared: list[list[tuple[str, list[tuple[Any, ...]]]]] = []
    number = _FIRST_ROW

    def handle(connection: socket.socket, body: bytes) -> None:
        nonlocal number
        if body.isdigit():
            for _ in range(int(body)):
                number += 1
                prepared.append(captured.fill(number, 1 + number % settings["patients"]))
            _send(connection, _ANSWER)
            return
        root, content = _parts(body)
        sha1, sha256 = hashlib.sha1(content).hexdigest(), hashlib.sha256(content).hexdigest()
        if len(sha1) + len(sha256) != 104:
            raise ValueError("hashes have 104 digits")
        _store(directory, content)
        etree.tostring(etree.fromstring(root))
        write(prepared.pop())
        _send(connection, _ANSWER)

    return handle


def _parts(body: bytes) -> tuple[bytes, memoryview]:
    """Root and attachment of a package of two parts."""
    boundary = body[2 : body.index(b"\r\n", 2)] if body[:2] == b"\r\n" else body[: body.index(b"\r\n")]
    head = body.index(b"\r\n\r\n") + 4
    middle = body.index(b"\r\n" + boundary, head)
    start = body.index(b"\r\n\r\n", middle) + 4
    return body[head:middle], memoryview(body)[start : body.rindex(b"\r\n" + boundary)]


def _store(directory: Path, content: memoryview) -> None:
    """Durable under a new name: file and directory are on the disk when this returns."""
    descriptor = os.open(directory / uuid.uuid4().hex, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def iti43(settings: dict[str, Any]) -> Handle:
    """Retrieve: the file in pieces through SHA-256 to the socket."""
    path, size = settings["file"], os.path.getsize(settings["file"])
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()

    def handle(connection: socket.socket, _body: bytes) -> None:
        total = hashlib.sha256()
        descriptor = os.open(path, os.O_RDONLY)
        connection.sendall(head)
        while chunk := os.read(descriptor, _CHUNK):
            total.update(chunk)
            connection.sendall(chunk)
        os.close(descriptor)
        total.digest()

    return handle


def _database(url: str) -> tuple[Execute, str]:
    """A function that runs one statement through the bare driver, and the driver's parameter mark."""
    if url.startswith("sqlite:///"):
        connection = _sqlite(url)
        return lambda statement, values: connection.execute(statement, values).fetchall(), "?"
    import psycopg  # noqa: PLC0415 - the driver is an optional extra

    server = psycopg.connect(url.replace("+psycopg", ""), autocommit=True, prepare_threshold=1)

    def execute(statement: str, values: Sequence[Any]) -> list[Any]:
        return server.execute(statement, values, binary=True).fetchall()

    return execute, "%s"


def _writer(url: str) -> Callable[[list[tuple[str, list[tuple[Any, ...]]]]], None]:
    """A function that commits rows in one transaction."""
    if url.startswith("sqlite:///"):
        connection = _sqlite(url)

        def write(statements: list[tuple[str, list[tuple[Any, ...]]]]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            for statement, rows in statements:
                connection.executemany(statement, rows)
            connection.execute("COMMIT")

        return write
    import psycopg  # noqa: PLC0415 - the driver is an optional extra

    server = psycopg.connect(url.replace("+psycopg", ""), prepare_threshold=1)

    def write_there(statements: list[tuple[str, list[tuple[Any, ...]]]]) -> None:
        for statement, rows in statements:
            for row in rows:
                server.execute(statement.replace("?", "%s"), row)
        server.commit()

    return write_there


def _sqlite(url: str) -> sqlite3.Connection:
    """As durable and as large a cache as the product's own connections have."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -32768", "mmap_size = 268435456"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _send(connection: socket.socket, body: bytes) -> None:
    """Head and body in one call, without putting them together first."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    sent = connection.sendmsg((head, body))
    if sent < len(head) + len(body):
        connection.sendall(memoryview(body)[sent - len(head) :])


def _requests(connection: socket.socket) -> Iterator[bytes]:
    """The bodies of the requests of one keep-alive connection."""
    while True:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            data = connection.recv(_CHUNK)
            if not data:
                return
            received += data
        start = received.index(b"Content-Length: ") + 16
        length = int(received[start : received.index(b"\r\n", start)])
        pieces = [received[end + 4 :]]
        missing = length - len(pieces[0])
        while missing > 0:
            data = connection.recv(min(missing, 1 << 20))
            if not data:
                return
            pieces.append(data)
            missing -= len(data)
        yield b"".join(pieces)


def main(name: str, settings: dict[str, Any]) -> None:
    """Serve for ever."""
    listener = socket.create_server(("127.0.0.1", settings["port"]))
    for _ in range(settings.get("workers", 1) - 1):
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
            break
    handle = {"iti18": iti18, "iti41": iti41, "iti43": iti43}[name](settings)
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for body in _requests(connection):
                handle(connection, body)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
