"""The observation area: who has arrived, who sits where, and two people of one name are two."""

import re
from typing import Any
from uuid import UUID

import pytest

from clinic_server.device_hub.scanned import scan_content
from clinic_server.kit.call import House
from clinic_server.staff.rules import Role
from tests.api.callers import AsRole, SignedIn
from tests.api.observed import an_observed
from tests.api.test_slip_codes import code_of
from tests.api.visitors import a_visit, rows_in
from tests.conftest import ManualClock

Page = Any


@pytest.fixture(name="nurse")
async def _nurse(as_role: AsRole) -> SignedIn:
    return await as_role(Role.OBSERVER)


@pytest.fixture(name="seats")
async def _seats(as_role: AsRole) -> tuple[str, ...]:
    lead = await as_role(Role.SITE_LEAD)
    for code in ("a1", "a2"):
        assert (await lead.post(f"/api/v1/seats/{code}", json={"zone": "hall"})).status_code == 201
    return ("a1", "a2")


async def led(nurse: SignedIn, visit_id: UUID, seat_code: str | None) -> Any:
    return await nurse.post(f"/api/v1/visits/{visit_id}/placements", json={"seat_code": seat_code})


async def taken(nurse: SignedIn) -> dict[str, str | None]:
    return {one["visit_id"]: one["seat_code"] for one in (await nurse.get("/api/v1/seats/taken")).json()}


def cards(page: str) -> list[str]:
    return re.findall(r'data-visit="([^"]+)"', page)


async def test_seats_are_told_in_the_order_they_are_counted(as_role: AsRole) -> None:
    lead = await as_role(Role.SITE_LEAD)
    for code in ("a10", "b1", "a2"):
        await lead.post(f"/api/v1/seats/{code}", json={"zone": "hall"})
    assert [one["code"] for one in (await lead.get("/api/v1/seats")).json()] == ["a2", "a10", "b1"]


async def test_whoever_has_not_come_from_the_bench_is_named_with_the_minutes_since_the_dose(
    nurse: SignedIn, house: House, seats: tuple[str, ...], clock: ManualClock
) -> None:
    visit_id = an_observed(house.db)
    clock.pass_time(minutes=7)
    assert "not arrived yet, 7 min since the dose" in (await nurse.get("/observation")).text
    assert (await led(nurse, visit_id, seats[0])).json()["has_arrived"] is True
    page = (await nurse.get("/observation/now")).text
    assert "not arrived yet" not in page
    assert "<strong>A1</strong> hall" in page


async def test_the_time_counts_from_the_needle_and_never_from_the_arrival(
    nurse: SignedIn, house: House, seats: tuple[str, ...], clock: ManualClock
) -> None:
    visit_id = an_observed(house.db)
    clock.pass_time(minutes=10)
    await led(nurse, visit_id, seats[0])
    clock.pass_time(minutes=5)
    await led(nurse, visit_id, seats[1])
    (one,) = (await nurse.get("/api/v1/observation")).json()
    assert (one["minutes_left"], one["minutes_in"]) == (15, 15)


async def test_one_person_a_seat_and_whoever_leaves_frees_it(
    nurse: SignedIn, house: House, seats: tuple[str, ...], clock: ManualClock
) -> None:
    first, second = an_observed(house.db), an_observed(house.db)
    await led(nurse, first, seats[0])
    refused = await led(nurse, second, seats[0])
    assert (refused.status_code, refused.json()["code"], refused.json()["facts"]) == (409, "seat_taken", {"ticket": 1})
    assert (await led(nurse, second, None)).is_success, "there is always room to stand"
    assert (await led(nurse, first, None)).is_success
    assert (await led(nurse, second, seats[0])).is_success
    assert await taken(nurse) == {str(first): None, str(second): seats[0]}
    clock.pass_time(minutes=30)
    assert (await nurse.post(f"/api/v1/visits/{second}/leave")).is_success
    assert (await led(nurse, first, seats[0])).is_success


async def test_the_same_place_again_is_refused_and_recorded_once(
    nurse: SignedIn, house: House, seats: tuple[str, ...]
) -> None:
    visit_id = an_observed(house.db)
    await led(nurse, visit_id, seats[0])
    before = rows_in(house.db)
    assert (await led(nurse, visit_id, seats[0])).json()["code"] == "seated_there"
    assert rows_in(house.db) == before


async def test_a_seat_out_of_use_takes_nobody_and_is_not_taken_away_from_under_anybody(
    as_role: AsRole, nurse: SignedIn, house: House, seats: tuple[str, ...]
) -> None:
    lead, visit_id = await as_role(Role.SITE_LEAD), an_observed(house.db)
    await led(nurse, visit_id, seats[0])
    assert (await lead.post("/api/v1/seats/a1/retirement")).json()["code"] == "seat_taken"
    assert (await lead.post("/api/v1/seats/a2/retirement")).status_code == 201
    assert (await led(nurse, visit_id, "a2")).json()["code"] == "seat_retired"
    assert (await led(nurse, visit_id, "a3")).json()["code"] == "seat_unknown"
    assert [one["is_retired"] for one in (await nurse.get("/api/v1/seats")).json()] == [False, True]


async def test_nobody_is_led_to_a_seat_before_the_needle(nurse: SignedIn, house: House, seats: tuple[str, ...]) -> None:
    refused = await led(nurse, a_visit(house.db), seats[0])
    assert (refused.status_code, refused.json()["code"]) == (409, "step_out_of_order")


@pytest.mark.parametrize("how", ["slip", "ticket"])
async def test_a_scanned_slip_or_a_typed_ticket_is_an_arrival(
    nurse: SignedIn, house: House, seats: tuple[str, ...], how: str
) -> None:
    an_observed(house.db)
    visit_id = an_observed(house.db)
    shown = code_of(house.db, visit_id) if how == "slip" else "002"
    answer = await nurse.post("/observation/arrivals", data={"shown": shown, "seat_code": seats[1]})
    assert answer.status_code == 303, answer.text
    assert await taken(nurse) == {str(visit_id): seats[1]}
    assert f"By the {how}" in (await nurse.get(f"/visits/{visit_id}/observation")).text


@pytest.mark.parametrize("shown", ["7", "V1-260302-001-AAAAAAAA", "no document at all"])
async def test_what_names_nobody_in_the_area_is_refused(nurse: SignedIn, house: House, shown: str) -> None:
    an_observed(house.db)
    before = rows_in(house.db)
    answer = await nurse.post("/observation/arrivals", data={"shown": shown, "seat_code": ""})
    assert answer.status_code in {404, 422}
    assert rows_in(house.db) == before


async def test_a_slip_read_at_the_nurses_own_station_asks_for_the_seat_and_is_used_up(
    nurse: SignedIn, house: House, seats: tuple[str, ...]
) -> None:
    assert seats
    visit_id = an_observed(house.db)
    house.inbox.put(nurse.station, "scan", scan_content(code_of(house.db, visit_id), "]Q1"))
    asked = (await nurse.get("/observation/shown")).text
    assert "王小明" in asked
    fields = dict(re.findall(r'name="(delivery_id|found_by)" value="([^"]+)"', asked))
    await nurse.post(f"/visits/{visit_id}/placements", data={**fields, "seat_code": "a1"})
    assert await taken(nurse) == {str(visit_id): "a1"}
    assert "form" not in (await nurse.get("/observation/shown")).text


async def test_two_people_of_one_name_are_two_cards(
    nurse: SignedIn, house: House, seats: tuple[str, ...], clock: ManualClock
) -> None:
    first = an_observed(house.db, name="李娜")
    clock.pass_time(minutes=10)
    second = an_observed(house.db, name="李娜")
    await led(nurse, second, seats[0])
    page = (await nurse.get("/observation")).text
    assert cards(page) == [str(first), str(second)]
    assert (page.count("李娜"), page.count("not arrived yet")) == (2, 1)
    clock.pass_time(minutes=20)
    assert (await nurse.post(f"/api/v1/visits/{first}/leave")).is_success
    assert cards((await nurse.get("/observation")).text) == [str(second)]


async def test_the_reaction_is_called_to_the_seat(
    nurse: SignedIn, house: House, seats: tuple[str, ...], clock: ManualClock
) -> None:
    calm, reacting = an_observed(house.db), an_observed(house.db)
    await led(nurse, reacting, seats[1])
    clock.pass_time(minutes=1)
    page = (await nurse.get(f"/visits/{reacting}/observation")).text
    seat_code = re.findall(r'name="seat_code" value="([^"]+)"', page)
    assert seat_code == ["a2"]
    await nurse.post(f"/visits/{reacting}/reaction", data={"seat_code": "a2"})
    page = (await nurse.get("/observation")).text
    assert cards(page) == [str(reacting), str(calm)], "whoever reacts is looked at first"


async def test_only_a_lead_keeps_seats_and_no_other_desk_sees_who_sits(as_role: AsRole, nurse: SignedIn) -> None:
    assert (await nurse.post("/api/v1/seats/a1", json={"zone": "hall"})).status_code == 403
    registrar = await as_role(Role.REGISTRAR)
    for path in ("/api/v1/seats/taken", "/observation", "/observation/now", "/observation/shown"):
        assert (await registrar.get(path)).status_code == 403
