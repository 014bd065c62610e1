"""Tickets never promise more doses than could be given: invariant 28 over HTTP, and beside a count by hand."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import true

from clinic_server.kit.call import House
from clinic_server.kit.clock import Clock
from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx
from clinic_server.settings import Settings
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import Role, StationKind
from clinic_server.stock.holds import end_holds
from clinic_server.stock.place_holds import hold_units
from clinic_server.stock.rules import StopScope, UnitFacts, lot_code, stops_on
from clinic_server.stock.stops import NewStop, place_stop, standing_stops
from clinic_server.stock.units import units_where, waste_doses
from clinic_server.stock.usable import usable_doses, usable_lots
from clinic_server.stock.whereabouts import HoldEnd, HoldReason, WasteReason
from clinic_server.visits.flow import Outcome
from clinic_server.visits.steps import take_step
from tests.api.callers import running
from tests.api.test_check_in import card, lay
from tests.api.visitors import PRODUCT, SYSTEM, TODAY, a_lot, a_physician, a_product, a_visit

CODES = [f"8100000200000000{n:04d}" for n in range(8)]


@pytest.fixture(name="settings")
def _settings(settings: Settings) -> Settings:
    site = settings.site.model_copy(update={"limit_tickets": True, "overbook_doses": 1})
    return settings.model_copy(update={"site": site})


@pytest_asyncio.fixture(name="app")
async def _app(settings: Settings, clock: Clock) -> AsyncIterator[FastAPI]:
    async with running(settings, clock) as app:
        yield app


HOW_OFTEN = {"hold": 9, "release": 3, "waste": 9, "unit": 6, "lot": 2, "product": 1, "site": 1}


def somebody(number: int) -> dict[str, str]:
    return {
        "typed_reason": "foreign_document",
        "document_kind": "passport",
        "number": f"X{number:07d}",
        "issuing_country": "UTO",
        "name": f"ERIKSSON {number}",
        "sex": "female",
        "born_on": f"{1960 + number}-08-12",
    }


async def test_tickets_end_with_the_doses_and_the_overbooked_one_is_told(as_role: Any, house: House) -> None:
    a_product(house.db)
    a_lot(house.db, *CODES[:2])
    desk = await as_role(Role.REGISTRAR)
    answers = [await desk.post("/api/v1/visits", json=somebody(number)) for number in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 422]
    assert [answer.json()["findings"] for answer in answers[:3]] == [[], [], ["overbooked"]]
    refused = answers[3].json()
    assert refused["code"] == "no_doses_left"
    assert refused["message"] == "No dose is left for another ticket: 3 wait, 2 can be given."


async def test_a_ticket_given_back_is_free_again_and_a_new_delivery_frees_more(as_role: Any, house: House) -> None:
    a_product(house.db)
    desk = await as_role(Role.REGISTRAR)
    first = (await desk.post("/api/v1/visits", json=somebody(1))).json()
    assert (await desk.post("/api/v1/visits", json=somebody(2))).json()["code"] == "no_doses_left"
    await desk.post(f"/api/v1/visits/{first['visit_id']}/abandonment")
    assert (await desk.post("/api/v1/visits", json=somebody(2))).status_code == 201
    a_lot(house.db, CODES[0], bench=None)
    assert (await desk.post("/api/v1/visits", json=somebody(3))).status_code == 201


async def test_who_has_a_ticket_is_told_that_and_not_that_no_dose_is_left(as_role: Any, house: House) -> None:
    a_product(house.db)
    desk = await as_role(Role.REGISTRAR)
    await desk.post("/api/v1/visits", json=somebody(1))
    assert (await desk.post("/api/v1/visits", json=somebody(1))).json()["code"] == "visit_already_open"


async def test_who_was_given_the_dose_needs_none_any_more(as_role: Any, house: House) -> None:
    a_product(house.db)
    visit_id = a_visit(house.db)
    desk = await as_role(Role.REGISTRAR)
    assert (await desk.post("/api/v1/visits", json=somebody(1))).json()["code"] == "no_doses_left"

    def injected(tx: Tx) -> None:
        for outcome in (Outcome.ANSWERED, Outcome.RECOMMENDED, Outcome.CONSENTED, Outcome.DOSE_GIVEN):
            take_step(tx, visit_id, outcome)
        tx.journal("walked_through", visit_id)

    house.db.write_now(injected, SYSTEM)
    assert (await desk.post("/api/v1/visits", json=somebody(1))).json()["findings"] == ["overbooked"]


async def test_the_desk_sees_it_as_soon_as_the_card_lies_there(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    lay(house, card())
    assert (await desk.get("/api/v1/station/card")).json()["findings"] == ["overbooked"]
    await desk.post("/api/v1/visits", json=somebody(1))
    lay(house, card())
    seen = (await desk.get("/api/v1/station/card")).json()
    assert (seen["fault"], seen["fault_facts"]) == ("no_doses_left", {"waiting": 1, "usable": 0})
    assert "No dose is left for another ticket: 1 wait, 0 can be given." in (await desk.get("/check-in")).text


def is_usable(unit: UnitFacts, stops: Any, today: date) -> bool:
    return unit.place_id is not None and unit.expires_on >= today and not unit.is_held and not stops_on(unit, stops)


@pytest.mark.parametrize("seed", range(10))
def test_usable_doses_are_those_of_the_units_one_by_one(db: Database, seed: int) -> None:
    """Invariant 28's right side: as a bench would judge each unit by itself."""
    chance = Random(seed)  # noqa: S311  # no secret
    for product in (PRODUCT, "vaccine-b"):
        a_product(db, product)
    a_lot(db, *CODES[:4], number="N", expires_on=TODAY + timedelta(days=1))
    a_lot(db, *CODES[4:], number="N", product="vaccine-b", bench=None)
    actor = a_physician(db)
    for what in chance.choices(
        ("hold", "release", "waste", "unit", "lot", "product", "site"), (9, 3, 9, 6, 2, 1, 1), k=5
    ):
        code = chance.choice(CODES)
        db.write_now(lambda tx, what=what, code=code: act(tx, what, code), actor)  # type: ignore[misc]  # bound now
    today = TODAY + timedelta(days=chance.choice((0, 1, 2, 400)))
    stops = db.read_now(standing_stops)
    units = db.read_now(lambda connection: units_where(connection, true()))
    counted = sum(unit.doses_left for unit in units if is_usable(unit, stops, today))
    assert db.read_now(lambda connection: usable_doses(connection, today, enough=100)) == counted
    assert sum(one.doses for one in db.read_now(lambda connection: usable_lots(connection, today))) == counted


@pytest.mark.parametrize(("scope", "left"), [("unit", 7), ("lot", 4), ("product", 4), ("bench", 4), ("site", 0)])
def test_what_a_stop_order_is_about_is_not_usable(db: Database, scope: str, left: int) -> None:
    for product in (PRODUCT, "vaccine-b"):
        a_product(db, product)
    a_lot(db, *CODES[:4], number="N")
    a_lot(db, *CODES[4:], number="N", product="vaccine-b", bench=None)
    db.write_now(lambda tx: add_station(tx, "bench-1", StationKind.INJECTION), SYSTEM)
    actor = a_physician(db)
    db.write_now(lambda tx: act(tx, scope, CODES[0]), actor)
    assert db.read_now(lambda connection: usable_doses(connection, TODAY, enough=100)) == left


def act(tx: Tx, what: str, code: str) -> None:
    unit = next(one for one in units_where(tx.connection, true()) if one.trace_code == code)
    if what in {"unit", "lot", "product", "bench", "site"}:
        product = unit.product_code
        targets = {"unit": code, "lot": lot_code(product, "N"), "product": product, "bench": "bench-1", "site": ""}
        place_stop(tx, NewStop(StopScope(what), targets[what], "test"))
        return
    if what == "hold":
        hold_units(tx, [unit.unit_id], HoldReason.DOUBTED)
    elif what == "release":
        end_holds(tx, unit.unit_id, HoldEnd.RELEASED, "fine")
    elif unit.doses_left:
        waste_doses(tx, unit, unit.doses_left, WasteReason.BROKEN)
    tx.journal("acted", unit.unit_id)
