"""Nobody looks for more people than come to a desk: counted through restarts, refused with a time, told to the site."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI

from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertFacts, Severity
from clinic_server.alerts.settling import AnsweredWatch
from clinic_server.settings import SecuritySettings, Settings
from clinic_server.staff.rules import Role
from clinic_server.visits.lookup import standing
from clinic_server.visits.slip_code import slip_code
from tests.api.callers import SignedIn, running, someone
from tests.api.test_audit import kept
from tests.api.test_check_in import TYPED
from tests.api.test_seeking import NAME, somebody
from tests.api.visitors import TODAY
from tests.conftest import ManualClock

MOST = 60
SEEK = "/api/v1/people/seek"


@pytest.fixture
def limited(settings: Settings) -> Settings:
    security = settings.security.model_copy(update={"most_searches": MOST, "searches_minutes": 60})
    return settings.model_copy(update={"security": security})


async def statuses(desk: SignedIn, times: int) -> list[int]:
    """Search so many times at once, as a program would."""
    answers = await asyncio.gather(*(desk.post(SEEK, json={"name": NAME}) for _ in range(times)))
    return sorted(answer.status_code for answer in answers)


def told(app: FastAPI) -> list[AlertFacts]:
    return list(app.state.house.db.read_now(open_alerts))


@pytest.mark.each_engine
async def test_one_search_too_many_is_refused_with_its_time_and_the_site_is_told_once(
    limited: Settings, clock: ManualClock
) -> None:
    async with running(limited, clock) as app:
        somebody(app.state.house)
        desk, colleague = await someone(app, Role.REGISTRAR), await someone(app, Role.REGISTRAR)
        assert await statuses(desk, MOST + 5) == [200] * MOST + [429] * 5
        clock.pass_time(minutes=10)
        refused = await desk.post(SEEK, json={"name": NAME})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_searches")
        assert (refused.headers["retry-after"], refused.json()["facts"]) == ("3000", {"minutes": 50})
        page = await desk.post("/check-in/seek", data={"name": NAME})
        assert (page.status_code, page.headers["retry-after"]) == (429, "3000")
        assert "look again in 50 minutes" in page.text
        assert NAME not in page.text
        (alert,) = told(app)
        assert (alert.kind, alert.severity, alert.summary) == ("many_searches", Severity.ALARM, "60 SEARCHES IN 60 MIN")
        assert alert.place_code.startswith("staff-")
        assert await statuses(colleague, 1) == [200]
        assert (await desk.post("/check-in/typed", data=TYPED)).status_code == 303
        assert len([one for one in await kept(app) if one.subject == "search"]) == MOST + 1
        clock.pass_time(minutes=50)
        assert await statuses(desk, 1) == [200]


async def test_a_restart_forgives_no_search(limited: Settings, clock: ManualClock) -> None:
    async with running(limited, clock) as app:
        desk = await someone(app, Role.REGISTRAR)
        assert set(await statuses(desk, MOST)) == {200}
    async with running(limited, clock) as again:
        same = SignedIn(again, desk.token, desk.staff_id, desk.station)
        assert await statuses(same, 1) == [429]
        assert [one.kind for one in told(again)] == ["many_searches"]


async def test_searches_for_events_and_numbers_typed_as_scans_count_and_a_slip_does_not(
    limited: Settings, clock: ManualClock
) -> None:
    async with running(limited, clock) as app:
        both = await someone(app, Role.REGISTRAR, Role.PHYSICIAN)
        visit_id = UUID((await both.post("/api/v1/visits", json=TYPED)).json()["visit_id"])
        house = app.state.house
        visit = house.db.read_now(lambda connection: standing(connection, visit_id))
        code = slip_code(house.db.keyring, visit_id, TODAY, visit.ticket_number)
        await statuses(both, MOST - 4)
        for path in ("/adverse-events/seek", "/api/v1/adverse-events/people"):
            await (both.post(path, json={"name": NAME}) if "api" in path else both.post(path, data={"name": NAME}))
        for scanned in (TYPED["number"], "110105"):
            assert (await both.post("/check-in/scan", data={"scanned": scanned})).status_code == 303
        assert (await both.post("/check-in/scan", data={"scanned": TYPED["number"]})).status_code == 429
        assert (await both.post("/check-in/scan", data={"scanned": code})).status_code == 303
        assert (await both.post("/adverse-events/seek", data={"name": NAME})).status_code == 429
        looks = [one for one in await kept(app) if one.page == "/check-in/scan"]
        assert [one.person_id for one in looks if one.subject == "person"] == [visit.person_id]


async def test_the_alarm_is_over_once_somebody_said_what_they_do_and_no_second_is_raised_of_the_same(
    limited: Settings, clock: ManualClock
) -> None:
    async with running(limited, clock) as app:
        desk, lead = await someone(app, Role.REGISTRAR), await someone(app, Role.SITE_LEAD)
        await statuses(desk, MOST + 1)
        (alert,) = told(app)
        assert "Somebody looks for very many people" in (await lead.get("/alerts")).text
        answered = await lead.post(f"/api/v1/alerts/{alert.number}/acknowledgements", json={"comment": "asked them"})
        assert answered.status_code == 201
        await AnsweredWatch(app.state.house).look()
        assert told(app) == []
        assert await statuses(desk, 1) == [429]
        assert told(app) == []
        clock.pass_time(minutes=61)
        await statuses(desk, MOST + 1)
        assert [one.kind for one in told(app)] == ["many_searches"]


def test_a_clerk_with_four_hundred_people_a_day_never_meets_the_limit() -> None:
    usual = SecuritySettings()
    in_a_shift = usual.most_searches * timedelta(hours=8) / timedelta(minutes=usual.searches_minutes)
    assert in_a_shift >= 2 * 400
