"""A desk PC and its server, both real: what is read there arrives here, once or not at all."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import msgspec
import pytest
import pytest_asyncio

from clinic_server.kit.clock import SystemClock
from clinic_server.kit.idempotency import RequestKey
from clinic_server.people.rules import CardFacts
from devices.adapter import DeviceSpec
from devices.agent.folder import Folder
from devices.agent.messages import Health
from devices.events import DeviceEvent, SlipFailed, SlipPrinted
from devices.words import PrintSlip, Slip, Text, Verdict
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.fridge_probe.publishers import publisher_for
from firmware_stubs.fridge_probe.stub import FridgeProbeStub
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import PtyPlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from tests.devices.desk_parts import STATION, AgentProcess, Site, agent_at, call, serving
from tests.devices.parts import Mosquitto, eventually

START_S = 1_772_413_200
A_SLIP = Slip((Text("Ticket 17"),))


class Cable:
    """A TCP line to a server that can be cut without either end being told, as in a switch that lost its power."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._whole = asyncio.Event()
        self._whole.set()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._door = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._door.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._whole.set()
        self._door.close()

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pour(reader, far_writer), self._pour(far_reader, writer))

    async def _pour(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                await self._whole.wait()
                writer.write(chunk)
                await writer.drain()
        await self._whole.wait()
        writer.close()


class ShiftedClock(SystemClock):
    """The clock of a server that is right while the desk PC's is twenty minutes slow."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=20)


@pytest_asyncio.fixture(name="site")
async def _site(tmp_path: Path, blank_sqlite: Path) -> AsyncIterator[Site]:
    shutil.copy(blank_sqlite, tmp_path / "clinic.db")
    async with serving(tmp_path) as site:
        yield site


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Path:
    """The state folder of a desk PC."""
    return tmp_path / "desk"


async def test_a_desk_pc_joins_by_the_code_on_its_screen(site: Site, desk: Path) -> None:
    token = await site.lead()
    agent = AgentProcess(desk)
    await agent.start("pair", site.url)
    body = {"code": (await agent.code()).lower(), "name": "Front desk", "station": STATION}
    assert (await call(site, "POST", "/api/v1/agents", token, json=body)).status_code == 201
    assert await agent.ends() == 0
    assert "not encrypted" in agent.log()
    assert (desk / "credential.json").stat().st_mode & 0o777 == 0o600
    assert (site.desk().name, site.desk().is_connected) == ("Front desk", False)
    async with agent_at(desk):
        await eventually(lambda: site.desk().is_connected, "the desk PC is there")


async def test_a_card_laid_at_the_desk_pc_lies_in_the_inbox_of_its_station(site: Site, desk: Path) -> None:
    agent_id = await site.paired(desk)
    with PtyPlug() as plug:
        reader = IdCardReaderStub(plug)
        await site.hang(agent_id, DeviceSpec("reader-1", "id_card_reader", plug.url))
        async with agent_at(desk) as agent:
            await site.online("reader-1")
            reader.lay(synthetic_resident(1))
            await eventually(lambda: isinstance(site.card_at(), CardFacts), "the card arrives")
            assert site.card_at().name not in agent.log()  # type: ignore[attr-defined]  # a card, as just seen


async def test_the_desk_pc_finds_the_server_again_by_itself(site: Site, desk: Path) -> None:
    agent_id = await site.paired(desk)
    with PtyPlug() as plug:
        reader = IdCardReaderStub(plug)
        await site.hang(agent_id, DeviceSpec("reader-1", "id_card_reader", plug.url))
        async with agent_at(desk):
            await site.online("reader-1")
            await site.stop()
            await site.start()
            await site.online("reader-1")
            reader.lay(synthetic_resident(2))
            await eventually(site.card_at, "the card arrives at the new server")


async def test_a_card_read_while_the_server_is_away_is_never_delivered(site: Site, desk: Path) -> None:
    agent_id = await site.paired(desk)
    with PtyPlug() as plug:
        reader = IdCardReaderStub(plug)
        await site.hang(agent_id, DeviceSpec("reader-1", "id_card_reader", plug.url))
        async with agent_at(desk) as agent:
            await site.online("reader-1")
            await site.stop()
            reader.lay(synthetic_resident(3))
            await eventually(lambda: '"dropped": 1' in agent.log(), "the card is counted as dropped")
            reader.take_off()
            await site.start()
            await site.online("reader-1")
            await eventually(lambda: site.desk().dropped == 1, "the server is told how many were dropped")
            assert site.card_at() is None


async def test_readings_of_an_outage_arrive_once_also_when_the_program_is_killed(
    site: Site, desk: Path, mosquitto: Mosquitto
) -> None:
    agent_id = await site.paired(desk)
    spec = DeviceSpec("fridges", "fridge_probe", mosquitto.url, options={"probe": "agent-p1", "zone": "UTC"})
    await site.hang(agent_id, spec)
    probe = FridgeProbeStub(publisher_for(mosquitto.url, "stub-agent-p1"), "agent-p1")
    probe.start()
    try:
        agent = AgentProcess(desk)
        await agent.start()
        await site.online("fridges")
        first = probe.measure(4000, unix_s=START_S)
        await eventually(lambda: site.seqs() == [first], "the first reading is stored")
        await site.stop()
        spooled = [probe.measure(4000 + count, unix_s=START_S + count) for count in range(1, 31)]
        await eventually(lambda: probe.unsent == 0, "the broker has them all")
        await eventually(lambda: _rows(desk) == 30, lambda: f"they lie in the spool: {_rows(desk)}")
        await agent.kill()
        await agent.start()
        more = [probe.measure(5000 + count, unix_s=START_S + 60 + count) for count in range(3)]
        await site.start()
        await eventually(lambda: site.seqs() == [first, *spooled, *more], lambda: f"all, once: {site.seqs()}")
        await eventually(lambda: site.desk().spool_depth == 0, "nothing waits any more")
        await agent.kill()
    finally:
        probe.stop()


async def test_a_slip_told_to_a_desks_printer_comes_out_and_is_answered_for(site: Site, desk: Path) -> None:
    agent_id = await site.paired(desk)
    answered: list[object] = []
    listen_in(site, answered)
    with PtyPlug() as plug:
        printer = ReceiptPrinterStub(plug)
        await site.hang(agent_id, DeviceSpec("printer-1", "receipt_printer", plug.url))
        assert not await site.hub.tell("printer-1", PrintSlip("job-0", A_SLIP)), "the desk PC is not there yet"
        async with agent_at(desk):
            await site.online("printer-1")
            assert site.hub.at_station(STATION, "receipt_printer") == ("printer-1",)
            assert await site.hub.tell("printer-1", PrintSlip("job-1", A_SLIP))
            await eventually(lambda: SlipPrinted("printer-1", "job-1", is_confirmed=True) in answered, "it is printed")
            assert printer.printouts[0].lines == ["Ticket 17"]
            assert not await site.hub.tell("printer-9", PrintSlip("job-2", A_SLIP))


async def test_a_slip_no_device_of_the_desk_can_print_is_answered_for(site: Site, desk: Path) -> None:
    agent_id = await site.paired(desk)
    answered: list[object] = []
    listen_in(site, answered)
    with PtyPlug() as plug:
        BarcodeScannerStub(plug)
        await site.hang(agent_id, DeviceSpec("scanner-1", "barcode_scanner", plug.url))
        async with agent_at(desk):
            await site.online("scanner-1")
            assert await site.hub.tell("scanner-1", PrintSlip("job-1", A_SLIP))
            await eventually(lambda: SlipFailed("scanner-1", "job-1", "not_taken") in answered, "it is not taken")


async def test_a_verdict_sounds_at_the_desks_scanner(site: Site, desk: Path) -> None:
    agent_id = await site.paired(desk)
    with PtyPlug() as plug:
        scanner = BarcodeScannerStub(plug)
        options = {"make": "datalogic"}
        await site.hang(agent_id, DeviceSpec("scanner-1", "barcode_scanner", plug.url, options=options))
        async with agent_at(desk):
            await site.online("scanner-1")
            scanner.scan("83000010012345678901")
            await eventually(lambda: site.house.inbox.latest(STATION, "scan"), "the scan arrives")
            assert await site.hub.tell("scanner-1", Verdict.GOOD)
            await eventually(lambda: scanner.heard == b"\x1b[3q", "the scanner hears it")


async def test_a_device_confirmed_or_retired_is_taken_up_and_let_go_at_once(site: Site, desk: Path) -> None:
    agent_id = await site.paired(desk)
    async with agent_at(desk):
        await eventually(lambda: site.desk().is_connected, "the desk PC is there")
        with PtyPlug() as plug:
            IdCardReaderStub(plug)
            await site.hang(agent_id, DeviceSpec("reader-1", "id_card_reader", plug.url))
            await site.online("reader-1")
            await site.take_down("reader-1")
            await eventually(lambda: site.desks.states() == (), "it is gone")
            kept = desk / "devices.json"
            await eventually(lambda: b"reader-1" not in kept.read_bytes(), "the desk PC has let it go")


async def test_a_retry_ordered_at_the_server_cuts_the_wait_short(site: Site, desk: Path) -> None:
    """Between its first try and its twelfth a device left alone waits two minutes or more."""
    agent_id = await site.paired(desk)
    knocks = 0

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal knocks
        knocks += 1
        writer.close()

    def ordered_until_twelve() -> bool:
        site.desks.retry_now("scanner-1")
        return knocks >= 12

    def has_failed() -> bool:
        return [one.state for one in site.desks.states()] == ["offline"] and knocks > 0

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as door:
        address = f"tcp://127.0.0.1:{door.sockets[0].getsockname()[1]}"
        await site.hang(agent_id, DeviceSpec("scanner-1", "barcode_scanner", address))
        async with agent_at(desk):
            await eventually(has_failed, "it waits")
            await eventually(ordered_until_twelve, "it is tried again and again")
    with pytest.raises(KeyError):
        site.desks.retry_now("nobody")


async def test_a_desk_pc_that_was_taken_off_is_refused_at_once_and_says_so(site: Site, desk: Path) -> None:
    agent_id = await site.paired(desk)
    token = await site.lead()
    own = msgspec.json.decode((desk / "credential.json").read_bytes())["token"]
    async with agent_at(desk) as agent:
        await eventually(lambda: site.desk().is_connected, "the desk PC is there")
        assert (await call(site, "POST", f"/api/v1/agents/{agent_id}/end", token)).status_code == 201
        refused = await call(site, "PUT", "/api/v1/agents/health", own, content=b"{}")
        assert (refused.status_code, refused.json()["code"]) == (401, "agent_unknown")
        assert await agent.ends() == 1
        assert "knows this PC no more" in agent.log()
        assert "Traceback" not in agent.log()
    assert site.desks.shown() == ()


async def test_a_line_that_only_looks_open_is_noticed_at_both_ends(site: Site, desk: Path) -> None:
    """Neither end is told by TCP: without their own limits both would wait for ever."""
    await site.paired(desk)
    async with Cable(site.port) as cable:
        folder = Folder(desk)
        credential = folder.credential()
        assert credential is not None
        folder.keep_credential(replace(credential, server=cable.url))
        async with agent_at(desk) as agent:
            await eventually(lambda: site.desk().is_connected, "the desk PC is there")
            cable.cut()
            await eventually(lambda: not site.desk().is_connected, "the server misses the desk PC")
            await eventually(
                lambda: '"is_reached": false' in agent.log().splitlines()[-1], "the desk PC misses the server"
            )
            cable.mend()
            await eventually(lambda: site.desk().is_connected, "it is there again")


async def test_the_servers_clock_rules_at_a_desk_pc_whose_own_is_wrong(tmp_path: Path, desk: Path) -> None:
    async with serving(tmp_path, ShiftedClock()) as site:
        agent_id = await site.paired(desk)
        with PtyPlug() as plug:
            async with agent_at(desk):
                await eventually(lambda: abs(site.desk().clock_offset_ms - 1_200_000) < 2_000, "the offset is shown")
                IdCardReaderStub(plug)
                await site.hang(agent_id, DeviceSpec("reader-1", "id_card_reader", plug.url))
                await site.online("reader-1")
                assert abs(site.desks.states()[0].since - site.clock.now()) < timedelta(seconds=10)


async def test_a_second_program_on_the_same_folder_is_refused(site: Site, desk: Path) -> None:
    await site.paired(desk)
    async with agent_at(desk):
        await eventually(lambda: site.desk().is_connected, "the first one is there")
        second = AgentProcess(desk)
        await second.start()
        assert await second.ends() == 3
        assert "Another clinic-agent runs on this folder." in second.log()


async def test_a_script_learns_how_the_program_stands(site: Site, desk: Path) -> None:
    await site.paired(desk)
    teller = AgentProcess(desk)
    async with agent_at(desk):
        await eventually(lambda: site.desk().is_connected and (desk / "status.json").exists(), "it runs")
        await eventually(lambda: msgspec.json.decode((desk / "status.json").read_bytes())["is_reached"], "it is told")
        told = await teller.says("status", "--json")
        assert (told["is_paired"], told["is_running"], told["is_reached"]) == (True, True, True)
    assert b"token" not in (desk / "status.json").read_bytes()


async def test_what_is_not_paired_cannot_run(desk: Path) -> None:
    agent = AgentProcess(desk)
    await agent.start()
    assert await agent.ends() == 3
    assert "not paired" in agent.log()


async def test_a_newer_stream_ends_the_older_one(site: Site, desk: Path) -> None:
    """Two programs with one credential, as after a copied disk, do not both get the slips."""
    await site.paired(desk)
    own = msgspec.json.decode((desk / "credential.json").read_bytes())["token"]
    desk_here = await site.desks.desk_of(own)
    assert desk_here is not None
    first, second = site.desks.words(desk_here), site.desks.words(desk_here)
    await anext(first)
    await anext(second)
    assert [line async for line in first] == [], "it says no more"
    await site.desks.take_health(desk_here, Health(run="r", version="1", platform="test"))
    assert site.desk().is_connected
    await second.aclose()
    assert not site.desk().is_connected


def _rows(folder: Path) -> int:
    """Count what lies in a spool, looking past its lock at a copy."""
    copy = folder / f"copy-{os.getpid()}.db"
    copy.write_bytes((folder / "spool.db").read_bytes())
    try:
        with sqlite3.connect(copy) as file:
            return int(file.execute("SELECT count(*) FROM waiting").fetchone()[0])
    except sqlite3.DatabaseError:
        return -1  # caught in the middle of a write
    finally:
        file.close()
        copy.unlink()


def listen_in(site: Site, heard: list[object]) -> None:
    """Hear what the desks bring, beside the hub."""
    receive = site.desks.arrivals.receive

    async def note(event: DeviceEvent, key: RequestKey | None) -> None:
        heard.append(event)
        await receive(event, key)

    site.desks.bring_to(note)
