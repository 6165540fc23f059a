"""The parts that tests lean on do what their fixtures promise."""

from __future__ import annotations

import io
import socket
import ssl
import threading
from pathlib import Path

import minio
import pytest
import requests
import sqlalchemy as sa
from minio.sse import SseS3

from tests.services.minio import S3Server
from tests.services.pki import Authority, Pki
from tests.services.postgresql import Cluster


def test_each_database_starts_empty_and_is_gone_afterwards(postgresql_cluster: Cluster) -> None:
    with postgresql_cluster.fresh_database() as first, postgresql_cluster.fresh_database() as second:
        assert first != second
        engine = sa.create_engine(first, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE leaf (n integer)"))
        assert sa.inspect(engine).get_table_names() == ["leaf"]
        assert sa.inspect(sa.create_engine(second, poolclass=sa.NullPool)).get_table_names() == []
    with pytest.raises(sa.exc.OperationalError):
        engine.connect()


def test_the_cluster_refuses_a_wrong_password(postgresql_cluster: Cluster, postgresql_url: str) -> None:
    with pytest.raises(sa.exc.OperationalError):
        sa.create_engine(postgresql_url.replace(postgresql_cluster.password, "wrong")).connect()


def test_the_s3_server_keeps_objects_and_refuses_to_overwrite(s3_server: S3Server, s3_bucket: str) -> None:
    client = s3_server.client()
    client.put_object(bucket_name=s3_bucket, object_name="leaf", data=io.BytesIO(b"text"), length=4)
    with client.get_object(bucket_name=s3_bucket, object_name="leaf") as answer:
        assert answer.read() == b"text"
    address = client.get_presigned_url("PUT", bucket_name=s3_bucket, object_name="leaf")
    assert requests.put(address, data=b"other", headers={"If-None-Match": "*"}, timeout=60).status_code == 412


def test_the_s3_server_encrypts_at_rest_when_asked(s3_server: S3Server, s3_bucket: str) -> None:
    client = s3_server.client()
    client.put_object(bucket_name=s3_bucket, object_name="leaf", data=io.BytesIO(b"text"), length=4, sse=SseS3())
    kept = client.stat_object(bucket_name=s3_bucket, object_name="leaf")
    assert kept.metadata is not None
    assert kept.metadata["x-amz-server-side-encryption"] == "AES256"


def test_the_s3_server_refuses_a_wrong_key(s3_server: S3Server) -> None:
    stranger = minio.Minio(
        endpoint=s3_server.endpoint, access_key="feuillet", secret_key="not the key", secure=False, region="us-east-1"
    )
    with pytest.raises(minio.error.S3Error, match="SignatureDoesNotMatch"):
        stranger.list_buckets()


def test_client_and_server_certificates_serve_mutual_tls(pki: Pki, tmp_path: Path) -> None:
    assert _handshake(pki, pki.client.files) == pki.client.der()
    foreign = Authority(tmp_path, "Another authority").issue("stranger")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        _handshake(pki, foreign.files)


def _handshake(pki: Pki, client_files: tuple[str, str]) -> bytes | None:
    """The certificate that a TLS server sees from this client; raises what the client or the server met."""
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.ca))
    server_side.load_cert_chain(*pki.server.files)
    server_side.verify_mode = ssl.CERT_REQUIRED
    client_side = ssl.create_default_context(cafile=str(pki.ca))
    client_side.load_cert_chain(*client_files)
    left, right = socket.socketpair()
    met: list[Exception] = []

    def connect() -> None:
        try:
            with client_side.wrap_socket(left, server_hostname="localhost") as link:
                link.recv(1)
        except (ssl.SSLError, ConnectionError) as error:
            met.append(error)

    client = threading.Thread(target=connect)
    client.start()
    try:
        with server_side.wrap_socket(right, server_side=True) as link:
            seen = link.getpeercert(binary_form=True)
            link.send(b"!")
    finally:
        right.close()
        client.join()
    if met:
        raise met[0]
    return seen
