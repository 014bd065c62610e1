"""needles that were in, and copies of cases.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

OUTCOMES = [
    "checked_in",
    "answered",
    "recommended",
    "deferred",
    "unsuitable",
    "consented",
    "consent_disputed",
    "dispute_settled",
    "consent_invalidated",
    "consent_withdrawn",
    "refused",
    "dose_given",
    "needle_was_in",
    "sent_back",
    "left",
    "left_early",
    "left_unseen",
    "came_back",
    "continued",
    "transferred",
    "abandoned",
]
ALERT_KINDS = [
    "too_warm",
    "too_cold",
    "frozen",
    "no_data",
    "probe_fault",
    "flat_line",
    "clock_wrong",
    "battery_low",
    "power_lost",
    "probes_swapped",
    "manual_reading_missed",
    "calibration_due",
    "stop_order",
    "doubtful_code",
    "barred_vial_given",
    "adverse_event",
    "report_due",
    "similar_events",
    "readiness_lapsed",
    "device_lost",
    "server_fault",
    "pager_failed",
    "rehearsal",
]
PHRASES = [
    "as_written",
    "out_of_range",
    "no_reading",
    "clock_set_back",
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
    "rehearsed",
]


def upgrade() -> None:
    op.widen("visit_step", "outcome", "outcome_code", OUTCOMES)
    op.widen("alert", "kind", "alertkind_code", ALERT_KINDS)
    op.widen("alert_now", "kind", "alertkind_code", ALERT_KINDS)
    op.widen("alert_told", "phrase", "phrase_code", PHRASES)
    op.create_table(
        "dose_despite_refusal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("dose_id", sa.Uuid(), nullable=False),
        sa.Column("findings", sa.String(length=2000), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("said_by", sa.Uuid(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(findings) <= 2000", name=op.f("ck_dose_despite_refusal_findings_length")),
        sa.ForeignKeyConstraint(["dose_id"], ["dose.id"], name=op.f("fk_dose_despite_refusal_dose_id")),
        sa.ForeignKeyConstraint(["said_by"], ["staff.id"], name=op.f("fk_dose_despite_refusal_said_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dose_despite_refusal")),
        sa.UniqueConstraint("dose_id", name=op.f("uq_dose_despite_refusal_dose_id")),
    )
    op.make_append_only("dose_despite_refusal")
    op.create_table(
        "case_copied",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "copied_for",
            sa.Enum(
                "county_cdc",
                "province",
                "maker",
                "commercial_insurance",
                "medical_insurance",
                name="copyfor_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["event_id"], ["adverse_event.id"], name=op.f("fk_case_copied_event_id")),
        sa.ForeignKeyConstraint(["export_id"], ["card_exported.id"], name=op.f("fk_case_copied_export_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_copied")),
        sa.UniqueConstraint("export_id", "event_id", name=op.f("uq_case_copied_export_id_event_id")),
    )
    with op.batch_alter_table("case_copied", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_copied_event_id"), ["event_id"], unique=False)
    op.make_append_only("case_copied")
