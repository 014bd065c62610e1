"""doses against a rule.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dose_against_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("dose_id", sa.Uuid(), nullable=False),
        sa.Column("findings", sa.String(length=200), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("said_by", sa.Uuid(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(findings) <= 200", name=op.f("ck_dose_against_rule_findings_length")),
        sa.ForeignKeyConstraint(["dose_id"], ["dose.id"], name=op.f("fk_dose_against_rule_dose_id")),
        sa.ForeignKeyConstraint(["said_by"], ["staff.id"], name=op.f("fk_dose_against_rule_said_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dose_against_rule")),
    )
    with op.batch_alter_table("dose_against_rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dose_against_rule_dose_id"), ["dose_id"], unique=False)

    op.make_append_only("dose_against_rule")
