"""Codes that may be counterfeits or doubles: refused, and the scan is kept although the refusal left nothing."""

from typing import Any

import pytest

from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.staff.rules import Role
from clinic_server.stock.tables import suspect_scan
from tests.api.test_injection import a_consented_visit, findings_of, given, permitted
from tests.api.test_receiving import Keeper, a_line
from tests.api.visitors import a_lot, a_place, a_product, an_open_site, rows_in
from tests.conftest import ManualClock

CODE, NEW, UNKNOWN = "81000001000000000001", "81000001000000000002", "81999999000000000001"


@pytest.fixture(name="stocked")
def _stocked(house: House) -> Database:
    """An open site with one unit in the box of the first bench."""
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE)
    return house.db


async def kept(somebody: Any) -> list[tuple[str, str, str | None]]:
    found = (await somebody.get("/api/v1/suspects")).json()
    return sorted((one["trace_code"], one["doubt"], one["station"]) for one in found)


async def test_an_unknown_code_at_a_bench_is_refused_and_kept(as_role: Any, stocked: Database) -> None:
    bench, lead = await as_role(Role.VACCINATOR), await as_role(Role.SITE_LEAD)
    refused = await permitted(bench, a_consented_visit(stocked), UNKNOWN)
    assert (refused.status_code, findings_of(refused)) == (422, ["unit_unknown"])
    assert UNKNOWN not in refused.text
    assert await kept(lead) == [(UNKNOWN, "unknown", "bench-1")]
    raw = stocked.read_now(lambda c: c.execute(suspect_scan.select()).all())
    assert UNKNOWN.encode() not in repr(raw).encode()


async def test_a_code_used_before_is_kept_as_a_double(as_role: Any, stocked: Database) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit = await permitted(bench, a_consented_visit(stocked), CODE)
    assert (await given(bench, permit.json()["permit_id"])).status_code == 201
    assert "unit_used_up" in findings_of(await permitted(bench, a_consented_visit(stocked), CODE))
    assert await kept(bench) == [(CODE, "used_up", "bench-1")]


async def test_the_page_of_a_bench_keeps_it_too(as_role: Any, stocked: Database) -> None:
    bench = await as_role(Role.VACCINATOR)
    refused = await bench.post(f"/visits/{a_consented_visit(stocked)}/unit", data={"trace_code": UNKNOWN})
    assert (refused.status_code, await kept(bench)) == (422, [(UNKNOWN, "unknown", "bench-1")])


async def test_what_the_own_scanner_read_is_kept(as_role: Any, house: House, stocked: Database) -> None:
    bench, station = await as_role(Role.VACCINATOR), "bench-1"
    delivery = house.inbox.put(station, "scan", house.recognise(UNKNOWN))
    visit_id = a_consented_visit(stocked)
    body = {"delivery_id": str(delivery.id), "check_list": "cn-national/1", "confirmed": []}
    assert (await bench.post(f"/api/v1/visits/{visit_id}/permits", json=body)).status_code == 422
    assert await kept(bench) == [(UNKNOWN, "unknown", station)]


async def test_a_delivery_with_a_code_received_before_is_refused_whole_and_the_code_kept(
    as_role: Any, stocked: Database
) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    a_place(stocked)
    delivery = Keeper(keeper, stocked.clock)
    await delivery.begin(a_line())
    refused = await delivery.scan(NEW, CODE)
    assert (refused.status_code, refused.json()["code"]) == (409, "unit_already_received")
    assert [one[:2] for one in await kept(keeper)] == [(CODE, "received_before")]
    assert (await delivery.scan(NEW)).status_code == 201


async def test_a_transfer_keeps_only_the_doubtful_ones_of_its_codes(as_role: Any, stocked: Database) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    body = {"to_place": a_place(stocked), "trace_codes": [CODE, UNKNOWN]}
    assert (await keeper.post("/api/v1/transfers", json=body)).json()["code"] == "unit_unknown"
    assert [one[:2] for one in await kept(keeper)] == [(UNKNOWN, "unknown")]


async def test_the_same_scan_within_a_minute_is_one_and_after_it_another(
    as_role: Any, stocked: Database, clock: ManualClock
) -> None:
    bench, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR, station="bench-2")
    visit_id = a_consented_visit(stocked)
    await permitted(bench, visit_id, UNKNOWN)
    clock.pass_time(seconds=59)
    before = rows_in(stocked)
    await permitted(bench, visit_id, UNKNOWN)
    assert (len(await kept(bench)), rows_in(stocked)) == (1, before)
    await permitted(other, visit_id, UNKNOWN)
    assert len(await kept(bench)) == 2
    clock.pass_time(seconds=2)
    await permitted(bench, visit_id, UNKNOWN)
    assert len(await kept(bench)) == 3


async def test_a_doubtful_code_is_shown_until_the_lead_has_assessed_it(as_role: Any, stocked: Database) -> None:
    bench, lead = await as_role(Role.VACCINATOR), await as_role(Role.SITE_LEAD)
    await permitted(bench, a_consented_visit(stocked), UNKNOWN)
    assert UNKNOWN in (await lead.get("/counts")).text
    (suspect,) = (await lead.get("/api/v1/suspects")).json()
    path = f"/api/v1/suspects/{suspect['suspect_id']}/assessment"
    assert (await bench.post(path, json={"comment": "mine"})).status_code == 403
    assert (await lead.post(path, json={"comment": "a box of the next town"})).status_code == 201
    assert await kept(lead) == []
    again = await lead.post(path, json={"comment": "once more"})
    assert (again.status_code, again.json()["code"]) == (409, "suspect_assessed_before")
    nobody = await lead.post(f"/api/v1/suspects/{'0' * 32}/assessment", json={"comment": "x"})
    assert nobody.json()["code"] == "suspect_unknown"


async def test_other_refusals_keep_nothing(as_role: Any, stocked: Database) -> None:
    bench = await as_role(Role.VACCINATOR, station="bench-2")
    refused = await permitted(bench, a_consented_visit(stocked), CODE)
    assert (findings_of(refused), await kept(bench)) == (["unit_elsewhere"], [])
