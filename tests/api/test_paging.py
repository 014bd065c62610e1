"""Pages go out through real drivers to a service on the loopback, and what became of each is written down."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from fastapi import FastAPI
from paho.mqtt import client as mqtt
from sqlalchemy import Connection, select

from clinic_server.alerts.contacts import Address, NewContact, add_contact
from clinic_server.alerts.due import claim
from clinic_server.alerts.links import read_link
from clinic_server.alerts.outbox import About, add_due
from clinic_server.alerts.raising import open_alerts, raise_alarm
from clinic_server.alerts.rules import Alarm, AlertKind, AlertState, DueKind, DueState, Severity
from clinic_server.alerts.tables import Alert, AlertNow, AlertSaid, alert_answered, page_due
from clinic_server.alerts.telling import Phrase, as_written, tell
from clinic_server.kit import i18n
from clinic_server.kit.call import House
from clinic_server.kit.errors import Busy
from clinic_server.kit.tx import Tx
from clinic_server.paging.actions import NewChannel, set_up_channel
from clinic_server.paging.lanes import SENT_WITHIN_S
from clinic_server.paging.lookup import attempts
from clinic_server.paging.office import BEGUN_WITHIN_S, LEASE, PagingOffice
from clinic_server.paging.rules import REHEARSED_FOR, TRIED_AGAIN_AFTER_S
from clinic_server.paging.tables import channel
from clinic_server.settings import PagingSettings, Settings
from clinic_server.staff.rules import Role
from clinic_server.stock.places import NewPlace, add_place
from clinic_server.stock.whereabouts import PlaceKind
from devices.pagers.page import Reached
from tests.api.callers import AsRole
from tests.api.gateways import PATIENCE_S, Gateway, gateway, until
from tests.api.visitors import SYSTEM
from tests.conftest import ManualClock
from tests.peers import mosquitto

TOO_WARM = Alarm(AlertKind.TOO_WARM, Severity.ALARM, as_written("+9.4C 12MIN"), "fridge-1")
NO_DATA = Alarm(AlertKind.NO_DATA, Severity.ALARM, as_written("SILENT 10MIN"), "fridge-2")
_MORE_THAN_WAIT = 3_000
HOOK = {"code": "hook", "kind": "webhook"}


@pytest.fixture(name="settings")
def _settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"paging": PagingSettings(may_reach=("127.0.0.0/8",))})


@pytest_asyncio.fixture(name="hook")
async def _hook() -> AsyncIterator[Gateway]:
    async with gateway() as made:
        yield made


@pytest_asyncio.fixture(name="other")
async def _other() -> AsyncIterator[Gateway]:
    async with gateway() as made:
        yield made


@pytest.fixture(name="office")
def _office(app: FastAPI) -> PagingOffice:
    office: PagingOffice = app.state.alarm_path.office
    return office


def a_channel(house: House, code: str, at: Gateway) -> None:
    new = NewChannel(code, "webhook", at.url, secrets={"secret": "CANARY-SECRET"})
    house.db.write_now(lambda tx: set_up_channel(tx, new), SYSTEM)


def a_contact(house: House, *addresses: tuple[str, str], name: str = "陈护士", language: str = "en") -> UUID:
    new = NewContact(name, tuple(Address(*one) for one in addresses), language)
    return house.db.write_now(lambda tx: add_contact(tx, new), SYSTEM).contact_id


def page(house: House, *contact_ids: UUID, alarm: Alarm = TOO_WARM, kind: DueKind = DueKind.PAGE) -> None:
    """Make a page due now, apart from what the ladder does by itself."""

    def act(tx: Tx) -> None:
        alert_id = raise_alarm(tx, alarm)
        add_due(tx, About(alert_id, kind, 99), contact_ids, tx.now)
        tx.journal("made_due", alert_id)

    house.db.write_now(act, SYSTEM)


def due_states(house: House) -> list[tuple[DueState, bool | None]]:
    asked = select(page_due.c.state, page_due.c.is_reached).where(page_due.c.round == 99)
    return [
        (row.state, row.is_reached) for row in house.db.read_now(lambda connection: connection.execute(asked).all())
    ]


def reached(house: House) -> list[tuple[str, Reached, str]]:
    seen = house.db.read_now(attempts)
    return [(one.channel_code, one.reached, one.reason) for one in reversed(seen)]


def failing_channels(house: House) -> dict[str, Severity]:
    opened = house.db.read_now(open_alerts)
    return {one.place_code: one.severity for one in opened if one.kind is AlertKind.PAGER_FAILED}


async def test_only_the_owner_sets_channels_up(as_role: AsRole, hook: Gateway) -> None:
    owner, lead = await as_role(Role.OWNER), await as_role(Role.SITE_LEAD)
    body = {**HOOK, "url": hook.url}
    assert (await lead.post("/api/v1/paging/channels", json=body)).status_code == 403
    assert (await owner.post("/api/v1/paging/channels", json=body)).status_code == 201
    assert (await lead.post("/api/v1/paging/channels/hook/end")).status_code == 403
    assert (await owner.post("/api/v1/paging/channels/hook/end")).status_code == 201
    assert (await lead.get("/api/v1/paging/channels")).json() == []


async def test_what_a_channel_is_reached_by_is_never_given_back(
    as_role: AsRole, house: House, hook: Gateway, capfd: pytest.CaptureFixture[str]
) -> None:
    owner = await as_role(Role.OWNER)
    body = {**HOOK, "url": hook.url, "secrets": {"secret": "CANARY-SECRET"}}
    answers = [
        await owner.post("/api/v1/paging/channels", json=body),
        await owner.post("/api/v1/paging/channels", json={**body, "options": {"nonsense": "1"}}),
        await owner.post("/api/v1/paging/channels", json={**body, "code": "bad", "url": "gopher://x/CANARY-KEY"}),
        await owner.get("/api/v1/paging/channels"),
        await owner.get("/paging"),
        await owner.get("/paging/channels/hook/end"),
    ]
    assert [one.status_code for one in answers] == [201, 422, 422, 200, 200, 200]
    rows = await house.db.read(lambda connection: connection.execute(select(channel)).all())
    said = [one.text for one in answers] + [str(rows), *capfd.readouterr()]
    assert [words for words in said if "CANARY" in words] == []


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "https://[::ffff:169.254.169.254]/x",
        "https://10.1.2.3/x",
        "https://0.0.0.0/",
        "http://8.8.8.8/plain",
    ],
)
async def test_a_channel_leads_nowhere_but_out_or_where_the_settings_permit(as_role: AsRole, url: str) -> None:
    answer = await (await as_role(Role.OWNER)).post("/api/v1/paging/channels", json={**HOOK, "url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "channel_refused")
    assert "169.254" not in answer.text


async def test_a_page_names_alert_place_and_summary_and_is_written_down(house: House, hook: Gateway) -> None:
    a_channel(house, "hook", hook)
    page(house, a_contact(house, ("hook", "chen")))
    await until(lambda: due_states(house) == [(DueState.DONE, True)])
    (sent,) = hook.received
    assert sent["address"] == "chen"
    assert sent["short"] == "1 fridge-1 TOO WARM +9.4C 12MIN"
    for words in ("#1", "fridge-1", "Too warm", "+9.4C 12MIN"):
        assert words in sent["text"]
    assert "陈护士" not in str(sent)
    assert reached(house) == [("hook", Reached.ACCEPTED, "")]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN", "+9.9 °C，超出范围已 13 分钟"),
        ("zh-TW", "+9.9 °C，超出範圍已 13 分鐘"),
        ("en", "+9.9 °C, out of range"),
    ],
)
async def test_each_reader_is_told_in_their_own_language(
    house: House, hook: Gateway, language: str, words: str
) -> None:
    a_channel(house, "hook", hook)
    told = tell(Phrase.OUT_OF_RANGE, milli_celsius=9_900, minutes=13)
    alarm = Alarm(AlertKind.TOO_WARM, Severity.ALARM, told, "fridge-1")
    page(house, a_contact(house, ("hook", "chen"), language=language), alarm=alarm)
    await until(lambda: due_states(house) == [(DueState.DONE, True)])
    assert words in hook.texts()[0]
    assert hook.received[0]["short"] == "1 fridge-1 TOO WARM +9.9C 13MIN"


async def test_what_an_earlier_version_said_is_paged_and_shown_as_it_was_written(
    house: House, hook: Gateway, as_role: AsRole
) -> None:
    a_channel(house, "hook", hook)
    alert_id, said_at = uuid4(), house.db.clock.now()
    of_it = {"alert_id": alert_id, "severity": Severity.ALARM, "summary": "+9.4C 12MIN"}
    known = {"number": 1, "kind": AlertKind.TOO_WARM, "place_code": "fridge-1", "opened_at": said_at}
    contact_id = a_contact(house, ("hook", "chen"), language="zh-CN")

    def without_figures(tx: Tx) -> None:
        tx.append(Alert, **{**known, "id": alert_id})
        tx.append(AlertSaid, **of_it, said_at=said_at)
        tx.insert(AlertNow, **known, **of_it, state=AlertState.OPEN, round=0, step=0)
        add_due(tx, About(alert_id, DueKind.PAGE, 99), [contact_id], tx.now)
        tx.journal("made_due", alert_id)

    house.db.write_now(without_figures, SYSTEM)
    await until(lambda: due_states(house) == [(DueState.DONE, True)])
    assert "+9.4C 12MIN" in hook.texts()[0]
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    assert "+9.4C 12MIN" in (await keeper.get("/alerts")).text
    assert "+9.4C 12MIN" in (await keeper.get("/alerts/1")).text


async def test_a_contacts_next_address_is_tried_at_once(house: House, hook: Gateway, other: Gateway) -> None:
    a_channel(house, "hook", hook)
    a_channel(house, "other", other)
    hook.will_answer(500)
    page(house, a_contact(house, ("hook", "chen"), ("other", "chen")))
    await until(lambda: due_states(house) == [(DueState.DONE, True)])
    assert [(code, how) for code, how, _ in reached(house)] == [
        ("hook", Reached.UNCONFIRMED),
        ("other", Reached.ACCEPTED),
    ]


async def test_an_address_on_a_channel_that_ended_is_passed_by(house: House, hook: Gateway) -> None:
    a_channel(house, "hook", hook)
    page(house, a_contact(house, ("gone", "chen"), ("hook", "chen")))
    await until(lambda: due_states(house) == [(DueState.DONE, True)])
    assert reached(house)[0] == ("gone", Reached.FAILED, "no_such_channel")


async def test_somebody_without_an_address_is_visibly_not_reached(house: House, as_role: AsRole, hook: Gateway) -> None:
    a_channel(house, "hook", hook)
    page(house, a_contact(house))
    await until(lambda: due_states(house) == [(DueState.DONE, False)])
    standing = await (await as_role(Role.COLD_CHAIN_KEEPER)).get("/api/v1/paging/standing")
    assert "pages_undelivered" in standing.json()


async def test_a_vain_page_is_tried_three_more_times_and_stays_visibly_undelivered(
    house: House, hook: Gateway, clock: ManualClock, as_role: AsRole
) -> None:
    a_channel(house, "hook", hook)
    for _ in range(4):
        hook.will_answer(503)
    page(house, a_contact(house, ("hook", "chen")))
    for tries, wait_s in enumerate((*TRIED_AGAIN_AFTER_S, 0.0), start=1):
        await until(lambda tries=tries: len(reached(house)) == tries)  # type: ignore[misc]
        clock.pass_time(seconds=wait_s)
    await until(lambda: due_states(house) == [(DueState.DONE, False)])
    assert failing_channels(house) == {"hook": Severity.ALARM}
    keeper, observer = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.OBSERVER)
    assert "did not get through" in (await keeper.get("/paging/standing")).text
    assert (await observer.get("/paging/standing")).text.strip() == ""


async def test_a_page_taken_and_never_sent_was_not_tried(house: House, hook: Gateway, clock: ManualClock) -> None:
    """As where a server dies again and again before it sends: the first real failure does not give the page up."""
    a_channel(house, "hook", hook)
    chen, li = a_contact(house, ("hook", "chen")), a_contact(house, ("hook", "li"), ("hook", "his other one"))

    def due_and_taken_in_vain(tx: Tx) -> None:
        alert_id = raise_alarm(tx, TOO_WARM)
        add_due(tx, About(alert_id, DueKind.PAGE, 99), [chen, li], tx.now)
        tx.journal("made_due", alert_id)
        for _ in range(5):
            claim(tx, 10, -LEASE)  # it is over at once

    for _ in range(3):
        hook.will_answer(503)
    house.db.write_now(due_and_taken_in_vain, SYSTEM)
    await until(lambda: len(reached(house)) == 3)
    assert due_states(house) == [(DueState.WAITING, None)] * 2
    clock.pass_time(seconds=TRIED_AGAIN_AFTER_S[0])
    await until(lambda: due_states(house) == [(DueState.DONE, True)] * 2)


@pytest.mark.parametrize("status", [400, 401])
async def test_a_refusal_is_an_alarm_at_once_and_ends_when_the_channel_works(
    house: House, hook: Gateway, clock: ManualClock, status: int
) -> None:
    a_channel(house, "hook", hook)
    hook.will_answer(status)
    page(house, a_contact(house, ("hook", "chen")))
    await until(lambda: failing_channels(house) == {"hook": Severity.WARNING})
    assert reached(house) == [("hook", Reached.FAILED, f"http_{status}")]
    clock.pass_time(seconds=TRIED_AGAIN_AFTER_S[0])
    await until(lambda: failing_channels(house) == {})


async def test_a_page_names_the_place_and_without_compiled_words_it_goes_out_in_english(
    house: House, hook: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    new = NewPlace("fridge-1", "冰箱 1", PlaceKind.FRIDGE, "cn-clinic-2-8")
    house.db.write_now(lambda tx: add_place(tx, new), SYSTEM)
    a_channel(house, "hook", hook)
    chen = a_contact(house, ("hook", "chen"), language="zh-CN")
    monkeypatch.setattr(i18n, "_LOCALE_FOLDER", tmp_path)  # as where nobody compiled the catalogues
    i18n._translations.cache_clear()
    try:
        page(house, chen)
        await until(lambda: due_states(house) == [(DueState.DONE, True)])
    finally:
        i18n._translations.cache_clear()
    assert "冰箱 1 (fridge-1) Too warm" in hook.texts()[0]
    assert hook.received[0]["short"].isascii()


@pytest.mark.parametrize(("about", "words"), [("similar-3", "相似反应 3 号"), ("event-4", "不良反应 4 号")])
async def test_what_an_alert_is_about_that_is_no_place_is_said_in_words(
    house: House, hook: Gateway, as_role: AsRole, about: str, words: str
) -> None:
    a_channel(house, "hook", hook)
    alarm = Alarm(AlertKind.SERVER_FAULT, Severity.ALARM, tell(Phrase.NO_BACKUP), about)
    page(house, a_contact(house, ("hook", "chen"), language="zh-CN"), alarm=alarm)
    await until(lambda: due_states(house) == [(DueState.DONE, True)])
    assert words in hook.texts()[0]
    assert about not in hook.texts()[0]
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    for path in ("/alerts", "/alerts/1", "/alerts/banner"):
        shown = (await keeper.get(path, headers={"accept-language": "zh-CN"})).text
        assert words in shown
        assert about not in shown


async def test_a_channel_that_asks_for_a_pause_gets_it_and_then_one_page_for_all(
    house: House, hook: Gateway, clock: ManualClock
) -> None:
    a_channel(house, "hook", hook)
    chen, li = a_contact(house, ("hook", "group")), a_contact(house, ("hook", "group"))
    hook.will_answer(429, retry_after="120")
    page(house, chen)
    await until(lambda: len(reached(house)) == 1)
    page(house, li, alarm=NO_DATA)
    await until(lambda: len(reached(house)) == 2)
    assert len(hook.received) == 1, "it asked to be left alone"
    assert failing_channels(house) == {}
    clock.pass_time(seconds=121)
    await until(lambda: due_states(house) == [(DueState.DONE, True)] * 2)
    assert len(hook.received) == 2
    assert "fridge-1" in hook.texts()[1]
    assert "fridge-2" in hook.texts()[1]


async def test_an_alerts_page_shows_how_far_its_own_pages_got(house: House, as_role: AsRole, hook: Gateway) -> None:
    a_channel(house, "hook", hook)
    hook.will_answer(418)
    page(house, a_contact(house, ("hook", "chen")))
    await until(lambda: reached(house))
    nurse = await as_role(Role.VACCINATOR)
    shown = (await nurse.get("/paging/alerts/1/attempts")).text
    assert "陈护士" in shown
    assert "HTTP 418" in shown
    assert 'hx-get="/paging/alerts/1/attempts"' in (await nurse.get("/alerts/1")).text
    assert "陈护士" not in (await nurse.get("/paging/alerts/2/attempts")).text


async def test_a_flood_of_alarms_is_one_page_that_hides_no_place(house: House, hook: Gateway) -> None:
    """A power cut of the site: every fridge at once."""
    a_channel(house, "hook", hook)
    contact_id = a_contact(house, ("hook", "chen"))
    fridges = [f"fridge-{number}" for number in range(1, 21)]

    def power_cut(tx: Tx) -> None:
        for code in fridges:
            alert_id = raise_alarm(
                tx, Alarm(AlertKind.NO_DATA, Severity.ALARM, as_written("NO DATA SINCE 03:00"), code)
            )
            add_due(tx, About(alert_id, DueKind.PAGE, 99), [contact_id], tx.now)
        tx.journal("made_due")

    house.db.write_now(power_cut, SYSTEM)
    await until(lambda: due_states(house) == [(DueState.DONE, True)] * 20)
    (sent,) = hook.received
    assert all(f" {code} " in sent["text"] for code in fridges)


async def test_a_page_whose_turn_comes_after_its_lease_is_neither_sent_nor_written_down(
    house: House, office: PagingOffice, hook: Gateway
) -> None:
    a_channel(house, "hook", hook)
    contact_id = a_contact(house, ("hook", "chen"))

    def due_and_taken(tx: Tx) -> Any:
        add_due(tx, About(raise_alarm(tx, TOO_WARM), DueKind.PAGE, 99), [contact_id], tx.now)
        tx.journal("made_due")
        return claim(tx, 10, LEASE)

    pages = house.db.write_now(due_and_taken, SYSTEM)
    await office._serve_pages(pages, before_s=house.db.clock.monotonic() - 1)
    assert (hook.received, reached(house)) == ([], [])
    assert due_states(house) == [(DueState.LEASED, None)]


async def test_a_page_about_one_alert_has_its_link_where_the_site_says_how_it_is_reached(
    house: House, office: PagingOffice, hook: Gateway
) -> None:
    a_channel(house, "hook", hook)
    chen, li = a_contact(house, ("hook", "chen")), a_contact(house, ("hook", "li"))
    page(house, chen)
    await until(lambda: hook.received)
    assert "/alerts/answer/" not in hook.received[0]["text"]
    paging = house.settings.paging.model_copy(update={"public_url": "https://clinic.example"})
    office._house = replace(house, settings=house.settings.model_copy(update={"paging": paging}))
    page(house, li)
    await until(lambda: len(hook.received) == 2)
    link = hook.received[1]["text"].splitlines()[-1]
    token = link.removeprefix("https://clinic.example/alerts/answer/")
    target = read_link(house.db.keyring, token, house.db.clock.now())
    assert (target.contact_id, target.alert_id) == (li, house.db.read_now(open_alerts)[0].alert_id)


async def test_a_channel_that_hangs_keeps_no_other_back_and_is_served_one_at_a_time(
    house: House, hook: Gateway, other: Gateway
) -> None:
    a_channel(house, "hook", hook)
    a_channel(house, "other", other)
    hook.will_hang()
    page(house, a_contact(house, ("hook", "chen")), a_contact(house, ("hook", "li")), a_contact(house, ("other", "wu")))
    await until(lambda: len(other.received) == 1 and len(hook.received) == 1)
    await until(lambda: (DueState.DONE, True) in due_states(house))
    hook.let_go.set()
    await until(lambda: due_states(house) == [(DueState.DONE, True)] * 3)
    assert hook.most_at_once == 1
    assert len(hook.received) == 2


async def test_what_a_dead_office_had_taken_is_sent_after_its_lease_once(
    house: House, office: PagingOffice, hook: Gateway, clock: ManualClock
) -> None:
    a_channel(house, "hook", hook)
    contact_id = a_contact(house, ("hook", "chen"))

    def due_and_taken(tx: Tx) -> Any:
        add_due(tx, About(raise_alarm(tx, TOO_WARM), DueKind.PAGE, 99), [contact_id], tx.now)
        tx.journal("made_due")
        return claim(tx, 10, LEASE)

    (held,) = house.db.write_now(due_and_taken, SYSTEM)
    await office.look()
    assert hook.received == []
    clock.pass_time(seconds=LEASE.total_seconds() + 1)
    await until(lambda: due_states(house) == [(DueState.DONE, True)])
    assert [one["number"].startswith(f"{held.number}-") for one in hook.received] == [True]


async def test_a_clock_set_forward_does_not_repeat_what_is_being_sent(
    house: House, office: PagingOffice, hook: Gateway, clock: ManualClock
) -> None:
    a_channel(house, "hook", hook)
    hook.will_hang()
    page(house, a_contact(house, ("hook", "chen")))
    await until(lambda: hook.at_once == 1)
    clock.pass_time(hours=1)
    await office.look()
    tries = select(page_due.c.tries).where(page_due.c.round == 99)
    assert house.db.read_now(lambda connection: connection.execute(tries).scalars().all()) == [1]
    hook.let_go.set()
    await until(lambda: due_states(house) == [(DueState.DONE, True)])


async def test_the_weekly_test_goes_through_every_channel_to_everybody_and_shows_who_is_silent(  # noqa: PLR0913, PLR0917  # a whole site
    house: House, hook: Gateway, other: Gateway, clock: ManualClock, as_role: AsRole, app: FastAPI
) -> None:
    a_channel(house, "hook", hook)
    a_channel(house, "other", other)
    chen = a_contact(house, ("hook", "chen"), ("other", "chen"))
    li = a_contact(house, ("hook", "li"), ("gone", "li"), name="李站长")
    clock.pass_time(days=1, hours=1)  # Tuesday, 10:00 at the site
    await app.state.alarm_path.weekly_test.look()
    await app.state.alarm_path.weekly_test.look()
    await until(lambda: len(reached(house)) == 4)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    (test,) = (await keeper.get("/api/v1/paging/tests")).json()
    people = {UUID(one["contact_id"]): one for one in test["people"]}
    assert people[chen]["reached"] == {"hook": "accepted", "other": "accepted"}
    assert people[li]["reached"] == {"hook": "accepted", "gone": "failed"}
    assert [people[one]["is_reached"] for one in (chen, li)] == [True, False]
    assert "Nothing is wrong" in hook.texts()[0]
    clock.pass_time(hours=3)
    assert "test_unanswered" in (await keeper.get("/api/v1/paging/standing")).json()
    for who in (chen, li):
        path = f"/api/v1/paging/tests/{test['test_id']}/answers/{who}"
        assert (await keeper.post(path)).status_code == 201
        assert (await keeper.post(path)).status_code == 201
    assert "test_unanswered" not in (await keeper.get("/api/v1/paging/standing")).json()
    assert "李站长" in (await keeper.get("/paging/tests")).text


async def test_a_weekly_test_cut_short_is_taken_up_where_it_stopped(
    house: House, hook: Gateway, other: Gateway, clock: ManualClock, office: PagingOffice
) -> None:
    a_channel(house, "hook", hook)
    a_channel(house, "other", other)
    contact_id = a_contact(house, ("hook", "chen"), ("other", "chen"))
    other.will_hang()

    def due(tx: Tx) -> None:
        add_due(tx, About(None, DueKind.TEST, 99), [contact_id], tx.now)

    house.db.write_now(due, SYSTEM)
    await until(lambda: len(other.received) == 1)
    for task in office._rounds:  # as a kill would end it
        task.cancel()
    clock.pass_time(seconds=LEASE.total_seconds() + 1)
    other.let_go.set()
    await until(lambda: due_states(house) == [(DueState.DONE, True)])
    assert (len(hook.received), len(other.received)) == (1, 2)


async def test_a_rehearsal_says_so_everywhere_and_ends_by_itself(
    house: House, hook: Gateway, clock: ManualClock, as_role: AsRole, app: FastAPI
) -> None:
    a_channel(house, "hook", hook)
    a_contact(house, ("hook", "chen"))
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    assert (await keeper.post("/api/v1/paging/rehearsals")).status_code == 201
    assert (await keeper.post("/api/v1/paging/rehearsals")).json()["code"] == "rehearsal_running"
    await app.state.alarm_path.ladder.look()
    clock.pass_time(seconds=31)
    await until(lambda: len(hook.received) == 1)
    assert hook.received[0]["short"].startswith("REHEARSAL")
    assert "a rehearsal, nothing is wrong" in hook.texts()[0]
    clock.pass_time(seconds=REHEARSED_FOR.total_seconds())
    await app.state.alarm_path.rehearsals.look()
    assert [one.kind for one in await house.db.read(open_alerts)] == []


async def test_the_test_button_pages_ones_own_address_and_shows_the_outcome(
    house: House, hook: Gateway, as_role: AsRole
) -> None:
    a_channel(house, "hook", hook)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    path = "/api/v1/paging/channels/hook/trial"
    assert (await keeper.get(path)).status_code == 404
    hook.will_hang()
    assert (await keeper.post(path, json={"address": "me"})).json()["reached"] is None
    await until(lambda: len(hook.received) == 1)
    assert "Being sent" in (await keeper.get("/paging")).text
    hook.let_go.set()
    await until(lambda: reached(house) == [("hook", Reached.ACCEPTED, "")])
    async with asyncio.timeout(PATIENCE_S):
        while (await keeper.get(path)).json()["reached"] != "accepted":  # noqa: ASYNC110  # a moment after it was written down
            await asyncio.sleep(0.02)
    assert hook.received[0]["address"] == "me"
    assert (await keeper.post("/api/v1/paging/channels/nothing/trial", json={})).status_code == 404


async def test_what_cannot_be_written_down_at_once_is_written_down_later_and_not_sent_again(
    house: House, hook: Gateway, clock: ManualClock
) -> None:
    """In a storm of readings the queue of writes is full for a moment, just when a page has gone out."""
    a_channel(house, "hook", hook)
    hook.will_hang()
    page(house, a_contact(house, ("hook", "chen")))
    await until(lambda: len(hook.received) == 1)
    goes_on = threading.Event()
    crowd = [asyncio.create_task(house.db.write(lambda _tx: goes_on.wait(), SYSTEM)) for _ in range(_MORE_THAN_WAIT)]
    hook.let_go.set()
    await until(lambda: hook.at_once == 0)
    await asyncio.sleep(1.0)  # long enough for a try that is refused; on a machine that is slower it asks for less
    goes_on.set()
    ends = await asyncio.gather(*crowd, return_exceptions=True)
    assert any(isinstance(end, Busy) for end in ends)
    clock.pass_time(seconds=LEASE.total_seconds() + 1)
    await until(lambda: due_states(house) == [(DueState.DONE, True)])
    assert len(hook.received) == 1
    assert reached(house) == [("hook", Reached.ACCEPTED, "")]


async def test_no_lease_is_shorter_than_a_page_may_take() -> None:
    assert timedelta(seconds=BEGUN_WITHIN_S + SENT_WITHIN_S) < LEASE


async def test_an_answer_by_pager_is_its_persons_and_stops_the_calls_until_a_comment(house: House) -> None:
    """Two people are paged through one topic; one answers, later than the driver waits for."""
    with mosquitto() as mqtt_url, watches(mqtt_url) as watch:
        new = NewChannel("topic", "mqtt_topic", mqtt_url, {"topic": "clinic/pages", "waits_s": "0"})
        house.db.write_now(lambda tx: set_up_channel(tx, new), SYSTEM)
        chen, li = a_contact(house, ("topic", "chen")), a_contact(house, ("topic", "li"))
        page(house, chen, li)
        await until(lambda: due_states(house) == [(DueState.DONE, True)] * 2)
        number = f"1-99.0-{house.db.read_now(due_id_of(chen)).hex[-4:]}"
        reply = {"number": number, "state": "replied", "reply": "ACK"}
        watch.publish("clinic/pages/ack", json.dumps(reply), qos=1)
        await until(lambda: how_far(house) == {chen: Reached.REPLIED, li: Reached.ACCEPTED})
    asked = select(alert_answered.c.contact_id, alert_answered.c.comment)
    answers = house.db.read_now(lambda connection: connection.execute(asked).all())
    assert [tuple(row) for row in answers] == [(chen, None)]


def how_far(house: House) -> dict[UUID | None, Reached]:
    return {one.contact_id: one.reached for one in house.db.read_now(attempts)}


def due_id_of(contact_id: UUID) -> Callable[[Connection], UUID]:
    asked = select(page_due.c.id).where(page_due.c.contact_id == contact_id, page_due.c.round == 99)
    return lambda connection: connection.execute(asked).scalar_one()


@contextmanager
def watches(mqtt_url: str) -> Iterator[mqtt.Client]:
    """The program of two people's watches, which hears every page of the topic."""
    address, listens = urlsplit(mqtt_url), threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_connect = lambda *_: client.subscribe("clinic/pages/+", qos=1)
    client.on_subscribe = lambda *_: listens.set()
    client.connect(str(address.hostname), address.port or 1883)
    client.loop_start()
    try:
        assert listens.wait(10), "the broker grants no subscription"
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
