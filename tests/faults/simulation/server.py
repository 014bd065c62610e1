"""What the simulated server does by itself: it hears probes, watches, climbs the ladder and pages."""

from contextlib import AsyncExitStack
from random import Random

from clinic_server.alerts.watch import LadderWatch
from clinic_server.cold_chain.excursions.silence import Silence
from clinic_server.device_hub.intake import Intake
from clinic_server.device_hub.scanned import typed_content
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.clock_watch import ClockWatch
from clinic_server.kit.db import Database
from clinic_server.kit.inbox import Inbox
from clinic_server.kit.pages import Pages
from clinic_server.opening.watching import ReadinessWatch
from clinic_server.paging.office import PagingOffice
from clinic_server.settings import Settings
from clinic_server.stock.overdue import OverdueVials
from devices.adapter import DeviceSpec
from devices.events import DeviceEvent, Receipted
from devices.supervisor import Supervisor
from tests.conftest import ManualClock

LOOKS_EVERY_S = 240.0  # seldomer than the server's own, which look at nothing new most times
PAGES_EVERY_S = 150.0


async def _nobody(_token: str) -> Actor | None:
    return None


class Server:
    """The parts that run, from ``start`` to ``stop``."""

    def __init__(self, db: Database, broker_url: str, clock: ManualClock, random: Random, settings: Settings) -> None:
        self._house = House(
            settings,
            db,
            Inbox(clock, db.ids),
            Pages(settings.site, clock, db.ids, demo=False),
            _nobody,
            typed_content,
        )
        self._intake = Intake(db)
        probes = DeviceSpec("probes", "fridge_probe", broker_url)
        self._devices = Supervisor(
            (probes,), self._deliver, utc_now=clock.now, monotonic=clock.monotonic, scatter=random.random
        )
        self._running = AsyncExitStack()

    async def start(self) -> None:
        """Begin."""
        house = self._house
        for part in (
            self._intake,
            self._devices,
            ClockWatch(house.db, LOOKS_EVERY_S),
            OverdueVials(house, LOOKS_EVERY_S),
            Silence(house, LOOKS_EVERY_S),
            ReadinessWatch(house, LOOKS_EVERY_S),
            LadderWatch(house, LOOKS_EVERY_S),
            PagingOffice(house, PAGES_EVERY_S),
        ):
            await self._running.enter_async_context(part)

    async def stop(self) -> None:
        """End."""
        await self._running.aclose()

    async def _deliver(self, event: DeviceEvent) -> None:
        if isinstance(event, Receipted):
            self._intake.take(event)
