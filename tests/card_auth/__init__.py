"""Certificates, keys and trust, with real tokens and an independent verifier beside ours."""
