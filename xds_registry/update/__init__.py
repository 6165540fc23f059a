"""ITI-57 Update Document Set and ITI-92 Restricted Update Document Set: what is registered gets a new version, another
availabilityStatus, or an Association to something else that is registered.

A message is first taken apart into operations (`operations`), then applied in one transaction, all of it or nothing
(`transaction`), by the rules of `versions`, `associations` and `statuses`.
"""

from xds_registry.update.operations import PreparedUpdate, UpdateKind, prepare_update
from xds_registry.update.registered import Overtaken
from xds_registry.update.transaction import Applied, update

__all__ = ["Applied", "Overtaken", "PreparedUpdate", "UpdateKind", "prepare_update", "update"]
