"""A topic on the site's broker, for whatever hangs there: a stack light, a telephone system, an app on watches.

Published to `topic`, or `topic/ADDRESS`, with QoS 1. Whoever has shown or answered the page says so on `ack_topic`:
`{"number": "4711", "state": "read"}` or `{"number": "4711", "state": "replied", "reply": "01"}`. The broker keeps these
while nobody listens, so that `follow` finds them later.
"""

import asyncio
import contextlib
import re
from collections import OrderedDict
from typing import Final

from devices.errors import AddressRefused, BadFrame, OptionRefused
from devices.links.address import LinkAddress
from devices.links.mqtt import MqttLink, open_mqtt
from devices.links.port import Message, Subscription
from devices.options import known_options_only, whole_number
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.robot_wire import encoded
from devices.strict_json import decode_object

TOPIC: Final = re.compile(r"[^/+#$\x00-\x1f\x7f][^+#\x00-\x1f\x7f]{0,199}")
LEVEL: Final = re.compile(r"[^/+#\x00-\x1f\x7f]{0,100}")
REPLY: Final = re.compile(r"[\x20-\x7e]{0,100}")
PORT: Final = 1883
WAITS_S: Final = 5
FOLLOWS_S: Final = 0.2  # what the broker kept comes at once
MOST_HEARD: Final = 1000


def acknowledged(payload: bytes) -> tuple[str, Outcome]:
    """Return which page was read or answered. Raises BadFrame and nothing else."""
    fields = decode_object(payload)
    number, state, reply = (fields.get(name, "") for name in ("number", "state", "reply"))
    if not isinstance(number, str) or not number or not isinstance(reply, str) or REPLY.fullmatch(reply) is None:
        raise BadFrame("acknowledgement_malformed")
    if state not in (Reached.READ, Reached.REPLIED):
        raise BadFrame("state_unknown")
    return number, Outcome(Reached(state), ref=number, reply=reply or None)


class MqttTopic:
    """One topic; the address is a level below it, or empty."""

    def __init__(self, spec: PagerSpec, guard: Guard | None = None) -> None:
        known_options_only(spec, "topic", "ack_topic", "waits_s")
        self._address = LinkAddress.parse(spec.url)
        if self._address.scheme != "mqtt" or not self._address.host or self._address.query:
            raise AddressRefused("a broker's URL is mqtt://host:1883; user and password are secrets")
        self._topic = spec.options.get("topic", "")
        self._ack_topic = spec.options.get("ack_topic", f"{self._topic}/ack")
        if not TOPIC.fullmatch(self._topic) or not TOPIC.fullmatch(self._ack_topic):
            raise OptionRefused("topic and ack_topic are plain topics, without + and #")
        self._waits_s = whole_number(spec, "waits_s", WAITS_S, low=0, high=20)
        self._secrets = spec.secrets
        self._guard = guard or Guard(spec.may_reach)
        self._subscription = Subscription(f"clinic-pager-{spec.code}", [self._ack_topic])
        self._heard: OrderedDict[str, Outcome] = OrderedDict()

    async def send(self, address: str, page: Page) -> Outcome:
        """See Pager."""
        if LEVEL.fullmatch(address) is None:
            return Outcome(Reached.FAILED, "address_malformed")
        return await attempted(self._send(address, page))

    async def follow(self, ref: str) -> Outcome:
        """See TwoWayPager."""
        return await attempted(self._follow(ref))

    async def _send(self, address: str, page: Page) -> Outcome:
        topic = f"{self._topic}/{address}" if address else self._topic
        async with await self._open() as link:
            refusal = await link.publish(topic, _payload(page))
            if refusal:
                return Outcome(Reached.FAILED, refusal)
            return await self._hear(link, page.number, self._waits_s)

    async def _follow(self, ref: str) -> Outcome:
        async with await self._open() as link:
            return await self._hear(link, ref, FOLLOWS_S)

    async def _open(self) -> MqttLink:
        port = self._address.port or PORT
        pinned = (await self._guard.addresses(self._address.host, port, is_plain=True))[0]
        address = LinkAddress(
            "mqtt", pinned, port, "", self._secrets.get("user"), self._secrets.get("password"), query={}
        )
        return await open_mqtt(address, self._subscription)

    async def _hear(self, link: MqttLink, number: str, within_s: float) -> Outcome:
        """Listen until the page is answered, or as long as may be; what is heard of others is kept for them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._so_far(number).reached is not Reached.REPLIED:
                    self._keep(await link.next_message())
        return self._so_far(number)

    def _so_far(self, number: str) -> Outcome:
        return self._heard.get(number, Outcome(Reached.ACCEPTED, ref=number))

    def _keep(self, message: Message) -> None:
        with contextlib.suppress(BadFrame):
            number, outcome = acknowledged(message.payload)
            if self._so_far(number).reached is not Reached.REPLIED:
                self._heard[number] = outcome
            while len(self._heard) > MOST_HEARD:
                self._heard.popitem(last=False)
        message.receipt.acknowledge()


def _payload(page: Page) -> bytes:
    return encoded(
        {
            "number": page.number,
            "short": page.short,
            "text": page.text,
            "is_urgent": page.is_urgent,
            "reply_code": page.reply_code,
        }
    )
