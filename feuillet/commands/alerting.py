"""`feuillet alerts`: what waits to be sent, what was given up, and trying that once more."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from dmp.alerts import outbox
from feuillet.commands.exits import ExitCode, PartUnavailable
from feuillet.commands.serving import require_parts
from feuillet.composition import open_engine
from feuillet.settings import Sections


def show_alerts(settings: Sections, *, retry: bool, as_json: bool) -> ExitCode:
    """Report: `FAILED` when messages were given up. Raises `NotMigrated`, `PartUnavailable`."""
    require_parts(settings)
    engine = open_engine(settings)
    now = datetime.now(UTC)
    try:
        revived = outbox.revive(engine, at=now) if retry else 0
        waiting = outbox.backlog(engine, at=now)
    except SQLAlchemyError as error:
        raise PartUnavailable(f"the database does not answer: {type(error).__name__}") from None
    finally:
        engine.dispose()
    report: dict[str, Any] = {
        "announcements": waiting.announcements,
        "messages": waiting.messages,
        "oldest_seconds": round(waiting.oldest.total_seconds()),
        "given_up": waiting.dead,
        "tried_again": revived,
    }
    if as_json:
        typer.echo(json.dumps(report))
    else:
        oldest = f", the oldest for {report['oldest_seconds']} s" if waiting.announcements or waiting.messages else ""
        typer.echo(f"{waiting.messages} messages and {waiting.announcements} announcements wait{oldest}.")
        typer.echo(f"{revived} messages are tried again." if retry else f"{waiting.dead} messages were given up.")
    return ExitCode.FAILED if waiting.dead else ExitCode.DONE
