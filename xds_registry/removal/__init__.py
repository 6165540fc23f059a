"""ITI-62 Remove Metadata: objects are forgotten, all that a request names or none.

What is left behind keeps to the metadata model: no association without both its ends, no object that nothing refers to.
"""

from xds_registry.removal.forgetting import Forgotten, documents_of, forget_patients
from xds_registry.removal.remove import Removed, remove_objects
from xds_registry.removal.request import read_request

__all__ = ["Forgotten", "Removed", "documents_of", "forget_patients", "read_request", "remove_objects"]
