"""A wrong configuration is refused with the key's name and what would be accepted; secrets show nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from feuillet.composition import affinity_domain
from feuillet.configuration import ConfigurationRefused, load
from tests.feuillet.conftest import Write


def problems(path: Path | None) -> str:
    """Why a configuration is refused."""
    with pytest.raises(ConfigurationRefused) as refused:
        load(path)
    return "\n".join(refused.value.problems)


def test_paths_are_relative_to_the_file(write: Write, tmp_path: Path) -> None:
    settings = load(write())
    assert settings.store.filesystem is not None
    assert settings.store.filesystem.root == tmp_path / "documents"
    assert settings.database.url.get_secret_value() == f"sqlite:///{tmp_path}/feuillet.db"


def test_the_defaults_take_a_document_of_five_hundred_megabytes(write: Write) -> None:
    limits = load(write()).server.limits.soap()
    assert 500_000_000 * 2 < limits.part <= limits.body < 2**32


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("workers = 1", "wrkers = 1"), ("server.wrkers: unknown key", "accepted: https, plain, proxy, tls, workers")),
        (("workers = 1", 'workers = "many"'), ("server.workers: ", "valid integer")),
        (("workers = 1", "workers = 0"), ("server.workers: ", "greater than or equal to 1")),
        (("127.0.0.1:", "0.0.0.0:"), ("server.plain: expected a loopback address",)),
        (("127.0.0.1:", "127.0.0.1-"), ("server.plain: expected HOST:PORT",)),
        (('"1.2.250.1.213.4.1.1.1.2"', '"1.02"'), ("repository.unique_id: expected an OID",)),
        (("sqlite:///feuillet.db", "oracle://scott:tiger@host/db"), ("database.url: expected sqlite:",)),
        (("sqlite:///feuillet.db", "nonsense"), ("database.url: expected sqlite:",)),
        (("reserve_share = 0.0", "reserve_share = 1.5"), ("store.filesystem.reserve_share: ", "less than 1")),
        (("[repository]", "[repositories]"), ("repository: missing", "repositories: unknown key; accepted: server")),
        (("[repository]", "[repository"), ("expected valid TOML",)),
        (("workers = 1", 'https = "127.0.0.1:1"'), ("server: expected [server.tls]",)),
        (("[store.filesystem]", '[store.s3]\nendpoint = "x"\n[store.filesystem]'), ("store.s3.bucket: missing",)),
    ],
)
def test_a_wrong_key_is_named_with_what_would_be_accepted(
    write: Write, change: tuple[str, str], said: tuple[str, ...]
) -> None:
    refused = problems(write(change))
    assert [text for text in said if text not in refused] == []


def test_all_problems_are_told_at_once(write: Write) -> None:
    refused = problems(write(("workers = 1", "workers = 0"), ('"1.2.250.1.213.4.1.1.1.2"', '"x"')))
    assert len(refused.splitlines()) == 2


def test_a_missing_tls_file_is_named(write: Write) -> None:
    more = '[server.tls]\ncertificate = "none.pem"\nkey = "none.key"\nclient_authorities = "none.pem"\n'
    assert "server.tls.certificate: expected the path of a readable file" in problems(write(more=more))


def test_the_environment_goes_before_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEUILLET_SERVER__WORKERS", "7")
    monkeypatch.setenv("FEUILLET_REGISTRY__PATIENT_AUTHORITIES", '["1.2.3"]')
    settings = load(write())
    assert settings.server.workers == 7
    assert settings.server.plain is not None
    assert settings.registry.patient_authorities == ("1.2.3",)


def test_an_unknown_environment_variable_is_named(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEUILLET_SERVER__WORKER", "7")
    assert "FEUILLET_SERVER__WORKER: unknown key 'worker'; accepted: https, plain" in problems(write())


def test_no_file_and_no_environment_names_what_is_needed() -> None:
    refused = problems(None)
    assert [key for key in ("server", "database", "store", "repository") if f"{key}: missing" not in refused] == []


def test_secrets_show_in_no_error_and_no_listing(write: Write) -> None:
    secret = "correct-horse-battery"
    url = f"postgresql://user:{secret}@host:port/db"
    assert secret not in problems(write(("sqlite:///feuillet.db", url)))
    settings = load(write(("sqlite:///feuillet.db", f"postgresql://user:{secret}@host/db")))
    assert secret not in f"{settings!r} {settings} {settings.shown()}"
    s3 = f'[store.s3]\nendpoint = "h"\nbucket = "bkt"\naccess_key = "a"\nsecret_key = "{secret}"\nretries = 99\n'
    assert secret not in problems(write(('[store.filesystem]\nroot = "documents"\nreserve_share = 0.0\n', s3)))


def test_the_affinity_domain_at_fault_is_named(write: Write) -> None:
    with pytest.raises(ConfigurationRefused, match=r"registry\.affinity_domain: .*one of ci-sis, ihe"):
        affinity_domain(load(write(more='[registry]\naffinity_domain = "nowhere"\n')))
