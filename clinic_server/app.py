"""The composition root: everything a site's server is made of, put together once."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from clinic_server import __version__
from clinic_server.check_in import api as check_in_api
from clinic_server.check_in import pages as check_in_pages
from clinic_server.kit import live, web
from clinic_server.kit.call import House
from clinic_server.kit.clock import Clock, FastClock, SystemClock
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.inbox import Inbox
from clinic_server.kit.pages import STATIC, Pages
from clinic_server.kit.schema import upgrade
from clinic_server.kit.tx import Site
from clinic_server.settings import Settings
from clinic_server.staff import api as staff_api
from clinic_server.staff import pages as staff_pages
from clinic_server.staff.actions import Sessions

ROUTERS = (
    live.router,
    staff_api.router,
    staff_pages.router,
    check_in_api.router,
    check_in_pages.router,
)


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """Return the server of one site; nothing is opened before it starts."""
    clock = clock or _clock_for(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        house = open_house(settings, clock)
        app.state.house = house
        house.db.attach(asyncio.get_running_loop())
        _settle_memory()
        try:
            yield
        finally:
            house.db.broadcaster.close()
            await asyncio.to_thread(house.db.close)

    app = FastAPI(
        title="clinic-server",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        max_body_size=settings.server.most_body_bytes,
    )
    web.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def open_house(settings: Settings, clock: Clock) -> House:
    """Open the database, brought to this server's schema, and what every call stands on."""
    upgrade(settings.database.url)
    ids = Ids(clock)
    db = Database(
        settings.database.url,
        site=Site(settings.site.code, epoch=1),
        keyring=load_or_create_keyring(settings.security.key_file),
        clock=clock,
        ids=ids,
    )
    sessions = Sessions(db, clock, idle_minutes=settings.security.idle_minutes)
    pages = Pages(settings.site, clock, ids, demo=settings.demo_speed > 0)
    return House(settings, db, Inbox(clock, ids), pages, sessions.actor_for)


def _clock_for(settings: Settings) -> Clock:
    return FastClock(settings.demo_speed) if settings.demo_speed else SystemClock()


def _settle_memory() -> None:
    """Keep what was built at start out of later collections: they were the longest pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
