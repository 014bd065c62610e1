"""Fridge probes behind one broker: every message becomes samples, a presence, or a dead letter; none is lost."""

from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices.adapter import DeviceSpec, Session
from devices.errors import BadFrame, SpecRefused
from devices.events import PayloadRejected, ProbePresence, TemperatureMeasured
from devices.fridge_probe import wire
from devices.fridge_probe.context import Delivery, Presence
from devices.links import LinkAddress, Message, Subscription, open_message_link
from devices.options import known_options_only

CLIENT_ID_PREFIX: Final = "clinic-"


class FridgeProbe:
    """The adapter. One device is one subscription and may carry many probes; `probe_id` tells them apart.

    Option `zone` is the site's time zone ("Asia/Shanghai"), needed by probes whose clocks name none. Option `probe`
    narrows the subscription to one probe's topics; without it every probe of the broker is heard.
    """

    def __init__(self, spec: DeviceSpec) -> None:
        known_options_only(spec, "zone", "probe")
        LinkAddress.parse(spec.url)
        self._spec = spec
        self._zone = _zone(spec.options.get("zone"))
        probe = spec.options.get("probe", "+")
        if "/" in probe or "#" in probe or ("+" in probe and probe != "+") or not probe:
            raise SpecRefused("option probe names one probe's topic level, without / # +")
        self._subscription = Subscription(
            client_id=CLIENT_ID_PREFIX + spec.device_id,
            durable=[pattern.replace("+", probe) for pattern in wire.READINGS],
            state=[pattern.replace("+", probe) for pattern in wire.PRESENCES],
        )

    async def attend(self, session: Session) -> None:
        """See Adapter."""
        async with await open_message_link(self._spec.url, self._subscription) as link:
            await session.online()
            while True:
                await self._tell(session, await link.next_message())

    async def _tell(self, session: Session, message: Message) -> None:
        device_id = self._spec.device_id
        delivery = Delivery(message.topic, message.payload, message.retained, session.utc_now(), self._zone)
        try:
            decoded = wire.decode(delivery)
        except BadFrame as error:
            letter = PayloadRejected(device_id, error.reason, message.payload, message.receipt, message.topic)
            await session.emit(letter)
            return
        if isinstance(decoded, Presence):
            message.receipt.acknowledge()  # only a hint, and retained: nothing is lost with it
            await session.emit(ProbePresence(device_id, decoded.probe_id, decoded.is_present))
        elif decoded:
            receipts = message.receipt.split(len(decoded))
            for sample, receipt in zip(decoded, receipts, strict=True):
                await session.emit(TemperatureMeasured(device_id, sample, receipt))
        else:
            message.receipt.acknowledge()


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SpecRefused(f"unknown time zone {name!r}") from None
