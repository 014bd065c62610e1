"""The watcher outside hears of the server while every part of the alarm path lives, and not a beat longer."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI

from clinic_server.kit.watcher import Watcher
from clinic_server.paging.heartbeat import Heartbeat
from clinic_server.settings import PagingSettings, Settings
from tests.api.gateways import Gateway, gateway, until

PARTS = {
    "ladder": "ladder",
    "office": "paging office",
    "followed": "pages followed",
    "weekly_test": "weekly test",
    "rehearsals": "rehearsals",
}


class Counting(Watcher):
    """Looks again and again, and fails from then on when told to."""

    def __init__(self) -> None:
        super().__init__("counting", 0.001)
        self.is_broken = False

    async def look(self) -> None:
        if self.is_broken:
            raise ValueError


@pytest_asyncio.fixture(name="outside")
async def _outside() -> AsyncIterator[Gateway]:
    async with gateway() as made:
        yield made


@pytest.fixture(name="settings")
def _settings(settings: Settings, outside: Gateway) -> Settings:
    paging = PagingSettings(may_reach=("127.0.0.0/8",), heartbeat_url=outside.url)
    return settings.model_copy(update={"paging": paging})


@pytest_asyncio.fixture(name="heartbeat")
async def _heartbeat(app: FastAPI, outside: Gateway) -> Heartbeat:
    """The running one, after its first beat; the next comes by itself only a minute later."""
    await until(lambda: outside.received)
    heartbeat: Heartbeat = app.state.alarm_path.heartbeat
    return heartbeat


async def beats(heartbeat: Heartbeat, outside: Gateway) -> int:
    """How often the watcher hears of one look."""
    before = len(outside.received)
    await heartbeat.look()
    return len(outside.received) - before


async def ended(task: "asyncio.Task[None] | None") -> None:
    assert task is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_server_whose_alarm_path_lives_is_heard(heartbeat: Heartbeat, outside: Gateway) -> None:
    assert await heartbeat.dead_parts() == []
    assert await beats(heartbeat, outside) == 1


@pytest.mark.parametrize("part", PARTS)
async def test_a_watcher_that_ended_silences_the_heart(
    app: FastAPI, heartbeat: Heartbeat, outside: Gateway, part: str
) -> None:
    await ended(getattr(app.state.alarm_path, part)._task)
    assert await heartbeat.dead_parts() == [PARTS[part]]
    assert await beats(heartbeat, outside) == 0


async def test_probes_that_nobody_stores_silence_the_heart(
    app: FastAPI, heartbeat: Heartbeat, outside: Gateway
) -> None:
    await ended(app.state.device_hub._intake._task)
    assert await heartbeat.dead_parts() == ["device intake"]
    assert await beats(heartbeat, outside) == 0


@pytest.mark.parametrize("part", ["silent probes", "probe doubts", "upkeep due", "reading seals"])
async def test_a_watcher_of_the_cold_chain_that_ended_silences_the_heart(
    heartbeat: Heartbeat, outside: Gateway, part: str
) -> None:
    (task,) = [one for one in asyncio.all_tasks() if one.get_name() == part]
    await ended(task)
    assert await heartbeat.dead_parts() == [part]
    assert await beats(heartbeat, outside) == 0


async def test_a_database_that_records_nothing_silences_the_heart(
    app: FastAPI, heartbeat: Heartbeat, outside: Gateway
) -> None:
    db = app.state.house.db
    db._queue.put(None)  # as its thread ends
    await asyncio.to_thread(db._thread.join)
    assert await heartbeat.dead_parts() == ["database"]
    assert await beats(heartbeat, outside) == 0


async def test_a_watcher_that_refuses_or_is_away_harms_nothing(
    heartbeat: Heartbeat, outside: Gateway, capfd: pytest.CaptureFixture[str]
) -> None:
    outside.will_answer(500)
    assert await beats(heartbeat, outside) == 1
    assert heartbeat.is_alive()
    assert "CANARY-KEY" not in "".join(capfd.readouterr())


async def test_a_watcher_that_only_fails_does_not_count_as_alive() -> None:
    async with Counting() as watcher:
        await asyncio.sleep(0)
        assert watcher.is_alive()
        watcher.is_broken = True
        watcher._looked_at_s -= 60  # as if the failing had lasted a minute
        assert not watcher.is_alive()
    assert not watcher.is_alive()
