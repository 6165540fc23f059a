"""The audit trail: one event for each access decision, committed before anything is disclosed.

Rows form a hash chain whose head is signed; `verification` finds what was changed since. The same rows are the spool
from which ATNA messages are delivered.
"""

from dmp.audit.event import Event, Occasion, Outcome, Transaction
from dmp.audit.trail import AuditNotWritten, Trail

__all__ = ["AuditNotWritten", "Event", "Occasion", "Outcome", "Trail", "Transaction"]
