"""What desk PCs bring: moments passed on, durable events stored; each for devices of that desk alone, and once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

import structlog

from clinic_server.device_hub.desk import Desk
from clinic_server.kit.call import House
from clinic_server.kit.errors import Busy, Malformed, NotPermitted, Refused
from clinic_server.kit.idempotency import RequestKey
from clinic_server.kit.tx import Signal
from clinic_server.screening.measured import MEASUREMENT
from clinic_server.screening.rules import Measurements
from devices.agent.messages import EVENT, PERISHES_AFTER_S, BadMessage, Batch, Measured, Message, Moment
from devices.events import DeviceEvent, PayloadRejected, Receipted, SlipFailed, SlipPrinted
from devices.receipts import Receipt

STORED_WITHIN_S: Final = 20.0
_LONGEST_NAME: Final = 40
_NO_LINE: Final = 0  # nothing was recorded
Receive = Callable[[DeviceEvent, RequestKey | None], Awaitable[None]]
_log = structlog.get_logger(__name__)


class NotYourDevice(NotPermitted):
    """A desk PC spoke for a device that does not hang there."""

    code = "not_your_device"


class MomentPerished(Refused):
    """A card or a scan came too late to be anybody's."""

    code = "moment_perished"


async def _nobody(_event: DeviceEvent, _key: RequestKey | None) -> None:
    raise Busy


class Arrivals:
    """Takes what desk PCs bring to ``receive``; lives on the event loop."""

    def __init__(self, house: House) -> None:
        self.receive: Receive = _nobody
        self._keyring = house.db.keyring
        self._inbox = house.inbox
        self._broadcaster = house.db.broadcaster

    async def take_moment(self, desk: Desk, moment: Moment) -> None:
        """Pass on what is worth something now; the same once more changes nothing."""
        if isinstance(moment.event, Receipted | SlipPrinted | SlipFailed):
            raise MomentPerished
        if not desk.attends(moment.event.device_id):
            _log.warning("foreign_device", device=moment.event.device_id, reason=str(desk.kept.agent_id))
            raise NotYourDevice
        if not 0 <= moment.age_ms <= PERISHES_AFTER_S * 1000:
            raise MomentPerished
        if desk.is_new(moment.id):
            desk.note(moment.id)
            await self.receive(moment.event, None)

    def take_measured(self, desk: Desk, measured: Measured) -> None:
        """Lay what was measured before whoever asks the questions at this desk; the same once more changes nothing."""
        if not 0 <= measured.age_ms <= PERISHES_AFTER_S * 1000:
            raise MomentPerished
        if not 0 < len(measured.device) <= _LONGEST_NAME:
            raise Malformed(findings=["device"])
        if desk.is_new(measured.id):
            desk.note(measured.id)
            taken = Measurements(measured.milli_celsius, measured.systolic_mmhg, measured.diastolic_mmhg)
            self._inbox.put(desk.kept.station, MEASUREMENT, taken, measured.device)
            self._broadcaster.publish([Signal(_NO_LINE, frozenset({f"station-{desk.kept.station}"}))])

    async def take_batch(self, desk: Desk, batch: Batch) -> Mapping[str, str]:
        """Store durable events; return, by message id, why some can never be. Raises Unavailable: all come again."""
        refused: dict[str, str] = {}
        stored: list[Awaitable[None]] = []
        for message in batch.messages:
            try:
                event = _durable(message)
            except BadMessage as bad:
                refused[message.id] = bad.reason
                continue
            if desk.may_speak_for(event.device_id):
                stored.append(self._store(desk, message.id, event))
            else:
                _log.warning("foreign_device", device=event.device_id, reason=str(desk.kept.agent_id))
                refused[message.id] = NotYourDevice.code
        try:
            async with asyncio.timeout(STORED_WITHIN_S):
                await asyncio.gather(*stored)
        except TimeoutError:
            raise Busy from None
        return refused

    async def _store(self, desk: Desk, message_id: str, event: DeviceEvent) -> None:
        """Return once an event is committed, or raise Unavailable."""
        if isinstance(event, SlipPrinted | SlipFailed):
            if desk.is_new(message_id):
                await self.receive(event, None)
                desk.note(message_id)
                desk.printed(event.job_id)
            return
        assert isinstance(event, Receipted)  # noqa: S101  # _durable lets nothing else in
        settled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        event = replace(event, receipt=Receipt(lambda is_stored: _settle(settled, is_stored=is_stored)))
        await self.receive(event, self._key_of(desk, message_id, event))
        if not await settled:
            raise Busy

    def _key_of(self, desk: Desk, message_id: str, event: Receipted) -> RequestKey | None:
        """Return the key under which a dead letter is kept once; a reading has an identity of its own."""
        if not isinstance(event, PayloadRejected):
            return None
        print_of = self._keyring.fingerprint(event.device_id.encode(), event.payload)
        return RequestKey(f"agent:{desk.kept.agent_id}", message_id, print_of)


def _durable(message: Message) -> DeviceEvent:
    event = EVENT.decode(bytes(message.event))
    if not isinstance(event, Receipted | SlipPrinted | SlipFailed):
        raise BadMessage("not_durable")
    return event


def _settle(settled: asyncio.Future[bool], *, is_stored: bool) -> None:
    if not settled.done():
        settled.set_result(is_stored)
