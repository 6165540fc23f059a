"""Whether the document of an entry can be retrieved, as a column of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What the fragment of such an entry holds; markup cannot imitate it, since slots are kept as they were sent.
_OFFLINE = "<rim:Value>urn:ihe:iti:2010:DocumentAvailability:Offline</rim:Value>"


def upgrade() -> None:
    """Add the column, and fill it from what the entries say of themselves."""
    op.add_column("document_entry", sa.Column("offline", sa.SmallInteger(), nullable=False, server_default="0"))
    dialect = op.get_bind().dialect.name
    holds = "instr(fragment, :offline) > 0" if dialect == "sqlite" else "position(:offline in fragment) > 0"
    statement = sa.text(f"UPDATE document_entry SET offline = 1 WHERE {holds}")  # noqa: S608 - one of two constants
    op.get_bind().execute(statement, {"offline": _OFFLINE.encode()})


def downgrade() -> None:
    """Remove it."""
    op.drop_column("document_entry", "offline")
