"""Calls through the API: two desks at once, who is passed over, lanes and batches, benches by their vaccine."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_server.kit.call import House
from clinic_server.queue.rules import MOST_LISTED
from clinic_server.settings import Settings
from clinic_server.staff.rules import Role
from clinic_server.visits.lookup import Standing, standing
from clinic_server.visits.tables import visit_call
from tests.api.callers import AsRole, SignedIn
from tests.api.observed import an_observed
from tests.api.test_check_in import PASSPORT
from tests.api.test_injection import a_consented_visit
from tests.api.visitors import PRODUCT, SYSTEM, a_lot, a_product, a_screening, a_visit, rows_in
from tests.conftest import ManualClock


@pytest.fixture(name="settings")
def _settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"site": settings.site.model_copy(update={"batch_size": 2})})


SCREENING = {"stage": "waiting_for_screening"}
INJECTION = {"stage": "waiting_for_injection"}


def people(house: House, count: int) -> list[UUID]:
    return [a_visit(house.db) for _ in range(count)]


def seen(house: House, visit_id: UUID) -> Standing:
    return house.db.read_now(lambda connection: standing(connection, visit_id))


async def called(desk: SignedIn, body: dict[str, str] = SCREENING) -> Any:
    """Whom the desk calls next: an id, or the code of the refusal."""
    answer = await desk.post("/api/v1/queue/next", json=body)
    return UUID(answer.json()) if answer.status_code == 201 else answer.json()["code"]


async def order(floor: SignedIn) -> list[int]:
    """The tickets in the order of the calls."""
    return [one["ticket_number"] for one in (await floor.get("/api/v1/queue")).json()["line"]]


async def act(who: SignedIn, visit_id: UUID, verb: str, **body: str | None) -> str | None:
    """Do something about a visit in line; return the code of the refusal, None when it was done."""
    answer = await who.post(f"/api/v1/visits/{visit_id}/{verb}", json=body or None)
    return None if answer.status_code == 201 else answer.json()["code"]


@pytest.mark.each_engine
async def test_desks_that_call_at_once_never_get_one_person(as_role: AsRole, house: House) -> None:
    visit_ids = people(house, 6)
    desks = [await as_role(Role.REGISTRAR, station=f"desk-{number}") for number in range(1, 9)]
    answers = await asyncio.gather(*(called(desk) for desk in desks))
    assert sorted(map(str, answers)) == sorted([*map(str, visit_ids), "nobody_waiting", "nobody_waiting"])
    rows = house.db.read_now(lambda connection: connection.execute(select(visit_call.c.visit_id)).scalars().all())
    assert sorted(rows) == sorted(visit_ids)


async def test_a_desk_has_one_person_in_hand_whatever_it_presses(as_role: AsRole, house: House) -> None:
    first, second = people(house, 2)
    desk = await as_role(Role.REGISTRAR)
    answers = await asyncio.gather(called(desk), called(desk))
    assert sorted(map(str, answers)) == sorted([str(first), "station_busy"])
    assert [one["ticket_number"] for one in (await desk.get("/api/v1/queue/hand")).json()] == [1]
    a_screening(house.db, first)
    assert (await desk.get("/api/v1/queue/hand")).json() == []
    assert await called(desk) == second


async def test_who_is_recalled_is_called_again_and_by_nobody_else(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    (visit_id,) = people(house, 1)
    desk, other = await as_role(Role.REGISTRAR), await as_role(Role.REGISTRAR, station="desk-2")
    assert await called(desk) == visit_id
    clock.pass_time(seconds=20)
    before = rows_in(house.db)
    assert await act(other, visit_id, "recall") == "not_in_hand"
    assert rows_in(house.db) == before
    assert await act(desk, visit_id, "recall") is None
    assert (seen(house, visit_id).called_to, seen(house, visit_id).called_at) == (desk.station, clock.now())


async def test_who_does_not_come_stands_behind_three_and_is_called_again(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    visit_ids = []
    for _ in range(5):
        visit_ids += people(house, 1)
        clock.pass_time(minutes=1)
    desk, lead = await as_role(Role.REGISTRAR), await as_role(Role.ORDER_KEEPER)
    assert await called(desk) == visit_ids[0]
    assert await act(desk, visit_ids[0], "pass") is None
    assert (await order(lead), seen(house, visit_ids[0]).called_to) == ([2, 3, 4, 1, 5], None)
    got = []
    for _ in range(5):
        got.append(await called(desk))
        a_screening(house.db, got[-1])
    assert got == [visit_ids[place] for place in (1, 2, 3, 0, 4)]


async def test_who_was_passed_over_begins_the_next_stage_like_everybody(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    absent, present = people(house, 2)
    desk, lead = await as_role(Role.REGISTRAR), await as_role(Role.ORDER_KEEPER)
    assert await called(desk) == absent
    assert await act(desk, absent, "pass") is None
    for visit_id in (present, absent):
        clock.pass_time(minutes=2)
        a_screening(house.db, visit_id)
    assert await order(lead) == [2, 1]


async def test_whoever_is_returned_to_the_line_keeps_their_place(as_role: AsRole, house: House) -> None:
    first, second = people(house, 2)
    desk, lead = await as_role(Role.REGISTRAR), await as_role(Role.SITE_LEAD)
    assert await called(desk) == first
    assert await act(desk, second, "return") == "not_in_hand"
    assert await act(lead, first, "return") is None
    assert await called(desk) == first
    assert await act(desk, first, "return") is None


async def test_no_desk_ends_the_call_of_another(as_role: AsRole, house: House) -> None:
    (visit_id,) = people(house, 1)
    desk, other = await as_role(Role.REGISTRAR), await as_role(Role.REGISTRAR, station="desk-2")
    assert await called(desk) == visit_id
    assert await act(other, visit_id, "return") == "not_in_hand"
    assert await act(other, visit_id, "pass") == "not_in_hand"


async def test_a_transfer_goes_only_where_the_stage_is_done(as_role: AsRole, house: House) -> None:
    (visit_id,) = people(house, 1)
    desk = await as_role(Role.REGISTRAR)
    await as_role(Role.REGISTRAR, station="desk-2")
    await as_role(Role.VACCINATOR)
    assert await called(desk) == visit_id
    assert await act(desk, visit_id, "transfer", station="nowhere") == "station_unknown"
    assert await act(desk, visit_id, "transfer", station="bench-1") == "station_serves_not"
    assert await act(desk, visit_id, "transfer", station="desk-2") is None
    assert (await desk.get("/api/v1/queue/hand")).json() == []
    assert seen(house, visit_id).called_to == "desk-2"


async def test_priority_is_recorded_with_its_reason_and_can_be_taken_back(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    people(house, 2)
    clock.pass_time(minutes=10)
    late = a_visit(house.db)
    lead = await as_role(Role.ORDER_KEEPER)
    assert await act(lead, late, "priority", reason="elderly") is None
    line = (await lead.get("/api/v1/queue")).json()["line"]
    assert (line[0]["ticket_number"], line[0]["priority"]) == (3, "elderly")
    assert await act(lead, late, "priority", reason=None) is None
    assert await order(lead) == [1, 2, 3]


async def test_the_old_go_first_from_the_check_in_on(as_role: AsRole, house: House, clock: ManualClock) -> None:
    people(house, 1)
    clock.pass_time(minutes=10)
    desk = await as_role(Role.REGISTRAR)
    typed = {
        "typed_reason": "no_card",
        "document_kind": "resident_id",
        "name": "王小明",
        "number": "11010519491231002X",
    }
    assert (await desk.post("/api/v1/visits", json=typed)).status_code == 201
    line = (await desk.get("/api/v1/queue")).json()["line"]
    assert [(one["ticket_number"], one["priority"]) for one in line] == [(2, "elderly"), (1, None)]


async def test_a_clock_set_back_lets_nobody_overtake(as_role: AsRole, house: House, clock: ManualClock) -> None:
    people(house, 2)
    clock.step(hours=-2)
    await house.db.write(lambda tx: tx.journal("looked_at_the_clock"), SYSTEM)
    people(house, 1)
    assert await order(await as_role(Role.ORDER_KEEPER)) == [1, 2, 3]


async def test_only_who_does_a_stage_calls_to_it(as_role: AsRole, house: House) -> None:
    people(house, 1)
    bench, desk = await as_role(Role.VACCINATOR), await as_role(Role.REGISTRAR)
    assert await called(bench) == "not_permitted"
    assert await called(desk, {"stage": "waiting_for_decision"}) == "not_permitted"
    assert await called(desk, {"stage": "observed"}) == "station_serves_not"


async def test_a_call_survives_a_desk_that_signs_in_anew(as_role: AsRole, house: House) -> None:
    (visit_id,) = people(house, 1)
    desk = await as_role(Role.REGISTRAR)
    assert await called(desk) == visit_id
    again = await as_role(Role.REGISTRAR, station=desk.station)
    assert [one["visit_id"] for one in (await again.get("/api/v1/queue/hand")).json()] == [str(visit_id)]
    assert await called(again) == "station_busy"


async def check_in_at(desk: SignedIn, number: int) -> UUID:
    answer = await desk.post("/api/v1/visits", json=PASSPORT | {"number": f"L{number:08d}", "name": f"ANNA {number}"})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["visit_id"])


async def in_lanes(lead: SignedIn, lanes: dict[str, str]) -> None:
    for station, lane in lanes.items():
        answer = await lead.post(f"/api/v1/stations/{station}/lane", json={"lane": lane})
        assert answer.status_code == 201, answer.text


async def test_a_ticket_belongs_to_the_lane_of_its_desk_and_is_called_there(as_role: AsRole, house: House) -> None:
    lead = await as_role(Role.SITE_LEAD)
    door, first, second = [await as_role(Role.REGISTRAR, station=name) for name in ("desk-1", "desk-2", "desk-3")]
    await in_lanes(lead, {"desk-2": "A", "desk-3": "B"})
    in_b = await check_in_at(second, 1)
    in_a = [await check_in_at(first, number) for number in (2, 3)]
    balanced = await check_in_at(door, 4)  # of no lane: the emptier one
    line = (await lead.get("/api/v1/queue")).json()["line"]
    assert [one["lane"] for one in line] == ["B", "A", "A", "B"]
    assert await act(lead, in_a[1], "lane", lane="C") == "lane_unknown"
    assert await act(lead, in_a[1], "lane", lane="B") is None
    assert await called(first) == in_a[0]
    assert await called(second) == in_b
    assert await called(door) == in_a[1]  # a desk of no lane serves all
    a_screening(house.db, in_b)
    assert await called(second) == balanced


async def test_a_lane_whose_desks_are_shut_waits_for_nobody_in_vain(as_role: AsRole, house: House) -> None:
    lead, first = await as_role(Role.SITE_LEAD), await as_role(Role.REGISTRAR)
    second = await as_role(Role.REGISTRAR, station="desk-2")
    await in_lanes(lead, {"desk-1": "A", "desk-2": "B"})
    visit_id = await check_in_at(second, 1)
    assert await called(first) == "nobody_waiting"
    await second.post("/sign-out", headers={"sec-fetch-site": "same-origin"})
    house.db.clock.pass_time(hours=13)  # type: ignore[attr-defined]  # longer than anybody stays signed in unseen
    await first.get("/api/v1/queue/hand")
    again = await as_role(Role.REGISTRAR)
    assert await called(again) == visit_id


async def test_batches_come_in_one_after_the_other(as_role: AsRole, house: House) -> None:
    lead, desk = await as_role(Role.SITE_LEAD), await as_role(Role.REGISTRAR)
    assert (await lead.post("/api/v1/lanes/A/batches")).json()["code"] == "lane_unknown"
    await in_lanes(lead, {"desk-1": "A"})
    first, second, third = [await check_in_at(desk, number) for number in (1, 2, 3)]
    for visit_id in (first, second):
        assert await called(desk) == visit_id
        a_screening(house.db, visit_id)
    assert await called(desk) == "nobody_waiting"
    assert (await lead.post("/api/v1/lanes/A/batches")).json() == 2
    assert await called(desk) == third


async def test_a_bench_calls_those_whose_vaccine_lies_in_its_box(as_role: AsRole, house: House) -> None:
    for number, product in enumerate((PRODUCT, "vaccine-b"), start=1):
        a_product(house.db, product)
        a_lot(house.db, f"8200000000000000000{number}", product=product, bench=f"bench-{number}")
    wants_b, wants_a = (a_consented_visit(house.db, product=product) for product in ("vaccine-b", PRODUCT))
    one, two = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR, station="bench-2")
    assert await called(one, INJECTION) == wants_a
    assert await called(two, INJECTION) == wants_b


async def test_somebody_is_sent_on_to_the_bench_with_the_fewest_people(as_role: AsRole, house: House) -> None:
    a_product(house.db)
    for number in (1, 2):
        a_lot(house.db, f"8200000000000000000{number}", number=f"L{number}", bench=f"bench-{number}")
    waiting = [a_consented_visit(house.db) for _ in range(3)]
    lead = await as_role(Role.ORDER_KEEPER)
    assert await act(lead, waiting[0], "send-on") == "no_station_open"
    for station in ("bench-1", "bench-2", "bench-3"):
        await as_role(Role.VACCINATOR, station=station)  # the third has nothing in its box
    for visit_id in waiting:
        assert await act(lead, visit_id, "send-on") is None
    assert [seen(house, visit_id).called_to for visit_id in waiting] == ["bench-1", "bench-2", "bench-1"]


async def test_the_wait_is_not_known_at_first_and_then_told_from_the_pace(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    visit_ids = people(house, 8)
    desk, lead = await as_role(Role.REGISTRAR), await as_role(Role.SITE_LEAD)

    async def told() -> dict[str, Any]:
        waits = (await lead.get("/api/v1/queue")).json()["waits"]
        return next(one for one in waits if one["stage"] == "waiting_for_screening")

    assert await told() == {**SCREENING, "people": 8, "minutes": None}
    for visit_id in visit_ids[:5]:
        clock.pass_time(minutes=4)
        a_screening(house.db, visit_id)
    assert await told() == {**SCREENING, "people": 3, "minutes": 15}  # four people in 3.2 minutes each
    assert (await desk.get(f"/api/v1/visits/{visit_ids[5]}/wait")).json() == 5
    assert await called(desk) == visit_ids[5]
    assert (await desk.get(f"/api/v1/visits/{visit_ids[5]}/wait")).json() is None


async def test_a_long_line_is_listed_by_its_front_and_whole_when_asked_for(as_role: AsRole, house: House) -> None:
    people(house, MOST_LISTED + 3)
    desk = await as_role(Role.REGISTRAR)
    for page in ("/screening", "/screening/queue", "/queue", "/queue/line"):
        front, whole = (await desk.get(page)).text, (await desk.get(f"{page}?whole=true")).text
        assert (front.count('<td><span class="ticket">'), whole.count('<td><span class="ticket">')) == (
            MOST_LISTED,
            MOST_LISTED + 3,
        )
        assert ("3 more wait behind them" in front, "more wait behind them" in whole) == (True, False)
    assert "/screening/queue?whole=true" in (await desk.get("/screening?whole=true")).text


async def test_after_a_dose_the_next_person_is_one_key_away_and_only_for_who_may_call_them(
    as_role: AsRole, house: House
) -> None:
    vaccinated, waiting = an_observed(house.db), a_visit(house.db)
    vaccinator, registrar = await as_role(Role.VACCINATOR), await as_role(Role.REGISTRAR)
    next_key = 'action="/bench/next"'
    shown = [(await vaccinator.get(f"/visits/{one}")).text for one in (vaccinated, waiting)]
    assert [next_key in one for one in shown] == [True, False]
    assert 'data-key="F2"' in shown[0]
    assert next_key not in (await registrar.get(f"/visits/{vaccinated}")).text
