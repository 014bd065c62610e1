"""Counting a place: differences listed until two people settled them, the ledger following; the past to be read."""

from datetime import timedelta
from typing import Any

import pytest

from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.staff.rules import Role
from clinic_server.stock.ledger import balance_of
from clinic_server.stock.units import unit_by_code
from clinic_server.stock.whereabouts import Outside
from tests.api.visitors import a_lot, a_place, a_product, rows_in
from tests.conftest import ManualClock

CODES = [f"8100000100000000{n:04d}" for n in range(5)]
FRIDGE, OTHER = "fridge-1", "bench-1-box"
UNKNOWN = "81999999000000000001"


@pytest.fixture(name="stocked")
def _stocked(house: House) -> Database:
    """Four units in the fridge, a fifth in the box of the first bench."""
    a_product(house.db)
    a_lot(house.db, *CODES[:4], bench=None)
    a_lot(house.db, CODES[4])
    return house.db


async def counted(somebody: Any, *codes: str, place: str = FRIDGE) -> Any:
    return await somebody.post("/api/v1/counts", json={"place_code": place, "trace_codes": list(codes)})


async def open_by_code(somebody: Any) -> dict[str, Any]:
    return {one["trace_code"]: one for one in (await somebody.get("/api/v1/differences")).json()}


async def explained(somebody: Any, difference: Any, reason: str) -> Any:
    path = f"/api/v1/differences/{difference['difference_id']}/explanation"
    return await somebody.post(path, json={"reason": reason})


async def confirmed(somebody: Any, count: Any) -> Any:
    return await somebody.post(f"/api/v1/counts/{count.json()['count_id']}/confirmation")


def unit_of(db: Database, code: str) -> Any:
    return db.read_now(lambda connection: unit_by_code(connection, code))


def balances(db: Database, *accounts: str) -> list[int]:
    lot_id = unit_of(db, CODES[0]).lot_id
    return [db.read_now(lambda c, account=account: balance_of(c, account, lot_id)) for account in accounts]


async def test_a_place_that_agrees_leaves_nothing_open(as_role: Any, stocked: Database) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    assert (await counted(keeper, *CODES[:4])).json()["differences"] == 0
    assert await open_by_code(keeper) == {}
    assert (await confirmed(keeper, await counted(keeper, *CODES[:4]))).json()["code"] == "nothing_to_confirm"
    (last, _) = (await keeper.get("/api/v1/counts")).json()
    assert (last["place_code"], last["units_recorded"], last["units_scanned"]) == (FRIDGE, 4, 4)
    assert balances(stocked, FRIDGE, Outside.DIFFERENCE) == [4, 0]


async def test_differences_stay_listed_until_two_people_settled_them_and_the_ledger_follows(
    as_role: Any, stocked: Database
) -> None:
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    count = await counted(keeper, *CODES[1:], UNKNOWN)
    assert count.json()["differences"] == 3
    found = await open_by_code(keeper)
    kinds = {code: one["kind"] for code, one in found.items()}
    assert kinds == {CODES[0]: "missing", CODES[4]: "elsewhere", UNKNOWN: "unknown"}
    assert (await explained(keeper, found[CODES[0]], "moved_unrecorded")).json()["code"] == "reason_does_not_fit"
    assert (await explained(keeper, found[CODES[0]], "lost")).status_code == 201
    assert (await explained(keeper, found[CODES[4]], "moved_unrecorded")).status_code == 201
    before = rows_in(stocked)
    alone = await confirmed(keeper, count)
    assert (alone.json()["code"], rows_in(stocked)) == ("count_needs_second", before)
    assert balances(stocked, FRIDGE, OTHER, Outside.DIFFERENCE) == [4, 1, 0]
    assert (await confirmed(lead, count)).json()["settled"] == 2
    assert balances(stocked, FRIDGE, OTHER, Outside.DIFFERENCE) == [4, 0, 1]
    assert (unit_of(stocked, CODES[0]).place_code, unit_of(stocked, CODES[4]).place_code) == (None, FRIDGE)
    assert list(await open_by_code(keeper)) == [UNKNOWN]
    again = await explained(keeper, found[CODES[0]], "lost")
    assert (again.status_code, again.json()["code"]) == (409, "difference_settled_before")


async def test_what_a_count_missed_comes_back_when_it_is_found(as_role: Any, stocked: Database) -> None:
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    lost = await counted(keeper, *CODES[1:4])
    await explained(keeper, (await open_by_code(keeper))[CODES[0]], "lost")
    await confirmed(lead, lost)
    assert unit_of(stocked, CODES[0]).doses_left == 0
    found = await counted(lead, CODES[0], CODES[4], place=OTHER)
    await explained(lead, (await open_by_code(lead))[CODES[0]], "found_again")
    assert (await confirmed(keeper, found)).json()["settled"] == 1
    back = unit_of(stocked, CODES[0])
    assert (back.place_code, back.doses_left) == (OTHER, 1)
    assert balances(stocked, FRIDGE, OTHER, Outside.DIFFERENCE) == [3, 2, 0]


async def test_only_what_was_missing_is_found_again(as_role: Any, stocked: Database) -> None:
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    await lead.post("/api/v1/holds", json={"reason": "doubted", "trace_codes": [CODES[0]]})
    body = {"trace_codes": [CODES[0]], "end": "destroyed", "reason": "doubted", "witness": "Wang"}
    made = (await keeper.post("/api/v1/destructions", json=body)).json()["destruction_id"]
    assert (await lead.post(f"/api/v1/destructions/{made}/confirmation")).status_code == 201
    count = await counted(keeper, *CODES[:4])
    difference = (await open_by_code(keeper))[CODES[0]]
    assert difference["kind"] == "gone"
    await explained(keeper, difference, "found_again")
    refused = await confirmed(lead, count)
    assert (refused.status_code, refused.json()["code"]) == (422, "unit_not_missing")
    await explained(keeper, difference, "not_taken_away")
    assert (await confirmed(lead, count)).json()["settled"] == 1
    assert balances(stocked, FRIDGE, Outside.DESTROYED, Outside.DIFFERENCE) == [3, 1, 0]


async def test_a_unit_that_went_its_way_since_the_count_is_left_where_it_is(as_role: Any, stocked: Database) -> None:
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    a_place(stocked, OTHER, "bench-1")
    count = await counted(keeper, *CODES[1:4])
    await explained(keeper, (await open_by_code(keeper))[CODES[0]], "lost")
    moved = await keeper.post("/api/v1/transfers", json={"to_place": OTHER, "trace_codes": [CODES[0]]})
    assert moved.status_code == 201
    assert (await confirmed(lead, count)).json()["settled"] == 1
    assert (unit_of(stocked, CODES[0]).place_code, balances(stocked, Outside.DIFFERENCE)) == (OTHER, [0])


async def test_a_unit_that_differs_is_set_apart_and_stays_listed(as_role: Any, stocked: Database) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    await counted(keeper, *CODES[1:4], UNKNOWN)
    found = await open_by_code(keeper)
    hold = "/api/v1/differences/{}/hold"
    assert (await keeper.post(hold.format(found[CODES[0]]["difference_id"]), json={})).status_code == 201
    assert unit_of(stocked, CODES[0]).is_held
    assert (await open_by_code(keeper))[CODES[0]]["is_held"]
    nothing = await keeper.post(hold.format(found[UNKNOWN]["difference_id"]), json={})
    assert nothing.json()["code"] == "nothing_to_hold"
    (held,) = (await keeper.get("/api/v1/holds")).json()
    assert held["reason"] == "count_differs"


async def test_a_vaccinator_counts_the_own_box_alone(as_role: Any, stocked: Database) -> None:
    bench = await as_role(Role.VACCINATOR)
    before = rows_in(stocked)
    assert ((await counted(bench, *CODES[:4])).status_code, rows_in(stocked)) == (403, before)
    assert (await counted(bench, CODES[4], place=OTHER)).json()["differences"] == 0
    difference_id = "00000000-0000-0000-0000-000000000000"
    unknown = await (await as_role(Role.SITE_LEAD)).post(
        f"/api/v1/differences/{difference_id}/explanation", json={"reason": "lost"}
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "difference_unknown")


async def test_the_pages_count_explain_and_confirm(as_role: Any, stocked: Database) -> None:
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    form = {"place_code": FRIDGE, "trace_codes": "\n".join(CODES[1:4])}
    sheet = (await keeper.post("/counts", data=form)).headers["location"]
    assert "Not explained" in (await keeper.get(sheet)).text
    difference = (await open_by_code(keeper))[CODES[0]]
    path = f"{sheet}/differences/{difference['difference_id']}"
    await keeper.post(f"{path}/explanation", data={"reason": "lost", "note": ""})
    assert "Confirm as the second person" not in (await keeper.get(sheet)).text
    assert "Confirm as the second person" in (await lead.get(f"{sheet}/now")).text
    await lead.post(f"{sheet}/confirmation", data={})
    assert "Settled by two" in (await lead.get(sheet)).text
    assert "Records and places agree." in (await lead.get("/counts/now")).text
    assert balances(stocked, Outside.DIFFERENCE) == [1]


@pytest.mark.usefixtures("stocked")
async def test_the_stock_of_any_past_instant_and_the_movements_of_a_day_are_read(
    as_role: Any, clock: ManualClock
) -> None:
    auditor, keeper = await as_role(Role.AUDITOR), await as_role(Role.COLD_CHAIN_KEEPER)
    before = clock.now()
    clock.pass_time(minutes=10)
    await keeper.post("/api/v1/transfers", json={"to_place": OTHER, "trace_codes": CODES[:2]})

    async def standing(at: Any) -> dict[str, int]:
        answer = await auditor.get("/api/v1/stock/at", params={"at": at.isoformat()})
        return {one["account"]: one["doses"] for one in answer.json()}

    assert await standing(before - timedelta(seconds=1)) == {}
    assert await standing(before) == {FRIDGE: 4, OTHER: 1, Outside.SUPPLIER: -5}
    assert await standing(clock.now()) == {FRIDGE: 2, OTHER: 3, Outside.SUPPLIER: -5}
    span = {"since": before.isoformat(), "until": (clock.now() + timedelta(seconds=1)).isoformat()}
    every = (await auditor.get("/api/v1/movements", params=span)).json()
    assert [one["kind"] for one in every] == ["issued", "received", "received"]
    of_box = (await auditor.get("/api/v1/movements", params=span | {"account": OTHER})).json()
    assert [(one["kind"], one["doses"]) for one in of_box] == [("issued", 2), ("received", 1)]
    assert (await auditor.get("/api/v1/movements", params=span | {"lot": "none"})).json() == []
    page = (await auditor.get("/ledger", params={"account": OTHER})).text
    assert "Issued" in page
    at = (await auditor.get("/stock/at")).text
    assert FRIDGE in at
    assert (await (await as_role(Role.REGISTRAR)).get("/ledger")).status_code == 403


async def test_an_open_difference_stands_in_the_way_of_closing_the_day(as_role: Any, stocked: Database) -> None:
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    moved = await keeper.post("/api/v1/transfers", json={"to_place": FRIDGE, "trace_codes": [CODES[4]]})
    assert moved.status_code == 201
    day = "/api/v1/days/2026-03-02/closing"
    assert (await lead.get(day)).json()["blockers"] == []
    count = await counted(keeper, *CODES[1:])
    (blocker,) = (await lead.get(day)).json()["blockers"]
    assert (blocker["finding"], blocker["count"]) == ("count_differs", 1)
    await explained(keeper, (await open_by_code(keeper))[CODES[0]], "broken_unrecorded")
    assert (await confirmed(lead, count)).status_code == 201
    assert (await lead.get(day)).json()["blockers"] == []
    assert balances(stocked, FRIDGE, Outside.DIFFERENCE) == [4, 1]
