"""Fridge probes behind one broker: every message becomes samples, a presence, or a dead letter; none is lost."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices.adapter import DeviceSpec, Session
from devices.errors import BadFrame, SpecRefused
from devices.events import DeviceDescribed, PayloadRejected, ProbePresence, SupplyTold, TemperatureMeasured
from devices.fridge_probe import listening, wire
from devices.fridge_probe.context import Delivery, Presence
from devices.fridge_probe.descriptions import Description, Descriptions
from devices.fridge_probe.echoes import Echoes
from devices.fridge_probe.quality import measured_at
from devices.links import LinkAddress, Message, Subscription, open_message_link
from devices.options import known_options_only
from devices.receipts import Receipt

CLIENT_ID_PREFIX: Final = "clinic-"


class FridgeProbe:
    """The adapter. One device is one subscription and may carry many probes; `probe_id` tells them apart.

    Option `zone` is the site's time zone ("Asia/Shanghai"), needed by probes whose clocks name none. Option `dialects`
    says which makes are listened to, own,tasmota unless given; see listening.py. Option `probe` narrows the
    subscription to one probe's topics; without it every probe of the broker is heard.
    """

    def __init__(self, spec: DeviceSpec) -> None:
        known_options_only(spec, "zone", *listening.OPTIONS)
        LinkAddress.parse(spec.url)
        self._spec = spec
        self._zone = _zone(spec.options.get("zone"))
        self._listening = listening.listening_of(spec.options)
        self._descriptions = Descriptions()
        self._subscription = Subscription(
            client_id=CLIENT_ID_PREFIX + spec.device_id,
            durable=self._listening.durable,
            state=self._listening.state,
            former=self._listening.former,
        )

    async def attend(self, session: Session) -> None:
        """See Adapter."""
        echoes = Echoes()
        async with await open_message_link(self._spec.url, self._subscription) as link:
            await session.online()
            while True:
                await self._tell(session, await link.next_message(), echoes)

    async def _tell(self, session: Session, message: Message, echoes: Echoes) -> None:
        device_id = self._spec.device_id
        delivery = Delivery(message.topic, message.payload, message.retained, session.utc_now(), self._zone)
        try:
            decoded = wire.decode(delivery, self._listening.dialects)
        except BadFrame as error:
            letter = PayloadRejected(device_id, error.reason, message.payload, message.receipt, message.topic)
            await session.emit(letter)
            return
        described = wire.describe(delivery, self._listening.dialects)
        await self._tell_descriptions(session, described)
        if isinstance(decoded, Presence):
            message.receipt.acknowledge()  # only a hint, and retained: nothing is lost with it
            await session.emit(ProbePresence(device_id, decoded.probe_id, decoded.is_present))
            return
        supplies = [] if delivery.retained else [said for said in described if said.tells_of_supply]
        parts = len(decoded) + len(supplies)
        if not parts:
            message.receipt.acknowledge()
            return
        receipts = message.receipt.split(parts)
        for sample, receipt in zip(decoded, receipts[: len(decoded)], strict=True):
            if echoes.is_echo(sample):
                receipt.acknowledge()
            else:
                await session.emit(TemperatureMeasured(device_id, sample, receipt))
        for said, receipt in zip(supplies, receipts[len(decoded) :], strict=True):
            await session.emit(self._supply(said, receipt))

    def _supply(self, said: Description, receipt: Receipt) -> SupplyTold:
        told_at = None if said.told_unix_s is None else measured_at(said.told_unix_s)
        return SupplyTold(self._spec.device_id, said.part, told_at, said.battery_percent, said.is_on_mains, receipt)

    async def _tell_descriptions(self, session: Session, described: Sequence[Description]) -> None:
        for said in described:
            if self._descriptions.is_news(said):
                await session.emit(
                    DeviceDescribed(
                        device_id=self._spec.device_id,
                        part=said.part,
                        identity=said.identity,
                        model=said.model,
                        firmware=said.firmware,
                        battery_percent=said.battery_percent,
                    )
                )


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SpecRefused(f"unknown time zone {name!r}") from None
