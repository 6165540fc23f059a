"""What the repository's transactions say in the audit trail.

Source: the section "Security Audit Considerations" of each transaction.
"""

from xds_repository.audited.provided import provided, registered_elsewhere
from xds_repository.audited.removed import not_removed, removed
from xds_repository.audited.retrieved import not_retrieved, retrieved

__all__ = ["not_removed", "not_retrieved", "provided", "registered_elsewhere", "removed", "retrieved"]
