"""Leaving: at the end of the observation, or before it with a reason. Staying longer."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from clinic_server.adverse_events.lookup import refuse_under_care
from clinic_server.kit.tx import Tx
from clinic_server.observation.checks.actions import refuse_unchecked
from clinic_server.observation.rules import (
    OF_AGE,
    DepartureKind,
    EarlyReason,
    ExtensionReason,
    FurtherAskedFor,
    NotEarly,
    TimeUnproved,
    TooEarly,
)
from clinic_server.observation.tables import Departure, EarlyLeave, EarlyLeaveSignature, Extension, TimeVouched
from clinic_server.people.lookup import person
from clinic_server.people.rules import PersonFacts
from clinic_server.people.signatures import Signature, refuse_unsigned
from clinic_server.people.signing import signed_columns
from clinic_server.staff.actions import require_signed_in
from clinic_server.visits.chain import further_visit
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.further import end_further_visit
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import VISITS, require_stage, take_step
from clinic_server.visits.watch import Standing, extend_watch, minutes_left, standing_watch


@dataclass(frozen=True, slots=True)
class EarlyLeaving:
    """Why somebody leaves early, and the signature under what they were told; without one only to hospital."""

    reason: EarlyReason
    signature: Signature | None = field(default=None, repr=False)


def leave(tx: Tx, visit_id: UUID, vouching: str = "") -> Stage:
    """Let a person go whose observation is over; ``vouching`` says why, where nobody can prove that it is."""
    stage = let_out(tx, visit_id, vouching)
    tx.journal("person_left", visit_id, VISITS)
    return stage


def let_out(tx: Tx, visit_id: UUID, vouching: str = "") -> Stage:
    """Record the completed departure, or raise what keeps the person before anything is written; the caller journals.

    TooEarly; TimeUnproved where a nurse answers for the time and does not; CheckDue and OutsideReleaseBand;
    FurtherAskedFor.
    """
    watch = require_watched(tx, visit_id, Outcome.LEFT)
    if (further := further_visit(tx.connection, visit_id)) is not None:
        raise FurtherAskedFor(ticket=standing(tx.connection, further).ticket_number)
    if missing := minutes_left(tx.now, watch.due.at):
        raise TooEarly(minutes=missing)
    if watch.due.is_unproved(tx.now) and not vouching.strip():
        raise TimeUnproved
    refuse_unchecked(tx, visit_id, watch)
    departure_id = _departure(tx, visit_id, DepartureKind.COMPLETED, None, 0)
    if vouching.strip():
        vouched_by, row_id = require_signed_in(tx), tx.new_id()
        sealed = tx.keyring.seal(vouching.strip(), vouching_context(row_id))
        tx.append(TimeVouched, id=row_id, departure_id=departure_id, reason_sealed=sealed, vouched_by=vouched_by)
    return take_step(tx, visit_id, Outcome.LEFT, departure_id)


def leave_early(tx: Tx, visit_id: UUID, leaving: EarlyLeaving) -> Stage:
    """Record that a person left before the time was over, with how many minutes were missing, told and signed."""
    informed_by = require_signed_in(tx)
    missing = minutes_left(tx.now, require_watched(tx, visit_id, Outcome.LEFT_EARLY).due.at)
    if not missing:
        raise NotEarly
    whose = person(tx.connection, tx.keyring, standing(tx.connection, visit_id).person_id)
    signatures = [leaving.signature] if leaving.signature else []
    if leaving.reason.is_own_wish or signatures:
        refuse_unsigned(signatures, whose.age_on(tx.local_date), OF_AGE)
    departure_id = _departure(tx, visit_id, DepartureKind.EARLY, leaving.reason, missing)
    tx.append(EarlyLeave, departure_id=departure_id, informed_by=informed_by)
    for signature in signatures:
        _sign(tx, departure_id, signature, whose)
    end_further_visit(tx, visit_id)
    stage = take_step(tx, visit_id, Outcome.LEFT_EARLY, departure_id)
    tx.journal("person_left_early", visit_id, VISITS)
    return stage


def extend(tx: Tx, visit_id: UUID, minutes: int, reason: ExtensionReason) -> datetime:
    """Let a person be watched for longer, and return until when; nothing makes an observation shorter."""
    require_stage(tx, visit_id, Stage.OBSERVED, Outcome.LEFT)
    tx.append(Extension, visit_id=visit_id, minutes=minutes, reason=reason)
    until = extend_watch(tx, visit_id, minutes)
    tx.journal("observation_extended", visit_id, VISITS)
    return until


def require_watched(tx: Tx, visit_id: UUID, outcome: Outcome) -> Standing:
    """Return the watch of somebody who is to leave in some way; refused while they are cared for."""
    require_stage(tx, visit_id, Stage.OBSERVED, outcome)
    refuse_under_care(tx.connection, visit_id)
    watch = standing_watch(tx.connection, visit_id)
    assert watch is not None  # noqa: S101  # nobody is observed without a watch: the dose begins it in its own transaction
    return watch


def vouching_context(row_id: UUID) -> str:
    """Return under what is sealed why a nurse answers for the time."""
    return f"time_vouched:reason:{row_id}"


def _departure(tx: Tx, visit_id: UUID, kind: DepartureKind, reason: EarlyReason | None, missing: int) -> UUID:
    return tx.append(Departure, visit_id=visit_id, kind=kind, reason=reason, minutes_short=missing, left_at=tx.now)


def _sign(tx: Tx, departure_id: UUID, signature: Signature, whose: PersonFacts) -> None:
    row_id = tx.new_id()
    signed = signed_columns(tx.keyring, ("early_leave_signature", row_id), signature, whose)
    tx.append(EarlyLeaveSignature, id=row_id, departure_id=departure_id, **signed)
