"""Noting that somebody is gone, and trying to reach them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clinic_server.adverse_events.actions import file_event, suspects_of_visit
from clinic_server.adverse_events.rules import ADVERSE_EVENTS, FoundHow, NewEvent
from clinic_server.kit.tx import Tx
from clinic_server.observation.actions import require_watched
from clinic_server.observation.unseen.lookup import noted_context, tried_context, unseen_of
from clinic_server.observation.unseen.rules import FollowUp, NotLeftUnseen, ReachedBefore
from clinic_server.observation.unseen.tables import FollowUpTried, LeftUnseen
from clinic_server.staff.actions import require_signed_in
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import VISITS, take_step
from clinic_server.visits.watch import minutes_left


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """A try that is on record; ``number`` is the file's that it opened, None where it opened none."""

    try_id: UUID
    number: int | None


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
    stage = take_step(tx, visit_id, Outcome.LEFT_UNSEEN, row_id)
    tx.journal("person_left_unseen", visit_id, VISITS)
    return stage


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
