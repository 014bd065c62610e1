"""The emergency kit, the ambulance, the hospitals and the officer, and what their lapses tell."""

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_server.adverse_events.rules import FoundHow, NewEvent
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertKind, Severity
from clinic_server.alerts.tables import alert_now
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.opening.actions import close_site, withdraw_safeguard
from clinic_server.opening.ambulance.actions import move_ambulance
from clinic_server.opening.ambulance.lookup import ambulance_log
from clinic_server.opening.ambulance.rules import Move, Presence
from clinic_server.opening.emergency_kit.actions import add_to_kit, check_kit, remove_from_kit, use_kit_item
from clinic_server.opening.emergency_kit.lookup import last_check, standing_kit
from clinic_server.opening.emergency_kit.rules import KitCountIncomplete, KitItem, KitItemUnknown, KitThing
from clinic_server.opening.hospitals.lookup import designated
from clinic_server.opening.officer.lookup import officer_now
from clinic_server.opening.rules import Safeguard, Variant
from clinic_server.opening.tables import pauses_told
from clinic_server.opening.watching import ReadinessWatch
from clinic_server.settings import Settings, WallSettings
from clinic_server.staff.actions import add_qualification, members, set_pin
from clinic_server.staff.rules import MOST_FAILURES, Role
from clinic_server.staff.sessions import hash_pin
from clinic_server.staff.tables import staff
from clinic_server.visits.lookup import standing
from tests.api.callers import Client, running
from tests.api.test_adverse_events import ELSEWHERE, filed
from tests.api.test_injection import CODE, a_consented_visit, permitted
from tests.api.test_opening import Morning, assert_paused_until
from tests.api.test_staff import PIN, WRONG_PIN, sign_in
from tests.api.visitors import OWNER, TODAY, a_full_kit, a_lot, a_product, a_shift, a_visit, rows_in, signed_in
from tests.conftest import ManualClock

OTHER_CODE = "81000001000000000002"
HOSPITAL = {"name": "County hospital", "kind": "secondary", "phone": "0571", "expert": "Dr Zhou", "minutes_away": 9}


@pytest.fixture(name="morning")
def _morning(house: House) -> Morning:
    return Morning(house)


@pytest.fixture(name="ready")
def _ready(morning: Morning) -> UUID:
    """Somebody waits for the needle at an open site."""
    a_product(morning.db)
    a_lot(morning.db, CODE, OTHER_CODE)
    return a_consented_visit(morning.db)


def kit_of(morning: Morning, thing: KitThing) -> KitItem:
    (item,) = [one for one in morning.db.read_now(standing_kit) if one.thing is thing]
    return item


def alarms(morning: Morning) -> list[str]:
    """What people are called for: the summary of each open alert of a lapse."""
    kind = AlertKind.READINESS_LAPSED
    return [one.summary for one in morning.db.read_now(open_alerts) if one.kind is kind]


def told(morning: Morning) -> list[str]:
    rows = select(pauses_told.c.lapses).order_by(pauses_told.c.journal_seq)
    return list(morning.db.read_now(lambda connection: connection.execute(rows).scalars().all()))


def an_event(morning: Morning) -> UUID:
    """Somebody reacts to a dose of elsewhere, here."""
    visit_id = a_visit(morning.db)
    person_id = morning.db.read_now(lambda connection: standing(connection, visit_id)).person_id
    now = morning.db.clock.now()
    new = NewEvent(person_id, None, FoundHow.RETURNED, now, now, elsewhere=(ELSEWHERE,))
    return filed(morning.house, new, morning.lead).event_id


def used(morning: Morning, thing: KitThing, quantity: int, event_id: UUID) -> None:
    item_id = kit_of(morning, thing).item_id

    def act(tx: Tx) -> None:
        use_kit_item(tx, item_id, quantity, event_id)
        tx.journal("care_line_written", event_id)

    morning.db.write_now(act, morning.lead)


def moved(morning: Morning, presence: Presence, reason: str = "called out", *, minutes: int | None = None) -> None:
    morning.do(move_ambulance, 10, Move(presence, reason, minutes))


async def test_what_is_used_on_somebody_reduces_the_kit_and_too_little_pauses_and_calls_people(
    as_role: Any, morning: Morning, ready: UUID
) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    used(morning, KitThing.ADRENALINE, 1, an_event(morning))
    assert kit_of(morning, KitThing.ADRENALINE).quantity == 4
    assert alarms(morning) == ["EMERGENCY KIT SHORT"]
    await assert_paused_until(bench, morning, "emergency_kit_short", morning.fill_kit, (ready, permit_id))
    assert alarms(morning) == []
    assert told(morning) == ["emergency_kit_short", ""]


def test_more_used_than_the_records_hold_is_recorded_all_the_same(morning: Morning) -> None:
    """It was given; a sum in a book keeps nobody from help."""
    event_id, torch = an_event(morning), kit_of(morning, KitThing.SALBUTAMOL)
    used(morning, KitThing.SALBUTAMOL, 3, event_id)
    assert KitThing.SALBUTAMOL not in {item.thing for item in morning.db.read_now(standing_kit)}
    morning.do(remove_from_kit, torch.item_id)
    with pytest.raises(KitItemUnknown):
        morning.do(use_kit_item, torch.item_id, 1, event_id)


def test_a_count_compares_keeps_the_difference_and_holds_from_then_on(morning: Morning, clock: ManualClock) -> None:
    event_id = an_event(morning)
    counted = {item.item_id: item.quantity for item in morning.db.read_now(standing_kit)}
    syringes = kit_of(morning, KitThing.SYRINGE)
    morning.do(check_kit, counted | {syringes.item_id: 12})
    clock.pass_time(minutes=5)
    assert kit_of(morning, KitThing.SYRINGE).quantity == 12
    used(morning, KitThing.SYRINGE, 3, event_id)
    assert kit_of(morning, KitThing.SYRINGE).quantity == 9
    found = morning.db.read_now(last_check)
    assert found
    assert [(one.thing, one.counted, one.expected) for one in found.differences] == [(KitThing.SYRINGE, 12, 10)]
    assert found.checked_by == morning.lead.staff_id


def test_a_count_that_leaves_something_out_is_refused_and_one_that_finds_too_little_pauses(morning: Morning) -> None:
    counted = {item.item_id: item.quantity for item in morning.db.read_now(standing_kit)}
    torch = kit_of(morning, KitThing.TORCH).item_id
    before = rows_in(morning.db)
    with pytest.raises(KitCountIncomplete):
        morning.do(check_kit, {item_id: found for item_id, found in counted.items() if item_id != torch})
    assert rows_in(morning.db) == before
    morning.do(check_kit, counted | {torch: 0})
    assert morning.pauses() == ("emergency_kit_short",)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"thing": "adrenaline", "quantity": 1, "expires_on": "2026-03-01"}, "kit_item_expired"),
        ({"thing": "adrenaline", "quantity": 1}, "kit_item_undated"),
    ],
)
async def test_what_has_expired_or_bears_no_date_does_not_go_into_the_kit(as_role: Any, item: Any, code: str) -> None:
    lead = await as_role(Role.SITE_LEAD)
    assert (await lead.post("/api/v1/kit-items", json=item)).json()["code"] == code


async def test_a_kit_item_is_taken_out_once(as_role: Any) -> None:
    lead = await as_role(Role.SITE_LEAD)
    item_id = (await lead.post("/api/v1/kit-items", json={"thing": "torch", "quantity": 1})).json()
    assert (await lead.post(f"/api/v1/kit-items/{item_id}/removal")).status_code == 201
    assert (await lead.post(f"/api/v1/kit-items/{item_id}/removal")).json()["code"] == "kit_item_unknown"


async def test_a_site_for_children_needs_what_children_need(as_role: Any, house: House) -> None:
    lead = await as_role(Role.SITE_LEAD)
    house.db.write_now(lambda tx: add_to_kit(tx, *a_full_kit()), OWNER)

    async def lapses(variant: str) -> list[str]:
        seen = (await lead.get(f"/api/v1/opening?variant={variant}")).json()
        return [one["lapse"] for one in seen["missing"] if one["lapse"].startswith("emergency_kit")]

    assert (await lapses("adult"), await lapses("paediatric")) == ([], ["emergency_kit_short"])


async def test_the_ambulance_drives_off_and_its_return_lets_injections_go_on_with_the_names_as_they_were(
    as_role: Any, morning: Morning, ready: UUID
) -> None:
    bench, observer = await as_role(Role.VACCINATOR), await as_role(Role.OBSERVER)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    moved(morning, Presence.AWAY)
    assert alarms(morning) == ["AMBULANCE GONE"]
    await assert_paused_until(
        bench, morning, "ambulance_gone", lambda: moved(morning, Presence.ON_SITE, ""), (ready, permit_id)
    )
    assert alarms(morning) == []
    log = morning.db.read_now(lambda connection: ambulance_log(connection, morning.db.keyring))
    assert [one.presence for one in log] == [Presence.ON_SITE, Presence.AWAY, Presence.ON_SITE]
    assert log[0].said.names == log[-1].said.names
    assert log[1].said.reason == "called out"
    assert "called out" in (await observer.get("/opening/ambulance")).text


@pytest.mark.parametrize(("minutes", "pauses"), [(10, ()), (11, ("ambulance_gone",))])
def test_an_ambulance_on_call_is_enough_within_the_sites_minutes(
    morning: Morning, minutes: int, pauses: tuple[str, ...]
) -> None:
    moved(morning, Presence.ON_CALL, "second site", minutes=minutes)
    assert morning.pauses() == pauses


async def test_a_site_that_wants_its_ambulance_there_does_not_take_one_on_call(as_role: Any, morning: Morning) -> None:
    observer = await as_role(Role.OBSERVER)
    path, move = "/api/v1/opening/ambulance-moves", {"presence": "on_call", "reason": "second site"}
    assert (await observer.post(path, json=move)).json()["code"] == "minutes_away_needed"
    assert (await observer.post(path, json={"presence": "away"})).json()["code"] == "why_away_needed"
    assert (await observer.post(path, json=move | {"minutes_away": 1})).status_code == 201
    assert morning.pauses() == ("ambulance_gone",)
    assert (await observer.post(path, json=move | {"minutes_away": 2})).json()["code"] == "safeguard_withdrawn"


def test_one_alert_stands_for_the_site_and_what_lapses_besides_calls_anew(morning: Morning) -> None:
    seen = select(alert_now.c.alert_id, alert_now.c.cause_id, alert_now.c.severity, alert_now.c.summary)

    def alert() -> Any:
        return morning.db.read_now(lambda connection: connection.execute(seen).one())

    morning.do(withdraw_safeguard, Safeguard.AMBULANCE, "left")
    before = alert()
    morning.do(withdraw_safeguard, Safeguard.GREEN_CHANNEL, "full")
    after = alert()
    assert (after.severity, after.summary) == (Severity.ALARM, "AMBULANCE GONE, GREEN CHANNEL GONE")
    assert after.alert_id == before.alert_id
    assert after.cause_id != before.cause_id
    morning.say(Safeguard.AMBULANCE)
    assert alert().cause_id == after.cause_id, "less than before calls nobody anew"
    morning.do(close_site)
    assert alarms(morning) == []


@pytest.mark.parametrize("lapse", ["idle", "midnight", "kit"])
async def test_what_lapses_with_time_alone_is_told_by_the_server_itself(
    morning: Morning, clock: ManualClock, lapse: str
) -> None:
    """Nobody acts: people do nothing for long, a certificate ends at midnight, the kit expires with its day."""
    if lapse == "kit":
        morning.keep(KitThing.OXYGEN, TODAY)
    if lapse == "idle":
        clock.pass_time(hours=12)
    else:
        clock.pass_time(hours=13)
        a_shift(morning.db)
        if lapse == "midnight":
            _certificates_end(morning)
        await ReadinessWatch(morning.house).look()
        assert alarms(morning) == []
        clock.pass_time(hours=2)
    await ReadinessWatch(morning.house).look()
    people = "TOO FEW PHYSICIANS, NOBODY FOR EMERGENCIES"
    assert alarms(morning) == [{"idle": people, "midnight": people, "kit": "EMERGENCY KIT EXPIRED"}[lapse]]
    before = rows_in(morning.db), len(told(morning))
    await ReadinessWatch(morning.house).look()
    assert (rows_in(morning.db), len(told(morning))) == before
    clock.pass_time(hours=24)
    await ReadinessWatch(morning.house).look()
    assert alarms(morning) == [], "a site whose day is over calls nobody for its kit"


def _certificates_end(morning: Morning) -> None:
    """All who are here hold certificates that are good to the end of today."""
    for member in morning.db.read_now(lambda connection: members(connection, morning.db.keyring)):
        for held in member.qualifications:
            ended = replace(held, valid_until=TODAY)
            morning.db.write_now(partial(add_qualification, staff_id=member.staff_id, certificate=ended), OWNER)


async def test_a_lock_takes_nobody_away_who_is_here_and_a_new_pin_does(client: Client, morning: Morning) -> None:
    """A lock keeps people out; a new PIN ends the sign-ins under the old one."""
    rescuer, station = morning.rescuer.staff_id, morning.rescuer.station
    assert rescuer
    assert station
    number = morning.db.read_now(
        lambda connection: connection.execute(select(staff.c.number).where(staff.c.id == rescuer)).scalar_one()
    )
    pin_hash = await hash_pin(morning.db.keyring, PIN)
    morning.db.write_now(lambda tx: set_pin(tx, rescuer, pin_hash), OWNER)
    signed_in(morning.db, morning.rescuer)
    answers = [await sign_in(client, number, WRONG_PIN, station) for _ in range(MOST_FAILURES + 1)]
    assert answers[-1].status_code == 429, answers[-1].text
    assert morning.pauses() == ()
    morning.db.write_now(lambda tx: set_pin(tx, rescuer, pin_hash), OWNER)
    assert morning.pauses() == ("nobody_for_emergencies",)


async def test_the_wall_says_that_injections_pause_and_not_why(settings: Settings, clock: ManualClock) -> None:
    with_wall = settings.model_copy(update={"wall": WallSettings(token="token-of-the-wall")})
    async with running(with_wall, clock) as app, Client(app) as anybody:
        morning, address = Morning(app.state.house), "/wall/board?token=token-of-the-wall&language=en"
        assert "Injections pause" not in (await anybody.get(address)).text
        morning.do(withdraw_safeguard, Safeguard.AMBULANCE, "driver Zhao left")
        shown = (await anybody.get(address)).text
        assert "Injections pause, please wait." in shown
        assert "mbulance" not in shown
        assert "Zhao" not in shown
        morning.say(Safeguard.AMBULANCE)
        assert "Injections pause" not in (await anybody.get(address)).text


async def test_hospitals_are_entered_anew_and_one_is_designated_and_named_in_the_opening(
    as_role: Any, house: House
) -> None:
    lead = await as_role(Role.SITE_LEAD)
    assert (await lead.post("/api/v1/hospitals/H1", json=HOSPITAL)).status_code == 201
    assert (await lead.post("/api/v1/hospitals/H1", json=HOSPITAL | {"phone": "0572"})).status_code == 201
    nowhere = await lead.post("/api/v1/hospitals/H2/designation", json={"variant": "adult"})
    assert nowhere.json()["code"] == "hospital_unknown"
    assert (await lead.post("/api/v1/hospitals/H1/designation", json={"variant": "adult"})).status_code == 201
    own = house.db.read_now(lambda connection: designated(connection, house.db.keyring))
    assert {variant: (one.phone, one.expert) for variant, one in own.items()} == {Variant.ADULT: ("0572", "Dr Zhou")}
    assert 'value="County hospital"' in (await lead.get("/opening")).text
    assert "Dr Zhou" in (await lead.get("/opening/hospitals")).text


async def test_the_one_who_reports_adverse_events_has_a_name_and_a_day(as_role: Any, house: House) -> None:
    lead = await as_role(Role.SITE_LEAD)
    assert "Nobody was named" in (await lead.get("/opening")).text
    assert (await lead.post("/api/v1/opening/officer", json={"number": "no such"})).json()["code"] == "staff_unknown"
    member = house.db.read_now(lambda connection: members(connection, house.db.keyring))[0]
    assert (await lead.post("/api/v1/opening/officer", json={"number": member.number})).status_code == 201
    officer = house.db.read_now(lambda connection: officer_now(connection, house.db.keyring))
    assert officer
    assert (officer.staff_id, officer.name) == (member.staff_id, member.name)
