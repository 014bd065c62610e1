"""Two vaccines at one stay: watched from the last, for the longer time, and never lost between the visits."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_server.adverse_events.care.actions import call_team
from clinic_server.adverse_events.lookup import suspect_doses, under_care
from clinic_server.adverse_events.rules import StillUnderCare
from clinic_server.corrections.actions import NewBodySite, correct_body_site
from clinic_server.device_hub.slips.lookup import Observation, Ticket, contents_of, orders_after
from clinic_server.injection.actions import give_dose
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.errors import ClinicError
from clinic_server.observation.actions import EarlyLeaving, extend, leave, leave_early
from clinic_server.observation.area import area
from clinic_server.observation.checks.actions import record_check
from clinic_server.observation.checks.rules import CheckDue, HowIs, OutsideReleaseBand
from clinic_server.observation.exit.lookup import who_showed
from clinic_server.observation.exit.rules import ShownBy
from clinic_server.observation.further.actions import ask_for_further, withdraw_further
from clinic_server.observation.further.rules import NoFurtherAsked, WithdrawalUnexplained
from clinic_server.observation.further.tables import further_withdrawn
from clinic_server.observation.handover.actions import write_note
from clinic_server.observation.handover.lookup import handover_list, notes_of
from clinic_server.observation.rules import EarlyReason, ExtensionReason, FurtherAskedFor, TooEarly
from clinic_server.observation.unseen.actions import note_left_unseen
from clinic_server.queue.rules import NoDosesLeft
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import Role
from clinic_server.stock.rules import BodySite
from clinic_server.stock.scans import VisitScan
from clinic_server.visits.against import given_against_rule
from clinic_server.visits.body_sites import BodySiteDoubted
from clinic_server.visits.chain import further_visit
from clinic_server.visits.doses import doses_given
from clinic_server.visits.flow import Outcome, Stage, StepOutOfOrder
from clinic_server.visits.lookup import history, open_visit_of, standing
from clinic_server.visits.steps import VisitAlreadyOpen, open_visit
from clinic_server.visits.watch import due_at
from tests.api.callers import AsRole
from tests.api.further import FLU, LEFT, RIGHT, SITE, Needles
from tests.api.test_checks import WELL
from tests.api.test_slip_codes import code_of
from tests.api.visitors import SYSTEM, TODAY, a_visit, rows_in
from tests.conftest import ManualClock

WHY = "the right arm is in plaster"


@pytest.fixture(name="needles")
def _needles(db: Database) -> Needles:
    return Needles.at(db)


def stages(needles: Needles, *visit_ids: UUID) -> list[Stage]:
    return [needles.db.read_now(lambda c, v=one: standing(c, v)).stage for one in visit_ids]


def does(needles: Needles, act: Callable[..., Any], visit_id: UUID, *said: Any) -> Any:
    return needles.db.write_now(lambda tx: act(tx, visit_id, *said), needles.staff.nurse)


def refused(needles: Needles, error: type[ClinicError], act: Callable[..., Any], *said: Any) -> ClinicError:
    """Say that something is refused and leaves nothing behind."""
    before = rows_in(needles.db)
    with pytest.raises(error) as raised:
        act(*said)
    assert rows_in(needles.db) == before
    return raised.value


def test_the_second_needle_takes_the_watch_over_and_counts_from_there(needles: Needles, clock: ManualClock) -> None:
    first = needles.injected()
    clock.pass_time(minutes=12)
    further = needles.ready_for_more(first)
    assert stages(needles, first, further) == [Stage.OBSERVED, Stage.WAITING_FOR_INJECTION]
    given = needles.given(further, FLU, RIGHT)
    assert stages(needles, first, further) == [Stage.COMPLETED, Stage.OBSERVED]
    assert given.observe_until == needles.db.read_now(lambda c: due_at(c, further))
    told = [one.outcome for one in needles.db.read_now(lambda c: history(c, first))]
    assert told[-1] is Outcome.CONTINUED
    (seated,) = needles.db.read_now(lambda c: area(c, needles.db.keyring)).people
    assert (seated.watched.visit_id, seated.watched.minutes_left) == (further, 30)
    assert seated.products == ["Vaccine-hep", "Vaccine-flu"]
    clock.pass_time(minutes=29)
    refused(needles, TooEarly, does, needles, leave, further)
    clock.pass_time(minutes=1)
    assert does(needles, leave, further) is Stage.COMPLETED


def test_a_longer_time_of_the_first_dose_is_kept(needles: Needles) -> None:
    first = needles.injected()
    until = does(needles, extend, first, 60, ExtensionReason.UNWELL)
    further = needles.ready_for_more(first)
    assert needles.given(further, FLU, RIGHT).observe_until == until


def test_who_was_at_risk_at_the_first_dose_is_looked_at_after_the_second(needles: Needles, clock: ManualClock) -> None:
    first = needles.injected(is_against_advice=True)
    further = needles.ready_for_more(first)
    needles.given(further, FLU, RIGHT)
    clock.pass_time(minutes=30)
    refused(needles, CheckDue, does, needles, leave, further)
    does(needles, record_check, further, WELL, HowIs.WELL)
    assert does(needles, leave, further) is Stage.COMPLETED


def test_nobody_leaves_who_waits_for_a_further_vaccine_unless_it_is_taken_back(
    needles: Needles, clock: ManualClock
) -> None:
    first = needles.injected()
    further = needles.asked(first)
    clock.pass_time(minutes=31)
    refused(needles, FurtherAskedFor, does, needles, leave, first)
    refused(needles, WithdrawalUnexplained, does, needles, withdraw_further, first, "  ")
    assert does(needles, withdraw_further, first, "changed her mind") == further
    assert stages(needles, first, further) == [Stage.OBSERVED, Stage.ABANDONED]
    refused(needles, NoFurtherAsked, does, needles, withdraw_further, first, "again")
    row = needles.db.read_now(lambda c: c.execute(select(further_withdrawn)).one())
    opened = needles.db.keyring.open(row.words_sealed, f"further_withdrawn:words:{row.id}")
    assert (row.visit_id, opened) == (further, "changed her mind")
    assert does(needles, leave, first) is Stage.COMPLETED


def test_what_was_taken_back_may_be_asked_for_again(needles: Needles) -> None:
    first = needles.injected()
    needles.asked(first)
    does(needles, withdraw_further, first, "pressed in error")
    further = needles.ready_for_more(first)
    needles.given(further, FLU, RIGHT)
    assert stages(needles, first, further) == [Stage.COMPLETED, Stage.OBSERVED]


WAYS_OUT: dict[str, tuple[Callable[..., Any], tuple[Any, ...], Stage]] = {
    "to hospital": (leave_early, (EarlyLeaving(EarlyReason.TAKEN_TO_HOSPITAL),), Stage.LEFT_EARLY),
    "unseen": (note_left_unseen, (), Stage.LEFT_UNSEEN),
    "a reaction": (call_team, ("a3",), Stage.OBSERVED),
    "found unwell": (record_check, (WELL, HowIs.UNWELL), Stage.OBSERVED),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_whatever_ends_the_quiet_watch_ends_the_further_visit(needles: Needles, way: str) -> None:
    act, said, stage = WAYS_OUT[way]
    first = needles.injected()
    further = needles.ready_for_more(first)
    permit_id = needles.permitted(further, FLU).permit_id
    does(needles, act, first, *said)
    assert stages(needles, first, further) == [stage, Stage.ABANDONED]
    give = needles.db.write_now
    vaccinator = needles.staff.vaccinator
    refused(needles, StepOutOfOrder, give, lambda tx: give_dose(tx, SITE, permit_id, RIGHT), vaccinator)


def test_nothing_further_for_whoever_is_cared_for_or_unwell_or_gone_or_waits_already(needles: Needles) -> None:
    reacts, unwell, gone, waits = (needles.injected() for _ in range(4))
    does(needles, call_team, reacts, "a3")
    does(needles, record_check, unwell, WELL, HowIs.UNWELL)
    does(needles, note_left_unseen, gone)
    needles.asked(waits)
    refused(needles, StillUnderCare, needles.asked, reacts)
    refused(needles, OutsideReleaseBand, needles.asked, unwell)
    refused(needles, StepOutOfOrder, needles.asked, gone)
    refused(needles, VisitAlreadyOpen, needles.asked, waits)


def test_a_ticket_for_a_further_vaccine_promises_a_dose_like_any_other(needles: Needles) -> None:
    first = needles.injected()
    for _ in range(7):  # as many as doses are left
        a_visit(needles.db)
    counting = SiteSettings(limit_tickets=True, overbook_doses=0)
    refused(needles, NoDosesLeft, does, needles, lambda tx, v: ask_for_further(tx, counting, v), first)
    assert needles.asked(first)


def marked(needles: Needles) -> list[tuple[UUID, BodySite, tuple[str, ...], str | None]]:
    """Return the doses that stand against a rule."""
    found = needles.db.read_now(lambda c: given_against_rule(c, needles.db.keyring, with_reasons=True))
    return [(one.dose_id, one.body_site, one.findings, one.reason) for one in found]


def corrected(needles: Needles, dose_id: UUID, was: BodySite, should_be: BodySite) -> None:
    new = NewBodySite(was, should_be, WHY)
    needles.db.write_now(lambda tx: correct_body_site(tx, SITE, dose_id, new), needles.staff.vaccinator)


def test_a_dose_into_the_arm_used_today_is_recorded_there_with_a_reason_and_marked(needles: Needles) -> None:
    first = needles.injected()
    further = needles.ready_for_more(first)
    permit_id = needles.permitted(further, FLU).permit_id
    give, vaccinator = needles.db.write_now, needles.staff.vaccinator
    told = refused(needles, BodySiteDoubted, give, lambda tx: give_dose(tx, SITE, permit_id, LEFT), vaccinator)
    assert told.findings == ("body_site_used_today",)
    dose_id = give(lambda tx: give_dose(tx, SITE, permit_id, LEFT, WHY), vaccinator).dose_id
    assert marked(needles) == [(dose_id, LEFT, ("body_site_used_today",), WHY)]
    assert stages(needles, first, further) == [Stage.COMPLETED, Stage.OBSERVED]


def test_a_reason_for_a_place_that_nothing_speaks_against_marks_nothing(needles: Needles) -> None:
    first = needles.injected()
    needles.given(needles.ready_for_more(first), FLU, RIGHT, WHY)
    assert marked(needles) == []


def test_what_a_correction_moves_is_marked_where_it_comes_to_lie_and_only_there(needles: Needles) -> None:
    first = needles.injected()
    dose_id = needles.given(needles.ready_for_more(first), FLU, RIGHT).dose_id
    corrected(needles, dose_id, RIGHT, LEFT)
    assert marked(needles) == [(dose_id, LEFT, ("body_site_used_today",), WHY)]
    corrected(needles, dose_id, LEFT, RIGHT)
    assert marked(needles) == []


def test_the_arm_that_is_left_is_reckoned_from_the_dose_as_it_was_corrected(needles: Needles) -> None:
    first = needles.injected()
    person_id = needles.db.read_now(lambda c: standing(c, first)).person_id
    (before,) = needles.db.read_now(lambda c: doses_given(c, person_id))
    corrected(needles, before.dose_id, LEFT, RIGHT)
    further = needles.ready_for_more(first)
    permit_id = needles.permitted(further, FLU).permit_id
    give, vaccinator = needles.db.write_now, needles.staff.vaccinator
    refused(needles, BodySiteDoubted, give, lambda tx: give_dose(tx, SITE, permit_id, RIGHT), vaccinator)
    give(lambda tx: give_dose(tx, SITE, permit_id, LEFT), vaccinator)
    assert marked(needles) == []


async def test_who_may_know_reads_of_the_arm_on_the_visit_the_draft_and_the_days_report(
    as_role: AsRole, house: House
) -> None:
    needles = Needles.at(house.db)
    first = needles.injected()
    further = needles.ready_for_more(first)
    needles.given(further, FLU, LEFT, WHY)
    said, of_day = "Another dose went into this place on the same day.", f"/api/v1/days/{TODAY}/doses-against-rule"
    physician, lead = await as_role(Role.PHYSICIAN), await as_role(Role.SITE_LEAD)
    for address in (f"/visits/{further}", "/reports/day"):
        seen = [(await one.get(address)).text for one in (physician, lead)]
        assert [(said in page, WHY in page) for page in seen] == [(True, True), (True, False)], address
    (line,) = (await physician.get(of_day)).json()
    assert (line["body_site"], line["reason"]) == (LEFT, WHY)
    assert (await lead.get(of_day)).json() == [line | {"reason": None}]
    assert said in (await (await as_role(Role.OBSERVER)).get(f"/visits/{first}/certificate")).text
    assert said not in (await (await as_role(Role.VOLUNTEER)).get(f"/visits/{further}")).text
    assert (await (await as_role(Role.OBSERVER)).get(of_day)).status_code == 403
    assert said not in (await lead.get("/reports/day?on=2026-03-01")).text
    assert said not in (await lead.get(f"/visits/{first}")).text


def test_every_slip_of_a_stay_leads_to_the_watch_that_counts(needles: Needles, clock: ManualClock) -> None:
    db, first = needles.db, needles.injected()

    def shown(visit_id: UUID) -> UUID | None:
        scan = VisitScan(code_of(db, visit_id))
        return db.read_now(lambda c: who_showed(c, db.keyring, ShownBy.SCAN, scan, clock.now())).visit_id

    taken_back = needles.asked(first)
    does(needles, withdraw_further, first, "changed her mind")
    further = needles.ready_for_more(first)
    assert [shown(one) for one in (first, taken_back, further)] == [first] * 3
    needles.given(further, FLU, RIGHT)
    assert [shown(one) for one in (first, taken_back, further)] == [further] * 3


def test_a_desk_finds_the_visit_that_waits_and_nobody_has_a_third(needles: Needles) -> None:
    db, first = needles.db, needles.injected()
    person_id = db.read_now(lambda c: standing(c, first)).person_id

    def found() -> UUID | None:
        visit = db.read_now(lambda c: open_visit_of(c, person_id))
        return visit and visit.visit_id

    assert found() == first
    further = needles.asked(first)
    assert found() == further
    refused(needles, VisitAlreadyOpen, db.write_now, lambda tx: open_visit(tx, person_id, TODAY), SYSTEM)


def test_a_reaction_after_both_has_both_doses_as_suspects(needles: Needles) -> None:
    db, first = needles.db, needles.injected()
    further = needles.ready_for_more(first)
    second = needles.given(further, FLU, RIGHT).dose_id
    called = does(needles, call_team, first, "a3")
    assert called.visit_id == further
    event = db.read_now(lambda c: under_care(c, further))
    assert event is not None
    suspects = db.read_now(lambda c: suspect_doses(c, event.event_id))
    assert (len(suspects), suspects[0]) == (2, second)


def test_what_was_noted_of_somebody_goes_on_being_told(needles: Needles) -> None:
    db, first = needles.db, needles.injected()
    does(needles, lambda tx, v: write_note(tx, v, "felt faint at the needle"), first)
    further = needles.ready_for_more(first)
    needles.given(further, FLU, RIGHT)
    listed = db.read_now(lambda c: handover_list(c, db.keyring))
    assert [note.words for note in listed.notes_of(further)] == ["felt faint at the needle"]
    assert len(db.read_now(lambda c: notes_of(c, db.keyring, further))) == 1


def test_a_further_ticket_is_printed_and_every_slip_says_the_later_time(needles: Needles, clock: ManualClock) -> None:
    db, first = needles.db, needles.injected()
    clock.pass_time(minutes=12)
    further = needles.ready_for_more(first)
    until = needles.given(further, FLU, RIGHT).observe_until
    keyring, orders = db.keyring, db.read_now(lambda c: orders_after(c, 0))
    slips = [db.read_now(lambda c, o=one: contents_of(c, keyring, o)) for one in orders]
    tickets = [one.visit_id for one in slips if isinstance(one, Ticket)]
    assert tickets[-1] == further
    assert [one.leave_at for one in slips if isinstance(one, Observation)] == [until, until]


async def test_a_nurse_asks_on_the_persons_page_and_the_bench_is_told_of_the_first(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    needles = Needles.at(house.db)
    first, nurse = needles.injected(), await as_role(Role.OBSERVER)
    page = f"/visits/{first}/observation"
    assert "Further vaccine today" in (await nurse.get(page)).text
    asked = await nurse.post(f"/visits/{first}/further-visit", data={"once": "1"})
    assert asked.status_code < 400, asked.text
    clock.pass_time(minutes=31)
    for shown in (page, "/observation"):
        told = (await nurse.get(shown)).text
        assert ("waits for a further vaccine" in told, "may leave" in told) == (True, False)
    person_id = house.db.read_now(lambda c: standing(c, first)).person_id
    further = house.db.read_now(lambda c: open_visit_of(c, person_id))
    assert further is not None
    needles.ordered(further.visit_id, FLU)
    bench = await as_role(Role.VACCINATOR)
    chair = (await bench.get(f"/visits/{further.visit_id}/injection")).text
    assert "Vaccine-hep was given at 09:00: Left upper arm." in chair
    needles.given(further.visit_id, FLU, RIGHT)
    assert f"/visits/{further.visit_id}/observation" in (await nurse.get(page)).text


async def test_a_desk_asks_on_the_page_of_the_visit_and_goes_to_the_new_ticket(as_role: AsRole, house: House) -> None:
    needles = Needles.at(house.db)
    first = needles.injected()
    desk, page = await as_role(Role.REGISTRAR), f"/visits/{first}"
    seen = (await desk.get(page)).text
    assert (seen.count("Further vaccine today"), f'action="{page}/further-visit"' in seen) == (2, True), "fold and key"
    assert seen.index(f'action="{page}/further-visit"') < seen.index("Stage after it"), "in sight, above the steps"
    asked = await desk.post(f"{page}/further-visit", data={"once": "1"})
    further = needles.db.read_now(lambda c: further_visit(c, first))
    assert asked.headers["location"] == f"/visits/{further}"
    assert "Further vaccine today" not in (await desk.get(page)).text
    assert "Further vaccine today" not in (await desk.get(f"/visits/{further}")).text
    back = await desk.post(f"{page}/further-visit/withdrawal", data={"words": "changed his mind"})
    assert back.headers["location"] == page
    assert "Further vaccine today" in (await desk.get(page)).text


async def test_whoever_may_not_ask_for_a_further_vaccine_is_not_offered_it(as_role: AsRole, house: House) -> None:
    needles = Needles.at(house.db)
    first = needles.injected()
    for role in (Role.VACCINATOR, Role.VOLUNTEER, Role.SITE_LEAD):
        somebody = await as_role(role)
        assert "further-visit" not in (await somebody.get(f"/visits/{first}")).text
        assert (await somebody.post(f"/visits/{first}/further-visit", data={"once": "1"})).status_code == 403


async def test_over_http_a_further_visit_is_asked_for_by_those_who_may_and_taken_back(
    as_role: AsRole, house: House
) -> None:
    needles = Needles.at(house.db)
    first = needles.injected()
    path = f"/api/v1/visits/{first}/further-visit"
    assert (await (await as_role(Role.VOLUNTEER)).post(path)).status_code == 403
    desk = await as_role(Role.REGISTRAR)
    asked = await desk.post(path)
    assert asked.status_code == 201
    assert (await desk.post(path)).json()["code"] == "visit_already_open"
    left = await (await as_role(Role.OBSERVER)).post(f"/api/v1/visits/{first}/leave")
    assert left.json()["code"] == "further_asked_for"
    back = await desk.post(f"{path}/withdrawal", json={"words": "changed his mind"})
    assert (back.status_code, back.json()) == (201, asked.json()["visit_id"])
