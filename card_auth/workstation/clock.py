"""The computer's clock against the service's, and what an assertion's reader makes of the difference.

A server refuses an assertion whose IssueInstant lies in its future by more than a minute, or in its past by more than
five (the defaults of `card_auth.vihf.policy`): a clock that is off looks to the user like a card that does not work.
"""

from __future__ import annotations

import datetime
import email.utils
from dataclasses import dataclass

from card_auth.vihf.policy import VihfPolicy
from card_auth.workstation.findings import Finding, Subject, Verdict

REMEDY = (
    "Have the computer set its clock from the network: on Windows in Settings, Time, `Set the time automatically`, "
    "then `w32tm /resync`; on macOS in Date & Time; on Linux `timedatectl set-ntp true`. If the computer's clock is "
    "right, tell the service that its own is not."
)
_SECOND = datetime.timedelta(seconds=1)  # a Date header counts whole seconds (RFC 9110: 5.6.7)


@dataclass(frozen=True, slots=True)
class Skew:
    """By how much the computer is ahead of the service (negative: behind): somewhere between these two."""

    least: datetime.timedelta
    most: datetime.timedelta

    @property
    def middle(self) -> datetime.timedelta:
        """The best guess."""
        return self.least + (self.most - self.least) / 2


def read_date(header: str) -> datetime.datetime:
    """The moment of a Date header (RFC 9110: 6.6.1), aware. Raises ValueError."""
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except (TypeError, IndexError, OverflowError) as error:
        raise ValueError("not an HTTP date") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def skew(sent: datetime.datetime, date: datetime.datetime, received: datetime.datetime) -> Skew:
    """What a request tells that was sent and whose answer was received at those moments of the computer's clock.

    The service wrote `date` at some moment between them, and cut off the fraction of its second.
    """
    return Skew(sent - date - _SECOND, received - date)


def judge(found: Skew, policy: VihfPolicy | None = None) -> Finding:
    """The verdict: a failure when assertions would surely be refused, a warning when they may be, or soon will."""
    policy = policy or VihfPolicy()
    ahead, behind = policy.skew, policy.window
    limits = (
        f"Assertions are refused when the clock is ahead by more than {_seconds(ahead)} s or behind by more than "
        f"{_seconds(behind)} s."
    )
    detail = f"The computer's clock is {_in_words(found)} {limits}"
    if found.least > ahead or found.most < -behind:
        return Finding(Subject.CLOCK, Verdict.FAIL, detail, REMEDY)
    if found.most > ahead / 2 or found.least < -behind / 2:
        return Finding(Subject.CLOCK, Verdict.WARN, detail, REMEDY)
    return Finding(Subject.CLOCK, Verdict.PASS, detail)


def _in_words(found: Skew) -> str:
    if found.least <= datetime.timedelta() <= found.most:
        return f"right, to {_seconds(max(-found.least, found.most))} s."
    ahead = found.middle > datetime.timedelta()
    doubt = (found.most - found.least) / 2
    size = _seconds(abs(found.middle))
    return f"about {size} s {'ahead of' if ahead else 'behind'} the service's (to {_seconds(doubt)} s)."


def _seconds(length: datetime.timedelta) -> str:
    return f"{length.total_seconds():.1f}".removesuffix(".0")
