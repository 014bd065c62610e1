"""Leaving: at the end of the observation, or before it with a reason. Staying longer."""

from datetime import datetime
from uuid import UUID

from clinic_server.adverse_events.lookup import refuse_under_care
from clinic_server.kit.tx import Tx
from clinic_server.observation.rules import DepartureKind, EarlyReason, ExtensionReason, NotEarly, TooEarly
from clinic_server.observation.tables import Departure, Extension
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.steps import VISITS, require_stage, take_step
from clinic_server.visits.watch import due_at, extend_watch, minutes_left


def leave(tx: Tx, visit_id: UUID) -> Stage:
    """Let a person go whose observation is over, or raise TooEarly."""
    stage = let_out(tx, visit_id)
    tx.journal("person_left", visit_id, VISITS)
    return stage


def let_out(tx: Tx, visit_id: UUID) -> Stage:
    """Record the completed departure, or raise TooEarly before anything is written; the caller journals."""
    missing = _minutes_missing(tx, visit_id, Outcome.LEFT)
    if missing:
        raise TooEarly(minutes=missing)
    record_id = _departure(tx, visit_id, DepartureKind.COMPLETED, None, 0)
    return take_step(tx, visit_id, Outcome.LEFT, record_id)


def leave_early(tx: Tx, visit_id: UUID, reason: EarlyReason) -> Stage:
    """Record that a person left before the time was over, with how many minutes were missing."""
    missing = _minutes_missing(tx, visit_id, Outcome.LEFT_EARLY)
    if not missing:
        raise NotEarly
    record_id = _departure(tx, visit_id, DepartureKind.EARLY, reason, missing)
    stage = take_step(tx, visit_id, Outcome.LEFT_EARLY, record_id)
    tx.journal("person_left_early", visit_id, VISITS)
    return stage


def extend(tx: Tx, visit_id: UUID, minutes: int, reason: ExtensionReason) -> datetime:
    """Let a person be watched for longer, and return until when; nothing makes an observation shorter."""
    require_stage(tx, visit_id, Stage.OBSERVED, Outcome.LEFT)
    tx.append(Extension, visit_id=visit_id, minutes=minutes, reason=reason)
    until = extend_watch(tx, visit_id, minutes)
    tx.journal("observation_extended", visit_id, VISITS)
    return until


def _minutes_missing(tx: Tx, visit_id: UUID, outcome: Outcome) -> int:
    require_stage(tx, visit_id, Stage.OBSERVED, outcome)
    refuse_under_care(tx.connection, visit_id)
    due = due_at(tx.connection, visit_id)
    assert due is not None  # noqa: S101  # nobody is observed without a watch: the dose begins it in its own transaction
    return minutes_left(tx.now, due)


def _departure(tx: Tx, visit_id: UUID, kind: DepartureKind, reason: EarlyReason | None, missing: int) -> UUID:
    return tx.append(Departure, visit_id=visit_id, kind=kind, reason=reason, minutes_short=missing, left_at=tx.now)
