"""The spine as recorded: calls, steps, and a cache that is never anything but their fold."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import update

from clinic_server.kit.db import Database
from clinic_server.visits.flow import Outcome, Stage, StepOutOfOrder, stage_after
from clinic_server.visits.lookup import Standing, called_to, history, standing, standing_at
from clinic_server.visits.rules import CallEnd
from clinic_server.visits.steps import VisitUnknown, abandon, call_visit, end_call
from clinic_server.visits.tables import visit_now
from tests.api.visitors import SYSTEM, a_screening, a_visit, rows_in
from tests.conftest import ManualClock


def now_at(db: Database, visit_id: UUID) -> Standing:
    return db.read_now(lambda connection: standing(connection, visit_id))


def called(db: Database, visit_id: UUID, station: str) -> None:
    db.write_now(lambda tx: call_visit(tx, visit_id, station), SYSTEM)


def in_hand(db: Database, station: str) -> Sequence[Standing]:
    return db.read_now(lambda connection: called_to(connection, station))


def test_the_latest_call_counts_and_the_next_step_ends_it(db: Database, clock: ManualClock) -> None:
    visit_id = a_visit(db)
    assert (now_at(db, visit_id).called_to, now_at(db, visit_id).called_at) == (None, None)
    called(db, visit_id, "screening-1")
    clock.pass_time(minutes=2)
    called(db, visit_id, "screening-2")
    assert (now_at(db, visit_id).called_to, now_at(db, visit_id).called_at) == ("screening-2", clock.now())
    a_screening(db, visit_id)
    assert now_at(db, visit_id).called_to is None


def test_a_call_that_came_to_nothing_stands_no_more_until_the_next(db: Database) -> None:
    visit_id = a_visit(db)
    called(db, visit_id, "screening-1")
    assert [one.visit_id for one in in_hand(db, "screening-1")] == [visit_id]
    db.write_now(lambda tx: end_call(tx, visit_id, CallEnd.RETURNED), SYSTEM)
    assert (now_at(db, visit_id).called_to, in_hand(db, "screening-1")) == (None, [])
    called(db, visit_id, "screening-2")
    assert now_at(db, visit_id).called_to == "screening-2"


def test_who_went_away_is_called_no_more(db: Database) -> None:
    visit_id = a_visit(db)
    db.write_now(lambda tx: abandon(tx, visit_id), SYSTEM)
    before = rows_in(db)
    with pytest.raises(StepOutOfOrder):
        called(db, visit_id, "screening-1")
    with pytest.raises(VisitUnknown):
        called(db, UUID(int=0), "screening-1")
    assert rows_in(db) == before


def test_the_stored_stage_is_the_fold_of_the_steps(db: Database) -> None:
    visits = [a_visit(db), a_visit(db), a_visit(db)]
    a_screening(db, visits[1])
    db.write_now(lambda tx: abandon(tx, visits[2]), SYSTEM)
    for visit_id in visits:
        steps = db.read_now(lambda connection, visit_id=visit_id: history(connection, visit_id))
        assert now_at(db, visit_id).stage is stage_after(step.outcome for step in steps)
        assert steps[0].outcome is Outcome.CHECKED_IN


@pytest.mark.each_engine
def test_two_open_visits_of_one_person_are_refused_by_the_database_itself(db: Database) -> None:
    first, second = a_visit(db), a_visit(db)
    person_id = now_at(db, first).person_id
    same_person = update(visit_now).where(visit_now.c.visit_id == second).values(person_id=person_id)
    with pytest.raises(Exception, match="visit_now") as refused:
        db.write_now(lambda tx: tx.execute(same_person), SYSTEM)
    assert type(refused.value).__name__ == "IntegrityError"
    assert len(db.read_now(lambda connection: standing_at(connection, Stage.WAITING_FOR_SCREENING))) == 2
