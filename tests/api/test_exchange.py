"""Lists in and out over HTTP: looked through first, all or nothing, once; and what goes out comes in again."""

import csv
import io
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from clinic_server.exchange.reading import lines_of
from clinic_server.exchange.words import headings
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.journal import journal, verify
from clinic_server.kit.schema import upgrade
from clinic_server.kit.spreadsheets import FileFormat
from clinic_server.settings import DatabaseSettings, Settings
from clinic_server.staff.rules import Role
from clinic_server.stock.actions import balances
from clinic_server.stock.tables import movement
from clinic_server.stock.units import unit_by_code, waste_doses
from clinic_server.stock.whereabouts import WasteReason
from tests.api.callers import AsRole, SignedIn, running, someone
from tests.api.test_receiving import Keeper, a_line
from tests.api.visitors import PRODUCT, SYSTEM, a_lot, a_place, a_product, rows_in
from tests.conftest import ManualClock
from tests.rules.test_exchange import PRODUCT as PRODUCT_ROW
from tests.rules.test_exchange import UNIT as UNIT_ROW
from tests.rules.test_exchange import a_csv

IMPORTS = "/api/v1/imports"
UNIT = UNIT_ROW | {"product_code": PRODUCT}
FIVE = "covid19-bbibp-corv"


@pytest.fixture(name="blank")
def _blank(tmp_path: Path) -> str:
    """A second, empty site."""
    upgrade(f"sqlite:///{tmp_path / 'there.db'}")
    return f"sqlite:///{tmp_path / 'there.db'}"


def units(count: int, **said: str) -> list[dict[str, str]]:
    return [UNIT | {"trace_code": f"8100000000000000{n:04d}"} | said for n in range(count)]


async def looked_through(caller: SignedIn, kind: str, content: bytes) -> Any:
    answer = await caller.post(f"{IMPORTS}/{kind}/dry-run", params={"file_name": "../list.csv"}, content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def confirmed(caller: SignedIn, kind: str, sha256: str) -> httpx2.Response:
    return await caller.post(f"{IMPORTS}/{kind}", json={"sha256": sha256})


async def brought_in(caller: SignedIn, kind: str, content: bytes) -> Any:
    run = await looked_through(caller, kind, content)
    assert run["faults"] == []
    answer = await confirmed(caller, kind, run["sha256"])
    assert answer.status_code == 201, answer.text
    return answer.json()


def kinds_journalled(db: Database) -> list[str]:
    query = select(journal.c.kind).order_by(journal.c.seq)
    return db.read_now(lambda connection: list(connection.execute(query).scalars()))


def faults_of(run: Any) -> set[tuple[int, str, str]]:
    return {(fault["row"], fault["column"], fault["code"]) for fault in run["faults"]}


async def test_opening_stock_comes_in_as_it_would_by_hand(house: House, as_role: AsRole) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    a_product(house.db)
    a_place(house.db)
    done = await brought_in(keeper, "stock", a_csv(*units(3), *[units(4, lot_number="202601B")[3]]))
    assert done["rows"] == 4
    assert [(one.lot_number, one.units) for one in house.db.read_now(balances)] == [("202601A", 3), ("202601B", 1)]
    moved = house.db.read_now(lambda connection: list(connection.execute(select(movement.c.record_id)).scalars()))
    assert {str(one) for one in moved} == {done["import_id"]}
    assert kinds_journalled(house.db)[-1] == "file_imported"
    assert house.db.read_now(lambda connection: verify(connection, house.db.keyring.journal_key)).faults == []
    seen = (await keeper.get(IMPORTS)).json()
    assert [(one["kind"], one["file_name"], one["rows"]) for one in seen] == [("stock", "list.csv", 4)]


async def test_a_dry_run_records_nothing_and_names_every_fault(house: House, as_role: AsRole) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    a_product(house.db)
    a_place(house.db)
    a_lot(house.db, "81000000000000009999", number="KNOWN", bench=None)
    before = rows_in(house.db)
    rows = units(8)
    rows[0] |= {"product_code": "unknown"}
    rows[1] |= {"place_code": "nowhere"}
    rows[2] |= {"lot_number": "OLD", "expires_on": "2026-03-01"}
    rows[3] |= {"lot_number": "KNOWN", "expires_on": "2027-01-02"}
    rows[4] |= {"trace_code": "81000000000000009999"}
    rows[5] |= {"trace_code": rows[6]["trace_code"]}
    rows[7] |= {"trace_code": "010690000000000011"}
    run = await looked_through(keeper, "stock", a_csv(*rows))
    assert faults_of(run) == {
        (2, "product_code", "product_unknown"),
        (3, "place_code", "place_unknown"),
        (4, "expires_on", "lot_received_expired"),
        (5, "expires_on", "lot_expiry_differs"),
        (6, "trace_code", "unit_already_received"),
        (8, "trace_code", "unit_already_received"),
    }
    assert run["faults"][0]["message"] == "No product has this code."
    assert (await confirmed(keeper, "stock", run["sha256"])).json()["code"] == "import_faulty"
    assert rows_in(house.db) == before


async def test_an_expiry_is_good_through_its_day(house: House, as_role: AsRole) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    a_product(house.db)
    a_place(house.db)
    assert (await looked_through(keeper, "stock", a_csv(*units(1, expires_on="2026-03-02"))))["faults"] == []


async def test_an_opened_unit_does_not_come_in(house: House, as_role: AsRole) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    a_product(house.db)
    a_place(house.db)
    run = await looked_through(keeper, "stock", a_csv(*units(1, doses_left="2")))
    assert faults_of(run) == {(2, "doses_left", "unit_not_full")}


async def test_the_same_file_comes_in_once(house: House, as_role: AsRole) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    a_product(house.db)
    a_place(house.db)
    content = a_csv(*units(2))
    done = await brought_in(keeper, "stock", content)
    before = rows_in(house.db)
    again = await looked_through(keeper, "stock", content)
    assert again["before"]["import_id"] == done["import_id"]
    assert (await confirmed(keeper, "stock", again["sha256"])).json() == done
    assert rows_in(house.db) == before


async def test_what_became_faulty_since_the_dry_run_is_not_half_recorded(house: House, as_role: AsRole) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    a_product(house.db)
    a_place(house.db)
    rows = units(3)
    run = await looked_through(keeper, "stock", a_csv(*rows))
    a_lot(house.db, rows[2]["trace_code"], number="OTHER", bench=None)
    before = rows_in(house.db)
    refused = await confirmed(keeper, "stock", run["sha256"])
    assert (refused.status_code, refused.json()["facts"]) == (409, {"faults": 1})
    assert rows_in(house.db) == before


async def test_only_who_looked_a_file_through_confirms_it_and_within_half_an_hour(
    house: House, as_role: AsRole, clock: ManualClock
) -> None:
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    a_product(house.db)
    a_place(house.db)
    run = await looked_through(keeper, "stock", a_csv(*units(1)))
    assert (await confirmed(lead, "stock", run["sha256"])).json()["code"] == "dry_run_unknown"
    assert (await confirmed(keeper, "products", run["sha256"])).json()["code"] == "dry_run_unknown"
    clock.pass_time(minutes=30)
    assert (await confirmed(keeper, "stock", run["sha256"])).status_code == 201
    other = await looked_through(keeper, "stock", a_csv(*units(1, trace_code="81000000000000008888")))
    clock.pass_time(minutes=30, seconds=1)
    assert (await confirmed(keeper, "stock", other["sha256"])).json()["code"] == "dry_run_unknown"


async def test_products_come_in_with_what_the_site_says_of_them(as_role: AsRole) -> None:
    lead = await as_role(Role.SITE_LEAD)
    row = PRODUCT_ROW | {"doses_per_unit": "5", "open_vial_minutes": "40", "withdrawn_on": "2026-12-31"}
    await brought_in(lead, "products", a_csv(row))
    (found,) = (await lead.get("/api/v1/products")).json()
    assert (found["code"], found["open_vial_minutes"], found["withdrawn_on"]) == ("bbibp-1", 40, "2026-12-31")


async def test_a_product_that_contradicts_its_vaccine_is_refused_in_a_list_and_by_hand(
    house: House, as_role: AsRole
) -> None:
    lead = await as_role(Role.SITE_LEAD)
    a_product(house.db, "bbibp-1")
    row = PRODUCT_ROW | {"open_vial_minutes": ""}
    rows = [
        row,
        row | {"product_code": "bb", "platform": "live", "route": "oral", "volume_ul": "501"},
        row | {"product_code": "cc", "vaccine_code": "unheard-of"},
        row | {"product_code": "dd", "open_vial_minutes": "61"},
    ]
    assert faults_of(await looked_through(lead, "products", a_csv(*rows))) == {
        (2, "product_code", "product_code_taken"),
        (3, "platform", "other_platform"),
        (3, "route", "other_route"),
        (3, "volume_ul", "other_volume"),
        (4, "vaccine_code", "vaccine_unknown"),
        (5, "open_vial_minutes", "cell_out_of_range"),
    }
    new = {"code": "bb", "name": "B", "manufacturer": "B", "vaccine_code": FIVE, "platform": "live"}
    new |= {"route": "intramuscular", "volume_ul": 500, "doses_per_unit": 1}  # type: ignore[dict-item]  # as JSON has it
    refused = (await lead.post("/api/v1/products", json=new)).json()
    assert refused["code"] == "product_contradicts_vaccine"
    assert [finding["code"] for finding in refused["findings"]] == ["other_platform"]


async def test_a_site_shortens_the_minutes_of_an_opened_vial_and_never_lengthens_them(
    house: House, as_role: AsRole
) -> None:
    lead = await as_role(Role.SITE_LEAD)
    a_product(house.db)
    terms = f"/api/v1/products/{PRODUCT}/terms"
    refused = (await lead.post(terms, json={"open_vial_minutes": 61})).json()
    assert (refused["code"], refused["facts"]) == ("open_vial_minutes_too_long", {"most": 60})
    assert (await lead.post(terms, json={"open_vial_minutes": 0})).status_code == 400
    assert (await lead.post(terms, json={"open_vial_minutes": 60})).status_code == 201
    assert (await lead.post("/api/v1/products/unknown/terms", json={})).json()["code"] == "product_unknown"


async def test_a_withdrawn_product_is_neither_received_nor_imported(house: House, as_role: AsRole) -> None:
    lead = await as_role(Role.SITE_LEAD)
    a_product(house.db)
    a_place(house.db)
    terms = f"/api/v1/products/{PRODUCT}/terms"
    keeper = Keeper(lead, house.db.clock)
    await lead.post(terms, json={"withdrawn_on": "2026-03-03"})
    await keeper.begin(a_line())
    await lead.post(terms, json={"withdrawn_on": "2026-03-02"})
    refused = await lead.post("/api/v1/deliveries", json=keeper.body(a_line()))
    assert refused.json()["code"] == "product_withdrawn"
    assert faults_of(await looked_through(lead, "stock", a_csv(*units(1)))) == {
        (2, "product_code", "product_withdrawn")
    }
    await lead.post(terms, json={})
    await keeper.begin(a_line())


@pytest.mark.parametrize("form", list(FileFormat))
async def test_what_goes_out_comes_in_at_an_empty_site_as_the_same(
    settings: Settings, clock: ManualClock, blank: str, form: FileFormat
) -> None:
    """Products and units leave one site and fill another; what that one gives out is the same."""

    async def given_out(lead: SignedIn) -> dict[str, list[list[str]]]:
        out = {kind: (await lead.get(f"/api/v1/exports/{kind}.{form}")).content for kind in ("products", "stock")}
        files.update(out)
        return {
            kind: [[str(cell) for cell in line] for line in lines_of(told, headings())] for kind, told in out.items()
        }

    files: dict[str, bytes] = {}
    here, there = settings, settings.model_copy(update={"database": DatabaseSettings(url=blank)})
    row = PRODUCT_ROW | {"name": "'=疫苗", "open_vial_minutes": "40"}
    async with running(here, clock) as app, await someone(app, Role.SITE_LEAD) as lead:
        a_place(app.state.house.db)
        await brought_in(lead, "products", a_csv(row))
        await brought_in(lead, "stock", a_csv(*units(3, product_code="bbibp-1", lot_number="@1")))
        first = await given_out(lead)
    async with running(there, clock) as app, await someone(app, Role.SITE_LEAD) as lead:
        a_place(app.state.house.db)
        for kind in ("products", "stock"):
            await brought_in(lead, kind, files[kind])
        assert await given_out(lead) == first
    assert first["products"][1][1] == "=疫苗"
    assert [line[1] for line in first["stock"][1:]] == ["@1"] * 3


async def test_movements_of_a_period_go_out_in_the_readers_words(house: House, as_role: AsRole) -> None:
    lead = await as_role(Role.SITE_LEAD)
    a_product(house.db)
    a_lot(house.db, "AAAA", number="=1+1", bench=None)

    def waste(tx: Any) -> None:
        facts = unit_by_code(tx.connection, "AAAA")
        assert facts
        waste_doses(tx, facts, 1, WasteReason.BROKEN, "@fell")
        tx.journal("wasted")

    house.db.write_now(waste, SYSTEM)
    answer = await lead.get("/api/v1/exports/movements.csv", params={"since": "2026-03-02", "until": "2026-03-02"})
    assert answer.headers["content-disposition"] == 'attachment; filename="movements-2026-03-02.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    heading, received, wasted = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert heading[:3] == ["Time", "Movement", "Product code"]
    assert received == [
        "2026-03-02T09:00:00+08:00",
        "Received",
        PRODUCT,
        "'=1+1",
        "1",
        "Supplier",
        "fridge-1",
        *[""] * 5,
    ]
    assert wasted[5:10] == ["fridge-1", "Wasted", "AAAA", "Broken", "'@fell"]
    none = await lead.get("/api/v1/exports/movements.csv", params={"since": "2026-03-03", "until": "2026-03-04"})
    assert none.content.count(b"\n") == 1


async def test_the_page_takes_a_file_shows_its_faults_and_lets_it_in(house: House, as_role: AsRole) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    a_product(house.db)
    a_place(house.db)
    file = {"file": ("opening.csv", a_csv(*units(2)))}
    sent = await keeper.post("/exchange/dry-runs", data={"kind": "stock"}, files=file)
    assert sent.status_code == 303
    shown = await keeper.get(sent.headers["location"])
    assert "Every row can be recorded." in shown.text
    done = await keeper.post(f"{sent.headers['location']}/confirmation", data={})
    assert (done.status_code, done.headers["location"]) == (303, "/exchange")
    assert "opening.csv" in (await keeper.get("/exchange")).text
    assert "This very file came in on 2026-03-02." in (await keeper.get(sent.headers["location"])).text
    faulty = {"file": ("opening.csv", a_csv(UNIT | {"expires_on": "soon"}))}
    sent = await keeper.post("/exchange/dry-runs", data={"kind": "stock"}, files=faulty)
    assert "This is no date." in (await keeper.get(sent.headers["location"])).text
    assert (await keeper.post("/exchange/dry-runs", data={"kind": "stock"})).status_code == 400


async def test_a_file_larger_than_any_body_is_refused(as_role: AsRole) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    answer = await keeper.post(f"{IMPORTS}/stock/dry-run", content=b"x" * 1_000_001)
    assert answer.json()["code"] == "body_too_large"
    unreadable = await keeper.post(f"{IMPORTS}/stock/dry-run", content=b"PK\x03\x04")
    assert (unreadable.status_code, unreadable.json()["code"]) == (422, "file_unreadable")
