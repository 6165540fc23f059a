"""Chains, revocation and the store."""
