"""people come back and benches are stopped.

Revision: 0009, after 0008.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
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
    "sent_back",
    "left",
    "left_early",
    "left_unseen",
    "came_back",
    "continued",
    "transferred",
    "abandoned",
]
LOOK_SUBJECTS = ["visit", "person", "dose", "adverse_event", "search"]
EXIT_ANSWERS = [
    "may_leave",
    "has_left",
    "no_dose",
    "stay",
    "go_back",
    "further",
    "again",
    "nurse_comes",
    "not_found",
]
STOP_SCOPES = ["unit", "lot", "product", "bench", "site"]


def upgrade() -> None:
    op.widen("visit_step", "outcome", "outcome_code", OUTCOMES)
    op.widen("exit_scan", "answer", "exitanswer_code", EXIT_ANSWERS)
    op.widen("look", "subject", "subject_code", LOOK_SUBJECTS)
    op.widen("stop_order", "scope", "stopscope_code", STOP_SCOPES)
