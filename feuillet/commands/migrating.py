"""`feuillet migrate`: the database brought to the tables of this version."""

from __future__ import annotations

import typer
from sqlalchemy.exc import SQLAlchemyError

from feuillet import probes
from feuillet.commands.exits import ExitCode, PartUnavailable
from feuillet.composition import open_engine
from feuillet.migrations.schema import SchemaState, migrate, state_of
from feuillet.settings import Sections

_TO_DO = (SchemaState.EMPTY, SchemaState.OLDER)


def migrate_database(settings: Sections, *, only_check: bool) -> ExitCode:
    """Migrate, or with `only_check` tell whether that is needed. Raises `PartUnavailable`."""
    engine = open_engine(settings)
    try:
        answers = probes.database(engine)
        if not answers.passed:
            raise PartUnavailable(f"database: {answers.detail}")
        if only_check:
            state = state_of(engine)
            typer.echo(state.value)
            return ExitCode.NOT_MIGRATED if state in _TO_DO else ExitCode.DONE
        before, after = migrate(engine)
    except SQLAlchemyError as error:
        cause = type(error.__cause__ or error).__name__
        typer.echo(f"feuillet: the migration failed and nothing has changed ({cause}); try again", err=True)
        return ExitCode.FAILED
    finally:
        engine.dispose()
    typer.echo(f"migrated: {after.value}" if before in _TO_DO else f"nothing to do: {after.value}")
    return ExitCode.DONE
