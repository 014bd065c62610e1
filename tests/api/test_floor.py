"""The site lead's view: what it tells of people who are really on their way."""

from typing import Any

import pytest

from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import QualificationKind, Role, StationKind
from tests.api.callers import AsRole
from tests.api.test_demand import a_dose
from tests.api.test_injection import a_consented_visit
from tests.api.visitors import SYSTEM, a_colleague, a_lot, a_product, a_visit, an_open_site, signed_in
from tests.conftest import ManualClock

CODES = [f"8100000300000000{n:04d}" for n in range(4)]


@pytest.fixture(name="nurse")
def _nurse(house: House) -> Actor:
    """Somebody at work at a bench with four units, at an open site."""
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, *CODES, bench="desk-1")
    return signed_in(house.db, a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR))


async def told(as_role: AsRole) -> dict[str, Any]:
    lead = await as_role(Role.SITE_LEAD, station="office")
    answer = await lead.get("/api/v1/floor")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def at(floor: dict[str, Any], stage: str) -> int:
    return next(int(one["people"]) for one in floor["stages"] if one["stage"] == stage)


async def test_the_view_counts_people_doses_and_minutes(
    house: House, nurse: Actor, as_role: AsRole, clock: ManualClock
) -> None:
    a_visit(house.db)
    first = a_consented_visit(house.db)
    clock.pass_time(minutes=12)
    a_dose(house.db, nurse, CODES[0], first)
    second = a_consented_visit(house.db)
    clock.pass_time(minutes=2)
    a_dose(house.db, nurse, CODES[1], second)
    floor = await told(as_role)
    assert (at(floor, "waiting_for_screening"), at(floor, "observed"), floor["watched"]) == (1, 2, 2)
    assert (floor["given_lately"], floor["to_needle"]) == (2, {"median_min": 2, "ninth_decile_min": 12})
    assert [one["doses"] for one in floor["doses_left"]] == [2]
    assert sum(one["came"] for one in floor["quarters"]) == 3
    assert sum(one["given"] for one in floor["quarters"]) == 2
    assert floor["over_at"] is not None
    clock.pass_time(minutes=31)
    assert (await told(as_role))["due"] == 2


async def test_a_bench_idles_while_somebody_waits_for_it(house: House, as_role: AsRole, clock: ManualClock) -> None:
    house.db.write_now(lambda tx: (add_station(tx, "desk-1", StationKind.INJECTION), tx.journal("made")), SYSTEM)
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, *CODES, bench="desk-1")
    nurse = signed_in(house.db, a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR))
    a_dose(house.db, nurse, CODES[0])
    assert [one["is_idle"] for one in (await told(as_role))["benches"]] == [False]
    a_consented_visit(house.db)
    assert [one["is_idle"] for one in (await told(as_role))["benches"]] == [False]
    clock.pass_time(minutes=6)
    benches = (await told(as_role))["benches"]
    assert [(one["station"], one["is_idle"]) for one in benches] == [("desk-1", True)]


async def test_the_view_names_nobody(house: House, nurse: Actor, as_role: AsRole) -> None:
    a_dose(house.db, nurse, CODES[0], a_consented_visit(house.db))
    lead = await as_role(Role.SITE_LEAD, station="office")
    for path in ("/floor", "/floor/now", "/api/v1/floor"):
        answer = await lead.get(path)
        assert answer.status_code == 200
        assert "王" not in answer.text
        assert "Tester" not in answer.text
