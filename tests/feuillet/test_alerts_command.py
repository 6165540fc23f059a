"""`feuillet alerts`, as an operator runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from dmp.alerts import Announcement, BreakGlassOpened, announce, outbox
from dmp.alerts.outbox import Draft, Retry
from feuillet.migrations.schema import migrate
from tests.feuillet.conftest import Write
from xds_registry.database import open_database, writing

COMMAND = Path(sys.executable).with_name("feuillet")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Somebody:
    """One message for each announcement."""

    def drafts(self, _connection: object, _announcement: Announcement) -> list[Draft]:
        return [Draft("somebody", "mail", "x")]


def alerts(configuration: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [COMMAND, "alerts", "--config", configuration, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_what_waits_and_what_was_given_up_is_told_and_tried_again(write: Write) -> None:
    configuration = write()
    assert alerts(configuration).returncode == 3  # no tables yet
    engine = open_database(f"sqlite:///{configuration.parent}/feuillet.db")
    migrate(engine)
    for _ in range(2):
        with writing(engine) as connection:
            announce(connection, BreakGlassOpened("P^^^&1.2&ISO", NOW))
    outbox.spread(engine, [Somebody()], at=NOW)
    said = alerts(configuration)
    assert (said.returncode, said.stdout.splitlines()[1]) == (0, "0 messages were given up.")
    message = outbox.lease(engine, ["mail"], Retry(), at=NOW)
    assert message is not None
    outbox.failed(engine, message, Retry(), permanent=True, at=NOW)
    engine.dispose()
    told = alerts(configuration, "--json")
    report = json.loads(told.stdout)
    assert told.returncode == 1
    assert (report["messages"], report["announcements"], report["given_up"]) == (1, 0, 1)
    again = alerts(configuration, "--retry", "--json")
    assert again.returncode == 0
    assert (json.loads(again.stdout)["messages"], json.loads(again.stdout)["tried_again"]) == (2, 1)
