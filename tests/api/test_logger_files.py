"""A logger's file attached over HTTP: kept byte for byte, shown beside the probe's own days, refused whole."""

from datetime import UTC, datetime, timedelta

import pytest

from clinic_server.cold_chain.actions import assign_probe, store_readings
from clinic_server.cold_chain.logger_files.rules import MOST_BYTES
from clinic_server.cold_chain.rules import Sample
from clinic_server.kit.call import House
from clinic_server.staff.rules import Role
from tests.api.callers import AsRole, SignedIn
from tests.api.visitors import SYSTEM, a_place, rows_in
from tests.conftest import ManualClock
from tests.rules.test_logger_files import fridge_tag, qtag

FILES = "/api/v1/cold-chain/loggers"


@pytest.fixture(name="keeper")
async def _keeper(house: House, as_role: AsRole) -> SignedIn:
    await a_place_of_its_own(house)
    return await as_role(Role.COLD_CHAIN_KEEPER)


async def a_place_of_its_own(house: House) -> None:
    a_place(house.db, "fridge-1")


async def attached(caller: SignedIn, content: bytes, place: str = "fridge-1") -> int:
    answer = await caller.post(
        "/cold-chain/loggers", data={"place_code": place}, files={"file": ("report.txt", content, "text/plain")}
    )
    return answer.status_code


async def test_a_file_is_kept_byte_for_byte_and_once(keeper: SignedIn) -> None:
    assert await attached(keeper, qtag()) == 303
    assert await attached(keeper, qtag()) == 409
    (line,) = (await keeper.get(FILES)).json()
    assert (line["device"], line["serial"], line["place_code"]) == ("Q-tag CLm doc LR", "MADE0001", "fridge-1")
    assert (await keeper.get(f"{FILES}/{line['file_id']}/content")).content == qtag()
    assert len((await keeper.get(FILES)).json()) == 1


async def test_what_cannot_be_read_or_has_no_place_leaves_nothing(keeper: SignedIn, house: House) -> None:
    before = rows_in(house.db)
    assert await attached(keeper, b"Device: none") == 422
    assert await attached(keeper, qtag(), "nowhere") == 404
    assert await attached(keeper, qtag() + b"x" * MOST_BYTES) == 413
    assert (await keeper.get(f"{FILES}/{'0' * 8}-0000-7000-8000-{'0' * 12}")).status_code == 404
    assert rows_in(house.db) == before


async def test_only_keepers_attach(house: House, as_role: AsRole) -> None:
    await a_place_of_its_own(house)
    assert await attached(await as_role(Role.VACCINATOR), qtag()) == 403


async def test_the_days_stand_beside_those_of_the_probe_that_stood_there_then(
    house: House, as_role: AsRole, clock: ManualClock
) -> None:
    await a_place_of_its_own(house)
    db, zone = house.db, house.settings.site.zone
    noon = datetime(2026, 3, 2, 12, tzinfo=zone).astimezone(UTC)
    db.write_now(lambda tx: assign_probe(tx, "p1", "fridge-1"), SYSTEM)
    placed_at = clock.now()
    said = [
        (-timedelta(days=1), 30_000),
        (timedelta(), 3_000),
        (timedelta(hours=1), 8_400),
        (timedelta(days=1), -9_000),
    ]
    first = max(noon, placed_at)
    samples = [Sample("p1", 1, n, first + after, value) for n, (after, value) in enumerate(said)]
    clock.pass_time(days=2)
    db.write_now(lambda tx: store_readings(tx, samples), SYSTEM)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    assert await attached(keeper, fridge_tag("2026-03-04 15:00", ("2026-03-02", "+8.8", 1))) == 303
    (line,) = (await keeper.get(FILES)).json()
    (day,) = (await keeper.get(f"{FILES}/{line['file_id']}")).json()["days"]
    assert day["probe"] == {"min_milli_celsius": 3_000, "max_milli_celsius": 8_400, "readings": 2}
    page = (await keeper.get(f"/cold-chain/loggers/{line['file_id']}")).text
    assert "8.4 °C" in page
    assert "1.0 °C" in page  # 2.0 beside 3.0 is the widest difference
