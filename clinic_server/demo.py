"""The rehearsal as one command: a made-up site, its broker, its people and its devices, and the server they use."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import indent
from threading import Event, Thread

import typer

from clinic_server.app import create_app
from clinic_server.kit.engines import UnsafeDatabase
from clinic_server.kit.serving import ClinicServer, log_to
from clinic_server.rehearsal import CAST_FILE, Cast, Plan, keep_cast, load_cast, prepare, settings_of
from clinic_server.settings import Settings
from devices.links.memory_broker import MemoryBroker
from firmware_stubs.clinic_day import play
from firmware_stubs.rehearsal.cast import Cast as Players
from firmware_stubs.rehearsal.fridges import FAILS_AFTER_MIN
from firmware_stubs.rehearsal.ledger import Ledger

FOLDER = Path("var/demo")
LOG_FILE = "server.log"
PAST_DAYS = 4
_BROKER_READY_S = 5.0
_SBIN = "/usr/sbin"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the rehearsal is to be; ``visitors`` None means they keep coming."""

    speed: float
    port: int
    visitors: int | None
    reset: bool
    folder: Path = FOLDER


def run(wishes: Wishes) -> None:
    """Serve a made-up site with a clinic day in motion until a signal comes."""
    if wishes.reset:
        forget(wishes.folder)
    with ExitStack() as running:
        broker_url = running.enter_context(_broker(wishes.folder))
        cast = _cast(wishes, broker_url)
        over = "mosquitto" if broker_url.startswith("mqtt") else "memory, because mosquitto is not installed"
        typer.echo(f"A rehearsal in {wishes.folder}: {wishes.speed:g} times the clock's speed, probes over {over}.")
        typer.echo(f"The wall display: {cast.base_url}/wall?token={cast.wall_token}")
        fails_after_s = 60 * FAILS_AFTER_MIN / wishes.speed
        typer.echo(f"In {fails_after_s:.0f} s fridge {cast.failing} fails; what the pagers get is shown here.")
        typer.echo("Open the address below. The first to enter the set-up code becomes the owner.")
        running.enter_context(_day(cast, wishes.visitors))
        settings = _settings(cast)
        log_to(running.enter_context((wishes.folder / LOG_FILE).open("a", encoding="utf-8")))
        ClinicServer(create_app(settings), settings.server.host, settings.server.port).run()


def forget(folder: Path) -> None:
    """Remove an earlier rehearsal, and nothing that is not one."""
    if not folder.exists():
        return
    if any(folder.iterdir()) and not (folder / CAST_FILE).exists():
        raise UnsafeDatabase(f"{folder} holds no rehearsal, so it is not removed.")
    shutil.rmtree(folder)


def _cast(wishes: Wishes, broker_url: str) -> Cast:
    """Take up the rehearsal in this folder, or make one up."""
    if not (wishes.folder / CAST_FILE).exists():
        typer.echo(f"Making up a site with {PAST_DAYS} days behind it ...")
        place = Plan(wishes.folder, wishes.port, speed=wishes.speed, mqtt_url=broker_url)
        return prepare(replace(place, pager_port=_free_port(), past_days=PAST_DAYS))

    base_url = f"http://127.0.0.1:{wishes.port}"
    cast = replace(load_cast(wishes.folder), base_url=base_url, speed=wishes.speed, mqtt=broker_url)
    _refuse_taken(cast.pager_port)
    keep_cast(cast)
    return cast


def _refuse_taken(pager_port: int | None) -> None:
    try:
        socket.create_server(("127.0.0.1", pager_port or 0)).close()
    except OSError:
        raise UnsafeDatabase(f"Port {pager_port}, where this rehearsal's pagers listen, is taken.") from None


def _settings(cast: Cast) -> Settings:
    """Return the rehearsal's settings, with no more tickets than doses: its keeper takes care that there are some."""
    settings = settings_of(cast)
    return settings.model_copy(update={"site": settings.site.model_copy(update={"limit_tickets": True})})


@contextmanager
def _day(cast: Cast, visitors: int | None) -> Iterator[None]:
    """Let people come, in a thread of their own, until the server stops."""
    stop = Event()
    players = Players.load(Path(cast.folder) / CAST_FILE)
    books = Ledger(is_kept=visitors is not None)
    books.when_paged = _show_page
    day = Thread(
        target=lambda: play(players, visitors, seed=int(time.time()), ledger=books, stop=stop), name="clinic-day"
    )
    day.start()
    try:
        yield
    finally:
        stop.set()
        day.join()


def _show_page(text: str) -> None:
    typer.echo("A simulated pager shows:\n" + indent(text, "  | "))


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    """Yield the URL of a broker of our own: mosquitto where it is installed, else one in this process."""
    program = shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", os.defpath), _SBIN)))
    if program is None:
        broker = MemoryBroker("rehearsal")
        broker.start()
        try:
            yield broker.url
        finally:
            broker.stop()
        return
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n", encoding="utf-8")
    with subprocess.Popen([program, "-c", str(configuration)], stderr=subprocess.DEVNULL) as process:  # noqa: S603  # found by its own name
        try:
            _wait_for(port)
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _BROKER_READY_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise UnsafeDatabase("mosquitto did not start.")
