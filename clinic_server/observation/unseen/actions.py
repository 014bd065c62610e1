"""Noting that somebody is gone, and trying to reach them."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from clinic_server.adverse_events.actions import file_event, suspects_of_visit
from clinic_server.adverse_events.rules import ADVERSE_EVENTS, FoundHow, NewEvent
from clinic_server.kit.tx import Tx
from clinic_server.observation.actions import require_watched
from clinic_server.observation.seats.actions import seat_person
from clinic_server.observation.seats.rules import SEATS, FoundBy
from clinic_server.observation.unseen.lookup import (
    left_last,
    minutes_since,
    noted_context,
    seen_last,
    tried_context,
    unseen_of,
)
from clinic_server.observation.unseen.rules import ClinicDayOver, FollowUp, NotLeftUnseen, ReachedBefore
from clinic_server.observation.unseen.tables import FollowUpTried, LeftUnseen, TakenBack
from clinic_server.opening.lookup import standing_opening
from clinic_server.staff.actions import require_signed_in
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.further import end_further_visit
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import VISITS, require_stage, take_step
from clinic_server.visits.watch import minutes_left, resume_watch


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """A try that is on record; ``number`` is the file's that it opened, None where it opened none."""

    try_id: UUID
    number: int | None


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Where somebody who came back was led, how long nobody saw them, and until when they are watched."""

    visit_id: UUID
    seat_code: str | None
    minutes_unseen: int
    until: datetime


def note_left_unseen(tx: Tx, visit_id: UUID, words: str = "") -> Stage:
    """Record that somebody is gone and nobody saw them go: never as completed, whatever the clock says."""
    noted_by, watch = require_signed_in(tx), require_watched(tx, visit_id, Outcome.LEFT_UNSEEN)
    row_id = tx.new_id()
    tx.append(
        LeftUnseen,
        id=row_id,
        visit_id=visit_id,
        minutes_short=minutes_left(tx.now, watch.due.at),
        words_sealed=tx.keyring.seal(words.strip(), noted_context(row_id)),
        noted_by=noted_by,
        noted_at=tx.now,
    )
    end_further_visit(tx, visit_id)
    stage = take_step(tx, visit_id, Outcome.LEFT_UNSEEN, row_id)
    tx.journal("person_left_unseen", visit_id, VISITS)
    return stage


def take_back(tx: Tx, visit_id: UUID, seat_code: str | None, found_by: FoundBy = FoundBy.HAND) -> TakenIn:
    """Watch somebody on who left unseen and came back while the site is open on their clinic day.

    What nobody saw does not count: they stay for what was left when they were seen last on record, at the dose, on
    coming to a seat, or at a check.
    """
    taken_by = require_signed_in(tx)
    require_stage(tx, visit_id, Stage.LEFT_UNSEEN, Outcome.CAME_BACK)
    gone = left_last(tx.connection, visit_id)
    _refuse_day_over(tx, gone.business_on)
    seen = seen_last(tx.connection, visit_id)
    seat_person(tx, visit_id, seat_code, found_by)
    minutes = minutes_since(tx.connection, seen)
    row_id = tx.append(
        TakenBack, left_unseen_id=gone.left_unseen_id, minutes_unseen=minutes, taken_by=taken_by, taken_at=tx.now
    )
    until = resume_watch(tx, visit_id, seen)
    take_step(tx, visit_id, Outcome.CAME_BACK, row_id)
    tx.journal("person_taken_back", visit_id, VISITS, SEATS)
    return TakenIn(visit_id, seat_code, minutes, until)


def follow_up(
    tx: Tx, visit_id: UUID, outcome: FollowUp, words: str = "", onset_at: datetime | None = None
) -> FollowedUp:
    """Record a try to reach somebody who left unseen; once they were reached, there is nothing more to record.

    Whoever is unwell has the file of an event from then on, begun ``onset_at``, else now, after the visit's doses.
    """
    tried_by, gone = require_signed_in(tx), unseen_of(tx.connection, tx.keyring, visit_id)
    if gone is None:
        raise NotLeftUnseen
    if gone.is_reached:
        raise ReachedBefore
    row_id = tx.new_id()
    sealed = tx.keyring.seal(words.strip(), tried_context(row_id))
    said = {"visit_id": visit_id, "outcome": outcome, "words_sealed": sealed}
    tx.append(FollowUpTried, id=row_id, **said, tried_by=tried_by, tried_at=tx.now)
    number = _open_file(tx, visit_id, onset_at or tx.now) if outcome is FollowUp.REACHED_UNWELL else None
    tx.journal("follow_up_tried", row_id, VISITS, *(() if number is None else (ADVERSE_EVENTS,)))
    return FollowedUp(row_id, number)


def _refuse_day_over(tx: Tx, business_on: date) -> None:
    opened = standing_opening(tx.connection, tx.now)
    if opened is None or opened.business_on != business_on:
        raise ClinicDayOver


def _open_file(tx: Tx, visit_id: UUID, onset_at: datetime) -> int | None:
    """Open the file of what was told by telephone; None where no dose stands that it could follow."""
    visit = standing(tx.connection, visit_id)
    dose_ids = suspects_of_visit(tx, visit)
    if not dose_ids:
        return None
    told = NewEvent(
        person_id=visit.person_id,
        visit_id=None,
        found_how=FoundHow.TELEPHONE,
        discovered_at=tx.now,
        onset_at=onset_at,
        dose_ids=dose_ids,
    )
    return file_event(tx, told).number
