"""The access history of a patient's record: the audit trail as patients and professionals may read it."""

from dmp.traces.history import History, Viewer, ViewerKind, all_traces, every_document, history
from dmp.traces.trace import Access, Deed, Person, Result, Trace

__all__ = [
    "Access",
    "Deed",
    "History",
    "Person",
    "Result",
    "Trace",
    "Viewer",
    "ViewerKind",
    "all_traces",
    "every_document",
    "history",
]
