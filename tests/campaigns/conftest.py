"""The databases of the registry's tests."""

from tests.xds_registry.conftest import opened_database

__all__ = ["opened_database"]
