"""From the wire to the clinic: a card reaches its own desk, a reading is acknowledged once it is committed."""

import asyncio
import pickle
import signal
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from clinic_server.cold_chain.rules import Fault
from clinic_server.cold_chain.tables import dead_letter, latest_reading
from clinic_server.device_hub.hub import DeviceHub
from clinic_server.device_hub.intake import MOST_WAITING, Intake
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.people.rules import CardFacts, CardFault
from clinic_server.settings import DeviceSettings, Settings
from clinic_server.stock.scans import UnitScan
from devices.events import (
    PayloadRejected,
    SampleFault,
    TemperatureMeasured,
    TemperatureSample,
)
from devices.links.memory_broker import MemoryBroker
from devices.receipts import Receipt
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import PHOTO_HEAD, IdCardReaderStub
from firmware_stubs.plugs import MemoryPlug, PtyPlug
from firmware_stubs.travel_document.documents import synthetic_passport
from firmware_stubs.travel_document.stub import TravelDocumentReaderStub
from tests.devices.hubs import (
    NOBODY,
    START_S,
    connected,
    opened,
    probes_of,
    reader_at,
    sending,
    stored,
    stored_seqs,
    with_devices,
)
from tests.devices.parts import DEADLINE_S, Mosquitto, eventually

ROOT = Path(__file__).parents[2]


def letters(house: House) -> Sequence[tuple[str, bytes]]:
    rows = house.db.read_now(lambda c: c.execute(select(dead_letter.c.reason, dead_letter.c.payload)).all())
    return [(row[0], row[1]) for row in rows]


@asynccontextmanager
async def dying_server(moment: str, settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    command = (sys.executable, "-m", "tests.devices.dying_server", moment, settings.model_dump_json())
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        yield server
    finally:
        if server.returncode is None:
            server.kill()
        await server.communicate()


async def said(server: asyncio.subprocess.Process, words: str) -> None:
    """Wait until the server has said this on a line of its own, among what it logs."""
    assert server.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while (line := await server.stdout.readline()) != f"{words}\n".encode():
            assert line, "the server ended"


class Held:
    """Holds the one writer of a database until it is let go, as a disk that hangs would."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._let_go = threading.Event()
        self._is_holding = threading.Event()
        self._held: list[asyncio.Future[None]] = []

    async def hold(self) -> None:
        self._held.append(asyncio.ensure_future(self._house.db.write(self._wait, NOBODY)))
        await eventually(self._is_holding.is_set, "the writer is held")

    async def fill_the_queue(self) -> None:
        """Let others wait behind it until no more may: every further write is refused as busy."""
        queue = self._house.db._queue
        self._held += [
            asyncio.ensure_future(self._house.db.write(lambda _: None, NOBODY)) for _ in range(queue.maxsize)
        ]
        await eventually(queue.full, "the queue of writes is full")

    async def let_go(self) -> None:
        self._let_go.set()
        await asyncio.gather(*self._held)

    def _wait(self, _tx: Tx) -> None:
        self._is_holding.set()
        self._let_go.wait(DEADLINE_S)


async def test_readings_of_a_real_broker_are_stored(house: House, mosquitto: Mosquitto, probe_name: str) -> None:
    house = with_devices(house, probes_of(mosquitto.url, probe_name))
    async with DeviceHub(house) as hub, sending(mosquitto.url, probe_name) as probe:
        await connected(hub)
        for seq in range(3):
            probe.measure(4_000 + seq, unix_s=START_S + seq)
        await stored(house, 0, 1, 2)
        await eventually(lambda: probe.unsent == 0, "the broker has confirmed every reading")


@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
@pytest.mark.each_engine
async def test_a_server_killed_around_its_commit_stores_every_reading_once(
    settings: Settings, mosquitto: Mosquitto, probe_name: str, moment: str
) -> None:
    """kill -9 leaves what was not acknowledged at the broker; what was committed meanwhile is not stored again."""
    device = probes_of(mosquitto.url, probe_name)
    async with dying_server(moment, settings.model_copy(update={"devices": (device,)})) as server:
        await said(server, "connected")
        async with sending(mosquitto.url, probe_name) as probe:
            probe.measure(5_000, unix_s=START_S)
            await eventually(lambda: probe.unsent == 0, "the broker has the reading")
            if moment == "before_commit":
                await said(server, "a reading waits for its commit")
                server.kill()
            assert await server.wait() == -signal.SIGKILL

    async with opened(settings, device) as house:
        assert stored_seqs(house) == ([0] if moment == "after_commit" else [])
        async with DeviceHub(house) as hub:
            await eventually(lambda: hub.shown()[0].last_event_at, "the broker delivered it again")
            await stored(house, 0)
            assert letters(house) == []


async def test_a_reading_is_acknowledged_after_the_commit_and_not_before(house: House, probe_name: str) -> None:
    broker = MemoryBroker(probe_name)
    broker.start()
    house = with_devices(house, probes_of(broker.url, probe_name))
    async with DeviceHub(house) as hub, sending(broker.url, probe_name) as probe:
        await connected(hub)
        session = next(iter(broker._sessions.values()))
        held = Held(house)
        await held.hold()
        for seq in range(3):
            probe.measure(4_000, unix_s=START_S + seq)
        await eventually(lambda: not house.db._queue.empty(), "the readings wait for the writer")
        assert len(session.unacknowledged) == 3
        await held.let_go()
        await eventually(lambda: not session.unacknowledged, "every reading is acknowledged")
        assert stored_seqs(house) == [0, 1, 2]
    broker.stop()


async def test_while_nothing_can_be_recorded_readings_wait_unacknowledged(
    house: House, probe_name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    broker = MemoryBroker(probe_name)
    broker.start()
    house = with_devices(house, probes_of(broker.url, probe_name))
    async with DeviceHub(house) as hub, sending(broker.url, probe_name) as probe:
        await connected(hub)
        session = next(iter(broker._sessions.values()))
        held = Held(house)
        await held.hold()
        await held.fill_the_queue()
        probe.measure(4_000, unix_s=START_S)
        await eventually(lambda: "device_events_wait" in capfd.readouterr().out, "the write was refused")
        probe.measure(4_100, unix_s=START_S + 60)
        assert len(session.unacknowledged) == 2
        await held.let_go()
        await stored(house, 0, 1)
        await eventually(lambda: not session.unacknowledged, "every reading is acknowledged")
    broker.stop()


async def test_a_broker_that_stops_and_starts_again_costs_no_reading(
    house: House, mosquitto: Mosquitto, probe_name: str
) -> None:
    house = with_devices(house, probes_of(mosquitto.url, probe_name))
    async with DeviceHub(house) as hub, sending(mosquitto.url, probe_name) as probe:
        await connected(hub)
        probe.measure(4_000, unix_s=START_S)
        await stored(house, 0)
        await mosquitto.stop()
        await eventually(lambda: hub.shown()[0].state == "offline", "the loss is seen")
        probe.measure(4_100, unix_s=START_S + 60)
        await mosquitto.start()
        await stored(house, 0, 1)
        probe.measure(4_200, unix_s=START_S + 120)
        await stored(house, 0, 1, 2)


async def test_a_payload_nobody_can_decode_is_kept_and_the_next_reading_is_stored(
    house: House, mosquitto: Mosquitto, probe_name: str
) -> None:
    house = with_devices(house, probes_of(mosquitto.url, probe_name))
    async with DeviceHub(house) as hub, sending(mosquitto.url, probe_name) as probe:
        await connected(hub)
        probe.measure(4_000, unix_s=START_S)
        await stored(house, 0)
        probe._publisher.publish(f"cc/v1/{probe_name}/reading", b"\xff not a reading")
        probe.measure(4_100, unix_s=START_S + 60)
        await stored(house, 0, 1)
        assert letters(house) == [("not_json", b"\xff not a reading")]


async def test_an_event_the_database_refuses_does_not_hold_up_the_others(house: House) -> None:
    acknowledged: list[str] = []

    def event(name: str, boot: int) -> TemperatureMeasured:
        sample = TemperatureSample(
            probe_id="p1",
            boot=boot,
            seq=1,
            measured_at=None,
            uptime_s=None,
            milli_celsius=1,
            fault=None,
            retained=False,
        )
        return TemperatureMeasured(
            name, sample, Receipt(lambda was_stored: acknowledged.append(name) if was_stored else None)
        )

    intake = Intake(house.db)
    for one in (event("a", 1), event("b", 1 << 70), event("c", 2)):
        intake.take(one)
    async with intake:
        await eventually(lambda: len(acknowledged) == 3, "all are acknowledged")
    assert acknowledged == ["a", "b", "c"]
    assert stored_seqs(house) == [1, 1]
    ((reason, payload),) = letters(house)
    assert reason == "not_storable"
    assert str(1 << 70).encode() in payload


async def test_what_finds_no_room_is_declined_and_not_forgotten(house: House) -> None:
    declined: list[bool] = []
    intake = Intake(house.db)
    for _ in range(MOST_WAITING + 2):
        receipt = Receipt(lambda was_stored: None if was_stored else declined.append(True))
        intake.take(PayloadRejected("d", "r", b"", receipt))
    assert declined == [True, True]


async def test_a_card_reaches_the_desk_it_lies_on_and_nobody_else(house: House) -> None:
    plugs = PtyPlug("reader-1"), PtyPlug("reader-2")
    desk_1, desk_2 = (IdCardReaderStub(plug) for plug in plugs)
    house = with_devices(house, reader_at("desk-1", plugs[0].url), reader_at("desk-2", plugs[1].url))
    changes: list[str] = []

    async def listen() -> None:
        topics = frozenset({"station-desk-1", "station-desk-2"})
        with house.db.broadcaster.open(topics) as page:
            while (change := await page.next(60.0)) is not None:
                changes.append(change.topic)

    listening = asyncio.create_task(listen())
    with plugs[0], plugs[1]:
        async with DeviceHub(house) as hub:
            await connected(hub)
            desk_1.lay(synthetic_resident(1))
            await eventually(lambda: house.inbox.latest("desk-1", "card"), "the card is at desk 1")
            finds = desk_2.finds_answered
            await eventually(lambda: desk_2.finds_answered > finds + 1, "desk 2's reader looked again")
            assert house.inbox.latest("desk-2", "card") is None
            delivery = house.inbox.latest("desk-1", "card")
            assert delivery is not None
            assert isinstance(delivery.content, CardFacts)
            assert delivery.content.document.number == synthetic_resident(1).number
            assert synthetic_resident(1).number not in repr(delivery)
            desk_2.lay(synthetic_resident(2))
            await eventually(lambda: house.inbox.latest("desk-2", "card"), "the card is at desk 2")
    house.db.broadcaster.close()
    await listening
    assert changes == ["station-desk-1", "station-desk-2"]


async def test_a_card_that_cannot_be_used_says_why_and_takes_the_place_of_the_last_person(house: House) -> None:
    plug = MemoryPlug("faulty-reader")
    reader = IdCardReaderStub(plug)
    house = with_devices(house, reader_at("desk-1", plug.url))

    def lying() -> object:
        delivery = house.inbox.latest("desk-1", "card")
        return delivery.content if delivery else None

    with plug:
        async with DeviceHub(house) as hub:
            await connected(hub)
            reader.lay(synthetic_resident(3))
            await eventually(lambda: isinstance(lying(), CardFacts), "a good card is read")
            number = synthetic_resident(3).number
            wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
            reader.lay(replace(synthetic_resident(3), number=wrong))
            await eventually(lambda: lying() == CardFault("number_check_digit"), "the check digit is told")
            reader.take_off()
            finds = reader.finds_answered
            await eventually(lambda: reader.finds_answered > finds + 4, "the reader noticed that it was lifted")
            reader.refuse_next()
            reader.lay(synthetic_resident(3))
            await eventually(lambda: lying() == CardFault("card_unreadable"), "the failure is told")


async def test_a_passport_reaches_the_desk_of_its_reader(house: House) -> None:
    plug = MemoryPlug("desk-passports")
    passports = TravelDocumentReaderStub(plug)
    device = DeviceSettings(device_id="passports", kind="travel_document_reader", url=plug.url, station="desk-1")
    house = with_devices(house, device)
    with plug:
        async with DeviceHub(house) as hub:
            await connected(hub)
            passports.show(synthetic_passport(1))
            await eventually(lambda: house.inbox.latest("desk-1", "card"), "the passport is at the desk")
    delivery = house.inbox.latest("desk-1", "card")
    assert delivery is not None
    assert isinstance(delivery.content, CardFacts)
    assert delivery.content.document.issuing_country == "UTO"
    assert synthetic_passport(1).number not in repr(delivery)


async def test_a_photo_that_the_site_keeps_goes_no_further_than_the_hub(house: House) -> None:
    plug = MemoryPlug("photo-reader")
    reader = IdCardReaderStub(plug)
    house = with_devices(house, reader_at("desk-1", plug.url).model_copy(update={"options": {"photo": "keep"}}))
    with plug:
        async with DeviceHub(house) as hub:
            await connected(hub)
            reader.lay(synthetic_resident(1))
            await eventually(lambda: house.inbox.latest("desk-1", "card"), "the card is at the desk")
    delivery = house.inbox.latest("desk-1", "card")
    assert delivery is not None
    assert PHOTO_HEAD not in pickle.dumps(delivery)


async def test_a_scan_reaches_the_bench_of_its_scanner(house: House) -> None:
    plug = MemoryPlug("bench-scanner")
    scanner = BarcodeScannerStub(plug)
    device = DeviceSettings(device_id="scanner", kind="barcode_scanner", url=plug.url, station="bench-1")
    house = with_devices(house, device)
    with plug:
        async with DeviceHub(house) as hub:
            await connected(hub)
            scanner.scan("81234567890123456789", "]C0")
            await eventually(lambda: house.inbox.latest("bench-1", "scan"), "the scan is at the bench")
    delivery = house.inbox.latest("bench-1", "scan")
    assert delivery is not None
    assert delivery.content == UnitScan("81234567890123456789")


async def test_nothing_a_person_carries_is_written_to_the_log(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    plug, stray = MemoryPlug("logged-reader"), MemoryPlug("stray-reader")
    reader, without_station = IdCardReaderStub(plug), IdCardReaderStub(stray)
    card = synthetic_resident(4)
    house = with_devices(house, reader_at("desk-1", plug.url), reader_at(None, stray.url))
    lines: list[str] = []

    def is_warned() -> bool:
        lines.extend(capfd.readouterr())
        return "device_has_no_station" in "".join(lines)

    with plug, stray:
        async with DeviceHub(house) as hub:
            await connected(hub)
            without_station.lay(card)
            reader.lay(replace(card, number=card.number[:-1] + "?"))
            await eventually(lambda: house.inbox.latest("desk-1", "card"), "the card is told")
            await eventually(is_warned, "the stray card was read")
    written = "".join([*lines, *capfd.readouterr()])
    assert card.name not in written
    assert card.number[:-1] not in written


async def test_the_devices_are_shown_as_they_are(house: House) -> None:
    plug = MemoryPlug("shown-reader")
    IdCardReaderStub(plug)
    house = with_devices(
        house,
        DeviceSettings(device_id="r1", kind="id_card_reader", url=plug.url, station="desk-1", simulated=True),
        DeviceSettings(device_id="r1", kind="barcode_scanner", url="memory://another-of-this-id"),
        DeviceSettings(device_id="p1", kind="fridge_probe", url="mqtt://user:secret@127.0.0.1:1"),
        DeviceSettings(device_id="x1", kind="fax", url="carrier://[pigeon"),
    )
    with plug:
        async with DeviceHub(house) as hub:
            await eventually(lambda: [one.state for one in hub.shown()] == ["online", "offline", "offline"], "settled")
            reader, probe, fax = hub.shown()
            assert (reader.device_id, reader.station, reader.is_simulated) == ("r1", "desk-1", True)
            assert probe.address == "mqtt://127.0.0.1:1"
            assert fax.detail.startswith("spec_refused")
            plug.unplug()
            await eventually(lambda: hub.shown()[0].state == "offline", "the reader is gone")


async def test_a_retained_reading_is_acknowledged_and_shown_as_last_known(house: House, probe_name: str) -> None:
    broker = MemoryBroker(probe_name)
    broker.start()
    remembered = f'{{"v":1,"dev":"{probe_name}","boot":1,"seq":9,"ts":{START_S},"up":9,"mC":4000,"err":false}}'
    broker.publish(f"cc/v1/{probe_name}/reading", remembered.encode(), retain=True)
    house = with_devices(house, probes_of(broker.url, probe_name))
    known = select(latest_reading.c.is_last_known)
    async with DeviceHub(house) as hub:
        await connected(hub)
        await eventually(lambda: house.db.read_now(lambda c: c.execute(known).scalars().all()) == [True], "it is kept")
        await eventually(lambda: not next(iter(broker._sessions.values())).unacknowledged, "it is acknowledged")
    broker.stop()
    assert stored_seqs(house) == []


def test_every_fault_a_device_tells_has_its_word_in_the_cold_chain() -> None:
    assert {fault.value for fault in SampleFault} == {fault.value for fault in Fault}
