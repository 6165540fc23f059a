"""The revocation lists of a server: fetched by a thread of its own, swapped in whole, asked in microseconds.

No request waits for a list. Each process keeps its own; a directory holds the last good ones, so that a restart does
not begin blind when the authority cannot be reached.
"""

from __future__ import annotations

import datetime
import enum
import os
import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import structlog

from card_auth.certificates import Certificate
from card_auth.trust.algorithms import AlgorithmPolicy
from card_auth.trust.fetching import FetchFailed, fetch
from card_auth.trust.profiles import TrustProfile
from card_auth.trust.revocation import ListRefused, RevocationList, read_list

_log: Final = structlog.get_logger(__name__)
_SKEW: Final = datetime.timedelta(minutes=5)  # a list may come from a clock that is ahead of ours
_SOONEST: Final = 60.0  # seconds before a failed fetch is tried again

Clock = Callable[[], datetime.datetime]


class Freshness(enum.StrEnum):
    """What is known of a certificate's revocation."""

    FRESH = "fresh"
    STALE = "stale"  # the next list should be there and is not
    UNKNOWN = "unknown"  # no list of that authority
    NOT_CHECKED = "not checked"  # the policy asks for none


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """Whether an authority's lists name a certificate, and how old they are."""

    freshness: Freshness
    revoked_at: datetime.datetime | None = None
    fresh_until: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class ListState:
    """A source, for operators: what it gave last, and what went wrong since."""

    location: str
    authority: str  # the authority's name, RFC 2253
    this_update: datetime.datetime | None
    next_update: datetime.datetime | None
    entries: int
    fetched_at: datetime.datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class _Source:
    location: str
    authority: Certificate
    algorithms: AlgorithmPolicy


class RevocationLists:
    """The lists that some profiles name. `refresh` once, then `start` in each process after it was forked."""

    def __init__(
        self,
        profiles: Iterable[TrustProfile],
        *,
        directory: Path | None = None,
        interval: datetime.timedelta = datetime.timedelta(hours=1),
        fetch: Callable[[str], bytes] = fetch,
        clock: Clock = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._sources = tuple(
            _Source(location, authority.certificate, profile.algorithms)
            for profile in profiles
            for authority in profile.authorities
            for location in authority.revocation_lists
        )
        self._directory = directory
        self._interval = interval
        self._fetch = fetch
        self._clock = clock
        self._lists: MappingProxyType[_Source, RevocationList] = MappingProxyType({})
        self._by_authority: MappingProxyType[str, tuple[RevocationList, ...]] = MappingProxyType({})
        self._errors: dict[_Source, str] = {}
        self._fetched: dict[_Source, datetime.datetime] = {}
        self._refreshing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._process = 0
        self.generation = 0
        """Changes whenever a list does: what was concluded from the old ones must be concluded again."""

    def refresh(self, *, here_only: bool = False) -> None:
        """Fetch every list now and take over, all at once, those that are good and no older than what is known.

        A source that fails keeps its last good list; `states` tells. Never call this while a request waits.
        With `here_only` the network is not asked: what lies in files counts, and what was kept of earlier fetches.
        """
        with self._refreshing:
            lists = dict(self._lists)
            for source in self._sources:
                known = lists.get(source)
                if known is None and (kept := self._kept(source)):
                    lists[source] = known = kept
                if here_only and source.location.startswith("http"):
                    continue
                try:
                    content = self._fetch(source.location)
                    new = read_list(content, source.authority, source.algorithms, at=self._clock())
                    self._check_order(new, known)
                except (FetchFailed, ListRefused) as error:
                    self._errors[source] = str(error)
                    _log.warning("revocation_list_refused", location=source.location, reason=str(error))
                    continue
                self._errors.pop(source, None)
                self._fetched[source] = self._clock()
                if known is None or known.digest != new.digest:
                    lists[source] = new
                    self._keep(source, content)
            if lists != self._lists:
                self._swap(lists)

    def start(self) -> None:
        """Refresh at once and then regularly, in a thread of this process. Calling it again does nothing."""
        if self._thread is not None and self._process == os.getpid():
            return
        self._process = os.getpid()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="revocation lists", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the fetch under way."""
        self._stop.set()
        if self._thread is not None and self._process == os.getpid():
            self._thread.join(timeout=5)
        self._thread = None

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime.datetime) -> RevocationStatus:
        """What the lists of `issuer` say of `certificate` at that moment. Costs microseconds."""
        lists = [one for one in self._by_authority.get(issuer.fingerprint, ()) if one.covers(certificate)]
        complete = max((one for one in lists if one.base is None), key=_age, default=None)
        if complete is None:
            return RevocationStatus(Freshness.UNKNOWN)
        deltas = [one for one in lists if one.base is not None and _continues(complete, one)]
        revoked_at = complete.revoked.get(certificate.serial_number)
        fresh_until = complete.next_update
        if deltas:
            delta = max(deltas, key=_age)
            if certificate.serial_number in delta.released:
                revoked_at = None
            revoked_at = delta.revoked.get(certificate.serial_number, revoked_at)
        freshness = Freshness.FRESH if at <= fresh_until else Freshness.STALE
        return RevocationStatus(freshness, revoked_at, fresh_until)

    def states(self) -> tuple[ListState, ...]:
        """Every source as it stands, for metrics and for operators."""
        lists = self._lists
        return tuple(
            ListState(
                location=source.location,
                authority=str(source.authority.subject),
                this_update=known.this_update if known else None,
                next_update=known.next_update if known else None,
                entries=len(known.revoked) if known else 0,
                fetched_at=self._fetched.get(source),
                error=self._errors.get(source),
            )
            for source in self._sources
            for known in (lists.get(source),)
        )

    def _check_order(self, new: RevocationList, known: RevocationList | None) -> None:
        """A list of yesterday, replayed, would un-revoke what was revoked today."""
        if new.this_update > self._clock() + _SKEW:
            raise ListRefused("the list is of the future")
        if known and (new.this_update, new.number or 0) < (known.this_update, known.number or 0):
            raise ListRefused("the list is older than the one that is known")

    def _swap(self, lists: dict[_Source, RevocationList]) -> None:
        grouped: dict[str, tuple[RevocationList, ...]] = {}
        for one in lists.values():
            grouped[one.authority] = (*grouped.get(one.authority, ()), one)
        self._lists = MappingProxyType(lists)
        self._by_authority = MappingProxyType(grouped)
        self.generation += 1

    def _run(self) -> None:
        stop = self._stop
        while not stop.is_set():
            try:
                self.refresh()
            except Exception:  # a thread that died would let the lists grow old in silence
                _log.exception("revocation_lists_failed")
            longest = self._interval.total_seconds()
            wait = min(_SOONEST, longest) if self._errors else longest
            stop.wait(wait * random.uniform(0.9, 1.1))  # not all servers at the same second

    def _file(self, source: _Source) -> Path | None:
        if self._directory is None or not source.location.startswith("http"):
            return None
        index = [one for one in self._sources if one.authority == source.authority].index(source)
        return self._directory / f"{source.authority.fingerprint}-{index}.crl"

    def _kept(self, source: _Source) -> RevocationList | None:
        file = self._file(source)
        if file is None or not file.exists():
            return None
        try:
            return read_list(file.read_bytes(), source.authority, source.algorithms, at=self._clock())
        except (OSError, ListRefused):
            return None  # a file that someone damaged counts for nothing

    def _keep(self, source: _Source, content: bytes) -> None:
        file = self._file(source)
        if file is None:
            return
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(file)
        except OSError as error:
            _log.warning("revocation_list_not_kept", location=source.location, reason=error.strerror)


def _age(one: RevocationList) -> tuple[datetime.datetime, int]:
    return one.this_update, one.number or 0


def _continues(complete: RevocationList, delta: RevocationList) -> bool:
    """Whether a delta may be applied to a complete list (RFC 5280: 5.2.4)."""
    if complete.number is None or delta.base is None or delta.number is None:
        return False
    return delta.base <= complete.number < delta.number
