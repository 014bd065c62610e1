"""What the pages of the cold chain tell: tiles, charts, tables, files and the month, for whoever may see them."""

import csv
import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from clinic_server.cold_chain import actions
from clinic_server.cold_chain.course.glance import ProbeSeen, glance
from clinic_server.cold_chain.course.report import report_of
from clinic_server.cold_chain.course.rules import HOUR_MS
from clinic_server.cold_chain.rules import Fault, Reach, Sample
from clinic_server.cold_chain.tables import to_unix_ms
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.settings import Settings, WallSettings
from clinic_server.staff.rules import Role
from clinic_server.stock.places import NewPlace
from clinic_server.stock.whereabouts import PlaceKind
from tests.api.callers import AsRole, Client, running
from tests.conftest import ManualClock

DEVICES = system_actor("devices")
SHANGHAI = ZoneInfo("Asia/Shanghai")


async def place(house: House, code: str, probe: str, kind: PlaceKind, profile: str) -> None:
    def add(tx: Tx) -> None:
        actions.add_place(tx, NewPlace(code, f"Place {code}", kind, profile))
        actions.assign_probe(tx, probe, code)

    await house.db.write(add, DEVICES)


async def fridge(house: House, clock: ManualClock, hours: float) -> datetime:
    """Put probe p1 into a fridge, let time pass, and return when it was put there."""
    began_at = clock.now()
    await place(house, "fridge-1", "p1", PlaceKind.FRIDGE, "cn-clinic-2-8")
    clock.pass_time(hours=hours)
    return began_at


async def say(house: House, at: datetime, *celsius: float, probe: str = "p1", fault: Fault | None = None) -> None:
    """Let a probe say one temperature a minute."""
    first = to_unix_ms(at) // 60_000
    samples = [
        Sample(probe, 1, first + minute, at + timedelta(minutes=minute), round(one * 1000), fault)
        for minute, one in enumerate(celsius)
    ]
    await house.db.write(lambda tx: actions.store_readings(tx, samples), DEVICES)


async def only_probe(house: House, clock: ManualClock) -> ProbeSeen:
    seen = await house.db.read(lambda connection: glance(connection, clock.now()))
    return seen.tiles[0].probes[0]


async def test_a_tile_tells_since_when_it_is_too_warm(house: House, clock: ManualClock) -> None:
    began_at = await fridge(house, clock, 1)
    await say(house, began_at, *[5.0] * 40, *[8.04] * 20, 8.04)
    seen = await only_probe(house, clock)
    assert (seen.reach, seen.since) == (Reach.ABOVE, began_at + timedelta(minutes=40))
    assert (seen.lowest, seen.highest) == (5_000, 8_040)


async def test_a_tile_tells_since_when_it_is_in_range_again(house: House, clock: ManualClock) -> None:
    began_at = await fridge(house, clock, 1)
    await say(house, began_at, *[9.0] * 20, *[1.0] * 10, *[5.0] * 31)
    seen = await only_probe(house, clock)
    assert (seen.reach, seen.since) == (Reach.WITHIN, began_at + timedelta(minutes=30))


async def test_what_was_a_day_ago_does_not_count(house: House, clock: ManualClock) -> None:
    """The first hour is cut by the day's beginning: 20 minutes of it are told, from the readings themselves."""
    began_at = await fridge(house, clock, 24 + 40 / 60)
    await say(house, began_at, *[12.0] * 40, *[5.0] * (24 * 60 + 1))
    seen = await only_probe(house, clock)
    assert (seen.lowest, seen.highest, seen.reach, seen.since) == (5_000, 5_000, Reach.WITHIN, None)
    clock.step(minutes=-1)
    assert (await only_probe(house, clock)).highest == 12_000


async def test_a_silent_probe_tells_no_temperature_as_if_it_were_now(
    house: House, clock: ManualClock, as_role: AsRole
) -> None:
    began_at = await fridge(house, clock, 1)
    await say(house, began_at, 5.0)
    seen = await only_probe(house, clock)
    assert (seen.reach, seen.since) == (None, began_at)
    page = (await (await as_role(Role.REGISTRAR)).get("/cold-chain")).text
    assert "<strong>5.0</strong>" not in page
    assert "– –" in page


async def test_the_tile_of_8_04_says_above(house: House, clock: ManualClock, as_role: AsRole) -> None:
    began_at = await fridge(house, clock, 1)
    await say(house, began_at + timedelta(minutes=59), 8.04)
    page = " ".join((await (await as_role(Role.REGISTRAR)).get("/cold-chain")).text.split())
    assert "<strong>8.04</strong>" in page
    assert 'class="reach above">above 8.0 °C' in page


async def test_what_fails_is_seen_first_and_a_place_that_waits_for_a_probe_is_not_failing(
    house: House, clock: ManualClock
) -> None:
    for code in ("a-good", "b-silent", "c-warm", "d-empty", "e-good"):
        await place(house, code, f"p-{code}", PlaceKind.FRIDGE, "cn-clinic-2-8")
    await house.db.write(lambda tx: actions.assign_probe(tx, "p-d-empty", None), DEVICES)
    await say(house, clock.now(), 5.0, probe="p-b-silent")
    clock.pass_time(hours=1)
    for code, celsius in (("a-good", 5.0), ("c-warm", 9.0), ("e-good", 5.0)):
        await say(house, clock.now(), celsius, probe=f"p-{code}")
    seen = await house.db.read(lambda connection: glance(connection, clock.now()))
    assert [tile.place.code for tile in seen.tiles] == ["b-silent", "c-warm", "a-good", "d-empty", "e-good"]


@pytest.mark.parametrize(
    ("kind", "profile", "celsius"),
    [(PlaceKind.FREEZER, "freezer-20", -20.0), (PlaceKind.FREEZER, "ult", -70.0)],
)
async def test_freezers_are_drawn_and_reported_like_fridges(  # noqa: PLR0913,PLR0917  # fixtures
    house: House, clock: ManualClock, as_role: AsRole, kind: PlaceKind, profile: str, celsius: float
) -> None:
    began_at = clock.now()
    await place(house, "cold", "p1", kind, profile)
    clock.pass_time(minutes=3)
    await say(house, began_at, *[celsius] * 4)
    caller = await as_role(Role.REGISTRAR)
    page = (await caller.get("/cold-chain/cold/course?span=6h")).text
    assert f"{celsius:.1f} °C".replace("-", "\N{MINUS SIGN}") in page
    report = (await caller.get("/cold-chain/report")).text
    assert "100.00 %" in report


async def test_a_course_without_a_reading_and_with_one(house: House, clock: ManualClock, as_role: AsRole) -> None:
    began_at = await fridge(house, clock, 2)
    caller = await as_role(Role.REGISTRAR)
    silent = await caller.get("/cold-chain/fridge-1/course?span=6h")
    assert silent.status_code == 200
    assert 'class="gap"' in silent.text
    await say(house, began_at + timedelta(hours=1), 5.5)
    one = (await caller.get("/cold-chain/fridge-1/course/drawn?span=6h")).text
    assert "5.5 °C" in one
    assert one.count('class="gap"') == 2
    assert "<html" not in one


async def test_five_years_are_a_page_of_a_few_hundred_lines(house: House, clock: ManualClock, as_role: AsRole) -> None:
    began_at = await fridge(house, clock, 5 * 366 * 24)
    await say(house, began_at, 5.0)
    page = (await (await as_role(Role.REGISTRAR)).get("/cold-chain/fridge-1/course?span=5y")).text
    assert page.count("<tr>") <= 62
    assert len(page) < 100_000


async def test_a_span_must_be_possible_and_a_place_known(house: House, clock: ManualClock, as_role: AsRole) -> None:
    await fridge(house, clock, 2)
    caller = await as_role(Role.REGISTRAR)
    url = "/api/v1/cold-chain/places/fridge-1/course"
    for query in ("?from=2026-03-02T09:00&until=2026-03-02T09:00", "?from=2000-01-01T00:00", "?until=1970-01-01T00:00"):
        answer = await caller.get(url + query)
        assert (answer.status_code, answer.json()["code"]) == (422, "span_impossible")
    assert (await caller.get("/api/v1/cold-chain/places/nowhere/course")).status_code == 404
    too_long = await caller.get("/cold-chain/fridge-1/course.csv?span=1y", headers={"accept": "application/json"})
    assert too_long.status_code == 422
    assert (await caller.get("/cold-chain/fridge-1/course.csv?span=1y&detail=hours")).status_code == 200


async def test_times_without_an_offset_are_the_sites(house: House, clock: ManualClock, as_role: AsRole) -> None:
    """09:00 in Shanghai is 01:00 UTC, when the clock of the tests begins."""
    began_at = await fridge(house, clock, 2)
    caller = await as_role(Role.REGISTRAR)
    told = (
        await caller.get("/api/v1/cold-chain/places/fridge-1/course?from=2026-03-02T09:00&until=2026-03-02T10:00")
    ).json()
    assert told["span"] == {"from_unix_ms": to_unix_ms(began_at), "until_unix_ms": to_unix_ms(began_at) + HOUR_MS}


async def test_files_hold_every_reading_and_no_formula(house: House, clock: ManualClock, as_role: AsRole) -> None:
    began_at = clock.now()
    await place(house, "fridge-1", "=p1", PlaceKind.FRIDGE, "cn-clinic-2-8")
    clock.pass_time(hours=2)
    await say(house, began_at, 5.0, -0.5, probe="=p1")
    await say(house, began_at + timedelta(minutes=70), 85.0, probe="=p1", fault=Fault.POWER_ON_VALUE)
    caller = await as_role(Role.REGISTRAR)
    answer = await caller.get("/cold-chain/fridge-1/course.csv?span=6h")
    assert answer.headers["content-disposition"] == 'attachment; filename="fridge-1-20260302-0500-readings.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(line["probe"], line["at"], line["celsius"], line["fault"]) for line in lines] == [
        ("'=p1", "2026-03-02T09:00:00+08:00", "5.0", ""),
        ("'=p1", "2026-03-02T09:01:00+08:00", "-0.5", ""),
        ("'=p1", "2026-03-02T10:10:00+08:00", "85.0", "power_on_value"),
    ]
    hours = (await caller.get("/cold-chain/fridge-1/course.csv?span=6h&detail=hours")).content.decode("utf-8-sig")
    assert hours.splitlines()[1] == "'=p1,2026-03-02T09:00:00+08:00,2,-0.5,2.25,5.0"


async def test_the_month_is_what_the_raw_rows_say(house: House, clock: ManualClock, as_role: AsRole) -> None:
    began_at = await fridge(house, clock, 3)
    await say(house, began_at, *[5.0] * 61, *[9.0] * 30)
    await say(house, began_at + timedelta(minutes=120), *[4.0] * 61)
    report = await house.db.read(lambda c: report_of(c, began_at.date(), to_unix_ms(clock.now()), SHANGHAI))
    (month,) = report.places[0].probes
    assert month.spent.in_range_ms == 120 * 60_000
    assert month.spent.out_of_range_ms == 29 * 60_000
    assert month.spent.unknown_ms == 31 * 60_000, "a gap of 30 minutes, and one in which the limit was crossed"
    raw = await house.db.read(
        lambda c: c.execute(
            text(
                "SELECT count(*), min(milli_celsius), max(milli_celsius), avg(milli_celsius) FROM reading"
                " WHERE at_unix_ms < :now"
            ),
            {"now": to_unix_ms(clock.now())},
        ).one()
    )
    assert month.figures
    assert (month.figures.readings, month.figures.min_milli_celsius, month.figures.max_milli_celsius) == tuple(raw[:3])
    assert month.figures.mean_milli_celsius == round(float(raw[3]))
    assert month.mkt is not None
    assert month.figures.mean_milli_celsius < month.mkt < 9_000, "warmth weighs more"
    assert len(month.series.gaps) == 1, "though it lies within one hour"
    page = " ".join((await (await as_role(Role.AUDITOR)).get("/cold-chain/report?month=2026-03")).text.split())
    for words in ("66.66 %", "at most 83.88 %", "29 min", "31 min", "The month is not over."):
        assert words in page


async def test_a_month_before_anything_stood_there_and_its_file(
    house: House, clock: ManualClock, as_role: AsRole
) -> None:
    began_at = await fridge(house, clock, 1)
    await say(house, began_at, 5.0)
    caller = await as_role(Role.AUDITOR)
    assert "No probe stood here then." in (await caller.get("/cold-chain/report?month=2026-02")).text
    assert (await caller.get("/cold-chain/report?month=2026-12")).status_code == 200, "a month to come"
    assert (await caller.get("/cold-chain/report?month=2026-13")).status_code == 400
    (line,) = csv.DictReader(io.StringIO((await caller.get("/cold-chain/report.csv")).content.decode("utf-8-sig")))
    assert (line["place"], line["probe"], line["readings"], line["gaps"]) == ("fridge-1", "p1", "1", "1")


async def test_the_display_of_the_cold_room_asks_for_its_token(settings: Settings, clock: ManualClock) -> None:
    with_wall = settings.model_copy(update={"wall": WallSettings(token="token-of-the-wall")})
    async with running(with_wall, clock) as app, Client(app) as anybody:
        house: House = app.state.house
        began_at = await fridge(house, clock, 1)
        await say(house, began_at + timedelta(minutes=60), 4.25)
        for path in ("wall", "wall/board", "wall/live"):
            assert (await anybody.get(f"/cold-chain/{path}?token=another")).status_code == 403
        shown = (await anybody.get("/cold-chain/wall?token=token-of-the-wall")).text
        assert (await anybody.get("/cold-chain")).status_code in {303, 401}
    assert "<strong>4.3</strong>" in shown
    assert "p1" not in shown, "the display names places, not probes"
    assert "/cold-chain/fridge-1/course" not in shown


async def test_an_excursion_is_drawn_listed_and_in_the_month(house: House, clock: ManualClock, as_role: AsRole) -> None:
    """Twenty readings out are nineteen minutes; the one before and the one after are not counted."""
    began_at = await fridge(house, clock, 2)
    await say(house, began_at, *[5.0] * 20, *[9.5] * 20, *[5.0] * 20)
    caller = await as_role(Role.COLD_CHAIN_KEEPER)
    for page in ("/cold-chain/fridge-1/course?span=6h", "/cold-chain/fridge-1/course?span=5y", "/cold-chain/report"):
        told = " ".join((await caller.get(page)).text.split())
        assert "Too warm" in told
        assert "2026-03-02 09:20" in told
        assert "19 min" in told
    before = (await caller.get("/cold-chain/fridge-1/course?from=2026-03-01T00:00&until=2026-03-02T09:10")).text
    assert "Too warm" not in before


async def test_readings_by_hand_stand_on_the_chart_and_beneath_it(
    house: House, as_role: AsRole, clock: ManualClock
) -> None:
    await fridge(house, clock, 0)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    reading = {"place_code": "fridge-1", "temperature": "9.3", "action_taken": "door closed"}
    assert (await keeper.post("/api/v1/cold-chain/hand-readings", json=reading)).status_code == 201
    clock.pass_time(minutes=5)
    page = (await keeper.get("/cold-chain/fridge-1/course?span=6h")).text
    assert page.count('class="by-hand"') == 2  # on the chart, and beside the heading of the table
    assert "9.3 °C" in page
    assert "door closed" in page
    assert 'class="by-hand"' not in (await keeper.get("/cold-chain/fridge-1/course?span=1y")).text


async def test_the_month_tells_which_readings_by_hand_nobody_made(
    house: House, as_role: AsRole, clock: ManualClock
) -> None:
    """Begun on the 2nd at 9 o'clock, read once, looked at on the 4th at 9: one of four was made."""
    await fridge(house, clock, 0)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    reading = {"place_code": "fridge-1", "temperature": "4.5"}
    assert (await keeper.post("/api/v1/cold-chain/hand-readings", json=reading)).status_code == 201
    clock.pass_time(days=2)
    report = await house.db.read(
        lambda connection: report_of(connection, clock.now().date(), to_unix_ms(clock.now()), SHANGHAI)
    )
    (month,) = report.places
    assert [(one.on.day, one.half.value) for one in month.missed] == [
        (2, "afternoon"),
        (3, "morning"),
        (3, "afternoon"),
    ]
    assert len(month.rounds) == 4
    page = (await (await as_role(Role.SITE_LEAD)).get("/cold-chain/report?month=2026-03")).text
    assert "1 of 4" in page
