"""What a transaction is about to change, and who is asked whether it may.

A removal states every change before it deletes the first; `Permit` refuses the whole by raising.
"""

from xds_registry.changes.change import Change, ChangeKind, Permit, State, everything_permitted
from xds_registry.changes.states import read_states

__all__ = ["Change", "ChangeKind", "Permit", "State", "everything_permitted", "read_states"]
