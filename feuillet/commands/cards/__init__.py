"""`feuillet card`: readers, cards and the agent at a workstation."""
