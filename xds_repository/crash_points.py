"""The steps of the write protocol and of a removal, and a way for tests to end the process at exactly one of them.

In production `reached` is an empty function. When the environment variable `FEUILLET_CRASH_AT` names a point ("C0" to
"C17") as this module is imported, the first call that reaches the point kills the process with SIGKILL: no handler, no
`finally`, nothing flushed. The variable is read once.

Where the points are: C0 to C8 in `provide`, C9 in `endpoint` (the server has written the answer), C11 and C12 in
`upkeep.reaper`, C13 to C15 in `removal`, and C15 in `upkeep.reaper` too. C10 belongs to whoever publishes the
registry's audit events: the front door calls `reached(OUTBOX_PUBLISHED)` between handing an event over and marking it
as published. C16 and C17 are in the front door's destruction of records.
"""

from __future__ import annotations

import enum
import os
import signal
from typing import Final

import structlog

#: The environment variable that arms a point.
VARIABLE: Final = "FEUILLET_CRASH_AT"


class CrashPoint(enum.StrEnum):
    """A step of the write protocol or of a removal; the process ends just after it."""

    REQUEST_ACCEPTED = "C0"
    CONTENT_RECEIVED = "C1"  # every document spooled and hashed
    CHECKED = "C2"  # matched with its metadata
    INTENT_COMMITTED = "C3"
    BLOB_STARTED = "C4"  # before the store is asked to write a blob
    BLOB_DURABLE = "C5"
    BLOB_VERIFIED = "C6"
    ROWS_WRITTEN = "C7"  # inside the transaction that registers, just before it commits
    COMMITTED = "C8"
    ANSWERED = "C9"
    OUTBOX_PUBLISHED = "C10"
    INTENT_CLEANED = "C11"  # finished intents deleted, not yet committed
    BLOB_COLLECTED = "C12"  # an unregistered blob deleted, its intent still there
    REMOVAL_WRITTEN = "C13"  # inside the transaction that removes, just before it commits
    REMOVED = "C14"  # before the store is asked to delete a blob
    BLOB_ERASED = "C15"  # a removed document's blob deleted, which is not yet noted
    RECORD_BURIED = "C16"  # a patient's record destroyed, its documents still there
    RECORD_CLEARED = "C17"  # nothing refers to them any more, their blobs still there


def _armed() -> CrashPoint | None:
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    try:
        return CrashPoint(named)
    except ValueError:
        raise ValueError(f"{VARIABLE}: expected one of {', '.join(CrashPoint)}") from None


_ARMED: Final = _armed()
if _ARMED is not None:
    structlog.get_logger(__name__).warning("crash_point.armed", point=_ARMED.value)

if _ARMED is None:

    def reached(point: CrashPoint) -> None:
        """A step is done. Nothing happens."""

else:

    def reached(point: CrashPoint) -> None:
        """A step is done. Ends the process when it is the armed one."""
        if point is _ARMED:
            os.kill(os.getpid(), signal.SIGKILL)
