"""What S3 servers answer on their bad days, replayed by a small HTTP server.

A real server cannot be made to give these answers at will: conditions it does not know or answers oddly, no room,
contention, silence, and connections that break in the middle.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.xds_repository.stores.contract_suite import pattern, read_all, receive
from xds_repository.stores import (
    BlobConflict,
    BlobKey,
    Digest,
    S3Configuration,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from xds_repository.stores.s3 import S3Store

CONTENT = pattern(10_000)
DIGEST = Digest(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
DATE = "Tue, 02 Jan 2024 03:04:05 GMT"


class Answer:
    """Status, headers and body of one answer; `promised` is the length announced, where it is another."""

    def __init__(self, status: int, body: bytes = b"", *, promised: int | None = None, **headers: str) -> None:
        self.status = status
        self.body = body
        self.promised = len(body) if promised is None else promised
        self.headers = headers


def failure(status: int, code: str) -> Answer:
    return Answer(status, f"<Error><Code>{code}</Code></Error>".encode(), content_type="application/xml")


Script = Callable[[str, str], Answer | None]


class OddServer:
    """Answers every request by its script, which gets method and path; None means silence."""

    def __init__(self) -> None:
        self.script: Script = lambda method, path: Answer(200)
        self.requests: list[str] = []
        self.over = threading.Event()
        odd = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                odd.requests.append(self.command)
                answer = odd.script(self.command, self.path)
                if answer is None:
                    odd.over.wait(20)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(answer.promised))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)
                    self.close_connection = answer.promised != len(answer.body)

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _answer  # noqa: N815 - names of the base class

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True


@pytest.fixture
def odd() -> Iterator[OddServer]:
    server = OddServer()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def store(odd: OddServer) -> S3Store:
    return S3Store(
        S3Configuration(
            endpoint=f"127.0.0.1:{odd.http.server_port}",
            bucket="documents",
            access_key="name",
            secret_key="secret",
            secure=False,
            retries=1,
            read_timeout=0.3,
        )
    )


def stored(sha256: str = DIGEST.sha256, size: int = DIGEST.size) -> Answer:
    return Answer(200, promised=size, last_modified=DATE, x_amz_meta_sha256=sha256)


@pytest.mark.parametrize("status", [304, 412])
def test_a_refused_condition_means_that_the_key_is_taken_however_it_is_said(
    odd: OddServer, store: S3Store, tmp_path: Path, status: int
) -> None:
    odd.script = lambda method, path: stored() if method == "HEAD" else Answer(status)
    store.put(BlobKey.new(), receive(CONTENT, tmp_path / "in", in_memory=True))
    assert store.conditional_writes is True
    odd.script = lambda method, path: stored("0" * 64) if method == "HEAD" else Answer(status)
    with pytest.raises(BlobConflict):
        store.put(BlobKey.new(), receive(CONTENT, tmp_path / "in", in_memory=True))


@pytest.mark.parametrize("answer", [Answer(200), failure(501, "NotImplemented"), failure(400, "InvalidArgument")])
def test_a_server_that_ignores_or_refuses_conditions_is_looked_at_before_each_write(
    odd: OddServer, store: S3Store, tmp_path: Path, answer: Answer
) -> None:
    odd.script = lambda method, path: answer if method == "PUT" else Answer(200)
    store.probe()
    assert store.conditional_writes is False
    odd.requests.clear()
    odd.script = lambda method, path: stored()
    store.put(BlobKey.new(), receive(CONTENT, tmp_path / "in", in_memory=True))
    assert odd.requests == ["HEAD"]


def test_a_write_that_cannot_be_found_again_is_no_success(odd: OddServer, store: S3Store, tmp_path: Path) -> None:
    odd.script = lambda method, path: Answer(404) if method == "HEAD" else Answer(200)
    with pytest.raises(StoreUnavailable):
        store.put(BlobKey.new(), receive(CONTENT, tmp_path / "in", in_memory=True))


def test_a_write_found_altered_is_no_success(odd: OddServer, store: S3Store, tmp_path: Path) -> None:
    seen: list[str] = []

    def script(method: str, path: str) -> Answer:
        if method != "HEAD":
            return Answer(200)
        seen.append(path)
        return Answer(404) if len(seen) == 1 else stored(size=DIGEST.size - 1)

    odd.script = script
    with pytest.raises(StoreError):
        store.put(BlobKey.new(), receive(CONTENT, tmp_path / "in", in_memory=True))
    assert len(seen) == 2


def test_contention_passes(odd: OddServer, store: S3Store, tmp_path: Path) -> None:
    writes: list[str] = []

    def script(method: str, path: str) -> Answer:
        if method == "HEAD":
            return stored()
        writes.append(path)
        if len(writes) == 1:
            return Answer(412)
        return failure(409, "ConditionalRequestConflict") if len(writes) < 4 else Answer(200)

    odd.script = script
    store.put(BlobKey.new(), receive(CONTENT, tmp_path / "in", in_memory=True))
    assert len(writes) == 4


@pytest.mark.parametrize(("status", "code"), [(507, "XMinioStorageFull"), (403, "QuotaExceeded"), (507, "Anything")])
def test_a_full_server_is_told_from_an_absent_one(
    odd: OddServer, store: S3Store, tmp_path: Path, status: int, code: str
) -> None:
    odd.script = lambda method, path: failure(status, code) if "probe" not in path else Answer(412)
    with pytest.raises(StoreFull):
        store.put(BlobKey.new(), receive(CONTENT, tmp_path / "in", in_memory=True))


def test_a_failing_server_is_asked_again_only_as_often_as_configured(odd: OddServer, store: S3Store) -> None:
    odd.script = lambda method, path: failure(503, "SlowDown")
    with pytest.raises(StoreUnavailable):
        store.open(BlobKey.new(), DIGEST)
    assert odd.requests == ["GET", "GET"]


def test_a_server_that_recovers_is_not_noticed(odd: OddServer, store: S3Store, tmp_path: Path) -> None:
    """The file that is sent again starts at its beginning."""
    sizes = iter([failure(500, "InternalError"), Answer(200)])
    odd.script = lambda method, path: stored() if method == "HEAD" else Answer(412) if "probe" in path else next(sizes)
    store.put(BlobKey.new(), receive(CONTENT, tmp_path / "in", in_memory=False))
    assert odd.requests == ["PUT", "PUT", "PUT", "HEAD"]


def test_silence_ends_in_an_error(odd: OddServer, store: S3Store) -> None:
    odd.script = lambda method, path: None
    with pytest.raises(StoreUnavailable):
        store.stat(BlobKey.new())
    assert odd.requests == ["HEAD", "HEAD"]


def test_a_download_that_breaks_off_is_an_error_and_not_a_short_document(odd: OddServer, store: S3Store) -> None:
    odd.script = lambda method, path: Answer(200, CONTENT[:5000], promised=DIGEST.size)
    with pytest.raises(StoreUnavailable):
        read_all(store, BlobKey.new(), DIGEST)


def test_what_the_server_writes_does_not_enter_the_message(odd: OddServer, store: S3Store) -> None:
    odd.script = lambda method, path: Answer(418, b"Jeanne Martin, born 1950", content_type="text/plain")
    with pytest.raises(StoreUnavailable) as failure_seen:
        store.open(BlobKey.new(), DIGEST)
    assert "Martin" not in str(failure_seen.value)
    assert "418" in str(failure_seen.value)


def test_an_upload_in_parts_is_dropped_when_it_fails(odd: OddServer, store: S3Store, tmp_path: Path) -> None:
    begun = Answer(200, b"<R><Bucket>b</Bucket><Key>k</Key><UploadId>u1</UploadId></R>", content_type="application/xml")

    def script(method: str, path: str) -> Answer:
        if "probe" in path:
            return Answer(412)
        return begun if method == "POST" else Answer(204) if method == "DELETE" else failure(403, "AccessDenied")

    odd.script = script
    source = receive(pattern(9_000_000), tmp_path / "in", in_memory=False)
    with pytest.raises(StoreUnavailable):
        store.put(BlobKey.new(), source)
    assert odd.requests == ["PUT", "POST", "PUT", "DELETE"]
