"""A running server under test, and staff signed in at it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI

from clinic_server.kit.call import House
from clinic_server.kit.clock import Clock
from clinic_server.settings import DatabaseSettings, SecuritySettings, Settings
from clinic_server.staff.rules import Role
from tests.api.callers import AsRole, Client, SignedIn, running, someone


@pytest.fixture(name="settings")
def _settings(database_url: str, tmp_path: Path) -> Settings:
    """A site whose sessions outlast whatever time the clinic's tests let pass."""
    key_file = tmp_path / "site.key"
    key_file.write_bytes(bytes(range(32)))
    return Settings(
        _env_file=None,
        database=DatabaseSettings(url=database_url),
        security=SecuritySettings(key_file=key_file, idle_minutes=720),
    )


@pytest_asyncio.fixture(name="app")
async def _app(settings: Settings, clock: Clock) -> AsyncIterator[FastAPI]:
    async with running(settings, clock) as app:
        yield app


@pytest.fixture(name="house")
def _house(app: FastAPI) -> House:
    """What the running server stands on: ``house.db``, ``house.inbox``, ``house.settings``."""
    house: House = app.state.house
    return house


@pytest_asyncio.fixture(name="client")
async def _client(app: FastAPI) -> AsyncIterator[Client]:
    """Someone who has not signed in."""
    async with Client(app) as client:
        yield client


@pytest_asyncio.fixture(name="as_role")
async def _as_role(app: FastAPI) -> AsyncIterator[AsRole]:
    """Return ``await as_role(Role.REGISTRAR, station="desk-1")``: someone new with these roles, certified for them."""
    async with AsyncExitStack() as clients:

        async def as_role(*roles: Role, station: str | None = None, certified: bool = True) -> SignedIn:
            return await clients.enter_async_context(await someone(app, *roles, station=station, certified=certified))

        yield as_role
