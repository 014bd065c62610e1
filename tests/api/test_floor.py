"""The site lead's view: what it tells of people who are really on their way."""

from typing import Any

import pytest

from clinic_server.closing.lookup import day_facts
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.observation.actions import leave
from clinic_server.observation.further.actions import withdraw_further
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import QualificationKind, Role, StationKind
from tests.api.callers import AsRole
from tests.api.further import FLU, RIGHT, SITE, Needles
from tests.api.test_demand import a_dose
from tests.api.test_injection import a_consented_visit
from tests.api.visitors import SYSTEM, TODAY, a_colleague, a_lot, a_product, a_visit, an_open_site, signed_in
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


async def test_somebody_given_two_vaccines_is_one_person_and_two_doses(
    house: House, as_role: AsRole, clock: ManualClock
) -> None:
    needles = Needles.at(house.db)
    first = needles.injected()
    clock.pass_time(minutes=31)
    further = needles.asked(first)
    floor = await told(as_role)
    assert (at(floor, "waiting_for_screening"), at(floor, "observed"), floor["watched"], floor["due"]) == (1, 0, 1, 0)
    standing = house.db.read_now(lambda c: day_facts(c, SITE, TODAY))
    assert (standing.observed, standing.on_their_way) == (1, 0)
    needles.ordered(further, FLU)
    clock.pass_time(minutes=9)
    needles.given(further, FLU, RIGHT)
    floor = await told(as_role)
    assert (at(floor, "waiting_for_injection"), at(floor, "observed"), floor["ended"]) == (0, 1, {})
    assert (floor["given_lately"], floor["to_needle"]) == (2, {"median_min": 0, "ninth_decile_min": 0})
    assert [sum(one[what] for one in floor["quarters"]) for what in ("came", "given", "ended")] == [1, 2, 0]
    clock.pass_time(minutes=31)
    house.db.write_now(lambda tx: leave(tx, further), needles.staff.nurse)
    floor = await told(as_role)
    assert (floor["ended"], sum(one["ended"] for one in floor["quarters"])) == ({"completed": 1}, 1)
    day = (await (await as_role(Role.SITE_LEAD)).get(f"/api/v1/days/{TODAY}")).json()
    assert (day["doses_given"], day["persons_vaccinated"], day["visits_by_stage"]) == (2, 1, {"completed": 1})


async def test_a_further_vaccine_that_was_taken_back_is_nobody_who_went_away(
    house: House, as_role: AsRole, clock: ManualClock
) -> None:
    needles = Needles.at(house.db)
    first = needles.injected()
    needles.asked(first)
    house.db.write_now(lambda tx: withdraw_further(tx, first, "no wish"), needles.staff.nurse)
    floor = await told(as_role)
    assert (at(floor, "observed"), floor["ended"]) == (1, {})
    clock.pass_time(minutes=31)
    house.db.write_now(lambda tx: leave(tx, first), needles.staff.nurse)
    assert (await told(as_role))["ended"] == {"completed": 1}


async def test_the_view_names_nobody(house: House, nurse: Actor, as_role: AsRole) -> None:
    a_dose(house.db, nurse, CODES[0], a_consented_visit(house.db))
    lead = await as_role(Role.SITE_LEAD, station="office")
    for path in ("/floor", "/floor/now", "/api/v1/floor"):
        answer = await lead.get(path)
        assert answer.status_code == 200
        assert "王" not in answer.text
        assert "Tester" not in answer.text
