"""What the record's law asks of a document, in columns of its row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dmp.rights.marks import marks_of
from schemas.ebrim.decode import decode_document_entry
from schemas.ebrim.reading import Problems
from schemas.vocabulary import RIM
from soap.xml import parse_trusted
from xds_registry.encoding import coded, owners

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BATCH = 500


def upgrade() -> None:
    """Add the columns, and fill them from what was registered."""
    op.add_column("document_entry", sa.Column("marks", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("document_entry", sa.Column("owners", sa.Text(), nullable=False, server_default=""))
    entry = sa.table("document_entry", *(sa.column(name) for name in ("pk", "marks", "owners", "fragment")))
    connection, last = op.get_bind(), 0
    change = sa.update(entry).where(entry.c.pk == sa.bindparam("row"))
    while True:
        batch = sa.select(entry.c.pk, entry.c.fragment).where(entry.c.pk > last).order_by(entry.c.pk).limit(_BATCH)
        rows = connection.execute(batch).all()
        if not rows:
            break
        connection.execute(
            change.values(marks=sa.bindparam("new_marks"), owners=sa.bindparam("new_owners")),
            [{"row": pk, **_columns(fragment)} for pk, fragment in rows],
        )
        last = rows[-1].pk


def _columns(fragment: bytes) -> dict[str, object]:
    root = parse_trusted(b'<rim:x xmlns:rim="' + RIM.encode() + b'">' + fragment + b"</rim:x>")
    decoded = decode_document_entry(root[0], Problems())
    marks = marks_of(map(coded, decoded.confidentiality_codes))
    return {"new_marks": int(marks), "new_owners": owners(decoded.authors)}


def downgrade() -> None:
    """Remove them."""
    op.drop_column("document_entry", "owners")
    op.drop_column("document_entry", "marks")
