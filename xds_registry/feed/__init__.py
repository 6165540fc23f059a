"""The patient identity feed: patients become known and are merged, by HL7 V2 over MLLP (ITI-8) or HL7 V3 (ITI-44).

Both ways read a message, find the identifier of the affinity domain in it, and do the same in one transaction.
"""

from xds_registry.feed.hl7v3 import anybody_feeds, identity_feed_operations
from xds_registry.feed.mllp import MllpLimits, MllpServer

__all__ = ["MllpLimits", "MllpServer", "anybody_feeds", "identity_feed_operations"]
