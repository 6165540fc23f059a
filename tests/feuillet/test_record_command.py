"""`feuillet record`: records whose time is over go with all their documents, wherever a run is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import func, select
from typer.testing import CliRunner

from dmp.alerts.tables import alert_subscription
from dmp.audit.chain import make_key
from dmp.authorisations.emergency import break_glass
from dmp.records import ClosingReason, RecordStatus
from dmp.records.changes import close, destroy, destructions_under_way
from dmp.records.find import find_record
from feuillet.command import app
from schemas.affinity_domain import load_affinity_domain
from schemas.datatypes import InsAuthority
from tests.dmp.patients import DOCTOR, RULES, caller, ins_c, opened
from tests.feuillet.conftest import Write
from tests.services.trail import events_of, make_trail
from tests.xds_repository.house import Backend, Client, House, listening, succeeded
from tests.xds_repository.submissions import Paper, Submission, submission
from xds_registry import tables as registry_tables
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database, writing
from xds_registry.registry import Registry
from xds_repository.crash_points import VARIABLE, CrashPoint
from xds_repository.registry_port import InProcessRegistry
from xds_repository.stores import FilesystemConfiguration

PROJECT = Path(__file__).parents[2]
LONG_AGO = datetime.now(UTC) - timedelta(days=11 * 366)
DUE, HELD, YOUNG = 1, 2, 3


@dataclass
class Place:
    """A server's database and store, with three closed records of two documents each, and a stranger's copy of one."""

    configuration: Path
    house: House
    papers: dict[int, Submission]

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["record", *arguments, "--config", str(self.configuration)])

    def crash(self, point: CrashPoint) -> int:
        """Destroy what is due in a process that is killed at a point; how it ended."""
        command = [sys.executable, "-c", "from feuillet.command import main; main()", "record", "destroy", "--due"]
        command += ["--config", str(self.configuration)]
        environment = {**os.environ, VARIABLE: point.value}
        done = subprocess.run(command, check=False, cwd=PROJECT, env=environment, capture_output=True)
        return done.returncode

    def entries(self, number: int) -> int:
        """How many entries the registry has of a patient."""
        patient, entry = registry_tables.patient.c, registry_tables.document_entry.c
        with self.house.engine.connect() as connection:
            return connection.execute(
                select(func.count())
                .select_from(registry_tables.document_entry)
                .join(registry_tables.patient, patient.pk == entry.patient_pk)
                .where(patient.patient_id == ins_c(number))
            ).scalar_one()

    def status(self, number: int) -> RecordStatus:
        with self.house.engine.connect() as connection:
            record = find_record(connection, ins_c(number))
            assert record is not None
            return record.status


@pytest.fixture
def place(write: Write, tmp_path: Path) -> Iterator[Place]:
    make_key(tmp_path / "audit.key")
    configuration = write(more='\n[audit]\nkey = "audit.key"\n')
    migrated = CliRunner().invoke(app, ["migrate", "--config", str(configuration)])
    assert migrated.exit_code == 0, migrated.output
    backend = Backend(
        f"sqlite:///{tmp_path}/feuillet.db", FilesystemConfiguration(tmp_path / "documents", reserve_share=0.0)
    )
    engine = open_database(backend.database)
    domain = load_affinity_domain("ihe", patient_authorities=[InsAuthority.INS_C])
    chosen = RegistryConfiguration(domain, register_unknown_patients=True)
    registry = InProcessRegistry(Registry(engine, chosen, trail=make_trail(engine)))
    house = House(backend, tmp_path / "documents" / "spool", registry_port=registry)
    papers = {}
    with listening(house.application) as url:
        client = Client(url, tmp_path / "client")
        for number in (DUE, HELD, YOUNG):
            papers[number] = replace(submission(b"<a/>", bytes(range(256)) * 2000), patient=ins_c(number))
            assert succeeded(client.provide(papers[number]))
    for number, closed_at in ((DUE, LONG_AGO), (HELD, LONG_AGO), (YOUNG, datetime.now(UTC))):
        with writing(house.engine) as connection:
            opened(connection, number, at=LONG_AGO)
            close(connection, ins_c(number), reason=ClosingReason.DEATH, by=DOCTOR, at=closed_at)
    place = Place(configuration, house, papers)
    assert place.run("hold", ins_c(HELD), "--reason", "court order").exit_code == 0
    yield place
    house.engine.dispose()
    engine.dispose()


def all_is_gone(place: Place) -> None:
    """The due record left nothing but a tombstone, the others have everything."""
    assert place.status(DUE) is RecordStatus.DESTROYED
    assert [place.entries(number) for number in (DUE, HELD, YOUNG)] == [0, 2, 2]
    rows = place.house.rows()
    assert (rows["sets"], rows["entries"], rows["documents"]) == (2, 4, 4)
    with place.house.engine.connect() as connection:
        assert destructions_under_way(connection) == ()
        links = connection.execute(select(func.count()).select_from(registry_tables.association)).scalar_one()
    assert links == 4
    assert len(place.house.blobs()) == 4
    told = [event for event in events_of(place.house.engine) if event.transaction == "destroy-record"]
    assert [event.reason for event in told] == ["retention over", "documents removed"]
    assert {event.patient for event in told} == {ins_c(DUE)}
    assert sorted(told[1].documents) == sorted(paper.unique_id for paper in place.papers[DUE].papers)
    assert told[1].name


def test_what_is_due_is_destroyed_with_its_documents_and_nothing_else(place: Place) -> None:
    done = place.run("destroy", "--due", "--json")
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["documents"] for line in done.stdout.splitlines()] == [2]
    all_is_gone(place)
    again = place.run("destroy", "--due")
    assert (again.exit_code, again.stdout) == (0, "0 records destroyed.\n")


def test_subscriptions_about_the_patient_end(place: Place) -> None:
    common = {"changed_at": 0, "subscriber_kind": 1, "subscriber": "8", "kind": 1, "medium": "EMAIL", "active": True}
    common |= {"class_codes": "", "type_codes": "", "address": "a@example.org"}
    with writing(place.house.engine) as connection:
        for number in (DUE, HELD):
            connection.execute(alert_subscription.insert().values(patient=ins_c(number), **common))
    assert place.run("destroy", "--due").exit_code == 0
    with place.house.engine.connect() as connection:
        assert list(connection.scalars(select(alert_subscription.c.patient))) == [ins_c(HELD)]


def test_a_dry_run_tells_and_changes_nothing(place: Place) -> None:
    before = place.house.rows()
    done = place.run("destroy", "--due", "--dry-run")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "1 record would be destroyed."
    assert place.house.rows() == before
    assert place.status(DUE) is RecordStatus.CLOSED


@pytest.mark.parametrize("point", [CrashPoint.RECORD_BURIED, CrashPoint.RECORD_CLEARED, CrashPoint.BLOB_ERASED])
def test_a_run_that_is_killed_is_taken_up_again(place: Place, point: CrashPoint) -> None:
    assert place.crash(point) == -signal.SIGKILL
    assert place.status(DUE) is RecordStatus.DESTROYED  # from the first step on nobody gets at it
    done = place.run("destroy", "--due", "--json")
    assert done.exit_code == 0, done.output
    resumed = [json.loads(line)["resumed"] for line in done.stdout.splitlines()]
    assert resumed == ([True] if point is CrashPoint.RECORD_BURIED else [])
    place.house.repository.reap()
    all_is_gone(place)


def test_a_document_that_another_patient_has_too_stays(place: Place, tmp_path: Path) -> None:
    shared: Paper = place.papers[DUE].papers[0]
    with listening(place.house.application) as url:
        again = replace(submission(shared), patient=ins_c(9))
        assert succeeded(Client(url, tmp_path / "another").provide(again))
    assert place.run("destroy", "--due").exit_code == 0
    assert place.entries(DUE) == 0
    assert place.entries(9) == 1
    with listening(place.house.application) as url:
        assert Client(url, tmp_path / "third").retrieve(shared.unique_id).contents == [shared.content]


def test_a_hold_that_is_lifted_lets_the_record_go(place: Place) -> None:
    assert place.run("release", ins_c(HELD)).exit_code == 0
    assert place.run("destroy", "--due").exit_code == 0
    assert place.status(HELD) is RecordStatus.DESTROYED
    told = [event for event in events_of(place.house.engine) if event.transaction == "legal-hold"]
    assert [(event.patient, event.reason) for event in told] == [(ins_c(HELD), "set"), (ins_c(HELD), "lifted")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["hold", ins_c(9), "--reason", "court"], "The patient has no record."),
        (["hold", ins_c(DUE), "--reason", " "], "A reason must be given."),
        (["release", "nobody"], "A patient is named by identifier and authority: id^^^&OID&ISO."),
    ],
)
def test_what_cannot_be_held_is_said(place: Place, arguments: list[str], told: str) -> None:
    done = place.run(*arguments)
    assert (done.exit_code, done.stderr) == (1, f"feuillet: {told}\n")


def test_nothing_is_destroyed_unless_it_is_asked_for(place: Place) -> None:
    assert place.run("destroy").exit_code == 2
    assert place.status(DUE) is RecordStatus.CLOSED


def test_the_longest_of_two_retentions_is_the_deployments(place: Place) -> None:
    text = place.configuration.read_text()
    place.configuration.write_text(text + "\n[record]\nretention_years = 30\n")
    assert place.run("destroy", "--due").stdout == "0 records destroyed.\n"
    with writing(place.house.engine) as connection:
        record = find_record(connection, ins_c(DUE))
        assert record is not None
        destroy(connection, record.pk, by=DOCTOR, at=datetime.now(UTC), rules=RULES)
    assert place.run("destroy", "--due").stdout.splitlines()[-1] == "1 record destroyed."


def test_entries_in_an_emergency_are_listed_and_reviewed_and_both_are_on_record(place: Place) -> None:
    with writing(place.house.engine) as connection:
        record = opened(connection, 5)
        opening = break_glass(connection, caller(), record.pk, "malaise", at=LONG_AGO, rules=RULES)
    told = json.loads(place.run("openings", "--json").stdout)
    assert (told["number"], told["national_id"], told["within_a_day"]) == (opening.pk, caller().national_id, 1)
    assert ins_c(5)[:22] not in place.run("openings").stdout
    done = place.run("review", str(opening.pk), "--note", "justifié")
    assert (done.exit_code, done.stdout) == (0, "The review is noted.\n")
    assert place.run("openings", "--json").stdout == ""
    again = place.run("review", str(opening.pk))
    assert (again.exit_code, again.stderr) == (1, "feuillet: There is no such opening to review.\n")
    events = [event for event in events_of(place.house.engine) if event.transaction == "emergency-review"]
    assert [event.reason for event in events] == ["list", "list", f"reviewed {opening.pk}", "list"]
    assert events[2].patient == ins_c(5)
