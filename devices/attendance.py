"""One device under supervision: attended, lost, waited for, attended again, whatever its adapter does."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from devices.adapter import Adapter, DeviceSpec, Listener
from devices.backoff import Backoff
from devices.errors import DeviceError, SpecRefused
from devices.events import DeviceDescribed, DeviceEvent, DeviceState, DeviceStateChanged
from devices.links import wait_until_present
from devices.words import DeviceWord

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks of a supervisor: aware UTC, and seconds that never go back."""

    utc_now: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What a devices page shows of one device; `described` holds what it and each of its parts said of themselves."""

    spec: DeviceSpec
    state: DeviceState
    detail: str
    since: datetime
    last_event_at: datetime | None = None
    described: Mapping[str, DeviceDescribed] = field(default_factory=dict)


def with_news(known: DeviceDescribed | None, said: DeviceDescribed) -> DeviceDescribed:
    """Return what is known of a device or part after it said something: silence takes nothing away."""
    if known is None:
        return said
    return DeviceDescribed(
        device_id=said.device_id,
        part=said.part,
        identity=said.identity or known.identity,
        model=said.model or known.model,
        firmware=said.firmware or known.firmware,
        battery_percent=known.battery_percent if said.battery_percent is None else said.battery_percent,
    )


class Attendance:
    """Runs one adapter for ever and is the Session it speaks to."""

    def __init__(
        self,
        spec: DeviceSpec,
        build: Callable[[DeviceSpec], Adapter],
        hand_over: Callable[[DeviceEvent], Awaitable[None]],
        clock: Clock,
        backoff: Backoff,
    ) -> None:
        self.status = DeviceStatus(spec, DeviceState.CONNECTING, "", clock.utc_now())
        self._build = build
        self._hand_over = hand_over
        self._clock = clock
        self._backoff = backoff
        self._online_since: float | None = None
        self._hurry = asyncio.Event()
        self._adapter: Adapter | None = None

    async def run(self) -> None:
        """Attend the device until cancelled; ends by itself only when the spec can never work."""
        await self._hand_over(DeviceStateChanged(self.status.spec.device_id, DeviceState.CONNECTING))
        while True:
            try:
                self._adapter = self._adapter or self._build(self.status.spec)
                detail = await self._attend_once(self._adapter)
            except SpecRefused as error:
                await self.change_state(DeviceState.OFFLINE, error.detail)
                return
            await self.change_state(DeviceState.OFFLINE, detail)
            await self._wait_to_reconnect()

    async def online(self, detail: str = "") -> None:
        """See Session."""
        self._online_since = self._clock.monotonic()
        await self.change_state(DeviceState.ONLINE, detail)

    async def emit(self, event: DeviceEvent) -> None:
        """See Session."""
        self.status = replace(self.status, last_event_at=self._clock.utc_now())
        if isinstance(event, DeviceDescribed):
            self._note_description(event)
        await self._hand_over(event)

    def utc_now(self) -> datetime:
        """See Session."""
        return self._clock.utc_now()

    def monotonic(self) -> float:
        """See Session."""
        return self._clock.monotonic()

    def tell(self, word: DeviceWord) -> bool:
        """Tell the adapter something, connected or not; whether it took it."""
        return isinstance(self._adapter, Listener) and self._adapter.hear(word, self._clock.monotonic())

    def hurry(self) -> None:
        """Cut a running wait short."""
        self._hurry.set()

    async def change_state(self, state: DeviceState, detail: str) -> None:
        """Note and tell a change; the same state with the same detail is told once."""
        if (self.status.state, self.status.detail) == (state, detail):
            return
        self.status = replace(self.status, state=state, detail=detail, since=self._clock.utc_now())
        await self._hand_over(DeviceStateChanged(self.status.spec.device_id, state, detail))

    def _note_description(self, said: DeviceDescribed) -> None:
        known = self.status.described
        whole = with_news(known.get(said.part), said)
        self.status = replace(self.status, described={**known, said.part: whole})

    async def _attend_once(self, adapter: Adapter) -> str:
        """Return why the connection ended."""
        self._online_since = None
        try:
            await adapter.attend(self)
        except SpecRefused:
            raise
        except DeviceError as error:
            return error.detail
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            return "adapter_cancelled_itself"
        except Exception as error:  # noqa: BLE001 - one adapter's mistake must not cost the site its other devices
            # Neither text nor values: either may hold what was read from a card.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("device %s: %s\n%s", self.status.spec.device_id, type(error).__name__, frames)  # noqa: TRY400 - as above
            return "adapter_failed"
        return "adapter_ended"

    async def _wait_to_reconnect(self) -> None:
        online_s = 0.0 if self._online_since is None else self._clock.monotonic() - self._online_since
        wait_s = self._backoff.next_wait_s(online_s)
        self._hurry.clear()
        present = asyncio.ensure_future(wait_until_present(self.status.spec.url))
        hurried = asyncio.ensure_future(self._hurry.wait())
        try:
            await asyncio.wait({present, hurried}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            present.cancel()
            hurried.cancel()
