"""What happened that somebody may want to be told of, written down in the transaction in which it happens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert

from dmp.alerts.tables import alert_event
from dmp.audit.event import instant, microseconds

_INSERT: Final = insert(alert_event)


@dataclass(frozen=True, slots=True)
class AnnouncedEntry:
    """A DocumentEntry that was registered. Codes are `code^^scheme`."""

    entry_uuid: str
    class_code: str
    type_code: str
    confidentiality: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DocumentsAdded:
    """A submission became part of a record. `folders` are those that are new or gained a member."""

    patient: str
    happened_at: datetime
    entries: tuple[AnnouncedEntry, ...]
    submission_set: str = ""
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BreakGlassOpened:
    """A record was opened without the patient's authorisation, in an emergency."""

    patient: str
    happened_at: datetime


Announcement = DocumentsAdded | BreakGlassOpened


def announce(connection: Connection, announcement: Announcement) -> None:
    """Write down what happens in the transaction in which it does: committed with it, or not at all."""
    row = {"happened_at": microseconds(announcement.happened_at), "content": encode(announcement)}
    connection.execute(_INSERT, row)


def encode(announcement: Announcement) -> str:
    """The text that is kept of an announcement."""
    values: dict[str, Any] = {"patient": announcement.patient, "at": microseconds(announcement.happened_at)}
    if isinstance(announcement, DocumentsAdded):
        values["set"] = announcement.submission_set
        values["folders"] = announcement.folders
        values["entries"] = [
            [entry.entry_uuid, entry.class_code, entry.type_code, sorted(entry.confidentiality)]
            for entry in announcement.entries
        ]
    return json.dumps(values, separators=(",", ":"))


def decode(content: str) -> Announcement:
    """The announcement of a text that `encode` made."""
    values = json.loads(content)
    if "entries" not in values:
        return BreakGlassOpened(values["patient"], instant(values["at"]))
    entries = tuple(
        AnnouncedEntry(uuid, class_code, type_code, frozenset(codes))
        for uuid, class_code, type_code, codes in values["entries"]
    )
    return DocumentsAdded(values["patient"], instant(values["at"]), entries, values["set"], tuple(values["folders"]))
