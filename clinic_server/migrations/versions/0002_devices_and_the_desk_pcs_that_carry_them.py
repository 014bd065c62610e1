"""Devices, the desk PCs that carry them, and what a babbling one said too often to be kept.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("station", sa.String(length=32), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(name) <= 40", name=op.f("ck_agent_name_length")),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_agent_station_length")),
        sa.ForeignKeyConstraint(["station"], ["station.code"], name=op.f("fk_agent_station")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_agent_token_digest")),
    )
    op.create_table(
        "agent_ended",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_agent_ended_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_ended")),
        sa.UniqueConstraint("agent_id", name=op.f("uq_agent_ended_agent_id")),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("station", sa.String(length=32), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.Column("options_json", sa.String(length=2000), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(device_id) <= 40", name=op.f("ck_device_device_id_length")),
        sa.CheckConstraint("length(kind) <= 32", name=op.f("ck_device_kind_length")),
        sa.CheckConstraint("length(options_json) <= 2000", name=op.f("ck_device_options_json_length")),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_device_station_length")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_device_agent_id")),
        sa.ForeignKeyConstraint(["station"], ["station.code"], name=op.f("fk_device_station")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("device_id", name=op.f("uq_device_device_id")),
    )
    op.create_table(
        "device_retired",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("device_record_id", sa.Uuid(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_record_id"], ["device.id"], name=op.f("fk_device_retired_device_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_retired")),
        sa.UniqueConstraint("device_record_id", name=op.f("uq_device_retired_device_record_id")),
    )
    op.create_table(
        "letters_not_kept",
        sa.Column("device_id", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("hour_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(device_id) <= 40", name=op.f("ck_letters_not_kept_device_id_length")),
        sa.CheckConstraint("length(reason) <= 64", name=op.f("ck_letters_not_kept_reason_length")),
        sa.PrimaryKeyConstraint("device_id", "reason", "hour_at", name=op.f("pk_letters_not_kept")),
    )
    op.make_append_only("agent")
    op.make_append_only("agent_ended")
    op.make_append_only("device")
    op.make_append_only("device_retired")


def downgrade() -> None:
    op.drop_table("letters_not_kept")
    op.drop_table("device_retired")
    op.drop_table("device")
    op.drop_table("agent_ended")
    op.drop_table("agent")
