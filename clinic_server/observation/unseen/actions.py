"""Noting that somebody is gone, and trying to reach them."""

from uuid import UUID

from clinic_server.kit.tx import Tx
from clinic_server.observation.actions import require_watched
from clinic_server.observation.unseen.lookup import noted_context, tried_context, unseen_of
from clinic_server.observation.unseen.rules import FollowUp, NotLeftUnseen, ReachedBefore
from clinic_server.observation.unseen.tables import FollowUpTried, LeftUnseen
from clinic_server.staff.actions import require_signed_in
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.steps import VISITS, take_step
from clinic_server.visits.watch import minutes_left


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


def follow_up(tx: Tx, visit_id: UUID, outcome: FollowUp, words: str = "") -> UUID:
    """Record a try to reach somebody who left unseen; once they were reached, there is nothing more to record."""
    tried_by, gone = require_signed_in(tx), unseen_of(tx.connection, tx.keyring, visit_id)
    if gone is None:
        raise NotLeftUnseen
    if gone.is_reached:
        raise ReachedBefore
    row_id = tx.new_id()
    sealed = tx.keyring.seal(words.strip(), tried_context(row_id))
    said = {"visit_id": visit_id, "outcome": outcome, "words_sealed": sealed}
    tx.append(FollowUpTried, id=row_id, **said, tried_by=tried_by, tried_at=tx.now)
    tx.journal("follow_up_tried", row_id, VISITS)
    return row_id
