"""The close of a clinic day: it balances, or each difference is named and signed for; the next day asks for it."""

from typing import Any

import pytest
from sqlalchemy import update

from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.opening.actions import open_site
from clinic_server.opening.rules import EarlierDayNotClosed
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.stock.actions import NewProduct, add_product
from clinic_server.stock.rules import Platform, Route
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import visit_now
from tests.api.test_injection import a_consented_visit, given, permitted
from tests.api.test_recall import a_dose_of
from tests.api.visitors import (
    OPEN_ALL_DAY,
    PRODUCT,
    a_colleague,
    a_lot,
    a_new_opening,
    a_place,
    a_product,
    a_shift,
    an_open_site,
    rows_in,
)
from tests.conftest import ManualClock

CODES = [f"8100000100000000{n:04d}" for n in range(6)]
DAY = "/api/v1/days/2026-03-02/closing"


@pytest.fixture(name="nurse")
def _nurse(house: House) -> Actor:
    """An open site, six units at the bench of a vaccinator."""
    db = house.db
    an_open_site(db)
    a_product(db)
    a_place(db)
    a_lot(db, *CODES, number="L1", bench="desk-1")
    return a_colleague(db, Role.VACCINATOR, QualificationKind.VACCINATOR)


def all_leave(db: Database) -> None:
    """Let everybody be gone, as if their observation were over."""
    db.write_now(
        lambda tx: (
            tx.execute(update(visit_now).values(is_open=False, stage=Stage.COMPLETED)),
            tx.journal("everybody_left"),
        ),
        a_colleague(db, Role.OBSERVER),
    )


async def cleared(as_role: Any, db: Database, codes: list[str]) -> None:
    """Take the rest back into the fridge and let everybody leave."""
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    moved = await keeper.post("/api/v1/transfers", json={"to_place": "fridge-1", "trace_codes": codes})
    assert moved.status_code == 201, moved.text
    all_leave(db)


def named(day: Any) -> list[tuple[str, str, int]]:
    return [(one["finding"], one["subject"], one["count"]) for one in day.json()["blockers"]]


async def test_a_day_that_balances_is_closed_once_with_its_figures(as_role: Any, house: House, nurse: Actor) -> None:
    for code in CODES[:3]:
        a_dose_of(house.db, nurse, code)
    lead = await as_role(Role.SITE_LEAD)
    before = await lead.get(DAY)
    assert named(before) == [("people_observed", "", 3), ("units_at_bench", "desk-1-box", 3)]
    await cleared(as_role, house.db, CODES[3:])
    day = (await lead.get(DAY)).json()
    assert day["blockers"] == []
    assert day["sums"] == [{"product_code": PRODUCT, "ledger": 3, "doses": 3, "consents": 3}]
    figures = {"brought": 6, "drawn": 3, "given": 3, "wasted": 0, "taken_back": 3, "left": 0}
    assert day["lots"] == [{"station": "desk-1", "product_code": PRODUCT, "lot_number": "L1", **figures}]
    closed = await lead.post(DAY, json={"signed": []})
    assert (closed.status_code, closed.json()["signed"]) == (201, 0)
    assert (await lead.post(DAY, json={"signed": []})).json()["code"] == "day_closed_before"
    assert "Closed at" in (await lead.get("/closing")).text


async def test_a_denied_dose_is_a_difference_until_it_is_signed_for_and_a_later_one_changes_nothing_closed(
    as_role: Any, house: House, nurse: Actor
) -> None:
    doses = [a_dose_of(house.db, nurse, code)[0] for code in CODES[:3]]
    bench, lead = await as_role(Role.VACCINATOR), await as_role(Role.SITE_LEAD)
    await bench.post(f"/api/v1/doses/{doses[0]}/denial", json={"reason": "wrong person"})
    await cleared(as_role, house.db, CODES[3:])
    found = named(await lead.get(DAY))
    subject = f"desk-1 {PRODUCT}/L1"
    assert found == [("drawn_not_given", subject, 1), ("sums_differ", PRODUCT, 1), ("incidents_open", "", 1)]
    before = rows_in(house.db)
    signed = [
        {"finding": finding, "subject": about, "count": count, "reason": "broken vial"}
        for finding, about, count in found
    ]
    refused = await lead.post(DAY, json={"signed": signed[1:]})
    assert (refused.json()["code"], rows_in(house.db)) == ("day_blocked", before)
    assert [one["code"] for one in refused.json()["findings"]] == ["drawn_not_given"]
    wrong = [one | {"count": 2} for one in signed]
    assert len((await lead.post(DAY, json={"signed": wrong})).json()["findings"]) == 3
    assert (await lead.post(DAY, json={"signed": signed})).json()["signed"] == 3
    await bench.post(f"/api/v1/doses/{doses[1]}/denial", json={"reason": "wrong person too"})
    after = (await lead.get(DAY)).json()
    assert (after["has_changed"], after["closed"]["sums"][0]["doses"], after["sums"][0]["doses"]) == (True, 2, 1)
    assert "Corrections came after the close" in (await lead.get("/closing")).text


async def test_an_open_vial_is_settled_and_never_signed_for(as_role: Any, house: House, nurse: Actor) -> None:
    kind = ("covid19-bbibp-corv", Platform.INACTIVATED, Route.INTRAMUSCULAR)
    house.db.write_now(lambda tx: add_product(tx, NewProduct("five", "Five", "Maker", *kind, 500, 5)), nurse)
    vial = "82000000000000000001"
    a_lot(house.db, vial, product="five", bench="desk-1")
    visit_id = a_consented_visit(house.db, "five")
    bench, lead = await as_role(Role.VACCINATOR, station="desk-1"), await as_role(Role.SITE_LEAD)
    permit = await permitted(bench, visit_id, vial)
    assert (await given(bench, permit.json()["permit_id"])).status_code == 201
    await cleared(as_role, house.db, CODES)
    assert named(await lead.get(DAY)) == [("vials_open", "desk-1-box", 1)]
    signed = [{"finding": "vials_open", "subject": "desk-1-box", "count": 1, "reason": "tomorrow"}]
    assert (await lead.post(DAY, json={"signed": signed})).json()["code"] == "day_blocked"
    listed = (await bench.get("/bench/box")).text
    unit_id = listed.partition("/bench/box/units/")[2].partition("/")[0]
    assert (await bench.post(f"/api/v1/units/{unit_id}/waste", json={"reason": "end_of_day"})).status_code == 201
    assert (await lead.post(DAY, json={"signed": []})).status_code == 201


async def test_the_page_signs_and_closes(as_role: Any, house: House, nurse: Actor) -> None:
    a_dose_of(house.db, nurse, CODES[0])
    all_leave(house.db)
    lead = await as_role(Role.SITE_LEAD)
    page = (await lead.get("/closing")).text
    assert 'name="signed units_at_bench 5 desk-1-box"' in page
    form = {"business_on": "2026-03-02", "signed units_at_bench 5 desk-1-box": "they stay cold there"}
    closed = await lead.post("/closing", data=form)
    assert (closed.status_code, closed.headers["location"]) == (303, "/closing?on=2026-03-02")
    assert "they stay cold there" in (await lead.get("/closing")).text


@pytest.mark.parametrize("role", [Role.VACCINATOR, Role.PHYSICIAN, Role.COLD_CHAIN_KEEPER, Role.AUDITOR])
async def test_only_the_lead_closes(as_role: Any, house: House, role: Role) -> None:
    before = rows_in(house.db)
    somebody = await as_role(role)
    assert (await somebody.post(DAY, json={"signed": []})).status_code == 403
    assert rows_in(house.db) >= before


async def test_a_day_to_come_is_not_closed(as_role: Any) -> None:
    lead = await as_role(Role.SITE_LEAD)
    answer = await lead.post("/api/v1/days/2026-03-03/closing", json={"signed": []})
    assert (answer.status_code, answer.json()["code"]) == (422, "day_not_over")


@pytest.mark.usefixtures("nurse")
async def test_the_next_day_asks_for_the_close_or_a_reason(as_role: Any, house: House, clock: ManualClock) -> None:
    db, lead = house.db, a_colleague(house.db, Role.SITE_LEAD)
    clock.pass_time(days=1)
    a_shift(db)
    with pytest.raises(EarlierDayNotClosed) as refused:
        db.write_now(lambda tx: open_site(tx, OPEN_ALL_DAY, a_new_opening()), lead)
    assert refused.value.facts == {"day": "2026-03-02"}
    closer = await as_role(Role.SITE_LEAD)
    assert "was never closed" in (await closer.get("/opening")).text
    signed = [{"finding": "units_at_bench", "subject": "desk-1-box", "count": 6, "reason": "counted"}]
    assert (await closer.post(DAY, json={"signed": signed})).status_code == 201
    db.write_now(lambda tx: open_site(tx, OPEN_ALL_DAY, a_new_opening()), lead)


@pytest.mark.usefixtures("nurse")
async def test_with_a_reason_the_site_opens_all_the_same(house: House, clock: ManualClock) -> None:
    db, lead = house.db, a_colleague(house.db, Role.SITE_LEAD)
    clock.pass_time(days=1)
    a_shift(db)
    db.write_now(lambda tx: open_site(tx, OPEN_ALL_DAY, a_new_opening(unclosed_reason="power cut")), lead)
