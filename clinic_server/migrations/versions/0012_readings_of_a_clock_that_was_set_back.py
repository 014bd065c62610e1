"""readings of a clock that was set back.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

VERDICTS = ["opened", "worse", "ended", "revised", "withdrawn", "clock_set_back"]
PHRASES = [
    "as_written",
    "out_of_range",
    "no_reading",
    "clock_set_back",
    "readings_set_aside",
    "check_probe",
    "impossible_leaps",
    "same_value",
    "probe_clock",
    "swapped_with",
    "charge",
    "no_mains",
    "calibration_ended",
    "morning_not_read",
    "afternoon_not_read",
    "stopped",
    "to_assess",
    "come_to_seat",
    "come_to_place",
    "come_to_ticket",
    "step_by",
    "step_late",
    "events_round",
    "injections_pause",
    "no_backup",
    "backup_failed",
    "records_lost",
    "other_records",
    "channel_fails",
    "rehearsed",
]


def upgrade() -> None:
    op.create_table(
        "readings_set_aside",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("probe", sa.Integer(), nullable=False),
        sa.Column("after_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["probe"], ["heard_probe.number"], name=op.f("fk_readings_set_aside_probe")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readings_set_aside")),
    )
    op.create_table(
        "set_aside_reading",
        sa.Column("probe", sa.Integer(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["probe"], ["heard_probe.number"], name=op.f("fk_set_aside_reading_probe")),
        sa.PrimaryKeyConstraint("probe", "boot", "seq", name=op.f("pk_set_aside_reading")),
        sqlite_with_rowid=False,
    )
    for table in ("readings_set_aside", "set_aside_reading"):
        op.make_append_only(table)
    op.widen("excursion_judged", "verdict", "verdict_code", VERDICTS)
    op.widen("alert_told", "phrase", "phrase_code", PHRASES)
