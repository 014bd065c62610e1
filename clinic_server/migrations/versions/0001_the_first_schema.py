"""The first schema.

Revision: 0001, after nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "first_answer",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("location", sa.String(length=200), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(key) <= 64", name=op.f("ck_first_answer_key_length")),
        sa.CheckConstraint("length(location) <= 200", name=op.f("ck_first_answer_location_length")),
        sa.CheckConstraint("length(scope) <= 64", name=op.f("ck_first_answer_scope_length")),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_first_answer")),
    )
    op.create_table(
        "journal",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(actor) <= 64", name=op.f("ck_journal_actor_length")),
        sa.CheckConstraint("length(kind) <= 64", name=op.f("ck_journal_kind_length")),
        sa.CheckConstraint("length(ref) <= 64", name=op.f("ck_journal_ref_length")),
        sa.CheckConstraint("length(site) <= 32", name=op.f("ck_journal_site_length")),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_journal_station_length")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
    )
    op.make_append_only("first_answer")
    op.make_append_only("journal")


def downgrade() -> None:
    op.drop_table("journal")
    op.drop_table("first_answer")
