"""Desk PCs join, speak for their own devices alone, and leave."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import select

from clinic_server.cold_chain.tables import dead_letter, reading
from clinic_server.device_hub.actions import NewDevice, confirm_device
from clinic_server.device_hub.pairing import CODE_LIVES_S, MOST_OPEN
from clinic_server.device_hub.tables import agent
from clinic_server.kit.call import House
from clinic_server.kit.crypto import token_digest
from clinic_server.kit.idempotency import RequestKey
from clinic_server.kit.journal import head_of, journal
from clinic_server.kit.tx import Tx
from clinic_server.kit.witness import sealed
from clinic_server.staff.rules import Role
from clinic_server.stock.scans import ScanFacts
from devices.adapter import DeviceSpec
from devices.agent.messages import (
    BATCH,
    EVENT,
    HEALTH,
    MOMENT,
    PERISHES_AFTER_S,
    Batch,
    Health,
    Message,
    Moment,
)
from devices.events import (
    BarcodeScanned,
    DeviceEvent,
    PayloadRejected,
    SlipFailed,
    SlipPrinted,
    TemperatureMeasured,
    TemperatureSample,
)
from devices.receipts import Receipt
from devices.words import PrintSlip, Slip, Text
from tests.api.callers import CONSOLE, AsRole, Client, SignedIn
from tests.conftest import ManualClock

AGENTS = "/api/v1/agents"
SCANNER = DeviceSpec("scanner-1", "barcode_scanner", "tcp://10.0.0.9:4001")
FRIDGES = DeviceSpec("fridges-1", "fridge_probe", "mqtt://10.0.0.9")


class Desk(Client):
    """A desk PC that was paired; its calls are made as the program makes them."""

    def __init__(self, app: FastAPI, token: str, agent_id: str) -> None:
        super().__init__(app, authorization=f"Bearer {token}")
        self.token = token
        self.agent_id = agent_id

    async def hand_in(self, *messages: tuple[str, DeviceEvent | bytes]) -> Any:
        raw = [(one, event if isinstance(event, bytes) else EVENT.encode(event)) for one, event in messages]
        batch = Batch(tuple(Message(one, msgspec.Raw(content)) for one, content in raw))
        return await self.post(f"{AGENTS}/events", content=BATCH.encode(batch))

    async def pass_on(self, moment_id: str, event: DeviceEvent, age_s: float = 0) -> Any:
        moment = Moment(moment_id, round(age_s * 1000), event)
        return await self.post(f"{AGENTS}/moments", content=MOMENT.encode(moment))

    async def report(self, **said: Any) -> Any:
        health = Health(**{"run": "run-1", "version": "0.1.0", "platform": "Windows 11", **said})
        return await self.put(f"{AGENTS}/health", content=HEALTH.encode(health))


@pytest_asyncio.fixture(name="lead")
async def _lead(as_role: AsRole) -> SignedIn:
    return await as_role(Role.SITE_LEAD, station="office")


@pytest_asyncio.fixture(name="desk")
async def _desk(app: FastAPI, client: Client, lead: SignedIn, house: House) -> AsyncIterator[Desk]:
    """A desk PC at the office, with a scanner and probes."""
    begun = (await client.post(f"{AGENTS}/pairings")).json()
    made = await lead.post(AGENTS, json={"code": begun["code"], "name": "Front desk", "station": "office"})
    told = await client.post(f"{AGENTS}/pairings/{begun['pairing_id']}/poll", json={"secret": begun["secret"]})
    async with Desk(app, told.json()["token"], made.json()["agent_id"]) as desk:
        await desk.report()
        for one in (SCANNER, FRIDGES):
            new = NewDevice(one.kind, one.url, one.device_id, "office", UUID(desk.agent_id))
            await house.db.write(lambda tx, new=new: confirm_device(tx, new), CONSOLE)
        await app.state.device_hub.catch_up()
        assert house.inbox.latest("office", "scan") is None
        yield desk


def scan(text: str = "83000010012345678901") -> BarcodeScanned:
    return BarcodeScanned("scanner-1", text, None)


def sample(seq: int, device_id: str = "fridges-1") -> TemperatureMeasured:
    measured = TemperatureSample(
        probe_id="p1", boot=1, seq=seq, measured_at=None, uptime_s=9, milli_celsius=4000, fault=None, retained=False
    )
    return TemperatureMeasured(device_id, measured, Receipt.for_perishable())


def letter(payload: bytes) -> PayloadRejected:
    return PayloadRejected("fridges-1", "not_json", payload, Receipt.for_perishable(), "topic")


def column(house: House, wanted: Any) -> Sequence[Any]:
    return list(house.db.read_now(lambda connection: connection.execute(select(wanted)).scalars().all()))


async def test_a_code_lives_ten_minutes_and_no_longer(client: Client, lead: SignedIn, clock: ManualClock) -> None:
    begun = (await client.post(f"{AGENTS}/pairings")).json()
    body = {"code": begun["code"], "name": "Front desk", "station": "office"}
    clock.pass_time(seconds=CODE_LIVES_S + 1)
    refused = await lead.post(AGENTS, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "pairing_code_wrong")
    clock.pass_time(minutes=2)
    asked = await client.post(f"{AGENTS}/pairings/{begun['pairing_id']}/poll", json={"secret": begun["secret"]})
    assert (asked.status_code, asked.json()["code"]) == (404, "pairing_unknown")


async def test_a_wrong_code_pairs_nobody(client: Client, lead: SignedIn, house: House) -> None:
    await client.post(f"{AGENTS}/pairings")
    refused = await lead.post(AGENTS, json={"code": "AAAAAAAA", "name": "Front desk", "station": "office"})
    assert (refused.status_code, refused.json()["code"]) == (422, "pairing_code_wrong")
    assert column(house, agent.c.id) == []


async def test_a_code_is_used_once(client: Client, lead: SignedIn) -> None:
    begun = (await client.post(f"{AGENTS}/pairings")).json()
    body = {"code": begun["code"], "name": "Front desk", "station": "office"}
    first = await lead.post(AGENTS, json=body, headers={"idempotency-key": "k1"})
    again = await lead.post(AGENTS, json=body, headers={"idempotency-key": "k1"})
    assert (first.status_code, again.json()) == (201, first.json()), "a double click is harmless"
    refused = await lead.post(AGENTS, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "pairing_code_wrong")


async def test_only_who_began_the_pairing_is_told_the_credential_and_only_until_it_is_used(
    app: FastAPI, client: Client, lead: SignedIn
) -> None:
    begun = (await client.post(f"{AGENTS}/pairings")).json()
    poll = f"{AGENTS}/pairings/{begun['pairing_id']}/poll"
    assert (await client.post(poll, json={"secret": begun["secret"]})).json() == {"state": "waiting"}
    await lead.post(AGENTS, json={"code": begun["code"], "name": "Front desk", "station": "office"})
    assert (await client.post(poll, json={"secret": "guessed"})).status_code == 404
    told = (await client.post(poll, json={"secret": begun["secret"]})).json()
    assert (told["state"], told["name"], told["station"]) == ("paired", "Front desk", "office")
    async with Desk(app, told["token"], told["agent_id"]) as desk:
        assert (await desk.report()).status_code == 200
    assert (await client.post(poll, json={"secret": begun["secret"]})).status_code == 404


async def test_the_credential_is_stored_as_its_digest_alone(desk: Desk, house: House) -> None:
    assert column(house, agent.c.token_digest) == [token_digest(desk.token)]
    assert "agent_paired" in column(house, journal.c.kind)


async def test_a_crowd_that_asks_for_codes_is_turned_away(client: Client) -> None:
    answers = [(await client.post(f"{AGENTS}/pairings")).status_code for _ in range(MOST_OPEN + 1)]
    assert answers == [201] * MOST_OPEN + [429]


async def test_a_desk_pc_at_a_station_that_is_none_is_refused(client: Client, lead: SignedIn) -> None:
    begun = (await client.post(f"{AGENTS}/pairings")).json()
    refused = await lead.post(AGENTS, json={"code": begun["code"], "name": "Front desk", "station": "nowhere"})
    assert (refused.status_code, refused.json()["code"]) == (422, "station_unknown")


async def test_a_desk_pc_that_was_taken_off_is_refused_at_once(desk: Desk, lead: SignedIn, house: House) -> None:
    assert (await desk.report()).status_code == 200
    assert (await lead.post(f"{AGENTS}/{desk.agent_id}/end")).status_code == 201
    for refused in (await desk.report(), await desk.hand_in(("m1", sample(1))), await desk.pass_on("m2", scan())):
        assert (refused.status_code, refused.json()["code"]) == (401, "agent_unknown")
    assert house.inbox.latest("office", "scan") is None
    again = await lead.post(f"{AGENTS}/{desk.agent_id}/end")
    assert (again.status_code, again.json()["code"]) == (409, "agent_has_ended")
    unknown = await lead.post(f"{AGENTS}/{uuid4()}/end")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "agent_not_known")


async def test_a_desk_pcs_credential_opens_nothing_else(desk: Desk) -> None:
    assert (await desk.get("/api/v1/staff")).status_code == 401
    assert (await desk.get(AGENTS)).status_code == 401


async def test_a_scan_lies_at_the_desks_station_at_once_and_once(desk: Desk, house: House) -> None:
    assert (await desk.pass_on("m1", scan("first"))).status_code == 204
    delivery = house.inbox.latest("office", "scan")
    assert delivery is not None
    assert delivery.content == ScanFacts("first", None)
    house.inbox.judge("office", delivery.id, accepted=True)
    assert (await desk.pass_on("m1", scan("first"))).status_code == 204
    assert house.inbox.latest("office", "scan") is None, "handed in twice it is not there twice"


async def test_a_scan_too_old_to_be_anybodys_is_not_taken(desk: Desk, house: House) -> None:
    refused = await desk.pass_on("m1", scan(), age_s=PERISHES_AFTER_S + 1)
    assert (refused.status_code, refused.json()["code"]) == (422, "moment_perished")
    assert house.inbox.latest("office", "scan") is None


async def test_nobody_speaks_for_a_device_that_hangs_elsewhere(desk: Desk, house: House) -> None:
    refused = await desk.pass_on("m1", BarcodeScanned("scanner-of-another", "x", None))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_device")
    answer = await desk.hand_in(("m2", sample(1, "fridges-of-another")), ("m3", sample(2)))
    assert answer.json() == {"refused": {"m2": "not_your_device"}}
    assert column(house, reading.c.seq) == [2]


async def test_a_durable_event_is_no_moment_and_a_moment_not_durable(desk: Desk, house: House) -> None:
    assert (await desk.pass_on("m1", sample(1))).status_code == 422
    assert (await desk.hand_in(("m2", scan()))).json() == {"refused": {"m2": "not_durable"}}
    assert column(house, reading.c.seq) == []
    assert house.inbox.latest("office", "scan") is None


async def test_a_batch_sent_again_is_stored_once(desk: Desk, house: House) -> None:
    batch = (("m1", sample(1)), ("m2", letter(b"{")), ("m3", sample(2)))
    for _ in range(3):
        assert (await desk.hand_in(*batch)).json() == {"refused": {}}
    assert sorted(column(house, reading.c.seq)) == [1, 2]
    assert column(house, dead_letter.c.payload) == [b"{"]
    assert (await desk.hand_in(("m4", letter(b"{")))).status_code == 200
    assert column(house, dead_letter.c.payload) == [b"{", b"{"], "another message is another letter"


async def test_one_message_that_is_none_does_not_hold_up_the_others(desk: Desk, house: House) -> None:
    answer = await desk.hand_in(("m1", sample(1)), ("m2", b'{"is":"shutdown"}'), ("m3", b"[]"), ("m4", sample(2)))
    assert answer.json() == {"refused": {"m2": "unknown_kind", "m3": "not_understood"}}
    assert sorted(column(house, reading.c.seq)) == [1, 2]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"is":"batch"}', b'{"is":"moment"}', b"\xff"])
@pytest.mark.parametrize("path", ["events", "moments", "health"])
async def test_what_is_no_message_is_refused_by_a_word(desk: Desk, path: str, content: bytes) -> None:
    answer = await desk.request("PUT" if path == "health" else "POST", f"{AGENTS}/{path}", content=content)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert set(answer.json()["fields"]) <= {"not_json", "not_understood", "unknown_kind"}


@pytest.mark.each_engine
async def test_readings_are_answered_for_only_after_the_commit(desk: Desk, house: House) -> None:
    is_holding, let_go = threading.Event(), threading.Event()

    def hold(_tx: Tx) -> None:
        is_holding.set()
        let_go.wait(10)

    held = asyncio.ensure_future(house.db.write(hold, CONSOLE))
    await asyncio.to_thread(is_holding.wait, 10)
    answer = asyncio.ensure_future(desk.hand_in(("m1", sample(1))))
    done, _ = await asyncio.wait({answer}, timeout=0.3)
    assert not done
    let_go.set()
    await held
    assert (await answer).status_code == 200
    assert column(house, reading.c.seq) == [1]


async def test_health_shows_who_is_there_and_answers_with_the_time_and_what_is_recorded(
    desk: Desk, lead: SignedIn, clock: ManualClock, house: House
) -> None:
    clock.pass_time(hours=1)
    answer = await desk.report(spool_depth=7, dropped=2, clock_offset_ms=-300)
    recorded = sealed(house.db.read_now(head_of), house.db.keyring.journal_key)
    assert answer.json() == {"now": clock.now().isoformat().replace("+00:00", "Z"), "recorded": recorded}
    (shown,) = (await lead.get(AGENTS)).json()
    assert (shown["name"], shown["spool_depth"], shown["dropped"], shown["clock_offset_ms"]) == (
        "Front desk",
        7,
        2,
        -300,
    )
    assert not shown["is_connected"], "without a stream no word reaches it"


async def test_a_slip_a_program_took_with_it_is_answered_for_once_all_it_kept_is_in(app: FastAPI, desk: Desk) -> None:
    desks = app.state.desks
    told: list[DeviceEvent] = []

    async def note(event: DeviceEvent, _key: RequestKey | None) -> None:
        told.append(event)

    desks.bring_to(note)
    here = await desks.desk_of(desk.token)
    words = desks.words(here)
    await anext(words)
    for job in ("job-1", "job-2", "job-3"):
        assert await desks.tell("scanner-1", PrintSlip(job, Slip((Text("17"),))))
    await desk.report(server_run=desks._run, heard_seq=2)
    await desk.report(run="run-2", spool_depth=1)
    assert told == []
    await desk.hand_in(("m1", SlipPrinted("scanner-1", "job-1", is_confirmed=True)))
    await desk.report(run="run-2")
    assert told == [
        SlipPrinted("scanner-1", "job-1", is_confirmed=True),
        SlipFailed("scanner-1", "job-2", "unconfirmed"),
    ]
    await words.aclose()


async def test_a_slip_nobody_heard_comes_again_and_a_verdict_does_not(app: FastAPI, desk: Desk) -> None:
    desks = app.state.desks
    here = await desks.desk_of(desk.token)
    first = desks.words(here)
    await anext(first)
    assert await desks.tell("scanner-1", PrintSlip("job-1", Slip((Text("17"),))))
    assert await desks.tell("scanner-1", PrintSlip("job-2", Slip((Text("18"),))))
    await first.aclose()
    await desk.report(server_run=desks._run, heard_seq=1)
    second = desks.words(here)
    lines = [await anext(second) for _ in range(4)]
    assert [b"job-1" in line for line in lines] == [False] * 4
    assert sum(b"job-2" in line for line in lines) == 1
    await second.aclose()


async def test_the_page_lets_a_lead_add_and_take_off_a_desk_pc_and_nobody_else(
    client: Client, lead: SignedIn, as_role: AsRole
) -> None:
    begun = (await client.post(f"{AGENTS}/pairings")).json()
    form = {"code": f"{begun['code'][:4]} {begun['code'][4:]}", "name": "Front desk", "station": "office"}
    added = await lead.post("/devices/desks", data=form)
    assert (added.status_code, added.headers["location"]) == (303, "/devices")
    page = (await lead.get("/devices")).text
    assert "Front desk" in page
    assert "Take this desk PC off" in page
    registrar = await as_role(Role.REGISTRAR)
    seen = (await registrar.get("/devices")).text
    assert "Front desk" in seen
    assert "Add a desk PC" not in seen
    (shown,) = (await lead.get(AGENTS)).json()
    ended = await lead.post(f"/devices/desks/{shown['agent_id']}/end", data={})
    assert ended.status_code == 303
    assert "No desk PC carries devices here." in (await lead.get("/devices/desks")).text
