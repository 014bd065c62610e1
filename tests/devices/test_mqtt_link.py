"""The link to a broker: sessions, generations of connections, and whatever a broker may do to it."""

import asyncio
import itertools
import socket
import time
from typing import Any

import pytest

from devices.errors import LinkLost, LinkUnavailable
from devices.events import DeviceState, TemperatureMeasured
from devices.links import Subscription, open_message_link
from devices.links.message_inbox import UNACKNOWLEDGED_LIMIT, MessageInbox
from devices.supervisor import Supervisor
from tests.devices.broker_side import publishing, reading, settle_all, spec_for
from tests.devices.parts import Mosquitto, Receiver, eventually

names = itertools.count()


@pytest.fixture(name="dev")
def _dev() -> str:
    """A name no other test's session or retained message has."""
    return f"linked-{next(names)}-{time.time_ns()}"


@pytest.mark.each_engine
async def test_a_second_server_under_the_same_name_takes_the_session_and_the_first_is_told(
    broker_url: str, dev: str
) -> None:
    subscription = Subscription(dev, [f"cc/v1/{dev}/reading"])
    first = await open_message_link(broker_url, subscription)
    async with first, publishing(broker_url, dev) as publisher:
        publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 0))
        kept = await first.next_message()
        async with await open_message_link(broker_url, subscription) as second:
            with pytest.raises(LinkLost, match=r"disconnected|session_taken_over"):
                await first.next_message()
            kept.receipt.acknowledge()
            again = await second.next_message()
    assert (again.topic, again.payload) == (kept.topic, kept.payload)


async def test_a_receipt_of_a_session_the_broker_lost_acknowledges_nothing(dev: str, mosquitto: Mosquitto) -> None:
    """Both messages have the number 1; an acknowledgement of the first, made late, must not reach the second."""
    subscription = Subscription(dev, [f"cc/v1/{dev}/reading"])
    forgetful = f"{mosquitto.url}?session_expiry_s=0"
    async with publishing(mosquitto.url, dev) as publisher:
        async with await open_message_link(forgetful, subscription) as link:
            publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 0))
            stale = await link.next_message()
        async with await open_message_link(mosquitto.url, subscription) as link:
            publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 1))
            await link.next_message()
            stale.receipt.acknowledge()
        async with await open_message_link(mosquitto.url, subscription) as link:
            again = await link.next_message()
            again.receipt.acknowledge()
    assert again.payload == reading(dev, 1)


async def test_the_broker_sends_no_more_than_may_be_unstored_and_goes_on_in_order(broker_url: str, dev: str) -> None:
    count = UNACKNOWLEDGED_LIMIT + 30
    link = await open_message_link(broker_url, Subscription(dev, [f"cc/v1/{dev}/reading"]))
    async with link, publishing(broker_url, dev) as publisher:
        for seq in range(count):
            publisher.publish(f"cc/v1/{dev}/reading", reading(dev, seq))
        taken = [await link.next_message() for _ in range(UNACKNOWLEDGED_LIMIT)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await link.next_message()
        for message in taken:
            message.receipt.acknowledge()
        while len(taken) < count:
            taken.append(await link.next_message())
            taken[-1].receipt.acknowledge()
    assert [message.payload for message in taken] == [reading(dev, seq) for seq in range(count)]


async def test_a_mistake_in_a_callback_costs_the_connection_and_nothing_more(
    mosquitto: Mosquitto, dev: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """paho's own thread would die of it and go on saying that it is connected."""
    arrive = MessageInbox.arrive

    def arrive_badly(inbox: MessageInbox, topic: str, *given: Any, **named: Any) -> None:
        if topic == f"cc/v1/{dev}/reading" and not receiver.all_of(TemperatureMeasured):
            monkeypatch.undo()
            raise ZeroDivisionError
        arrive(inbox, topic, *given, **named)

    monkeypatch.setattr(MessageInbox, "arrive", arrive_badly)
    async with (
        Supervisor([spec_for(mosquitto.url, dev)], receiver.deliver),
        publishing(mosquitto.url, dev) as publisher,
    ):
        await receiver.next_state(DeviceState.ONLINE)
        publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 0))
        assert (await receiver.next_state(DeviceState.OFFLINE)).detail == "link_lost: callback_failed"
        assert await settle_all(receiver, 1) == [0]


async def test_a_line_that_cannot_be_watched_is_given_up_and_never_stands_still(mosquitto: Mosquitto, dev: str) -> None:
    """Under load a loop may find its number taken by another line; half watched, it would say nothing more."""

    def taken() -> bool:
        raise RuntimeError("File descriptor is used by transport")

    async with await open_message_link(mosquitto.url, Subscription(dev, [f"cc/v1/{dev}/reading"])) as link:
        link._client.want_write = taken  # asked before the line is watched
        with pytest.raises(LinkLost, match="protocol_broken"):
            await link.publish(f"cc/v1/{dev}/reading", reading(dev, 0))


async def test_a_message_paho_cannot_digest_costs_the_connection_and_nothing_more(dev: str, receiver: Receiver) -> None:
    """A broker that answers nonsense: the link is lost with a reason, and the supervisor goes on."""
    with socket.create_server(("127.0.0.1", 0)) as liar:
        url = f"mqtt://127.0.0.1:{liar.getsockname()[1]}"
        async with Supervisor([spec_for(url, dev)], receiver.deliver):
            connection = await _accepted(liar)
            connection.sendall(b"\x20\xff\xff\xff\xff\xff\xff\xff" * 8)
            offline = await receiver.next_state(DeviceState.OFFLINE)
            connection.close()
    assert offline.detail.startswith("link_unavailable")


async def test_a_broker_that_is_not_there_is_unavailable(dev: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(LinkUnavailable, match="connection_refused"):
        await open_message_link(f"mqtt://127.0.0.1:{port}", Subscription(dev, ["a"]))


async def _accepted(listener: socket.socket) -> socket.socket:
    listener.setblocking(False)
    accepted: list[socket.socket] = []

    def accepts() -> bool:
        try:
            accepted.append(listener.accept()[0])
        except BlockingIOError:
            return False
        return True

    await eventually(accepts, "somebody connects")
    return accepted[0]
