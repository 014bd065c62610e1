"""No page of another site writes here with a browser's session, and no made-up address opens or breaks anything."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI

from clinic_server.settings import DatabaseSettings, SecuritySettings, Settings
from clinic_server.staff.rules import Role
from tests.api.callers import Client, SignedIn, running, someone
from tests.conftest import ManualClock
from tests.guards.test_routes import filled, routes_of

SAFE = {"GET", "HEAD"}


@pytest.fixture(name="settings")
def _settings(tmp_path: object) -> Settings:
    return Settings(
        _env_file=None,
        database=DatabaseSettings(url=f"sqlite:///{tmp_path}/clinic.db"),
        security=SecuritySettings(key_file=f"{tmp_path}/site.key"),  # type: ignore[arg-type]  # becomes a path
    )


@pytest_asyncio.fixture(name="app")
async def _app(settings: Settings) -> AsyncIterator[FastAPI]:
    async with running(settings, ManualClock()) as app:
        yield app


@pytest_asyncio.fixture(name="everybody")
async def _everybody(app: FastAPI) -> AsyncIterator[SignedIn]:
    """Somebody who may do everything."""
    async with await someone(app, *Role) as caller:
        yield caller


async def test_no_write_is_taken_from_another_sites_page(app: FastAPI, everybody: SignedIn) -> None:
    unsafe = [route for route in routes_of(app) if route.method not in SAFE]
    cookie = f"clinic_session={everybody.token}"
    async with Client(app, cookie=cookie, **{"sec-fetch-site": "cross-site"}) as browser:
        for route in unsafe:
            answer = await browser.request(route.method, filled(route.path))
            assert answer.status_code in {401, 403}, f"{answer.status_code} from {route.line}"
    for headers in ({"sec-fetch-site": "same-site"}, {"origin": "http://other.test"}, {"origin": "null"}, {}):
        async with Client(app, cookie=cookie, **headers) as browser:
            answer = await browser.post("/api/v1/visits", json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")


async def test_no_made_up_address_opens_or_breaks_anything(app: FastAPI, everybody: SignedIn) -> None:
    """Whoever holds every role and guesses an identifier hears that there is none, and never of a fault."""
    for route in routes_of(app):
        if "{" not in route.path or route.path.endswith("/live"):
            continue
        answer = await everybody.request(
            route.method, filled(route.path), json={} if route.method not in SAFE else None
        )
        if route.method in SAFE:
            assert answer.status_code < 500, f"{answer.status_code} from {route.line}"
        else:
            assert 400 <= answer.status_code < 500, f"{answer.status_code} from {route.line}"
