"""A delivery from the door to the fridge: the way, the papers, the scans, what differs; all over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from clinic_server.kit.call import House
from clinic_server.kit.clock import Clock
from clinic_server.kit.db import Database
from clinic_server.receiving.tables import delivery, learnt_article
from clinic_server.staff.rules import Role
from clinic_server.stock.actions import NewProduct, add_product
from clinic_server.stock.ledger import balance_of
from clinic_server.stock.place_holds import hold_units
from clinic_server.stock.places import NewPlace, add_place
from clinic_server.stock.rules import Platform, Route, UnitFacts
from clinic_server.stock.tables import lot, movement, product
from clinic_server.stock.units import unit_by_code
from clinic_server.stock.whereabouts import HoldReason, MovementKind, PlaceKind
from firmware_stubs.rehearsal import deeds
from tests.api.visitors import PRODUCT, SYSTEM, a_lot, a_place, a_product, rows_in
from tests.conftest import ManualClock

GTIN = "06901234560008"
CODES = [f"8100000100000000{n:04d}" for n in range(8)]
PACKED = [["CARTON-1", "PACK-1", CODES[0]], ["CARTON-1", "PACK-1", CODES[1]], ["CARTON-1", "PACK-2", CODES[2]]]


def in_stock(db: Database, code: str) -> UnitFacts | None:
    return db.read_now(lambda connection: unit_by_code(connection, code))


class Keeper:
    """Whoever receives: everything they do to one delivery, and what the server answers."""

    def __init__(self, http: Any, clock: Clock) -> None:
        self.http, self.clock = http, clock
        self.path, self.line = "", ""

    def record(self, low: int = 2_500, high: int = 7_500) -> dict[str, Any]:
        arrived_at = self.clock.now() - timedelta(minutes=5)
        times = {"departed_at": arrived_at - timedelta(hours=2), "arrived_at": arrived_at}
        way = {"kind": "logger_print", "reference": "LG-1", "low_milli_celsius": low, "high_milli_celsius": high}
        return way | {name: at.isoformat() for name, at in times.items()}

    def body(self, *lines: dict[str, Any], **told: Any) -> dict[str, Any]:
        van = {"supplier": "county", "document_number": "D-1", "carrier": "van 3", "place_code": "fridge-1"}
        return {**van, "record": self.record(), "lines": lines, **told}

    async def begin(self, *lines: dict[str, Any], **told: Any) -> dict[str, Any]:
        answer = await self.http.post("/api/v1/deliveries", json=self.body(*lines, **told))
        assert answer.status_code == 201, answer.text
        begun: dict[str, Any] = answer.json()
        self.path = f"/api/v1/deliveries/{begun['delivery_id']}"
        self.line = begun["line_ids"][0] if begun["line_ids"] else ""
        return begun

    async def scan(self, *codes: str, line: str | None = None) -> Any:
        return await self.http.post(f"{self.path}/scans", json={"line_id": line or self.line, "codes": codes})

    async def tell(self, reason: str, units: int) -> Any:
        body = {"line_id": self.line, "reason": reason, "units": units}
        return await self.http.post(f"{self.path}/differences", json=body)

    async def finish(self, **told: Any) -> Any:
        return await self.http.post(f"{self.path}/finish", json=told)

    async def seen(self) -> dict[str, Any]:
        seen: dict[str, Any] = (await self.http.get(self.path)).json()
        return seen


def a_line(expected: int = 3, **told: Any) -> dict[str, Any]:
    """A lot as the papers say."""
    lot_told = {"product_code": PRODUCT, "lot_number": "L-1", "expires_on": "2027-01-01"}
    return {**lot_told, "expected_units": expected, "release_number": "SP-1", **told}


def another_product(db: Database) -> str:
    """A product whose name nobody takes for the first one's."""
    kind = ("covid19-zf2001", Platform.SUBUNIT, Route.INTRAMUSCULAR)
    new = NewProduct("vaccine-b", "Vaccine B", "Maker", *kind, 500, 1)
    db.write_now(lambda tx: add_product(tx, new), SYSTEM)
    return new.code


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


@pytest.fixture(name="keeper")
async def _keeper(as_role: Any, house: House, clock: ManualClock) -> Keeper:
    a_product(house.db)
    a_place(house.db)
    return Keeper(await as_role(Role.COLD_CHAIN_KEEPER), clock)


async def test_what_was_scanned_stands_in_the_fridge_once_the_delivery_is_finished(
    keeper: Keeper, house: House
) -> None:
    begun = await keeper.begin(a_line())
    assert (await keeper.scan(*CODES[:3])).json()["units"] == 3
    assert in_stock(house.db, CODES[0]) is None
    assert (await keeper.finish()).json() == {"delivery_id": begun["delivery_id"], "units": 3, "held": 0}
    unit = in_stock(house.db, CODES[0])
    assert unit
    assert (unit.place_code, unit.lot_number, unit.is_held) == ("fridge-1", "L-1", False)
    record_id = house.db.read_now(
        lambda c: c.execute(select(movement.c.record_id).where(movement.c.kind == MovementKind.RECEIVED)).scalar_one()
    )
    assert str(record_id) == begun["delivery_id"]
    assert house.db.read_now(lambda c: balance_of(c, "fridge-1", unit.lot_id)) == 3
    for late in (await keeper.scan(CODES[3]), await keeper.finish(), await keeper.tell("short", 1)):
        assert code_of(late) == (409, "delivery_not_open")


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        (None, "no_temperature_record"),
        ((1_999, 5_000), "too_cold_on_the_way"),
        ((3_000, 8_001), "too_warm_on_the_way"),
    ],
)
async def test_a_delivery_without_a_record_in_range_is_recorded_as_refused_and_nothing_comes_in(
    keeper: Keeper, house: House, way: tuple[int, int] | None, reason: str
) -> None:
    begun = await keeper.begin(a_line(), record=keeper.record(*way) if way else None)
    assert begun["refusal"] == reason
    assert code_of(await keeper.scan(CODES[0])) == (409, "delivery_not_open")
    assert code_of(await keeper.finish()) == (409, "delivery_not_open")
    assert in_stock(house.db, CODES[0]) is None
    seen = await keeper.seen()
    assert (seen["state"], seen["refusal"], seen["told_to"]) == ("refused", reason, None)
    assert house.db.read_now(lambda c: c.execute(select(func.count()).select_from(lot)).scalar_one()) == 0


async def test_a_refused_delivery_is_to_be_reported_until_somebody_was_told(keeper: Keeper) -> None:
    begun = await keeper.begin(record=None)
    assert "To be reported" in (await keeper.http.get("/receiving")).text
    answer = await keeper.http.post(f"/receiving/{begun['delivery_id']}/refusal/report", data={"told_to": "county CDC"})
    assert answer.status_code == 303
    assert "To be reported" not in (await keeper.http.get("/receiving")).text
    again = await keeper.http.post(f"{keeper.path}/refusal/report", json={"told_to": "county CDC"})
    assert code_of(again) == (409, "nothing_to_report")


async def test_a_lot_added_later_is_held_against_the_same_way(keeper: Keeper) -> None:
    await keeper.begin(record=keeper.record(high=8_001))
    assert (await keeper.seen())["state"] == "open"
    answer = await keeper.http.post(f"{keeper.path}/lines", json=a_line())
    assert answer.json()["refusal"] == "too_warm_on_the_way"
    assert (await keeper.seen())["state"] == "refused"


async def test_people_refuse_what_they_see_and_not_what_the_record_says(keeper: Keeper) -> None:
    await keeper.begin(a_line())
    judged = await keeper.http.post(f"{keeper.path}/refusal", json={"reason": "too_warm_on_the_way"})
    assert code_of(judged) == (422, "refusal_not_judged")
    seen = await keeper.http.post(f"{keeper.path}/refusal", json={"reason": "package_damaged", "note": "wet"})
    assert seen.status_code == 201
    assert (await keeper.seen())["refusal_note"] == "wet"


async def test_a_record_that_cannot_be_meant_refuses_the_request_and_not_the_delivery(
    keeper: Keeper, house: House
) -> None:
    before = rows_in(house.db)
    for record in (keeper.record(7_501, 7_500), keeper.record() | {"arrived_at": "2099-01-01T00:00:00+08:00"}):
        answer = await keeper.http.post("/api/v1/deliveries", json=keeper.body(record=record))
        assert code_of(answer) == (422, "transport_record_impossible")
    assert rows_in(house.db) == before


async def test_units_without_a_batch_release_number_are_held_until_it_is_told(keeper: Keeper, house: House) -> None:
    await keeper.begin(a_line(2, release_number=None))
    await keeper.scan(*CODES[:2])
    assert (await keeper.finish()).json()["held"] == 2
    first, second = (in_stock(house.db, code) for code in CODES[:2])
    assert first
    assert second
    assert first.is_held
    house.db.write_now(
        lambda tx: [hold_units(tx, [second.unit_id], HoldReason.DOUBTED), tx.journal("furnished")], SYSTEM
    )
    papers = f"{keeper.path}/lines/{keeper.line}/papers"
    assert (await keeper.http.post(papers, json={"release_number": "SP-9"})).status_code == 201
    held = {code: unit.is_held for code in CODES[:2] if (unit := in_stock(house.db, code))}
    assert held == {CODES[0]: False, CODES[1]: True}
    assert code_of(await keeper.http.post(papers, json={"release_number": "SP-9"})) == (409, "papers_not_missing")
    assert (await keeper.seen())["lines"][0]["release_number"] == "SP-9"


async def test_a_carton_of_the_packing_list_stands_for_its_units(keeper: Keeper, house: House) -> None:
    await keeper.begin(a_line(packing_list=PACKED))
    assert (await keeper.scan("PACK-1")).json()["units"] == 2
    assert code_of(await keeper.scan(CODES[0])) == (409, "unit_scanned_twice")
    assert (await keeper.scan("CARTON-1")).json()["units"] == 1
    assert code_of(await keeper.scan(CODES[5])) == (422, "unit_not_listed")
    assert (await keeper.finish()).json()["units"] == 3
    assert in_stock(house.db, CODES[2])
    assert in_stock(house.db, "CARTON-1") is None


async def test_no_code_stands_in_two_lines_of_a_delivery(keeper: Keeper) -> None:
    lines = [a_line(packing_list=PACKED), a_line(lot_number="L-2", packing_list=[["CARTON-1", CODES[4]]])]
    answer = await keeper.http.post("/api/v1/deliveries", json=keeper.body(*lines))
    assert code_of(answer) == (422, "packing_list_contradicts")
    answer = await keeper.http.post("/api/v1/deliveries", json=keeper.body(a_line(), a_line()))
    assert code_of(answer) == (409, "line_twice")


async def test_a_delivery_is_not_finished_while_a_difference_has_no_reason(keeper: Keeper, house: House) -> None:
    await keeper.begin(a_line(4))
    await keeper.scan(*CODES[:2])
    before = rows_in(house.db)
    refused = await keeper.finish()
    assert code_of(refused) == (422, "difference_unexplained")
    assert refused.json()["facts"] == {"lot": "L-1", "units": -2}
    assert rows_in(house.db) == before
    await keeper.tell("short", 2)
    await keeper.tell("broken", 1)
    assert code_of(await keeper.finish()) == (422, "difference_unexplained")
    await keeper.tell("short", 1)
    assert (await keeper.finish()).json()["units"] == 2
    assert (await keeper.seen())["lines"][0]["differences"] == {"short": 1, "broken": 1}


async def test_surplus_comes_in_with_a_reason_and_nothing_at_all_does_not(keeper: Keeper) -> None:
    await keeper.begin(a_line(1))
    await keeper.scan(*CODES[:2])
    await keeper.tell("surplus", 1)
    assert (await keeper.finish()).json()["units"] == 2
    await keeper.begin(a_line(1))
    await keeper.tell("short", 1)
    assert code_of(await keeper.finish()) == (422, "nothing_arrived")


async def test_a_known_code_refuses_what_was_scanned_with_it(keeper: Keeper, house: House) -> None:
    a_lot(house.db, CODES[0], bench=None)
    await keeper.begin(a_line())
    before = rows_in(house.db)
    assert code_of(await keeper.scan(CODES[1], CODES[0])) == (409, "unit_already_received")
    assert rows_in(house.db) == before


@pytest.mark.each_engine
async def test_of_two_deliveries_with_the_same_code_only_one_comes_in(keeper: Keeper, house: House) -> None:
    await keeper.begin(a_line(1))
    await keeper.scan(CODES[0])
    first = keeper.path
    await keeper.begin(a_line(1, lot_number="L-2"))
    await keeper.scan(CODES[0])
    assert (await keeper.finish()).status_code == 201
    keeper.path = first
    before = rows_in(house.db)
    assert code_of(await keeper.finish()) == (409, "unit_already_received")
    assert rows_in(house.db) == before


async def test_a_trace_code_learnt_for_one_product_is_refused_for_another(keeper: Keeper, house: House) -> None:
    await keeper.begin(a_line(1))
    await keeper.scan(CODES[0])
    await keeper.finish()
    another_product(house.db)
    await keeper.begin(a_line(1, product_code="vaccine-b"))
    refused = await keeper.scan(CODES[1])
    assert code_of(refused) == (422, "code_of_other_product")
    assert refused.json()["facts"] == {"trace_code": CODES[1], "known": "Vaccine A", "chosen": "Vaccine B"}
    assert (await keeper.scan("82000001000000000001")).status_code == 201


async def test_two_lines_of_one_delivery_cannot_teach_one_number_two_products(keeper: Keeper, house: House) -> None:
    another_product(house.db)
    begun = await keeper.begin(a_line(1), a_line(1, product_code="vaccine-b"))
    await keeper.scan(CODES[0])
    await keeper.scan(CODES[1], line=begun["line_ids"][1])
    before = rows_in(house.db)
    assert code_of(await keeper.finish()) == (422, "code_of_other_product")
    assert rows_in(house.db) == before


async def test_what_was_learnt_wrongly_is_put_right_by_the_site_lead(
    keeper: Keeper, house: House, as_role: Any
) -> None:
    await keeper.begin(a_line(1))
    await keeper.scan(CODES[0])
    await keeper.finish()
    another_product(house.db)
    told = {"product_code": "vaccine-b"}
    assert (await keeper.http.post("/api/v1/articles/8100000/product", json=told)).status_code == 403
    lead = await as_role(Role.SITE_LEAD)
    assert code_of(await lead.post("/api/v1/articles/8999999/product", json=told)) == (404, "article_unknown")
    assert (await lead.post("/api/v1/articles/8100000/product", json=told)).status_code == 201
    assert [one["product_code"] for one in (await lead.get("/api/v1/articles")).json()] == ["vaccine-b"]
    await keeper.begin(a_line(1, product_code="vaccine-b"))
    assert (await keeper.scan(CODES[1])).status_code == 201
    form = {"article": "8100000", "product_code": PRODUCT}
    assert (await keeper.http.post("/receiving/articles", data=form)).status_code == 403
    assert (await lead.post("/receiving/articles", data=form)).status_code == 303
    assert [one["product_code"] for one in (await lead.get("/api/v1/articles")).json()] == [PRODUCT]


async def test_a_gs1_code_agrees_with_its_line_or_is_refused(keeper: Keeper, house: House) -> None:
    await keeper.begin(a_line(3, lot_number="A1"))
    for text, finding in (
        (f"]d201{GTIN}1727010110B2|21SN1", "lot_differs"),
        (f"]d201{GTIN}1727020110A1|21SN1", "expiry_differs"),
    ):
        refused = await keeper.scan(text)
        assert code_of(refused) == (422, "scan_contradicts_line")
        assert [one["code"] for one in refused.json()["findings"]] == [finding]
    assert (await keeper.scan(f"]d201{GTIN}1727010110A1|21SN1", f"(01){GTIN}(21)SN2")).json()["units"] == 2
    assert code_of(await keeper.scan(f"01{GTIN}21SN1")) == (409, "unit_scanned_twice")
    assert (await keeper.scan(f"01{GTIN}10A1|21S,3")).json()["units"] == 1
    await keeper.finish()
    assert in_stock(house.db, f"(01){GTIN}(21)S,3")
    learnt = house.db.read_now(lambda c: c.execute(select(learnt_article.c.article)).scalars().all())
    assert learnt == [GTIN]


async def test_a_carton_once_known_is_no_unit_where_no_list_names_what_is_in_it(keeper: Keeper) -> None:
    carton = "81000090000000000001"
    await keeper.begin(a_line(1, packing_list=[[carton, CODES[0]]]))
    await keeper.scan(carton)
    await keeper.finish()
    await keeper.begin(a_line(1))
    assert code_of(await keeper.scan("81000090000000000002")) == (422, "package_not_listed")


async def test_the_capacity_of_the_place_is_kept_unless_somebody_says_why(keeper: Keeper, house: House) -> None:
    small = NewPlace("small", "Small", PlaceKind.FRIDGE, "cn-clinic-2-8", None, 3)
    house.db.write_now(lambda tx: add_place(tx, small), SYSTEM)
    await keeper.begin(a_line(3), place_code="small")
    await keeper.scan(*CODES[:3])
    assert (await keeper.finish()).status_code == 201
    await keeper.begin(a_line(1, lot_number="L-2"), place_code="small")
    await keeper.scan(CODES[3])
    refused = await keeper.finish()
    assert (code_of(refused), refused.json()["facts"]) == ((422, "place_too_full"), {"capacity": 3, "units": 4})
    assert (await keeper.finish(capacity_reason="half goes out at noon")).status_code == 201


async def test_a_lot_never_gets_a_second_expiry_date_or_comes_in_expired(keeper: Keeper, house: House) -> None:
    a_lot(house.db, CODES[0], number="L-1", bench=None)
    for expires_on, code in (("2027-01-02", "lot_expiry_differs"), ("2026-03-01", "lot_received_expired")):
        answer = await keeper.http.post("/api/v1/deliveries", json=keeper.body(a_line(expires_on=expires_on)))
        assert code_of(answer) == (422, code)
    assert (await keeper.begin(a_line()))["refusal"] is None


async def test_a_delivery_is_received_on_the_page_by_whoever_keeps_the_cold_chain(
    keeper: Keeper, house: House, as_role: Any
) -> None:
    at = (keeper.clock.now() + timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M")  # an hour ago by the site's clock
    van = {"supplier": "county", "document_number": "D-7", "carrier": "box 2", "handed_over_by": "Lin Driver"}
    way = {"kind": "display_reading", "reference": "R7", "departed_at": at, "arrived_at": at, "low_c": "2.125"}
    form = {**van, **way, "high_c": "7.9", "place_code": "fridge-1"}
    incomplete = await keeper.http.post("/receiving", data=form | {"high_c": ""})
    assert "not complete" in incomplete.text
    begun = await keeper.http.post("/receiving", data=form)
    path = begun.headers["location"]
    told = {"product_code": PRODUCT, "lot_number": "L-1", "expires_on": "2027-01-01", "expected_units": "3"}
    listed = f"CARTON-1 {CODES[0]}\r\nCARTON-1 {CODES[1]}\r\n\r\n{CODES[2]}"
    await keeper.http.post(f"{path}/lines", data={**told, "release_number": "SP-1", "packing_list": listed})
    keeper.path = path.replace("/receiving", "/api/v1/deliveries")
    line = {"line_id": (await keeper.seen())["lines"][0]["line_id"]}
    assert (await keeper.http.post(f"{path}/scans", data={**line, "codes": "CARTON-1\r\n"})).status_code == 303
    assert "1 not here yet" in (await keeper.http.get(path)).text
    await keeper.http.post(f"{path}/differences", data={**line, "reason": "broken", "units": "1", "note": "cracked"})
    assert (await keeper.http.post(f"{path}/finish", data={"capacity_reason": ""})).status_code == 303
    page = await keeper.http.get(path)
    assert ("2.125 °C" in page.text, "Lin Driver" in page.text, "In stock" in page.text) == (True, True, True)
    assert in_stock(house.db, CODES[1])
    assert "Lin Driver" not in (await keeper.http.get("/receiving")).text
    sealed = house.db.read_now(lambda c: c.execute(select(delivery.c.handed_over_by_sealed)).scalar_one())
    assert b"Lin Driver" not in sealed
    nurse = await as_role(Role.VACCINATOR)
    assert (await nurse.get("/receiving")).status_code == 403


async def test_the_same_finish_sent_twice_brings_the_units_once(keeper: Keeper, house: House) -> None:
    await keeper.begin(a_line(1))
    await keeper.scan(CODES[0])
    key = {"idempotency-key": "finish-once"}
    first = await keeper.http.post(f"{keeper.path}/finish", json={}, headers=key)
    again = await keeper.http.post(f"{keeper.path}/finish", json={}, headers=key)
    assert first.content == again.content
    assert (await keeper.http.post(f"{keeper.path}/finish", json={})).json()["code"] == "delivery_not_open"
    counted = select(func.count()).select_from(movement)
    assert house.db.read_now(lambda c: c.execute(counted).scalar_one()) == 1
    assert house.db.read_now(lambda c: c.execute(select(func.count()).select_from(product)).scalar_one()) == 1


async def test_the_rehearsals_keeper_brings_a_lot_into_stock(keeper: Keeper, house: House) -> None:
    begun = (await acted(keeper, deeds.begin_delivery("L1", a_line(2), keeper.clock.now()))).json()
    await acted(keeper, deeds.scan_delivery(begun["delivery_id"], begun["line_ids"][0], CODES[:2]))
    finished = await acted(keeper, deeds.finish_delivery(begun["delivery_id"]))
    assert finished.json()["units"] == 2
    assert in_stock(house.db, CODES[1])


async def acted(keeper: Keeper, deed: deeds.Deed) -> Any:
    answer = await keeper.http.post(deed.path, json=deed.body)
    assert answer.json()[deed.ref_field]
    return answer
