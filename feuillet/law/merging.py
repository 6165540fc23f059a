"""Two patients are merged by the feed: their records follow."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from dmp.audit import Occasion
from dmp.errors import DestructionUnderWay
from dmp.records import Author
from dmp.records.changes import merge
from xds_registry.patients import MergeDeferred


def follow_merge(connection: Connection, surviving: str, subsumed: str, occasion: Occasion, at: datetime) -> None:
    """Make the records of two patients one, in the transaction that merges them. Raises `MergeDeferred`."""
    caller = occasion.caller
    by = Author(national_id=occasion.transaction.value) if caller is None else Author.of(caller)
    try:
        merge(connection, surviving, subsumed, by=by, at=at)
    except DestructionUnderWay:
        raise MergeDeferred from None
