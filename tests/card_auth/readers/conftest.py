"""The PC/SC service."""

from tests.services.card_fixtures import pcscd, running_pcscd

__all__ = ["pcscd", "running_pcscd"]
