"""Each assertion counts once. A server's processes must share the memory of those they have seen."""

from __future__ import annotations

import datetime
import heapq
import threading
from collections.abc import Sequence
from typing import Protocol


class ReplayGuard(Protocol):
    """The memory of what was presented."""

    def admit(self, keys: Sequence[bytes], *, until: datetime.datetime, at: datetime.datetime) -> bool:
        """Remember all `keys` until `until` and say True; or say False, when one of them is remembered at `at`.

        Of parallel calls with a key in common exactly one may be told True, in whichever process it is made. An
        implementation that cannot remember must raise, never say True.
        """


class ReplayMemory:
    """A ReplayGuard for one process: forgets when it ends, and its neighbours know nothing of it.

    Right for a workstation, a demonstration or a test. A server of several processes, or one that restarts within the
    window in which an assertion counts, needs one in its database.
    """

    def __init__(self, most: int = 1_000_000) -> None:
        self._most = most
        self._seen: set[bytes] = set()
        self._ends: list[tuple[datetime.datetime, bytes]] = []
        self._lock = threading.Lock()

    def admit(self, keys: Sequence[bytes], *, until: datetime.datetime, at: datetime.datetime) -> bool:
        """See ReplayGuard. Raises MemoryError when more is to be remembered than fits: nothing is forgotten early."""
        with self._lock:
            while self._ends and self._ends[0][0] <= at:
                self._seen.discard(heapq.heappop(self._ends)[1])
            if not self._seen.isdisjoint(keys):
                return False
            if len(self._seen) + len(keys) > self._most:
                raise MemoryError("too many assertions to remember")
            for key in keys:
                self._seen.add(key)
                heapq.heappush(self._ends, (until, key))
            return True
