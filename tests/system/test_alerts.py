"""A whole server and a whole mail server: who asked to be told of documents is told, whatever dies in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from dmp.alerts import Medium, Subscriber, SubscriberKind, Subscription
from dmp.alerts.subscriptions import subscribe
from tests.services.engine import Engine, run_engine
from tests.services.pki import Pki
from tests.services.smtp import Letterbox, mail_server
from tests.xds_repository.house import Client
from tests.xds_repository.submissions import PATIENT, submission
from xds_registry.database import open_database, writing

PORTAL = "https://dmp.example/"


def settings(box: Letterbox, pki: Pki, **changes: object) -> str:
    """The section of alerts."""
    values = {"poll_seconds": 0.1, "first_retry_seconds": 0.2, "lease_seconds": 2, **changes}
    lines = "\n".join(f"{name} = {value}" for name, value in values.items())
    return (
        f'[alerts]\nportal = "{PORTAL}"\n{lines}\n[alerts.smtp]\naddress = "localhost:{box.port}"\n'
        f'sender = "nepasrepondre@dmp.example"\nca = "{pki.ca}"\n'
    )


def ask(database_url: str, address: str = "patient@example.fr", patient: str = PATIENT) -> None:
    """Have the patient ask for alerts."""
    engine = open_database(database_url)
    subscriber = Subscriber(SubscriberKind.PATIENT, patient)
    with writing(engine) as connection:
        wish = Subscription(subscriber=subscriber, patient=patient, medium=Medium.MAIL, address=address)
        subscribe(connection, wish, at=datetime.now(UTC))
    engine.dispose()


@contextmanager
def provider(engine: Engine, directory: Path) -> Iterator[Client]:
    """A document source that speaks ITI-41 with the server."""
    session = engine.session()
    with session:
        yield Client(engine.repository(), directory, session=session)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The database of the server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/engine.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


def test_a_document_that_comes_by_iti_41_is_told_by_e_mail(database_url: str, tmp_path: Path, pki: Pki) -> None:
    with (
        mail_server(pki) as box,
        run_engine(tmp_path / "engine", pki, database_url=database_url, more=settings(box, pki)) as engine,
        provider(engine, tmp_path / "spool") as source,
    ):
        engine.announce(PATIENT)
        ask(database_url)
        assert source.provide(submission(b"<a/>")).succeeded
        box.wait_for(1)
        ((recipients, letter),) = box.letters
        assert recipients == ["patient@example.fr"]
        assert box.encrypted == [True]
        assert "Un document a été ajouté à votre dossier." in letter.get_content()
        figures = requests.get(f"{engine.plain}/metrics", timeout=60).text
        assert "feuillet_alerts_waiting" in figures
    log = engine.log.read_text()
    assert '"event": "alerts.message"' in log
    assert "patient@example.fr" not in log
