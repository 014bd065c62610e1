"""searches are counted.

Revision: 0012, after 0011.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
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
    op.widen("alert", "kind", "alertkind_code", ALERT_KINDS)
    op.widen("alert_now", "kind", "alertkind_code", ALERT_KINDS)
    op.widen("alert_told", "phrase", "phrase_code", PHRASES)
    op.drop_index("ix_look_staff_id", "look")
    op.create_index("ix_look_staff_id_looked_at", "look", ["staff_id", "looked_at"])
