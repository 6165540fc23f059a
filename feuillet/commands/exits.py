"""Exit codes, and the errors that lead to them."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from feuillet.configuration import ConfigurationRefused


class ExitCode(enum.IntEnum):
    """What the command's exit status means."""

    DONE = 0
    FAILED = 1
    MISCONFIGURED = 2
    NOT_MIGRATED = 3
    UNAVAILABLE = 4


class NotMigrated(Exception):
    """The database has not the tables of this version. The message says what to do."""


class PartUnavailable(Exception):
    """A part that the server stands on does not answer. The message names it."""


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors that an operator can do something about into a line on standard error and an exit code."""
    try:
        yield
    except ConfigurationRefused as refused:
        _end(ExitCode.MISCONFIGURED, *refused.problems)
    except NotMigrated as error:
        _end(ExitCode.NOT_MIGRATED, str(error))
    except PartUnavailable as error:
        _end(ExitCode.UNAVAILABLE, str(error))


def _end(code: ExitCode, *lines: str) -> NoReturn:
    for line in lines:
        typer.echo(f"feuillet: {line}", err=True)
    raise typer.Exit(code)
