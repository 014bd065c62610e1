"""readings after the clock was turned.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

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
    "barred_vial",
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
    "searches",
    "rehearsed",
]


def upgrade() -> None:
    op.create_table(
        "readings_settled",
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("turn_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("first_seq", name=op.f("pk_readings_settled")),
    )
    op.create_table(
        "aside_span",
        sa.Column("turn_seq", sa.BigInteger(), nullable=False),
        sa.Column("from_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_unix_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("turn_seq", "from_unix_ms", name=op.f("pk_aside_span")),
    )
    for table in ("reading", "excursion_now"):  # without a default: no row is touched
        op.add_column(table, sa.Column("turn_seq", sa.BigInteger(), nullable=True))
    op.execute(
        "INSERT INTO readings_settled (first_seq, turn_seq)"
        " SELECT max(journal_seq), max(journal_seq) FROM clock_turn HAVING count(*) > 0"
    )
    op.widen("alert_told", "phrase", "phrase_code", PHRASES)
