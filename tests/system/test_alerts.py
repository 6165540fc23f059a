"""A whole server and a whole mail server: who asked to be told of documents is told, whatever dies in between."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from dmp.alerts import Medium, Subscriber, SubscriberKind, Subscription, outbox
from dmp.alerts.subscriptions import subscribe
from soap.client.caller import SoapCaller
from soap.vocabulary import WSA
from tests.services import process
from tests.services.engine import Engine, run_engine
from tests.services.pki import Pki
from tests.services.smtp import Letterbox, mail_server
from tests.xds_registry.subscriptions.conftest import Consumer, slots, subscribe_body
from tests.xds_repository.house import Client, listening
from tests.xds_repository.submissions import PATIENT, submission
from xds_registry.database import open_database, writing
from xds_registry.subscriptions.vocabulary import SUBSCRIBE_ACTION, UNSUBSCRIBE_ACTION, WSNT

PORTAL = "https://dmp.example/"
UNSUBSCRIBE = f'<wsnt:Unsubscribe xmlns:wsnt="{WSNT}"/>'.encode()


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


def waiting(database_url: str) -> outbox.Backlog:
    """What the server has not sent yet."""
    engine = open_database(database_url)
    try:
        return outbox.backlog(engine, at=datetime.now(UTC))
    finally:
        engine.dispose()


def until_empty(database_url: str, engine: Engine) -> None:
    """Wait until the outbox is empty."""

    def empty() -> bool:
        left = waiting(database_url)
        return left.announcements == left.messages == 0

    process.wait_until(empty, engine.running, log=engine.log)


def kill_all(running: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the server and everything that it started."""
    everyone = [running.pid]
    for pid in everyone:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            everyone += [int(child) for child in children.read_text().split()]
    for pid in everyone:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_server_killed_while_it_sends_loses_no_alert_and_repeats_one_at_most(
    database_url: str, tmp_path: Path, pki: Pki
) -> None:
    port, directory = process.free_port(), tmp_path / "engine"
    more = settings(Letterbox(port), pki)
    with run_engine(directory, pki, database_url=database_url, more=more) as engine:
        engine.announce(PATIENT)
        ask(database_url)
        with provider(engine, tmp_path / "spool") as source:
            for _ in range(3):  # while nobody takes letters
                assert source.provide(submission(b"<a/>")).succeeded
        with mail_server(pki, port=port) as box:

            def kill(_letter: object) -> str:
                box.on_letter = lambda _: "250 taken"
                kill_all(engine.running)
                return "250 taken"

            box.on_letter = kill
            box.wait_for(1)
            assert engine.running.wait(60) == -signal.SIGKILL
            assert waiting(database_url).messages + waiting(database_url).announcements == 3
            with run_engine(directory, pki, database_url=database_url, more=more) as again:
                until_empty(database_url, again)
        assert len(box.letters) == 4  # the one that was under way twice


def test_what_was_announced_before_a_stop_is_told_after_it(database_url: str, tmp_path: Path, pki: Pki) -> None:
    directory = tmp_path / "engine"
    with mail_server(pki) as box:
        slow = settings(box, pki, poll_seconds=60)  # it has looked once, and stops before it looks again
        with run_engine(directory, pki, database_url=database_url, more=slow) as engine:
            engine.announce(PATIENT)
            ask(database_url)
            with provider(engine, tmp_path / "spool") as source:
                for _ in range(5):
                    assert source.provide(submission(b"<a/>")).succeeded
        assert engine.running.returncode == 0
        assert box.letters == []
        assert waiting(database_url).announcements == 5
        with run_engine(directory, pki, database_url=database_url, more=settings(box, pki)) as again:
            until_empty(database_url, again)
        assert len(box.letters) == 5


def test_a_system_subscribes_by_iti_52_and_is_notified_by_iti_53_over_mutual_tls(tmp_path: Path, pki: Pki) -> None:
    consumer = Consumer()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.ca))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pki.server.certificate, pki.server.key)
    with listening(consumer, context=context) as url:
        host = url.removeprefix("http://").rstrip("/").replace("127.0.0.1", "localhost")
        more = (
            f'[alerts]\nportal = "{PORTAL}"\npoll_seconds = 0.1\n[alerts.notifications]\n'
            f'address = "https://localhost/subscriptions"\nconsumers = ["{host}"]\nca = "{pki.ca}"\n'
            f'certificate = "{pki.client.certificate}"\nkey = "{pki.client.key}"\n'
        )
        with run_engine(tmp_path / "engine", pki, more=more) as engine, provider(engine, tmp_path / "spool") as source:
            engine.announce(PATIENT)
            broker = SoapCaller(f"{engine.https}/subscriptions", session=engine.session())
            of_patient = slots(XDSDocumentEntryPatientId=f"'{PATIENT}'")
            with broker.call(SUBSCRIBE_ACTION, subscribe_body(f"https://{host}/", parameters=of_patient)) as answer:
                address = answer.body.findtext(f"{{{WSNT}}}SubscriptionReference/{{{WSA}}}Address") or ""
            assert source.provide(submission(b"<a/>")).succeeded
            process.wait_until(lambda: len(consumer.told) == 1, engine.running, log=engine.log)
            assert consumer.tags == [["ExtrinsicObject"]]
            named = address.replace("https://localhost", engine.https)
            with SoapCaller(named, session=engine.session()).call(UNSUBSCRIBE_ACTION, UNSUBSCRIBE):
                pass
            assert source.provide(submission(b"<a/>")).succeeded
            until_empty(f"sqlite:///{tmp_path}/engine/feuillet.db", engine)
    assert len(consumer.told) == 1
