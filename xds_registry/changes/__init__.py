"""What a transaction is about to change, and who is asked whether it may.

Update and removal state every change before they write the first; `Permit` refuses the whole by raising.
"""

from xds_registry.changes.actions import actions_of, functions_of
from xds_registry.changes.change import Change, ChangeKind, Permit, State, everything_permitted
from xds_registry.changes.states import read_states, state_of

__all__ = [
    "Change",
    "ChangeKind",
    "Permit",
    "State",
    "actions_of",
    "everything_permitted",
    "functions_of",
    "read_states",
    "state_of",
]
