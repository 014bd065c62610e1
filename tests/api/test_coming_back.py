"""Somebody who slipped out and came back is watched on for what was left when they were seen last."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.observation.actions import leave
from clinic_server.observation.checks.actions import record_check
from clinic_server.observation.checks.rules import HowIs
from clinic_server.observation.handover.lookup import as_handed_over, handover_list
from clinic_server.observation.seats.actions import list_seat, place_person
from clinic_server.observation.seats.rules import FoundBy
from clinic_server.observation.unseen.actions import follow_up, note_left_unseen, take_back
from clinic_server.observation.unseen.lookup import all_unseen_of, count_not_reached
from clinic_server.observation.unseen.rules import FollowUp
from clinic_server.opening.actions import close_site
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.lookup import history, standing
from clinic_server.visits.steps import open_visit
from clinic_server.visits.watch import watched
from tests.api.callers import AsRole
from tests.api.observed import an_observed
from tests.api.test_checks import WELL
from tests.api.test_leaving import refused
from tests.api.visitors import SYSTEM, TODAY, a_colleague, an_open_site, signed_in
from tests.conftest import ManualClock

Does = Callable[..., Any]


@pytest.fixture(name="nurse")
def _nurse(db: Database) -> Actor:
    lead = an_open_site(db)
    for code in ("a1", "a2"):
        db.write_now(lambda tx, seat=code: list_seat(tx, seat, "A"), lead)
    return signed_in(db, a_colleague(db, Role.OBSERVER))


@pytest.fixture(name="does")
def _does(db: Database, nurse: Actor) -> Does:
    """Let the nurse do something for a visit."""
    return lambda act, visit_id, *said: db.write_now(lambda tx: act(tx, visit_id, *said), nurse)


def minutes_left(db: Database) -> list[int]:
    return [one.minutes_left for one in db.read_now(watched)]


def seated_and_gone(db: Database, clock: ManualClock, does: Does) -> UUID:
    """Came to a seat in the fifth minute, was found gone in the twentieth."""
    visit_id = an_observed(db)
    clock.pass_time(minutes=5)
    does(place_person, visit_id, "a1", FoundBy.HAND)
    clock.pass_time(minutes=15)
    does(note_left_unseen, visit_id)
    return visit_id


def test_what_nobody_saw_does_not_count(db: Database, clock: ManualClock, does: Does) -> None:
    visit_id = seated_and_gone(db, clock, does)
    clock.pass_time(minutes=7)
    back = does(take_back, visit_id, "a2")
    assert (back.minutes_unseen, back.seat_code, minutes_left(db)) == (22, "a2", [25])
    clock.pass_time(minutes=24)
    assert minutes_left(db) == [1]


def test_a_check_is_the_last_time_somebody_was_seen(db: Database, clock: ManualClock, does: Does) -> None:
    visit_id = an_observed(db)
    clock.pass_time(minutes=28)
    does(record_check, visit_id, WELL, HowIs.WELL)
    clock.pass_time(minutes=10)
    does(note_left_unseen, visit_id)
    clock.pass_time(minutes=10)
    assert (does(take_back, visit_id, None).minutes_unseen, minutes_left(db)) == (20, [2])


def test_who_was_seen_after_their_time_owes_nothing_more(db: Database, clock: ManualClock, does: Does) -> None:
    visit_id = an_observed(db)
    clock.pass_time(minutes=31)
    does(record_check, visit_id, WELL, HowIs.WELL)
    does(note_left_unseen, visit_id)
    clock.pass_time(minutes=5)
    does(take_back, visit_id, None)
    assert minutes_left(db) == [0]


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_was_set_meanwhile_gives_and_takes_nothing(
    db: Database, clock: ManualClock, does: Does, hours: int
) -> None:
    visit_id = seated_and_gone(db, clock, does)
    clock.step(hours=hours)
    clock.pass_time(minutes=7)
    assert (does(take_back, visit_id, "a1").minutes_unseen, minutes_left(db)) == (22, [25])


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_a_machine_that_was_off_meanwhile_gives_and_takes_nothing(
    db: Database, clock: ManualClock, does: Does, nurse: Actor
) -> None:
    visit_id = seated_and_gone(db, clock, does)
    db.close()
    clock.start_machine_again(minutes=40)
    again = Database(db.url, site=db.site, keyring=db.keyring, clock=clock, ids=Ids(clock))
    back = again.write_now(lambda tx: take_back(tx, visit_id, "a1"), nurse)
    assert (back.minutes_unseen, minutes_left(again)) == (55, [25])
    assert not again.read_now(watched)[0].is_unproved
    again.close()


def test_whoever_is_back_stands_on_the_list_as_watched_and_may_leave_when_due(
    db: Database, clock: ManualClock, does: Does
) -> None:
    visit_id = seated_and_gone(db, clock, does)
    does(follow_up, visit_id, FollowUp.NOT_REACHED)
    does(take_back, visit_id, "a1")
    listed = db.read_now(lambda c: handover_list(c, db.keyring))
    assert [one.came_back and one.came_back.minutes_unseen for one in listed.watched] == [15]
    assert (listed.gone, db.read_now(lambda c: count_not_reached(c, TODAY))) == ([], 0)
    (kept,) = db.read_now(lambda c: as_handed_over(c, db.keyring))
    assert (kept.has_come_back, kept.has_left_unseen, kept.seat_code, kept.minutes_left) == (True, False, "a1", 25)
    clock.pass_time(minutes=25)
    does(record_check, visit_id, WELL, HowIs.WELL)
    assert does(leave, visit_id) is Stage.COMPLETED
    steps = [one.outcome for one in db.read_now(lambda c: history(c, visit_id))]
    assert steps[-3:] == [Outcome.LEFT_UNSEEN, Outcome.CAME_BACK, Outcome.LEFT]


def test_gone_again_they_are_followed_up_anew(db: Database, clock: ManualClock, does: Does) -> None:
    visit_id = seated_and_gone(db, clock, does)
    does(follow_up, visit_id, FollowUp.REACHED_WELL)
    does(take_back, visit_id, "a1")
    clock.pass_time(minutes=3)
    does(note_left_unseen, visit_id, "again")
    assert db.read_now(lambda c: count_not_reached(c, TODAY)) == 1
    does(follow_up, visit_id, FollowUp.NOT_REACHED)
    first, second = db.read_now(lambda c: all_unseen_of(c, db.keyring, visit_id))
    assert [one.outcome for one in first.tries] == [FollowUp.REACHED_WELL]
    assert [one.outcome for one in second.tries] == [FollowUp.NOT_REACHED]
    assert (first.came_back is not None, second.came_back, second.minutes_short) == (True, None, 22)
    clock.pass_time(minutes=4)
    assert (does(take_back, visit_id, None).minutes_unseen, minutes_left(db)) == (7, [25])


def test_nobody_is_taken_back_who_is_not_gone_or_whose_place_is_not_free(
    db: Database, clock: ManualClock, does: Does, nurse: Actor
) -> None:
    sitting, gone = an_observed(db), seated_and_gone(db, clock, does)
    does(place_person, sitting, "a1", FoundBy.HAND)

    def said(visit_id: UUID, seat_code: str | None) -> str:
        return refused(db, lambda tx: take_back(tx, visit_id, seat_code), nurse).code

    assert (said(sitting, None), said(gone, "a1")) == ("step_out_of_order", "seat_taken")
    does(take_back, gone, "a2")
    assert said(gone, None) == "step_out_of_order"


def test_nobody_is_taken_back_onto_two_visits_or_after_the_day(
    db: Database, clock: ManualClock, does: Does, nurse: Actor
) -> None:
    gone = seated_and_gone(db, clock, does)
    person_id = db.read_now(lambda c: standing(c, gone).person_id)

    def another(tx: Any) -> None:
        tx.journal("checked_in", open_visit(tx, person_id, TODAY).visit_id)

    on_one = seated_and_gone(db, clock, does)
    db.write_now(another, SYSTEM)
    assert refused(db, lambda tx: take_back(tx, gone, None), nurse).code == "visit_already_open"
    clock.pass_time(minutes=1)
    db.write_now(close_site, an_open_site(db))
    assert refused(db, lambda tx: take_back(tx, on_one, None), nurse).code == "clinic_day_over"


async def test_the_page_and_the_api_take_them_back(as_role: AsRole, house: House, clock: ManualClock) -> None:
    an_open_site(house.db)
    nurse = await as_role(Role.OBSERVER)
    by_page, by_api = an_observed(house.db), an_observed(house.db)
    clock.pass_time(minutes=10)
    for visit_id in (by_page, by_api):
        await nurse.post(f"/visits/{visit_id}/left-unseen", data={"words": ""})
    assert "Watch this person on" in (await nurse.get(f"/visits/{by_page}/observation")).text
    assert (await nurse.post(f"/visits/{by_page}/coming-back", data={"seat_code": ""})).status_code == 303
    answered = await nurse.post(f"/api/v1/visits/{by_api}/coming-back", json={})
    assert (answered.status_code, answered.json()["minutes_unseen"]) == (201, 10)
    for path in ("/observation", "/observation/handover", f"/visits/{by_page}/observation"):
        assert "not seen for 10 min" in (await nurse.get(path)).text
    registrar = await as_role(Role.REGISTRAR)
    assert (await registrar.post(f"/api/v1/visits/{by_api}/coming-back", json={})).status_code == 403
