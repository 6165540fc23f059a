"""The rows that one submission leaves in the database, as stencils: to fill a database, and for the floor to write."""

from __future__ import annotations

import hashlib
import io
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.product import Setup, application
from bench.workload import Posted, Submission, patient_id

Value = str | bytes | int | float | None
# Numbers that stand nowhere else in a submission.
_PATIENT: Final = 777_777_777_777_777
_NAME: Final = f"2.25.{'3' * 39}"


class Stencil:
    """A text with holes: `cut` names the strings that are holes, `fill` puts others in their place."""

    def __init__(self, value: str | bytes, holes: Mapping[str, str]) -> None:
        """`holes` maps the strings to be replaced to the names under which `fill` finds what replaces them."""
        self._text = isinstance(value, str)
        data = value.encode() if isinstance(value, str) else value
        self._pieces: list[bytes | str] = [data]
        for found, name in holes.items():
            self._pieces = [piece for part in self._pieces for piece in _split(part, found.encode(), name)]

    def fill(self, names: Mapping[str, bytes]) -> str | bytes:
        filled = b"".join([piece if isinstance(piece, bytes) else names[piece] for piece in self._pieces])
        return filled.decode() if self._text else filled

    @property
    def size(self) -> int:
        return sum(len(piece) for piece in self._pieces)


def _split(part: bytes | str, found: bytes, name: str) -> Iterator[bytes | str]:
    if isinstance(part, str):
        yield part
        return
    for position, piece in enumerate(part.split(found)):
        if position:
            yield name
        if piece:
            yield piece


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of one table: for each, its columns as constants, stencils, or the number of a row (`_pk` columns)."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value | Stencil, ...], ...]

    @property
    def insert(self) -> str:
        """The SQL statement, in the style of sqlite3."""
        columns = ", ".join(f'"{column}"' for column in self.columns)
        return f"INSERT INTO {self.table} ({columns}) VALUES ({', '.join('?' * len(self.columns))})"


#: Tables whose rows are there before a submission, or are changed by it and not added.
_LEFT_OUT: Final = ("patient", "alembic_version", "audit_chain", "audit_checkpoint", "audit_delivery")


@dataclass(frozen=True, slots=True)
class Captured:
    """What one submission wrote. `holes` are the names that `fill` needs: fresh identifiers each time."""

    tables: tuple[TableRows, ...]
    holes: tuple[str, ...]
    schema: tuple[str, ...]

    @property
    def key(self) -> str:
        """Changes when the schema or the stored form of an entry does."""
        total = hashlib.sha256("\n".join(self.schema).encode())
        for rows in self.tables:
            for row in rows.rows:
                total.update(f"{rows.table}{[v.size if isinstance(v, Stencil) else v is None for v in row]}".encode())
        return total.hexdigest()[:16]

    def table(self, name: str) -> TableRows:
        return next(rows for rows in self.tables if rows.table == name)

    def fill(self, number: int, patient: int) -> list[tuple[str, list[tuple[Value, ...]]]]:
        """The statements and rows of submission `number` for the patient of a row number."""
        names = self.names(patient)
        return [
            (rows.insert, [fill(rows, row, names, number * 10, patient) for row in rows.rows]) for rows in self.tables
        ]

    def names(self, patient: int) -> dict[str, bytes]:
        """Fresh identifiers, and the patient's."""
        names = {hole: fresh_of(hole) for hole in self.holes}
        names["patient"] = f"{patient:015d}".encode()
        return names


def fresh_of(hole: str) -> bytes:
    """A new identifier of the kind of a hole."""
    fresh = uuid.uuid4()
    if hole.startswith("digest"):
        return (fresh.hex * 2).encode()
    return (f"2.25.{fresh.int:039d}" if hole == "name" else str(fresh)).encode()


def fill(
    rows: TableRows, row: tuple[Value | Stencil, ...], names: Mapping[str, bytes], base: int, patient: int
) -> tuple[Value, ...]:
    """One row with its holes filled; `base` is added to row numbers."""
    filled: list[Value] = []
    for column, value in zip(rows.columns, row, strict=True):
        if isinstance(value, Stencil):
            filled.append(value.fill(names))
        elif column == "patient_pk":
            filled.append(patient)
        elif isinstance(value, int) and (column in ("pk", "number") or column.endswith("_pk")):
            filled.append(base + value)
        else:
            filled.append(value)
    return tuple(filled)


def capture(content: bytes) -> Captured:
    """Send one ITI-41 request through the product, in process, and take down every row that it left."""
    with tempfile.TemporaryDirectory(prefix="feuillet-bench-") as directory:
        path = Path(directory) / "rows.db"
        setup = Setup(f"sqlite:///{path}", Path(directory))
        setup.create_tables()
        submission = Submission(patient_id(_PATIENT), _NAME)
        answered = post(application(setup), "/repository", submission.provided(content))
        if b":Success" not in answered:
            raise RuntimeError(f"the sample submission is refused: {answered.decode()}")
        with sqlite3.connect(path) as connection:
            return _read(connection)


def _read(connection: sqlite3.Connection) -> Captured:
    schema = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name").fetchall()
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    found = {}
    for (name,) in tables:
        if name in _LEFT_OUT or name.startswith("sqlite_"):
            continue
        cursor = connection.execute(f"SELECT * FROM {name}")
        found[name] = tuple(column[0] for column in cursor.description), cursor.fetchall()
    holes = {str(_PATIENT): "patient", _NAME: "name"}
    for columns, rows in found.values():
        for row in rows:
            for column, value in zip(columns, row, strict=True):
                if column in ("entry_uuid", "blob_key", "correlation_id") and isinstance(value, str):
                    bare = value.removeprefix("urn:uuid:")
                    holes.setdefault(bare, f"{column}{len(holes)}")
                elif column == "digest":
                    holes.setdefault(value, f"digest{len(holes)}")
    captured = tuple(
        TableRows(
            name,
            columns,
            tuple(tuple(_cut(value, holes) for value in row) for row in rows),
        )
        for name, (columns, rows) in found.items()
        if rows
    )
    return Captured(captured, tuple(name for name in holes.values() if name != "patient"), tuple(s for _, s in schema))


def _cut(value: Any, holes: Mapping[str, str]) -> Value | Stencil:
    if isinstance(value, str):
        return Stencil(value, holes) if any(hole in value for hole in holes) else value
    if isinstance(value, bytes):
        return Stencil(value, holes) if any(hole.encode() in value for hole in holes) else value
    kept: Value = value
    return kept


def post(wsgi: Callable[..., Any], path: str, posted: Posted) -> bytes:
    """One request through a WSGI application, in this process: the body of the answer."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": posted.content_type,
        "CONTENT_LENGTH": str(len(posted.body)),
        "wsgi.input": io.BytesIO(posted.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    chunks = wsgi(environ, lambda *_: None)
    try:
        return b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
