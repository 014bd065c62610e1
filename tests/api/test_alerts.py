"""Alerts over HTTP: who may do what, the page of a signed link, the banner, stop orders and doubtful codes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from clinic_server.alerts.calling import take_turns
from clinic_server.alerts.contacts import NewContact, add_contact, standing_ids
from clinic_server.alerts.links import LinkTarget, link_path
from clinic_server.alerts.raising import open_alerts, raise_alarm
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import as_written
from clinic_server.alerts.watch import LadderWatch
from clinic_server.cold_chain.actions import add_place, assign_probe, store_readings
from clinic_server.cold_chain.rules import Sample
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.staff.rules import Role
from clinic_server.stock.places import NewPlace
from clinic_server.stock.rules import StopScope
from clinic_server.stock.stops import NewStop, confirm_lift, place_stop, propose_lift
from clinic_server.stock.suspects import assess_suspect, keep_suspects, open_suspects
from clinic_server.stock.whereabouts import PlaceKind
from tests.api.callers import Client
from tests.api.visitors import SYSTEM, a_colleague
from tests.conftest import ManualClock

SHIFT = {"step": 1, "starts": "00:00:00", "ends": "00:00:00"}
CONTACT = {"name": "Wang Duty", "addresses": [{"channel": "sms", "address": "+8613800000001"}]}


def sound(house: House, severity: Severity = Severity.ALARM, place: str = "fridge-1") -> UUID:
    def act(tx: Tx) -> UUID:
        alert_id = raise_alarm(tx, Alarm(AlertKind.TOO_WARM, severity, as_written("+9.4C"), place))
        tx.journal("something_found", alert_id)
        return alert_id

    return house.db.write_now(act, SYSTEM)


def a_contact(house: House) -> UUID:
    return house.db.write_now(lambda tx: add_contact(tx, NewContact("Li Contact", (), "en")), SYSTEM).contact_id


def kinds_open(house: House) -> list[tuple[str, str]]:
    return [(one.kind.value, one.summary) for one in house.db.read_now(open_alerts)]


async def test_anybody_signed_in_sees_and_acknowledges_and_nobody_else(
    house: House, as_role: Any, client: Client
) -> None:
    sound(house)
    registrar = await as_role(Role.REGISTRAR)
    assert [one["facts"]["number"] for one in (await registrar.get("/api/v1/alerts")).json()["open"]] == [1]
    path = "/api/v1/alerts/1/acknowledgements"
    assert (await registrar.post(path, json={"comment": ""})).json()["code"] == "comment_needed"
    assert (await registrar.post(path, json={"comment": "moved to fridge 2"})).status_code == 201
    story = (await registrar.get("/api/v1/alerts/1")).json()
    assert [(one["way"], one["comment"]) for one in story["answers"]] == [("desk", "moved to fridge 2")]
    assert (story["hush"], story["closed_for"]) == ("acknowledged", None)
    for answer in (await client.get("/api/v1/alerts"), await client.post(path, json={"comment": "x"})):
        assert answer.status_code == 401


async def test_roster_and_contacts_are_kept_by_lead_keeper_and_owner_and_shown_with_their_holes(
    as_role: Any,
) -> None:
    keeper, registrar = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.REGISTRAR)
    assert (await registrar.post("/api/v1/alert-contacts", json=CONTACT)).status_code == 403
    contact_id = (await keeper.post("/api/v1/alert-contacts", json=CONTACT)).json()["contact_id"]
    duty = {**SHIFT, "contact_id": contact_id, "weekdays": [0, 1, 2, 3, 4, 5, 6]}
    assert (await registrar.post("/api/v1/alert-duties", json=duty)).status_code == 403
    assert (await keeper.post("/api/v1/alert-duties", json=duty)).status_code == 201
    away = {**SHIFT, "contact_id": contact_id, "on_date": "2026-03-04", "is_on": False}
    assert (await keeper.post("/api/v1/alert-duty-exceptions", json=away)).status_code == 201
    page = (await registrar.get("/alerts/roster")).text
    assert "Too few people" in page
    assert "Wang Duty" in page
    assert "2026-03-04" in page
    contacts = await keeper.get("/alerts/contacts")
    assert "+8613800000001" in contacts.text
    assert (await registrar.get("/alerts/contacts")).status_code == 403
    wrong = await keeper.post("/api/v1/alert-duties", json={**duty, "step": 9})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "step_unknown")


async def test_work_on_a_place_is_told_by_those_who_open_fridges(as_role: Any, house: House) -> None:
    vaccinator, registrar = await as_role(Role.VACCINATOR), await as_role(Role.REGISTRAR)
    told = {"place_code": "fridge-1", "minutes": 20, "reason": "restocking"}
    assert (await registrar.post("/api/v1/alert-shelvings", json=told)).status_code == 403
    assert (await vaccinator.post("/api/v1/alert-shelvings", json=told)).status_code == 201
    sound(house)
    assert (await registrar.get("/api/v1/alerts")).json()["open"][0]["hush"] == "shelved"
    assert "fridge-1" in (await registrar.get("/alerts")).text
    assert (await vaccinator.post("/api/v1/alert-shelvings/fridge-1/end")).status_code == 201
    assert (await registrar.get("/api/v1/alerts")).json()["open"][0]["hush"] is None
    long = await vaccinator.post("/api/v1/alert-shelvings", json=told | {"minutes": 31})
    assert long.json()["facts"] == {"longest": 30}


async def test_the_banner_stands_until_somebody_answers_and_warnings_make_none(as_role: Any, house: House) -> None:
    nurse = await as_role(Role.VACCINATOR)
    sound(house, Severity.WARNING, "fridge-2")
    assert (await nurse.get("/alerts/banner")).text == ""
    sound(house)
    assert "fridge-1" in (await nurse.get("/alerts/banner")).text
    await nurse.post("/api/v1/alerts/2/acknowledgements", json={"comment": "on my way"})
    assert (await nurse.get("/alerts/banner")).text == ""


async def test_a_link_answers_its_alert_as_its_contact_and_shows_nobodys_name(
    house: House, client: Client, as_role: Any, clock: ManualClock
) -> None:
    alert_id = sound(house)
    contact_id = house.db.write_now(lambda tx: add_contact(tx, NewContact("Wang Duty")), SYSTEM).contact_id
    path = link_path(house.db.keyring, LinkTarget(alert_id, contact_id), clock.now())
    page = await client.get(path)
    assert page.status_code == 200
    assert "fridge-1" in page.text
    assert "Too warm" in page.text
    assert "Wang" not in page.text
    assert (await client.post(path, data={"comment": ""})).status_code == 422
    assert (await client.post(path, data={"comment": "driving there"})).status_code == 303
    story = (await (await as_role(Role.REGISTRAR)).get("/api/v1/alerts/1")).json()
    assert [(one["way"], one["contact_id"]) for one in story["answers"]] == [("link", str(contact_id))]
    clock.pass_time(hours=25)
    assert (await client.get(path)).status_code == 404


async def test_no_other_link_opens_anything(house: House, client: Client, clock: ManualClock) -> None:
    alert_id = sound(house)
    path = link_path(house.db.keyring, LinkTarget(alert_id, UUID(int=1)), clock.now())
    start, _, token = path.rpartition("/")
    forged = [token[:-1] + ("A" if token[-1] != "A" else "B"), "B" + token[1:], token[:40], "é", "A" * 70]
    for one in forged:
        assert (await client.get(f"{start}/{one}")).status_code == 404, one
    answer = await client.post(path, data={"comment": "somebody who was ended"})
    assert answer.status_code == 404


async def test_links_are_tried_twenty_times_a_minute_and_no_more(client: Client, clock: ManualClock) -> None:
    path = "/alerts/answer/unknown"
    assert [(await client.get(path)).status_code for _ in range(21)] == [404] * 20 + [429]
    clock.pass_time(seconds=61)
    assert (await client.get(path)).status_code == 404


async def test_pages_answer_and_keep_the_roster_without_javascript(house: House, as_role: Any) -> None:
    sound(house)
    lead = await as_role(Role.SITE_LEAD)
    told = {"name": "Wang Duty", "language": "zh-CN", "channel_1": "sms", "address_1": "+8613800000001"}
    assert (await lead.post("/alerts/contacts", data=told)).status_code == 303
    (contact_id,) = house.db.read_now(standing_ids)
    shift = {"contact_id": str(contact_id), "step": "1", "starts": "08:00", "ends": "20:00"}
    assert (await lead.post("/alerts/roster/duties", data=shift | {"weekdays": "01234"})).status_code == 303
    day = shift | {"on_date": "2026-03-03", "is_on": "true"}
    assert (await lead.post("/alerts/roster/exceptions", data=day)).status_code == 303
    assert "08:00–20:00" in (await lead.get("/alerts/roster")).text
    again = told | {"name": "Li Duty"}
    assert (await lead.post(f"/alerts/contacts/{contact_id}/restatement", data=again)).status_code == 303
    assert (await lead.post("/alerts/1/acknowledgement", data={"comment": "there"})).status_code == 303
    assert "there" in (await lead.get("/alerts/1")).text
    assert (await lead.post(f"/alerts/contacts/{contact_id}/end")).status_code == 303
    assert (await lead.get("/alerts/2")).status_code == 404


async def test_the_watch_calls_by_itself(house: House) -> None:
    sound(house)
    await LadderWatch(house).look()
    assert house.db.write_now(take_turns, SYSTEM) == 0


def test_a_stop_order_calls_and_so_does_the_next_one_and_the_last_lift_ends_it(house: House) -> None:
    first, second = a_colleague(house.db, Role.SITE_LEAD), a_colleague(house.db, Role.PHYSICIAN)
    order = NewStop(StopScope.SITE, "", "asked for by the county")
    stops = []
    for words in ("1 STOPPED, LAST A SITE", "2 STOPPED, LAST A SITE"):
        stops.append(house.db.write_now(lambda tx: place_stop(tx, order), first).stop_id)
        assert kinds_open(house) == [("stop_order", words)]
        house.db.write_now(take_turns, SYSTEM)
    for stop_id in stops:
        assert kinds_open(house)
        house.db.write_now(lambda tx, stop_id=stop_id: propose_lift(tx, stop_id, "cleared"), first)
        house.db.write_now(lambda tx, stop_id=stop_id: confirm_lift(tx, stop_id), second)
        assert house.db.write_now(take_turns, SYSTEM) == 0, "a lift calls nobody"
    assert kinds_open(house) == []


def test_doubtful_codes_are_one_warning_that_counts_them_and_ends_with_the_last(house: House) -> None:
    nurse = a_colleague(house.db, Role.VACCINATOR)
    for number in range(2):
        codes = [f"8100000100000000000{number}"]
        house.db.write_now(lambda tx, codes=codes: keep_suspects(tx, codes, arriving=False), nurse)
    assert kinds_open(house) == [("doubtful_code", "2 TO ASSESS")]
    for one in house.db.read_now(lambda connection: open_suspects(connection, house.db.keyring)):
        assert kinds_open(house)
        house.db.write_now(lambda tx, one=one: assess_suspect(tx, one.suspect_id, "a printing fault"), nurse)
    assert kinds_open(house) == []


async def test_a_place_is_named_beside_its_code_and_its_reading_now_beside_what_was_said_then(
    house: House, as_role: Any, client: Client, clock: ManualClock
) -> None:
    def furnish(tx: Tx) -> None:
        add_place(tx, NewPlace("fridge-1", "Left fridge, room 2", PlaceKind.FRIDGE, "cn-clinic-2-8"))
        assign_probe(tx, "p1", "fridge-1")

    house.db.write_now(furnish, SYSTEM)
    alert_id = sound(house)
    clock.pass_time(minutes=7)
    house.db.write_now(lambda tx: store_readings(tx, [Sample("p1", 1, 1, tx.now, 4_312)]), SYSTEM)
    lead, contact_id = await as_role(Role.SITE_LEAD), a_contact(house)
    link = link_path(house.db.keyring, LinkTarget(alert_id, contact_id), clock.now())
    pages = [await lead.get(path) for path in ("/alerts", "/alerts/now", "/alerts/1", "/alerts/banner")]
    for page in (*pages, await client.get(link)):
        assert "Left fridge, room 2" in page.text
    said_at = clock.now().astimezone(house.settings.site.zone) - timedelta(minutes=7)
    assert f"+9.4C · {said_at:%H:%M}" in pages[0].text
    assert "/cold-chain/places/fridge-1/latest" in pages[2].text
    now = (await lead.get("/cold-chain/places/fridge-1/latest")).text
    assert "4.312" in now
    assert "just now" in now
    assert "No probe stands here" in (await lead.get("/cold-chain/places/nowhere/latest")).text
    assert (await client.get("/cold-chain/places/fridge-1/latest")).status_code != 200


@pytest.mark.parametrize("path", ["/alerts", "/alerts/now", "/alerts/1", "/alerts/roster"])
async def test_pages_tell_no_address(house: House, as_role: Any, path: str) -> None:
    sound(house)
    lead = await as_role(Role.SITE_LEAD)
    await lead.post("/api/v1/alert-contacts", json=CONTACT)
    answer = await lead.get(path)
    assert answer.status_code == 200
    assert "8613800000001" not in answer.text
