"""The box of a bench: vials fetched, opened, wasted, given back; nothing is drawn that does not stand there."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.staff.rules import Role
from clinic_server.stock.actions import NewProduct, add_product
from clinic_server.stock.box import overdue, waste_overdue
from clinic_server.stock.ledger import balance_of
from clinic_server.stock.overdue import OverdueVials
from clinic_server.stock.place_holds import hold_units
from clinic_server.stock.rules import Platform, Route
from clinic_server.stock.tables import movement, unit_now
from clinic_server.stock.units import unit_by_code
from clinic_server.stock.whereabouts import HoldReason, Outside
from tests.api.test_injection import a_consented_visit, findings_of, given, permitted
from tests.api.visitors import SYSTEM, a_lot, a_place, an_open_site, rows_in
from tests.conftest import ManualClock
from tests.devices.parts import eventually

CODE, FRESH = "81000001000000000001", "81000001000000000002"
FIVE = "vaccine-five"


def a_product_of_five(db: Database) -> None:
    kind = ("covid19-bbibp-corv", Platform.INACTIVATED, Route.INTRAMUSCULAR)
    new = NewProduct(FIVE, "Vaccine Five", "Maker", *kind, 500, 5)
    db.write_now(lambda tx: add_product(tx, new), SYSTEM)


@pytest.fixture(name="boxed")
def _boxed(house: House) -> Database:
    """An open site with two vials of five doses in the box of the first bench."""
    an_open_site(house.db)
    a_product_of_five(house.db)
    a_lot(house.db, CODE, FRESH, product=FIVE)
    return house.db


def unit_of(db: Database, code: str = CODE) -> Any:
    return db.read_now(lambda connection: unit_by_code(connection, code))


def kind_of(db: Database, movement_id: UUID) -> Any:
    wanted = select(movement.c.kind).where(movement.c.id == movement_id)
    return db.read_now(lambda connection: connection.execute(wanted).scalar())


async def a_given_dose(bench: Any, db: Database, code: str = CODE) -> None:
    permit = await permitted(bench, a_consented_visit(db, FIVE), code)
    assert (await given(bench, permit.json()["permit_id"])).status_code == 201


def balance(db: Database, account: str) -> int:
    return db.read_now(lambda connection: balance_of(connection, account, unit_of(db).lot_id))


async def test_the_first_dose_opens_a_vial_and_its_minutes_end_a_permit(
    as_role: Any, boxed: Database, clock: ManualClock
) -> None:
    bench = await as_role(Role.VACCINATOR)
    await a_given_dose(bench, boxed)
    opened = unit_of(boxed)
    assert (opened.doses_left, opened.open_until) == (4, clock.now() + timedelta(minutes=60))
    clock.pass_time(minutes=58)
    permit = await permitted(bench, a_consented_visit(boxed, FIVE))
    assert permit.json()["expires_at"] == opened.open_until.isoformat().replace("+00:00", "Z")
    clock.pass_time(minutes=2, seconds=1)
    late = await permitted(bench, a_consented_visit(boxed, FIVE))
    assert findings_of(late) == ["unit_open_too_long"]


async def test_a_fresh_vial_waits_until_the_open_one_is_used_or_written_off(as_role: Any, boxed: Database) -> None:
    bench = await as_role(Role.VACCINATOR)
    await a_given_dose(bench, boxed)
    visit_id = a_consented_visit(boxed, FIVE)
    assert findings_of(await permitted(bench, visit_id, FRESH)) == ["open_vial_first"]
    waste = f"/api/v1/units/{unit_of(boxed).unit_id}/waste"
    assert (await bench.post(waste, json={"reason": "spoilt"})).json()["doses"] == 4
    assert (await permitted(bench, visit_id, FRESH)).status_code == 201
    assert (unit_of(boxed).doses_left, balance(boxed, Outside.WASTED), balance(boxed, Outside.USED)) == (0, 4, 1)


async def test_an_overdue_vial_is_written_off_once(as_role: Any, boxed: Database, clock: ManualClock) -> None:
    await a_given_dose(await as_role(Role.VACCINATOR), boxed)
    clock.pass_time(minutes=60)
    assert boxed.write_now(waste_overdue, system_actor("open vials")) == 0
    clock.pass_time(seconds=1)
    assert [boxed.write_now(waste_overdue, system_actor("open vials")) for _ in range(2)] == [1, 0]
    assert boxed.read_now(lambda connection: overdue(connection, clock.now())) == []
    assert (unit_of(boxed).doses_left, balance(boxed, Outside.WASTED), balance(boxed, "bench-1-box")) == (0, 4, 5)


async def test_the_running_server_writes_off_an_overdue_vial_by_itself(
    as_role: Any, house: House, boxed: Database, clock: ManualClock
) -> None:
    await a_given_dose(await as_role(Role.VACCINATOR), boxed)
    clock.pass_time(hours=2)
    async with OverdueVials(house, every_s=0.01):
        await eventually(lambda: unit_of(boxed).doses_left == 0, "what is left is written off")
    reasons = boxed.read_now(lambda c: c.execute(select(movement.c.reason, movement.c.moved_by)).all())
    assert ("open_too_long", None) in [tuple(row) for row in reasons]


async def test_a_vaccinator_speaks_for_the_own_box_alone_and_a_keeper_for_every(as_role: Any, boxed: Database) -> None:
    other = await as_role(Role.VACCINATOR, station="bench-2")
    waste = f"/api/v1/units/{unit_of(boxed).unit_id}/waste"
    before = rows_in(boxed)
    refused = await other.post(waste, json={"reason": "broken"})
    assert (refused.status_code, rows_in(boxed)) == (403, before)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    assert (await keeper.post(waste, json={"reason": "broken", "doses": 2})).status_code == 201
    assert unit_of(boxed).doses_left == 3
    too_many = await keeper.post(waste, json={"reason": "broken", "doses": 4})
    assert (too_many.status_code, too_many.json()["code"]) == (422, "unit_is_empty")


async def test_an_emptied_vial_gives_the_dose_more_that_was_in_it_and_no_further(as_role: Any, boxed: Database) -> None:
    bench = await as_role(Role.VACCINATOR)
    gain = f"/api/v1/units/{unit_of(boxed).unit_id}/gain"
    for _ in range(5):
        assert (await bench.post(gain, json={"reason": "overfill"})).json()["code"] == "nothing_left_to_gain"
        await a_given_dose(bench, boxed)
    assert findings_of(await permitted(bench, a_consented_visit(boxed, FIVE))) == ["unit_used_up"]
    assert (await bench.post(gain, json={"reason": "overfill"})).status_code == 201
    await a_given_dose(bench, boxed)
    assert findings_of(await permitted(bench, a_consented_visit(boxed, FIVE))) == ["unit_used_up"]
    assert (balance(boxed, Outside.USED), balance(boxed, Outside.GAINED), balance(boxed, "bench-1-box")) == (6, -1, 5)


async def test_units_go_out_lend_and_come_back_and_only_there_are_they_drawn_from(as_role: Any, house: House) -> None:
    db = house.db
    an_open_site(db)
    a_product_of_five(db)
    a_lot(db, CODE, product=FIVE, bench=None)
    a_place(db, "bench-1-box", "bench-1")
    a_place(db, "bench-2-box", "bench-2")
    one, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR, station="bench-2")
    visit_id = a_consented_visit(db, FIVE)
    assert findings_of(await permitted(one, visit_id)) == ["unit_elsewhere"]
    kinds = []
    for to_place, who in (("bench-1-box", one), ("bench-2-box", other), ("fridge-1", other)):
        sent = await who.post("/api/v1/transfers", json={"to_place": to_place, "trace_codes": [CODE]})
        assert (sent.status_code, sent.json()["units"]) == (201, 1)
        kinds.append(kind_of(db, UUID(sent.json()["movement_id"])))
        asked = [await permitted(bench, visit_id) for bench in (one, other)]
        assert [answer.is_success for answer in asked] == [to_place == "bench-1-box", to_place == "bench-2-box"]
    assert kinds == ["issued", "lent", "taken_back"]


async def test_what_expires_first_goes_out_first_or_a_reason_says_why_not(as_role: Any, house: House) -> None:
    db = house.db
    a_product_of_five(db)
    a_lot(db, CODE, product=FIVE, bench=None, expires_on=date(2026, 5, 1))
    a_lot(db, FRESH, product=FIVE, bench=None, expires_on=date(2026, 9, 1))
    a_place(db, "bench-1-box", "bench-1")
    bench = await as_role(Role.VACCINATOR)
    body: dict[str, Any] = {"to_place": "bench-1-box", "trace_codes": [FRESH]}
    before = rows_in(db)
    refused = await bench.post("/api/v1/transfers", json=body)
    assert (refused.status_code, refused.json()["code"], rows_in(db)) == (422, "earlier_expiry_first", before)
    assert (await bench.post("/api/v1/transfers", json=body | {"reason": "box is broken"})).status_code == 201
    assert (await bench.post("/api/v1/transfers", json=body | {"trace_codes": [CODE]})).status_code == 201


@pytest.mark.parametrize("trouble", ["unknown", "held", "there already", "empty"])
async def test_a_transfer_moves_all_of_its_units_or_none(as_role: Any, boxed: Database, trouble: str) -> None:
    a_place(boxed)
    bench = await as_role(Role.VACCINATOR)
    codes, to_place = [FRESH, CODE], "fridge-1"
    unit_id = unit_of(boxed).unit_id
    if trouble == "unknown":
        codes.append("89999999999999999999")
    elif trouble == "held":
        boxed.write_now(lambda tx: (hold_units(tx, [unit_id], HoldReason.DOUBTED), tx.journal("held")), SYSTEM)
    elif trouble == "empty":
        await bench.post(f"/api/v1/units/{unit_id}/waste", json={"reason": "broken"})
    else:
        to_place = "bench-1-box"
    before = rows_in(boxed)
    answer = await bench.post("/api/v1/transfers", json={"to_place": to_place, "trace_codes": codes})
    code = {"unknown": "unit_unknown", "held": "unit_is_held", "empty": "unit_is_empty"}.get(trouble, "unit_not_here")
    assert (answer.json()["code"], rows_in(boxed)) == (code, before)


async def test_a_held_unit_is_not_given(as_role: Any, boxed: Database) -> None:
    unit_id = unit_of(boxed).unit_id
    bench = await as_role(Role.VACCINATOR)
    visit_id = a_consented_visit(boxed, FIVE)
    permit_id = (await permitted(bench, visit_id)).json()["permit_id"]
    boxed.write_now(lambda tx: (hold_units(tx, [unit_id], HoldReason.TEMPERATURE), tx.journal("held")), SYSTEM)
    before = rows_in(boxed)
    assert findings_of(await given(bench, permit_id)) == ["unit_on_hold"]
    assert rows_in(boxed) == before


async def test_the_page_of_the_box_says_what_to_take_what_is_left_and_takes_every_act(
    as_role: Any, boxed: Database
) -> None:
    a_place(boxed)
    bench = await as_role(Role.VACCINATOR)
    page = (await bench.get("/bench/box")).text
    assert ("Take this one next" in page, page.count("…000001"), page.count("…000002")) == (True, 1, 1)
    await a_given_dose(bench, boxed)
    assert "4 doses of the open vials will be left" in (await bench.get("/bench/box/now")).text
    assert "Open: 60 minutes left" in (await bench.get("/bench/box/now")).text
    unit_id = unit_of(boxed).unit_id
    posts = (
        (f"/bench/box/units/{unit_id}/waste", {"reason": "broken", "doses": ""}),
        (f"/bench/box/units/{unit_id}/gain", {"reason": "overfill"}),
        ("/bench/box/returns", {"trace_codes": f"{FRESH}\r\n", "to_place": "fridge-1"}),
        ("/bench/box/units", {"trace_codes": FRESH, "reason": ""}),
    )
    for path, data in posts:
        answer = await bench.post(path, data=data)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/bench/box"), answer.text
    stands = boxed.read_now(lambda c: c.execute(select(unit_now.c.moves, unit_now.c.doses_left)).all())
    assert sorted(tuple(row) for row in stands) == [(1, 1), (3, 5)]
