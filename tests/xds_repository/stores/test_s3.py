"""The S3 store against a real server: the common contract, and what only S3 has."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import minio
import pytest

from tests.services.minio import Kind, S3Server
from tests.services.process import free_port
from tests.xds_repository.stores.contract_suite import (
    MEBIBYTE,
    Damage,
    ObjectStoreContract,
    digest,
    pattern,
    read_all,
    receive,
)
from xds_repository.stores import BlobConflict, BlobKey, Encryption, S3Configuration, StoreUnavailable
from xds_repository.stores.s3 import S3Store

KMS_KEY = "feuillet-tests"


@pytest.fixture
def configuration(s3_server: S3Server, s3_bucket: str) -> S3Configuration:
    return S3Configuration(
        endpoint=s3_server.endpoint,
        bucket=s3_bucket,
        access_key=s3_server.access_key,
        secret_key=s3_server.secret_key,
        region=s3_server.region,
        secure=s3_server.secure,
        prefix="documents/",
        part_size=5 * MEBIBYTE,
    )


@pytest.fixture
def store(configuration: S3Configuration) -> S3Store:
    return S3Store(configuration)


@pytest.fixture
def client(s3_server: S3Server) -> minio.Minio:
    """A way to the bucket past the store."""
    return s3_server.client()


@pytest.fixture
def damage(client: minio.Minio, s3_bucket: str) -> Damage:
    """Replaces the object behind the store's back and keeps what its metadata says."""

    def replace_object(key: BlobKey, content: bytes) -> None:
        name = f"documents/{key}"
        metadata = client.stat_object(bucket_name=s3_bucket, object_name=name).metadata or {}
        client.put_object(
            bucket_name=s3_bucket,
            object_name=name,
            data=io.BytesIO(content),
            length=len(content),
            metadata={"sha256": metadata["x-amz-meta-sha256"]},
        )

    return replace_object


class TestContractWithConditionalWrites(ObjectStoreContract):
    @pytest.fixture
    def store(self, configuration: S3Configuration, s3_server: S3Server) -> S3Store:
        store = S3Store(configuration)
        store.probe()
        if not store.conditional_writes:
            pytest.skip(f"{s3_server.program} does not honour conditional writes")
        return store


class TestContractWithoutConditionalWrites(ObjectStoreContract):
    """For servers that do not honour conditions: a look comes before the write."""

    @pytest.fixture
    def store(self, configuration: S3Configuration) -> S3Store:
        return S3Store(replace(configuration, conditional_writes=False))

    @pytest.mark.skip(reason="without conditions two writers of one key are not kept apart; keys are never shared")
    def test_of_eight_writers_of_different_bytes_one_wins(self) -> None: ...


def test_the_server_used_is_a_real_one_that_honours_conditions(store: S3Store, s3_server: S3Server) -> None:
    assert store.conditional_writes is None
    store.probe()
    if s3_server.program.kind is Kind.MINIO:
        assert store.conditional_writes is True


def test_a_blob_lies_under_the_prefix_with_its_hash_beside_it(
    store: S3Store, client: minio.Minio, s3_bucket: str, tmp_path: Path
) -> None:
    for size in (1000, 6 * MEBIBYTE):
        key, source = BlobKey.new(), receive(pattern(size), tmp_path / "in", in_memory=True)
        store.put(key, source)
        found = client.stat_object(bucket_name=s3_bucket, object_name=f"documents/{key}")
        assert found.metadata is not None
        assert found.metadata["x-amz-meta-sha256"] == source.sha256
        stat = store.stat(key)
        assert stat is not None
        assert stat.sha256 == source.sha256


def test_a_large_source_goes_in_parts(store: S3Store, client: minio.Minio, s3_bucket: str, tmp_path: Path) -> None:
    key, source = BlobKey.new(), receive(pattern(11 * MEBIBYTE), tmp_path / "in", in_memory=False)
    store.put(key, source)
    etag = client.stat_object(bucket_name=s3_bucket, object_name=f"documents/{key}").etag
    assert etag is not None
    assert etag.endswith("-3")


def test_a_refused_upload_leaves_no_parts_behind(
    store: S3Store, client: minio.Minio, s3_bucket: str, tmp_path: Path
) -> None:
    key = BlobKey.new()
    store.put(key, receive(pattern(11 * MEBIBYTE), tmp_path / "in", in_memory=False))
    with pytest.raises(BlobConflict):
        store.put(key, receive(pattern(11 * MEBIBYTE, seed=1), tmp_path / "in", in_memory=False))
    assert client._list_multipart_uploads(s3_bucket, prefix=f"documents/{key}").uploads == []


def test_two_prefixes_share_a_bucket_unseen_by_each_other(configuration: S3Configuration, tmp_path: Path) -> None:
    one, other = S3Store(configuration), S3Store(replace(configuration, prefix="elsewhere/"))
    key, source = BlobKey.new(), receive(b"one", tmp_path / "in", in_memory=True)
    one.put(key, source)
    assert other.stat(key) is None
    assert list(other.blobs()) == []
    assert [blob.key for blob in one.blobs()] == [key]


def test_an_object_without_recorded_hash_is_compared_by_its_bytes(
    store: S3Store, client: minio.Minio, s3_bucket: str, tmp_path: Path
) -> None:
    same, other = BlobKey.new(), BlobKey.new()
    for key, content in ((same, pattern(1000)), (other, pattern(1000, seed=1))):
        client.put_object(
            bucket_name=s3_bucket, object_name=f"documents/{key}", data=io.BytesIO(content), length=len(content)
        )
    source = receive(pattern(1000), tmp_path / "in", in_memory=True)
    store.put(same, source)
    with pytest.raises(BlobConflict):
        store.put(other, source)


@pytest.mark.parametrize(
    ("encryption", "kms_key", "header"),
    [(Encryption.S3, None, "AES256"), (Encryption.KMS, KMS_KEY, "aws:kms")],
)
@pytest.mark.parametrize("size", [1000, 6 * MEBIBYTE])
def test_the_server_encrypts_what_it_is_asked_to(
    configuration: S3Configuration,
    client: minio.Minio,
    s3_server: S3Server,
    tmp_path: Path,
    encryption: Encryption,
    kms_key: str | None,
    header: str,
    size: int,
) -> None:
    if kms_key is not None and s3_server.program.kind is not Kind.MINIO:
        pytest.skip(f"{s3_server.program} has no key service of its own")
    store = S3Store(replace(configuration, encryption=encryption, kms_key=kms_key))
    key, source = BlobKey.new(), receive(pattern(size), tmp_path / "in", in_memory=True)
    store.put(key, source)
    found = client.stat_object(bucket_name=configuration.bucket, object_name=f"documents/{key}")
    assert found.metadata is not None
    assert found.metadata["x-amz-server-side-encryption"] == header
    assert read_all(store, key, digest(source)) == pattern(size)


def test_many_objects_are_listed_page_by_page(store: S3Store, client: minio.Minio, s3_bucket: str) -> None:
    """A page of a listing holds 1,000 names."""
    keys = {BlobKey.new() for _ in range(1005)}
    for key in keys:
        client.put_object(bucket_name=s3_bucket, object_name=f"documents/{key}", data=io.BytesIO(b"x"), length=1)
    client.put_object(bucket_name=s3_bucket, object_name="documents/README", data=io.BytesIO(b"x"), length=1)
    listed = [blob.key for blob in store.blobs()]
    assert len(listed) == len(keys)
    assert set(listed) == keys


def test_a_reader_that_reads_to_the_end_gives_its_connection_back(
    configuration: S3Configuration, tmp_path: Path
) -> None:
    store = S3Store(replace(configuration, connections=1))
    key, source = BlobKey.new(), receive(pattern(2 * MEBIBYTE), tmp_path / "in", in_memory=True)
    store.put(key, source)
    pool = store._requests._http.connection_from_url(f"http://{configuration.endpoint}")
    opened = pool.num_connections
    for _ in range(5):
        assert hashlib.sha256(read_all(store, key, digest(source))).hexdigest() == source.sha256
    assert pool.num_connections == opened


def test_threads_share_the_store(store: S3Store, tmp_path: Path) -> None:
    sources = {BlobKey.new(): receive(pattern(200_000, seed), tmp_path / "in", in_memory=True) for seed in range(24)}
    right: list[BlobKey] = []

    def round_trip(key: BlobKey) -> None:
        store.put(key, sources[key])
        read_all(store, key, digest(sources[key]))
        right.append(key)

    threads = [threading.Thread(target=round_trip, args=(key,)) for key in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(right) == set(sources)


_NO_BUCKET = "there-is-no-such-bucket"


@pytest.fixture(params=["bucket", "secret", "server"])
def unusable(request: pytest.FixtureRequest, configuration: S3Configuration) -> S3Store:
    changes: dict[str, dict[str, object]] = {
        "bucket": {"bucket": _NO_BUCKET},
        "secret": {"secret_key": "wrong-secret"},
        "server": {"endpoint": f"127.0.0.1:{free_port()}", "retries": 0},
    }
    return S3Store(replace(configuration, **changes[request.param]))  # type: ignore[arg-type]


def test_a_store_that_cannot_be_used_fails_its_probe_and_its_writes(
    unusable: S3Store, s3_server: S3Server, tmp_path: Path
) -> None:
    with pytest.raises(StoreUnavailable):
        unusable.probe()
    if unusable._configuration.bucket == _NO_BUCKET and s3_server.program.kind is not Kind.MINIO:
        pytest.skip(f"{s3_server.program} makes a bucket of what is put into one that it has not")
    source = receive(b"content", tmp_path / "in", in_memory=True)
    actions: list[Callable[[], object]] = [
        lambda: unusable.put(BlobKey.new(), source),
        lambda: unusable.open(BlobKey.new(), digest(source)),
        lambda: list(unusable.blobs()),
    ]
    for action in actions:
        with pytest.raises(StoreUnavailable) as failure:
            action()
        assert "secret" not in str(failure.value)
