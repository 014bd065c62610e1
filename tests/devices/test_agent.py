"""A desk PC and its server, both real: what is read there arrives here, once or not at all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from clinic_server.people.rules import CardFacts
from devices.adapter import DeviceSpec
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import PtyPlug
from tests.devices.desk_parts import STATION, AgentProcess, Site, agent_at, call, serving
from tests.devices.parts import eventually


@pytest_asyncio.fixture(name="site", loop_scope="session")
async def _site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serving(tmp_path) as site:
        yield site


async def test_a_desk_pc_joins_by_the_code_on_its_screen(site: Site, tmp_path: Path) -> None:
    token = await site.lead()
    agent = AgentProcess(tmp_path / "desk")
    await agent.start("pair", site.url)
    body = {"code": (await agent.code()).lower(), "name": "Front desk", "station": STATION}
    assert (await call(site, "POST", "/api/v1/agents", token, json=body)).status_code == 201
    assert await agent.ends() == 0
    assert (site.desk().name, site.desk().is_connected) == ("Front desk", False)
    async with agent_at(tmp_path / "desk"):
        await eventually(lambda: site.desk().is_connected, "the desk PC is there")


async def test_a_card_laid_at_the_desk_pc_lies_in_the_inbox_of_its_station(site: Site, tmp_path: Path) -> None:
    agent_id = await site.paired(tmp_path / "desk")
    with PtyPlug() as plug:
        reader = IdCardReaderStub(plug)
        await site.hang(agent_id, DeviceSpec("reader-1", "id_card_reader", plug.url))
        async with agent_at(tmp_path / "desk"):
            await site.online("reader-1")
            reader.lay(synthetic_resident(1))
            await eventually(lambda: isinstance(site.card_at(), CardFacts), "the card arrives")
