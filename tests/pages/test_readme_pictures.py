"""The pictures of the README, taken of a clinic morning whose people and times are always the same.

`CLINIC_PICTURES=1` writes them anew; without it the same pages are opened and must be sound.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser

from clinic_server.backup.envelope import new_key
from clinic_server.cold_chain.actions import assign_probe, store_readings
from clinic_server.cold_chain.rules import Sample
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.rehearsal import Plan, prepare, settings_of
from clinic_server.settings import BackupSettings
from clinic_server.staff.rules import Role
from clinic_server.stock.units import unit_by_code
from tests.conftest import ManualClock
from tests.pages.conftest import PICTURES, Screens, photograph
from tests.pages.morning import Morning
from tests.pages.site import PageSite
from tests.pages.stages import permit
from tests.serving import served

FOLDER = Path(__file__).with_name("readme")
SYSTEM, PROBE = system_actor("tests"), "box-probe"
MINUTES = 110
BACKED_UP_WITHIN_S = 240  # a busy machine takes its time
COLOURS = 128
DESK, DISPLAY = (1366, 768), (1920, 1080)
SILENT = "AudioContext was not allowed to start"  # nobody has touched the page yet
CONNECTED = "document.getElementById('live')._htmx?.sse?.status === 200"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: whose screen it is (None: a display without sign-in), where, and what must stand on it."""

    role: Role | None
    path: str
    shows: str


PICTURES_SHOWN = {
    "wall": Picture(None, "/wall?token={wall}&language={language}", "#board .seats li"),
    "screening": Picture(Role.PHYSICIAN, "/visits/{asked}/screening", "fieldset.answers"),
    "bench": Picture(Role.VACCINATOR, "/visits/{seated}/injection?permit={permit}", ".permit"),
    "observation": Picture(Role.OBSERVER, "/observation", "#seats li"),
    "fridges": Picture(Role.COLD_CHAIN_KEEPER, "/cold-chain/fridge-1/course?span=24h", "main svg"),
    "floor": Picture(Role.SITE_LEAD, "/floor", "main svg"),
}


@dataclass(frozen=True, slots=True)
class Clinic:
    """A site at the end of such a morning, and what its addresses hold."""

    screens: Screens
    morning: Morning
    named: dict[str, str]
    house: House

    async def place_probe(self) -> None:
        """Set a probe into the box of the next vial."""
        vial = await self.house.db.read(lambda connection: unit_by_code(connection, self.morning.next_vial))
        assert vial
        await self.house.db.write(lambda tx: assign_probe(tx, PROBE, vial.place_code), SYSTEM)

    async def tell(self, minute: int, milli_celsius: int) -> None:
        """Let the probe tell a temperature, a minute after the one before."""
        self.morning.clock.pass_time(minutes=1)
        one = Sample(PROBE, 1, minute, None, milli_celsius)
        await self.house.db.write(lambda tx: store_readings(tx, [one]), SYSTEM)

    async def permit(self) -> str:
        """Return a permit for the next vial, by the person at the bench."""
        act = partial(permit, visit_id=self.morning.seated, trace_code=self.morning.next_vial)
        return str(await self.house.db.write(act, self.morning.actors[Role.VACCINATOR]))


@pytest_asyncio.fixture(name="clinic", scope="module")
async def _clinic(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Clinic]:
    """The morning's site, with backups and pagers, and nobody's devices, so that no page warns of what tests lack."""
    clock, folder = ManualClock(), tmp_path_factory.mktemp("morning")
    clock.pass_time(minutes=-30)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        cast = await asyncio.to_thread(prepare, Plan(folder, port, units=160, pager_port=9, past_days=3), clock)
        backups = folder / "usb"
        backups.mkdir()
        backup = BackupSettings(folder=backups, recipient=new_key()[1])
        settings = settings_of(cast).model_copy(update={"backup": backup, "devices": ()})
        morning = Morning(cast, clock)
        await asyncio.to_thread(morning.live, MINUTES)
        async with served(settings, clock, listening) as app:
            await asyncio.to_thread(_backed_up, backups)
            act = partial(permit, visit_id=morning.seated, trace_code=morning.next_vial)
            permit_id = await app.state.house.db.write(act, morning.actors[Role.VACCINATOR])
            named = {"asked": morning.asked, "seated": morning.seated, "permit": permit_id, "wall": cast.wall_token}
            site = PageSite(folder, port=port)
            yield Clinic(
                Screens(browser, site), morning, {name: str(one) for name, one in named.items()}, app.state.house
            )


@pytest.mark.parametrize("language", ["zh-CN", "en"] if PICTURES else ["zh-CN"])
@pytest.mark.parametrize("name", PICTURES_SHOWN)
async def test_what_the_readme_shows_is_there(
    clinic: Clinic, eventually: Callable[..., Awaitable[None]], name: str, language: str
) -> None:
    picture = PICTURES_SHOWN[name]
    clinic.screens.site.session = clinic.morning.sessions[picture.role] if picture.role else ""
    path = picture.path.format(**clinic.named, language=language)
    is_display = picture.role is None
    width, height = DISPLAY if is_display else DESK
    opened = clinic.screens.opened(path, language=language, width=width, height=height, signed_in=not is_display)
    async with opened as page:
        await eventually(page, CONNECTED)
        await page.locator(picture.shows).first.wait_for()
        if PICTURES:
            _keep(await page.screenshot(caret="initial"), FOLDER / f"{name}.{language}.png")
    assert [said for said in clinic.screens.complaints.said if SILENT not in said] == []


def _backed_up(folder: Path) -> None:
    """Wait until the first backup lies there."""
    deadline = time.monotonic() + BACKED_UP_WITHIN_S
    while not list(folder.glob("*.age")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _keep(picture: bytes, path: Path) -> None:
    """Write a picture in few colours, which a screen of ours has, so that it is small."""
    with Image.open(BytesIO(picture)) as taken:
        few = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(path, optimize=True)


async def test_a_permit_leaves_the_screen_by_itself_when_the_vials_box_was_too_warm_for_too_long(
    clinic: Clinic, eventually: Callable[..., Awaitable[None]]
) -> None:
    """The last of all, for the morning is spoiled by it."""
    await clinic.place_probe()
    for minute, value in enumerate((5_000, 7_000, *[9_400] * 9)):
        await clinic.tell(minute, value)
    named = clinic.named | {"permit": await clinic.permit()}
    clinic.screens.site.session = clinic.morning.sessions[Role.VACCINATOR]
    async with clinic.screens.opened(PICTURES_SHOWN["bench"].path.format(**named)) as page:
        await eventually(page, CONNECTED)
        await page.locator(".permit.good").wait_for()
        for minute in (11, 12):
            await clinic.tell(minute, 9_400)
        await page.locator(".notice.stop", has_text="这支疫苗已暂停使用，等待处置决定。").first.wait_for()
        assert await page.locator(".permit.good").count() == 0
        await photograph(page, "bench-box-too-warm.zh-CN.1366")
