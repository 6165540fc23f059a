"""What the registry's transactions say in the audit trail.

Source: the section "Security Audit Considerations" of each transaction.
"""

from xds_registry.audited.patients import announced, merged, message_refused, revised
from xds_registry.audited.queries import queried
from xds_registry.audited.removals import not_removed, removed
from xds_registry.audited.submissions import not_registered, registered
from xds_registry.audited.updates import updated

__all__ = [
    "announced",
    "merged",
    "message_refused",
    "not_registered",
    "not_removed",
    "queried",
    "registered",
    "removed",
    "revised",
    "updated",
]
