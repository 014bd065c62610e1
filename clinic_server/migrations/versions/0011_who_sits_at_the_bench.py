"""who sits at the bench.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_checked",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("station", sa.String(length=32), nullable=False),
        sa.Column(
            "how",
            sa.Enum(
                "card",
                "slip",
                "document_by_eye",
                "told_birth_date",
                name="identitycheck_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_called", sa.Boolean(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("shown_visit_id", sa.Uuid(), nullable=True),
        sa.Column("checked_by", sa.Uuid(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_identity_checked_station_length")),
        sa.ForeignKeyConstraint(["checked_by"], ["staff.id"], name=op.f("fk_identity_checked_checked_by")),
        sa.ForeignKeyConstraint(["shown_visit_id"], ["visit.id"], name=op.f("fk_identity_checked_shown_visit_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_identity_checked_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_checked")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_identity_checked_delivery_id")),
    )
    with op.batch_alter_table("identity_checked", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_identity_checked_visit_id_station_journal_seq"),
            ["visit_id", "station", "journal_seq"],
            unique=False,
        )
    op.make_append_only("identity_checked")
