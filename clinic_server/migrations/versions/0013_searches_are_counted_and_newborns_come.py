"""searches are counted and newborns come.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

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
    "many_searches",
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
    "searches",
    "rehearsed",
]

DOCUMENT_KINDS = [
    "resident_id",
    "residence_permit_hk",
    "residence_permit_mo",
    "residence_permit_tw",
    "foreign_permanent_resident_2023",
    "foreign_permanent_resident_2017",
    "travel_permit_hk_macau",
    "travel_permit_taiwan",
    "passport",
    "birth_certificate",
    "mothers_document",
]
TYPED_REASONS = ["no_card", "card_unreadable", "reader_broken", "foreign_document", "newborn"]


def upgrade() -> None:
    op.widen("alert", "kind", "alertkind_code", ALERT_KINDS)
    op.widen("alert_now", "kind", "alertkind_code", ALERT_KINDS)
    op.widen("alert_told", "phrase", "phrase_code", PHRASES)
    op.drop_index("ix_look_staff_id", "look")
    op.create_index("ix_look_staff_id_looked_at", "look", ["staff_id", "looked_at"])
    op.widen("identifier", "kind", "documentkind_code", DOCUMENT_KINDS)
    op.widen("check_in", "document_kind", "documentkind_code", DOCUMENT_KINDS)
    op.widen("check_in", "typed_reason", "typedreason_code", TYPED_REASONS)
    op.create_table(
        "guardian_stated",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "relationship",
            sa.Enum(
                "self",
                "mother",
                "father",
                "other",
                name="relationship_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_guardian_stated_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardian_stated")),
    )
    op.create_index("ix_guardian_stated_person_id_journal_seq", "guardian_stated", ["person_id", "journal_seq"])
    op.make_append_only("guardian_stated")
