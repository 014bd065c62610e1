"""The speed of the line to a reader: found, remembered, raised, and allowed for."""

import pytest

from devices.adapter import DeviceSpec
from devices.events import CardRead, DeviceDescribed, DeviceState
from devices.id_card_reader.conversation import answer_s
from devices.id_card_reader.wire import Command
from devices.links import open_byte_link
from devices.supervisor import Supervisor
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import BAUD_OF_PARAMETER, IdCardReaderStub
from firmware_stubs.uart import Uart
from tests.devices.parts import Receiver, eventually

CARD = synthetic_resident(1)


def spec_of(plug: Uart, url: str = "", **options: str) -> DeviceSpec:
    return DeviceSpec("desk-1-reader", "id_card_reader", url or plug.url, options=options)


def test_a_port_hears_only_its_own_speed() -> None:
    """The stand-in itself: without this, nothing below would prove anything."""
    with Uart(baud=9600) as plug:
        assert plug._as_heard(b"hello") != b"hello", "a fresh terminal stands at another speed"


@pytest.mark.parametrize("baud", BAUD_OF_PARAMETER)
async def test_the_speed_is_found_whatever_it_is(baud: int, receiver: Receiver) -> None:
    with Uart(baud=baud) as plug:
        reader = IdCardReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            assert plug.host_baud == baud
            reader.lay(CARD)
            assert (await receiver.next_of(CardRead)).card.number == CARD.number


async def test_a_named_speed_is_the_only_one_tried(receiver: Receiver) -> None:
    with Uart(baud=9600) as plug:
        IdCardReaderStub(plug)
        url = plug.url.replace("auto", "115200")
        async with Supervisor([spec_of(plug, url)], receiver.deliver):
            offline = await receiver.next_state(DeviceState.OFFLINE)
            assert plug.host_baud == 115200
    assert offline.detail == "no_answer"


async def test_a_reader_that_answers_at_no_speed_is_silent(receiver: Receiver) -> None:
    with Uart() as plug:
        async with Supervisor([spec_of(plug)], receiver.deliver):
            assert (await receiver.next_state(DeviceState.OFFLINE)).detail == "no_answer"


async def test_stopping_while_the_speed_is_looked_for_closes_the_port(receiver: Receiver) -> None:
    with Uart(baud=9600) as plug:
        IdCardReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await eventually(lambda: plug.noises, "a wrong speed was tried")
        async with await open_byte_link(plug.url.replace("auto", "9600")) as link:
            await link.write(b"the port is free again")
    assert not [event for event in receiver.events if isinstance(event, DeviceDescribed)]


async def test_the_speed_it_answered_at_is_tried_first_after_replugging(receiver: Receiver) -> None:
    with Uart(baud=9600) as plug:
        IdCardReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            plug.unplug()
            await receiver.next_state(DeviceState.OFFLINE)
            noises = plug.noises
            plug.plug_in()
            await receiver.next_state(DeviceState.ONLINE)
    assert noises > 0
    assert plug.noises == noises


async def test_a_slow_reader_is_set_to_the_fastest_speed_once(receiver: Receiver) -> None:
    with Uart(baud=9600) as plug:
        reader = IdCardReaderStub(plug)
        async with Supervisor([spec_of(plug, set_baud="115200")], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            assert plug.baud == plug.host_baud == 115200
            reader.lay(CARD)
            assert (await receiver.next_of(CardRead)).card.number == CARD.number
            plug.unplug()
            await receiver.next_state(DeviceState.OFFLINE)
            plug.plug_in()
            await receiver.next_state(DeviceState.ONLINE)
    assert reader.asked["6000"] == 1


async def test_without_being_told_to_a_slow_reader_is_left_slow(receiver: Receiver) -> None:
    with Uart(baud=19200) as plug:
        reader = IdCardReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
    assert (plug.baud, reader.asked["6000"]) == (19200, 0)


async def test_a_reader_that_forgot_its_new_speed_is_found_and_raised_again(receiver: Receiver) -> None:
    with Uart(baud=38400) as plug:
        reader = IdCardReaderStub(plug)
        async with Supervisor([spec_of(plug, set_baud="115200")], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            plug.unplug()
            await receiver.next_state(DeviceState.OFFLINE)
            plug.baud = 38400
            plug.plug_in()
            await receiver.next_state(DeviceState.ONLINE)
            assert plug.baud == 115200
    assert reader.asked["6000"] == 2


class Stubborn(Uart):
    """Says yes to every speed and keeps its own."""

    @property
    def baud(self) -> int:
        return 9600

    @baud.setter
    def baud(self, _: int) -> None:
        """Stay as it is."""


@pytest.mark.parametrize("refuses", [True, False], ids=["refuses", "only_says_yes"])
async def test_a_reader_that_does_not_become_faster_goes_on_slowly(refuses: bool, receiver: Receiver) -> None:
    with Stubborn() as plug:
        reader = IdCardReaderStub(plug)
        reader.unknown_commands = frozenset({"6000"} if refuses else ())
        async with Supervisor([spec_of(plug, set_baud="115200")], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            assert plug.host_baud == 9600
            reader.lay(CARD)
            assert (await receiver.next_of(CardRead)).card.number == CARD.number


@pytest.mark.parametrize(
    ("command", "baud", "at_least_s"),
    [
        (Command.FIND_CARD, 115200, 0.3 + 0.0013),
        (Command.READ_TEXT_AND_PHOTO, 115200, 3.0 + 0.112),
        (Command.READ_TEXT_AND_PHOTO, 9600, 3.0 + 1.348),
        (Command.READ_TEXT_PHOTO_AND_FINGERS, 9600, 5.0 + 2.417),
    ],
)
def test_an_answer_has_the_readers_time_and_the_lines(command: Command, baud: int, at_least_s: float) -> None:
    assert at_least_s <= answer_s(command, baud) <= at_least_s + 0.05


async def test_a_reader_that_thinks_long_on_a_slow_line_is_waited_for(receiver: Receiver) -> None:
    """2.4 s of thinking and 1.35 s on the wire: more than either time alone allows."""
    with Uart(baud=9600) as plug:
        reader = IdCardReaderStub(plug)
        async with Supervisor([spec_of(plug, plug.url.replace("auto", "9600"))], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            reader.unknown_commands = frozenset({"3003"})
            reader.thinks_s = 2.4
            reader.lay(CARD)
            assert (await receiver.next_of(CardRead)).card.number == CARD.number
