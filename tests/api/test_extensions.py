"""Watched for longer, and on a clock that is set: what the observation area is told."""

from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import visit_now
from clinic_server.visits.watch import start_watch, watched
from tests.api.visitors import a_visit
from tests.conftest import ManualClock

LONGER = {"minutes": 15, "reason": "unwell"}


@pytest.fixture(name="seated")
def _seated(house: House) -> UUID:
    """Somebody whose needle was now."""
    visit_id = a_visit(house.db)
    house.db.write_now(lambda tx: tx.execute(update(visit_now).values(stage=Stage.OBSERVED)), system_actor("test"))
    needle(house.db, visit_id)
    return visit_id


def needle(db: Database, visit_id: UUID) -> None:
    def act(tx: Any) -> None:
        start_watch(tx, visit_id, tx.now, 30)
        tx.journal("furnished", visit_id)

    db.write_now(act, system_actor("test"))


async def left(observer: Any) -> list[int]:
    return [one["minutes_left"] for one in (await observer.get("/api/v1/observation")).json()]


async def test_an_extension_is_added_to_what_is_left_or_counted_from_now(
    as_role: Any, seated: UUID, clock: ManualClock
) -> None:
    observer = await as_role(Role.OBSERVER)
    clock.pass_time(minutes=10)
    assert (await observer.post(f"/api/v1/visits/{seated}/observation-extensions", json=LONGER)).status_code == 201
    assert await left(observer) == [35]
    clock.pass_time(minutes=60)
    await observer.post(f"/api/v1/visits/{seated}/observation-extensions", json=LONGER)
    assert await left(observer) == [15]


async def test_a_later_dose_does_not_shorten_an_extension(
    as_role: Any, house: House, seated: UUID, clock: ManualClock
) -> None:
    observer = await as_role(Role.OBSERVER)
    await observer.post(f"/api/v1/visits/{seated}/observation-extensions", json={**LONGER, "minutes": 60})
    clock.pass_time(minutes=1)
    needle(house.db, seated)
    assert await left(observer) == [89]


@pytest.mark.parametrize("asked", [{**LONGER, "minutes": 4}, {**LONGER, "minutes": 241}, {**LONGER, "minutes": -30}])
async def test_no_extension_makes_it_shorter_or_endless(as_role: Any, seated: UUID, asked: dict[str, Any]) -> None:
    observer = await as_role(Role.OBSERVER)
    refused = await observer.post(f"/api/v1/visits/{seated}/observation-extensions", json=asked)
    assert (refused.status_code, refused.json()["fields"], await left(observer)) == (400, ["minutes"], [30])


async def test_a_clock_set_forward_lets_nobody_go_and_one_set_back_keeps_nobody(
    as_role: Any, seated: UUID, clock: ManualClock
) -> None:
    observer = await as_role(Role.OBSERVER)
    clock.pass_time(minutes=10)
    clock.step(hours=1)
    refused = await observer.post(f"/api/v1/visits/{seated}/leave")
    assert (refused.json()["code"], refused.json()["facts"]) == ("too_early", {"minutes": 20})
    clock.step(days=-3650)
    clock.pass_time(minutes=20)
    assert await left(observer) == [0]
    assert (await observer.post(f"/api/v1/visits/{seated}/leave")).status_code == 201


async def test_the_seats_tell_that_the_clock_was_set(as_role: Any, seated: UUID, clock: ManualClock) -> None:
    observer = await as_role(Role.OBSERVER)
    assert "服务器时钟" not in (await observer.get("/observation/now")).text
    clock.step(hours=1)
    await observer.post(f"/api/v1/visits/{seated}/leave")
    assert "服务器时钟被调整过" in (await observer.get("/observation/now", headers={"Accept-Language": "zh-CN"})).text


def test_after_the_machine_was_off_time_counts_but_the_person_is_marked(db: Database, clock: ManualClock) -> None:
    visit_id = a_visit(db)
    db.write_now(lambda tx: tx.execute(update(visit_now).values(stage=Stage.OBSERVED)), system_actor("test"))
    needle(db, visit_id)
    db.close()
    clock.start_machine_again(minutes=40)
    site = replace(db.site, zone=ZoneInfo("America/New_York"))  # the zone is nothing to a duration either
    again = Database(db.url, site=site, keyring=db.keyring, clock=clock, ids=Ids(clock))
    needle_after = a_visit(again, name="李建国")
    (one,) = again.read_now(watched)
    assert (one.visit_id, one.minutes_left, one.is_unproved, needle_after != visit_id) == (visit_id, 0, True, True)
    clock.pass_time(minutes=30)
    (one,) = again.read_now(watched)
    assert (one.minutes_left, one.is_unproved) == (0, False)
    again.close()


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York"])
def test_midnight_and_summer_time_change_nothing(db: Database, clock: ManualClock, zone: str) -> None:
    """The night of 28-29 March 2026 has a midnight in Shanghai and a missing hour in Berlin."""
    visit_id = a_visit(db)
    db.write_now(lambda tx: tx.execute(update(visit_now).values(stage=Stage.OBSERVED)), system_actor("test"))
    night = {"Asia/Shanghai": (28, 15, 45), "Europe/Berlin": (29, 0, 45), "America/New_York": (8, 6, 45)}[zone]
    day, hour, minute = night
    clock.pass_time(seconds=(clock.now().replace(day=day, hour=hour, minute=minute) - clock.now()).total_seconds())
    needle(db, visit_id)
    for minutes in (29, 1):
        clock.pass_time(minutes=minutes)
        (one,) = db.read_now(watched)
        assert one.minutes_left == (1 if minutes == 29 else 0)
