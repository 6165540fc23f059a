"""A trail on each database, and what happens on a record."""

from __future__ import annotations

from tests.dmp.audit.conftest import trail

__all__ = ["trail"]
