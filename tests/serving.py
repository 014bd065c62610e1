"""A site served in the test's own process, whose clock the test moves."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from clinic_server.app import create_app
from clinic_server.kit.clock import Clock
from clinic_server.settings import Settings


@asynccontextmanager
async def served(settings: Settings, clock: Clock, listening: socket.socket) -> AsyncIterator[FastAPI]:
    """Serve real connections until left; yield the app, for what its console shows."""
    app = create_app(settings, clock)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=3))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        assert not running.done()
        await asyncio.sleep(0.02)
    yield app
    app.state.house.db.broadcaster.close()
    server.should_exit = True
    await running
