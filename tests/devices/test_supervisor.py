"""The supervisor outlives whatever its adapters and its receiver do."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from devices.adapter import Adapter, DeviceSpec, Session
from devices.backoff import Backoff
from devices.errors import LinkLost, NoAnswer
from devices.events import BarcodeScanned, DeviceEvent, DeviceState, DeviceStateChanged
from devices.links import LinkAddress, public_url
from devices.supervisor import Supervisor
from tests.devices.parts import Receiver, eventually

SPEC = DeviceSpec("d1", "scripted", "memory://nowhere")
Attend = Callable[[Session], Awaitable[None]]


class Scripted:
    """An adapter that does, connection after connection, what a test wrote down; then it stays."""

    def __init__(self, *connections: Attend) -> None:
        self._connections = list(connections)
        self.attended = 0

    async def attend(self, session: Session) -> None:
        self.attended += 1
        if self._connections:
            await self._connections.pop(0)(session)
        else:
            await session.online()
            await asyncio.Event().wait()


def built_as(adapter: Adapter) -> Callable[[DeviceSpec], Adapter]:
    return lambda _: adapter


def raising(error: BaseException) -> Attend:
    async def attend(_: Session) -> None:
        raise error

    return attend


async def returning(_: Session) -> None:
    return


@pytest.mark.parametrize(
    ("connection", "detail"),
    [
        (raising(LinkLost("unplugged")), "link_lost: unplugged"),
        (raising(NoAnswer()), "no_answer"),
        (raising(ZeroDivisionError("secret")), "adapter_failed"),
        (raising(asyncio.CancelledError()), "adapter_cancelled_itself"),
        (returning, "adapter_ended"),
    ],
    ids=["link_lost", "no_answer", "bug", "cancelled_itself", "returned"],
)
async def test_whatever_an_adapter_does_it_is_offline_and_attended_again(
    connection: Attend, detail: str, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    async with Supervisor([SPEC], receiver.deliver, build=built_as(Scripted(connection))):
        await receiver.next_state(DeviceState.ONLINE)
    told = [(event.state, event.detail) for event in receiver.all_of(DeviceStateChanged)]
    assert told == [(DeviceState.CONNECTING, ""), (DeviceState.OFFLINE, detail), (DeviceState.ONLINE, "")]
    assert "secret" not in caplog.text


async def test_a_device_that_stays_away_is_told_offline_once(receiver: Receiver) -> None:
    adapter = Scripted(*[raising(LinkLost("unplugged"))] * 3)
    async with Supervisor([SPEC], receiver.deliver, scatter=lambda: 0.0, build=built_as(adapter)) as supervisor:
        while adapter.attended < 4:
            supervisor.retry_now("d1")
            await asyncio.sleep(0)
        await receiver.next_state(DeviceState.ONLINE)
    assert [event.state for event in receiver.all_of(DeviceStateChanged)].count(DeviceState.OFFLINE) == 1


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (DeviceSpec("d1", "toaster", "memory://x"), "unknown device kind 'toaster'"),
        (DeviceSpec("d1", "barcode_scanner", "carrier-pigeon://x"), "unknown scheme 'carrier-pigeon'"),
        (
            DeviceSpec("d1", "barcode_scanner", "serial:///dev/null?boud=9600"),
            "unknown setting in the device URL: boud",
        ),
        (DeviceSpec("d1", "id_card_reader", "serial:///dev/null?baud=fast"), "baud must be a whole number"),
        (DeviceSpec("d1", "barcode_scanner", "tcp://host:port"), "the device URL is malformed"),
        (DeviceSpec("d1", "barcode_scanner", "memory://x", options={"silense_ms": "8"}), "unknown option"),
        (DeviceSpec("d1", "fridge_probe", "mqtt://x", options={"zone": "Mars/Base"}), "unknown time zone 'Mars/Base'"),
        (DeviceSpec("d1", "fridge_probe", "serial:///dev/null"), "unknown scheme 'serial'"),
    ],
)
async def test_a_spec_that_can_never_work_is_offline_with_a_sentence_and_not_tried_again(
    spec: DeviceSpec, sentence: str, receiver: Receiver
) -> None:
    async with Supervisor([spec], receiver.deliver) as supervisor:
        offline = await receiver.next_state(DeviceState.OFFLINE)
        assert sentence in offline.detail
        assert supervisor.states()[0].detail == offline.detail


async def test_devices_come_and_go_while_it_runs(receiver: Receiver) -> None:
    async with Supervisor([], receiver.deliver, build=built_as(Scripted())) as supervisor:
        supervisor.add(SPEC)
        with pytest.raises(ValueError, match="taken"):
            supervisor.add(SPEC)
        await receiver.next_state(DeviceState.ONLINE)
        assert [(status.spec, status.state) for status in supervisor.states()] == [(SPEC, DeviceState.ONLINE)]
        await supervisor.remove("d1")
        assert (await receiver.next_state(DeviceState.OFFLINE)).detail == "removed"
        assert supervisor.states() == ()


async def test_events_are_delivered_one_at_a_time_in_order_and_none_is_lost_at_the_end() -> None:
    delivered: list[str] = []
    running = 0

    async def slow_receiver(event: DeviceEvent) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        running -= 1
        if isinstance(event, BarcodeScanned):
            delivered.append(event.text)

    said = asyncio.Event()

    async def says_a_lot(session: Session) -> None:
        for number in range(1000):
            await session.emit(BarcodeScanned("d1", str(number), None))
        said.set()
        await asyncio.Event().wait()

    async with Supervisor([SPEC], slow_receiver, build=built_as(Scripted(says_a_lot))):
        await said.wait()
    assert delivered == [str(number) for number in range(1000)]


async def test_a_receiver_that_falls_behind_holds_the_adapter_back() -> None:
    may_go_on = asyncio.Event()
    emitted = 0

    async def stuck_receiver(_: DeviceEvent) -> None:
        await may_go_on.wait()

    async def never_stops(session: Session) -> None:
        nonlocal emitted
        while True:
            await session.emit(BarcodeScanned("d1", "x", None))
            emitted += 1

    async with Supervisor([SPEC], stuck_receiver, build=built_as(Scripted(never_stops))):
        await eventually(lambda: emitted >= 250, "the waiting room filled")
        for _ in range(100):
            await asyncio.sleep(0)
        assert emitted < 300
        may_go_on.set()


def test_waits_double_from_a_fifth_of_a_second_to_half_a_minute() -> None:
    backoff = Backoff(scatter=lambda: 0.5)
    waits = [backoff.next_wait_s(was_online_s=0.0) for _ in range(10)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


def test_waits_start_over_after_a_stable_connection_and_not_after_a_brief_one() -> None:
    backoff = Backoff(scatter=lambda: 0.5)
    waits = [backoff.next_wait_s(was_online_s=online_s) for online_s in (0.0, 1.0, 1.0, 60.0)]
    assert waits == [0.2, 0.4, 0.8, 0.2]


@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_scattered_waits_stay_within_their_bounds(chance: float) -> None:
    backoff = Backoff(scatter=lambda: chance)
    assert all(0.2 <= backoff.next_wait_s(was_online_s=0.0) <= 30.0 for _ in range(40))


def test_a_broker_password_shows_nowhere() -> None:
    url = "mqtt://server:open-sesame@broker:1883?keepalive_s=30"
    assert public_url(url) == "mqtt://broker:1883?keepalive_s=30"
    assert "sesame" not in repr(DeviceSpec("d1", "fridge_probe", url)) + repr(LinkAddress.parse(url))
