"""What befalls chip card readers beyond what a virtual one can show: unplugged, in others' use, swapped unseen."""

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest
import smartcard

from devices.adapter import DeviceSpec
from devices.events import CardRead, CardUnreadable, DeviceState, DeviceStateChanged
from devices.finding import pcsc as finding
from devices.links import wait_until_present
from devices.links.pcsc import pcsc_url
from devices.supervisor import Supervisor
from firmware_stubs.faults import Fault
from firmware_stubs.smart_card.cards import SocialSecurityCard, TaiwanNhiCard, synthetic_holder
from firmware_stubs.smart_card.stub import CARDS, SmartCardReaderStub
from tests.devices.paper_scard import PaperScard
from tests.devices.parts import DEADLINE_S, Receiver, eventually

READER, OTHER = "Maker Card Reader [CCID/1] 00 00", "Maker Card Reader [CCID/2] 01 00"
FIRST, SECOND = synthetic_holder(1, "TWN"), synthetic_holder(2, "TWN")


def spec_of(reader: str = READER) -> DeviceSpec:
    return DeviceSpec(f"at {reader}", "smart_card_reader", pcsc_url(reader))


@pytest.fixture(name="paper")
def _paper(monkeypatch: pytest.MonkeyPatch) -> PaperScard:
    paper = PaperScard(READER)
    monkeypatch.setattr(smartcard, "scard", paper, raising=False)
    return paper


@pytest.fixture(name="stub")
def _stub() -> Iterator[SmartCardReaderStub]:
    with SmartCardReaderStub("reader-in-memory") as stub:
        yield stub


async def read_of(receiver: Receiver, number: str) -> CardRead:
    return await receiver.next_of(CardRead, lambda event: event.card.number == number)


@pytest.mark.parametrize(
    ("stops", "reason"),
    [(False, "unplugged"), (True, "pcsc_service_down")],
    ids=["on Linux", "the last one, on Windows"],
)
async def test_a_reader_unplugged_is_missed_and_works_again_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, stops: bool, reason: str
) -> None:
    paper = PaperScard(READER, stops_with_last_reader=stops)
    monkeypatch.setattr(smartcard, "scard", paper, raising=False)
    async with Supervisor([spec_of()], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        paper.plug()
        assert (await receiver.next_state(DeviceState.OFFLINE)).detail == f"link_lost: {reason}"
        await receiver.next_of(DeviceStateChanged, lambda event: "unavailable" in event.detail)
        paper.plug(READER)
        await receiver.next_state(DeviceState.ONLINE)
        paper.insert(READER, TaiwanNhiCard(FIRST).answer)
        await read_of(receiver, FIRST.number)


async def test_a_reader_away_for_hours_is_noticed_the_moment_it_is_back(paper: PaperScard) -> None:
    """By then the waits between two tries are half a minute long; this one has no other end than the reader's."""
    paper.plug()
    waiting = asyncio.ensure_future(wait_until_present(spec_of().url))
    await eventually(lambda: paper.looks >= 1, "it is seen to be away")
    paper.plug(OTHER)
    looked = paper.looks
    await eventually(lambda: paper.looks >= looked + 2, "the other one is seen")
    assert not waiting.done()
    paper.plug(OTHER, READER)
    async with asyncio.timeout(DEADLINE_S):
        await waiting


async def test_one_reader_unplugged_leaves_the_other_alone(paper: PaperScard, receiver: Receiver) -> None:
    paper.plug(READER, OTHER)
    async with Supervisor([spec_of(READER), spec_of(OTHER)], receiver.deliver) as supervisor:
        await eventually(lambda: [one.state for one in supervisor.states()] == ["online"] * 2, "both are there")
        paper.plug(OTHER)
        assert (await receiver.next_state(DeviceState.OFFLINE)).device_id == spec_of(READER).device_id
        paper.insert(OTHER, TaiwanNhiCard(FIRST).answer)
        await read_of(receiver, FIRST.number)
        assert supervisor.states()[1].state is DeviceState.ONLINE


async def test_a_swap_that_nobody_saw_is_a_new_card(paper: PaperScard, receiver: Receiver) -> None:
    """Both cards have one ATR, and the thread was busy with another reader: only the count of moves tells."""
    paper.plug(READER, OTHER)
    is_asked, may_answer = threading.Event(), threading.Event()
    slow = TaiwanNhiCard(SECOND)

    def answer_slowly(apdu: bytes) -> bytes:
        is_asked.set()
        may_answer.wait(5)
        return slow.answer(apdu)

    async with Supervisor([spec_of(READER), spec_of(OTHER)], receiver.deliver) as supervisor:
        await eventually(lambda: [one.state for one in supervisor.states()] == ["online"] * 2, "both are there")
        paper.insert(READER, TaiwanNhiCard(FIRST).answer)
        await read_of(receiver, FIRST.number)
        paper.insert(OTHER, answer_slowly)
        await asyncio.to_thread(is_asked.wait)
        paper.insert(READER, TaiwanNhiCard(FIRST).answer)
        may_answer.set()
        await eventually(lambda: len(receiver.all_of(CardRead)) == 3, "three cards were laid")
    assert not paper.is_connected


@pytest.mark.parametrize(
    ("error", "reason"), [(0x8010000B, "card_in_use"), (0x80100066, "card_mute"), (0x80100069, "card_pulled")]
)
async def test_a_card_that_cannot_be_spoken_to_says_why_and_the_next_one_is_read(
    paper: PaperScard, receiver: Receiver, error: int, reason: str
) -> None:
    async with Supervisor([spec_of()], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        paper.connect_error = error
        paper.insert(READER, TaiwanNhiCard(FIRST).answer)
        assert (await receiver.next_of(CardUnreadable)).reason == reason
        paper.connect_error = 0
        paper.insert(READER, TaiwanNhiCard(SECOND).answer)
        await read_of(receiver, SECOND.number)


@pytest.mark.usefixtures("paper")
async def test_a_name_with_every_kind_of_sign_survives_its_address() -> None:
    (found,) = await finding.find()
    assert (found.label, found.url) == (READER, "pcsc://Maker%20Card%20Reader%20%5BCCID%2F1%5D%2000%2000")


async def test_without_pyscard_it_is_said_so_and_nothing_is_found(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    assert await finding.find() == []
    async with Supervisor([spec_of()], receiver.deliver):
        offline = await receiver.next_state(DeviceState.OFFLINE)
    assert offline.detail == "link_unavailable: no_pcsc_support"


def test_pyscard_is_not_loaded_before_a_reader_is_opened() -> None:
    question = "import sys, devices.registry, devices.finding.pcsc; sys.exit('smartcard' in sys.modules)"
    assert asyncio.run(_exit_code_of(question)) == 0


async def _exit_code_of(question: str) -> int:
    return await (await asyncio.create_subprocess_exec(sys.executable, "-c", question)).wait()


@pytest.mark.parametrize("kind", [kind for kind in CARDS if kind not in {"plain-resident-id", "unknown"}])
async def test_a_simulated_reader_needs_no_service(stub: SmartCardReaderStub, receiver: Receiver, kind: str) -> None:
    async with Supervisor([DeviceSpec("cards", "smart_card_reader", stub.url, simulated=True)], receiver.deliver):
        stub.insert(CARDS[kind](3))
        told = await receiver.next_of(CardUnreadable if kind == "social-security-3" else CardRead)
        stub.break_next(Fault.PULL_OUT)
        stub.insert(CARDS[kind](4))
        assert (await receiver.next_of(CardUnreadable)).reason == "card_pulled"
        stub.unplug()
        assert (await receiver.next_state(DeviceState.OFFLINE)).detail == "link_lost: unplugged"
        stub.plug_in()
        await receiver.next_state(DeviceState.ONLINE)
        stub.insert(SocialSecurityCard(synthetic_holder(9, "CHN")))
        await receiver.next_of(CardRead)
    assert told.device_id == "cards"
