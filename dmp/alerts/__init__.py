"""Alerts: who wants to be told when a document comes into a record, and how the word reaches them.

What happens is announced in the transaction in which it happens; it is spread to those who asked for it and may know of
it, each message is sent at least once. Messages say that there is news, never what it is.
"""

from dmp.alerts.announcement import AnnouncedEntry, Announcement, BreakGlassOpened, DocumentsAdded, announce
from dmp.alerts.channel import Channel, NotSent
from dmp.alerts.policy import AlertPolicy, ByConfidentiality
from dmp.alerts.subscriptions import AlertKind, Medium, Subscriber, SubscriberKind, Subscription

__all__ = [
    "AlertKind",
    "AlertPolicy",
    "AnnouncedEntry",
    "Announcement",
    "BreakGlassOpened",
    "ByConfidentiality",
    "Channel",
    "DocumentsAdded",
    "Medium",
    "NotSent",
    "Subscriber",
    "SubscriberKind",
    "Subscription",
    "announce",
]
