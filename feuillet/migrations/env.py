"""What Alembic runs: the revisions on the connection that `schema.migrate` hands over."""

from __future__ import annotations

from alembic import context

from dmp.alerts import tables as alert_tables
from dmp.audit import tables as audit_tables
from dmp.records import tables as record_tables
from feuillet.callers import presented
from xds_registry import tables as registry_tables
from xds_registry.subscriptions import tables as subscription_tables
from xds_repository import tables as repository_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[
        registry_tables.metadata,
        repository_tables.metadata,
        presented.metadata,
        audit_tables.metadata,
        record_tables.metadata,
        alert_tables.metadata,
        subscription_tables.metadata,
    ],
    transaction_per_migration=False,
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
