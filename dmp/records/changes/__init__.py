"""All that changes a record: opening, amending, closing, reactivating, merging, destroying.

Each function takes a connection whose transaction the caller owns, and locks the record it changes.
"""

from dmp.records.changes.amendment import amend, state_choices
from dmp.records.changes.destruction import (
    Destruction,
    destroy,
    destructions_under_way,
    documents_gone,
    due_for_destruction,
    lift_legal_hold,
    set_legal_hold,
)
from dmp.records.changes.identifiers import add_local_identifier, add_national_identifier
from dmp.records.changes.lifecycle import close, open_record, reactivate
from dmp.records.changes.merging import Merge, merge

__all__ = [
    "Destruction",
    "Merge",
    "add_local_identifier",
    "add_national_identifier",
    "amend",
    "close",
    "destroy",
    "destructions_under_way",
    "documents_gone",
    "due_for_destruction",
    "lift_legal_hold",
    "merge",
    "open_record",
    "reactivate",
    "set_legal_hold",
    "state_choices",
]
