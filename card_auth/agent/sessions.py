"""Sessions of pages with the agent: a random token each, bound to the page's origin, kept as a digest only."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

MOST_SESSIONS: Final = 16  # tabs of a workstation; the one that was idle longest makes room
_TOKEN_OCTETS: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """A page that was confirmed on the workstation."""

    origin: str
    began: datetime.datetime
    used: datetime.datetime
    digest: bytes = field(repr=False)  # SHA-256 of the token


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Sessions:
    """The sessions of one agent, in memory: they end with it. Safe to use from several threads."""

    def __init__(
        self,
        *,
        idle: datetime.timedelta = datetime.timedelta(minutes=15),
        longest: datetime.timedelta = datetime.timedelta(hours=8),
        now: Callable[[], datetime.datetime] = _now,
    ) -> None:
        self._idle = idle
        self._longest = longest
        self._now = now
        self._sessions: list[Session] = []
        self._lock = threading.Lock()

    def begin(self, origin: str) -> str:
        """A new session of that origin; its token, which is kept nowhere."""
        token = secrets.token_urlsafe(_TOKEN_OCTETS)
        now = self._now()
        with self._lock:
            self._drop_ended(now)
            if len(self._sessions) >= MOST_SESSIONS:
                self._sessions.remove(min(self._sessions, key=lambda one: one.used))
            self._sessions.append(Session(origin, now, now, _digest(token)))
        return token

    def stranger(self, origin: str) -> Session:
        """A page of that origin that has no session, and may ask for one."""
        now = self._now()
        return Session(origin, now, now, b"")

    def find(self, token: str, origin: str) -> Session | None:
        """The live session of that token and that origin, marked as used now; None when there is none."""
        wanted, now = _digest(token), self._now()
        with self._lock:
            self._drop_ended(now)
            found = None
            for position, session in enumerate(self._sessions):  # every one is compared: time tells nothing
                if hmac.compare_digest(session.digest, wanted) and session.origin == origin:
                    found = position
            if found is None:
                return None
            self._sessions[found] = replace(self._sessions[found], used=now)
            return self._sessions[found]

    def end(self, session: Session) -> None:
        """End a session: its token is good for nothing more."""
        with self._lock:
            self._sessions = [one for one in self._sessions if one.digest != session.digest]

    def _drop_ended(self, now: datetime.datetime) -> None:
        # a clock that was put back ends sessions too: how long they lasted can no longer be told
        self._sessions = [
            one
            for one in self._sessions
            if one.began <= now < one.began + self._longest and one.used <= now < one.used + self._idle
        ]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
