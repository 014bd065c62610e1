"""Chip cards through the real pcscd: every kind, every way to put one in and pull it out, and a service that dies."""

import threading
from collections.abc import AsyncIterator

import pytest
import uvloop

from devices.adapter import DeviceSpec
from devices.errors import CardUnusable, LinkUnavailable
from devices.events import CardRead, CardUnreadable, DeviceDescribed, DeviceState, DeviceStateChanged, DocumentKind
from devices.finding import pcsc as finding
from devices.links import open_card_link
from devices.links import pcsc as link_module
from devices.links.pcsc import pcsc_url
from devices.supervisor import Supervisor
from firmware_stubs.faults import Fault
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.smart_card.cards import (
    EstonianCard,
    MyKad,
    PlainResidentId,
    ResidentIdPages,
    SocialSecurityCard,
    TaiwanNhiCard,
    ThaiCard,
    UnknownCard,
    VirtualCard,
    synthetic_holder,
)
from firmware_stubs.smart_card.stub import SmartCardSlot
from tests.devices.parts import Receiver, eventually
from tests.devices.pcscd import READERS, PrivatePcscd

FIRST, SECOND = synthetic_holder(1, "CHN"), synthetic_holder(2, "CHN")
RESIDENT = synthetic_resident(3)


def spec_of(number: int = 0, **options: str) -> DeviceSpec:
    return DeviceSpec(f"desk-{number + 1}-cards", "smart_card_reader", pcsc_url(READERS[number]), options=options)


def pcsc_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pcsc"]


@pytest.fixture(name="slots")
async def _slots(pcscd: PrivatePcscd) -> AsyncIterator[list[SmartCardSlot]]:
    slots = [SmartCardSlot(pcscd.slot(number)) for number in range(len(READERS))]
    yield slots
    for slot in slots:
        slot.pull()
    await pcscd.start()
    await pcscd.sees_no_card()


@pytest.fixture(name="slot")
def _slot(slots: list[SmartCardSlot]) -> SmartCardSlot:
    return slots[0]


@pytest.fixture(name="attended")
async def _attended(slots: list[SmartCardSlot], receiver: Receiver) -> AsyncIterator[Supervisor]:  # noqa: ARG001 - cards go after the readers
    async with Supervisor([spec_of()], receiver.deliver) as supervisor:
        await receiver.next_state(DeviceState.ONLINE)
        yield supervisor
    await eventually(lambda: not pcsc_threads(), "the thread has ended")


async def swap(pcscd: PrivatePcscd, slot: SmartCardSlot, card: VirtualCard) -> None:
    slot.pull()
    await pcscd.sees_no_card()
    slot.insert(card)


async def read_of(receiver: Receiver, number: str) -> CardRead:
    return await receiver.next_of(CardRead, lambda event: event.card.number == number)


KINDS = [
    pytest.param(SocialSecurityCard, "CHN", DocumentKind.SOCIAL_SECURITY_CARD, id="social security 2.0"),
    pytest.param(TaiwanNhiCard, "TWN", DocumentKind.TAIWAN_NHI_CARD, id="Taiwan NHI"),
    pytest.param(ThaiCard, "THA", DocumentKind.FOREIGN_ID_CARD, id="Thai"),
    pytest.param(MyKad, "MYS", DocumentKind.FOREIGN_ID_CARD, id="MyKad"),
    pytest.param(EstonianCard, "EST", DocumentKind.FOREIGN_ID_CARD, id="Estonia"),
]


@pytest.mark.parametrize(("make", "country", "kind"), KINDS)
@pytest.mark.usefixtures("attended")
async def test_every_kind_of_card_names_its_holder(
    slot: SmartCardSlot, receiver: Receiver, make: type[SocialSecurityCard], country: str, kind: DocumentKind
) -> None:
    holder = synthetic_holder(7, country)
    slot.insert(make(holder))
    card = (await receiver.next_of(CardRead)).card
    assert (card.document_kind, card.issuing_country) == (kind, country)
    assert (card.number, card.name, card.sex) == (holder.number, holder.name, holder.sex)
    assert f"{card.born_on:%Y%m%d}" == holder.born


@pytest.mark.parametrize(("photo", "length"), [("drop", 0), ("keep", 1024)])
async def test_a_resident_card_is_read_in_pages_where_the_reader_has_a_sam(
    slot: SmartCardSlot, receiver: Receiver, photo: str, length: int
) -> None:
    async with Supervisor([spec_of(photo=photo)], receiver.deliver):
        slot.insert(ResidentIdPages(RESIDENT))
        card = (await receiver.next_of(CardRead)).card
    assert (card.document_kind, card.number, card.name) == (DocumentKind.RESIDENT_ID, RESIDENT.number, RESIDENT.name)
    assert len(card.photo) == length


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (SocialSecurityCard(FIRST, "3.00"), "social_security_3_needs_other_document"),
        (SocialSecurityCard(FIRST, "2.00", locked=True), "social_security_3_needs_other_document"),
        (PlainResidentId(), "resident_id_needs_sam_reader"),
        (UnknownCard(), "card_kind_unknown"),
    ],
    ids=["social security 3.0", "a holder's file that is locked", "no SAM in the reader", "a card of a shop"],
)
@pytest.mark.usefixtures("attended")
async def test_a_card_that_cannot_be_read_says_why(
    slot: SmartCardSlot, receiver: Receiver, card: VirtualCard, reason: str
) -> None:
    slot.insert(card)
    assert (await receiver.next_of(CardUnreadable)).reason == reason


@pytest.mark.usefixtures("attended")
async def test_the_reader_says_what_it_is(receiver: Receiver) -> None:
    described = receiver.all_of(DeviceDescribed)
    assert [(one.identity, one.model) for one in described] == [(READERS[0], READERS[0])]


@pytest.mark.usefixtures("attended")
async def test_a_card_that_stays_is_read_once_and_every_card_after_it_is_read(
    pcscd: PrivatePcscd, slot: SmartCardSlot, receiver: Receiver
) -> None:
    staying = SocialSecurityCard(FIRST)
    slot.insert(staying)
    await read_of(receiver, FIRST.number)
    asked = len(staying.heard)
    await swap(pcscd, slot, SocialSecurityCard(SECOND))
    await read_of(receiver, SECOND.number)
    await swap(pcscd, slot, SocialSecurityCard(SECOND))
    await read_of(receiver, SECOND.number)
    assert len(staying.heard) == asked
    assert [event.card.number for event in receiver.all_of(CardRead)] == [FIRST.number, SECOND.number, SECOND.number]


@pytest.mark.usefixtures("attended")
async def test_a_card_that_lies_there_already_is_read_and_one_that_is_gone_is_not(
    slot: SmartCardSlot, receiver: Receiver, attended: Supervisor
) -> None:
    await attended.remove(spec_of().device_id)
    slot.insert(SocialSecurityCard(FIRST))
    attended.add(spec_of())
    await read_of(receiver, FIRST.number)


@pytest.mark.parametrize("fault", [Fault.UNPLUG, Fault.PULL_OUT])
@pytest.mark.parametrize("command", ["00A404", "00B2"], ids=["while it is recognised", "in the middle of its reading"])
@pytest.mark.usefixtures("attended")
async def test_a_card_pulled_in_the_middle_of_an_answer_is_told_and_the_next_is_read(
    pcscd: PrivatePcscd, slot: SmartCardSlot, receiver: Receiver, command: str, fault: Fault
) -> None:
    slot.break_next(fault, command)
    slot.insert(SocialSecurityCard(FIRST))
    assert (await receiver.next_of(CardUnreadable)).reason == "card_pulled"
    await swap(pcscd, slot, SocialSecurityCard(SECOND))
    await read_of(receiver, SECOND.number)
    assert receiver.all_of(CardRead)[0].card.number == SECOND.number


@pytest.mark.usefixtures("attended")
async def test_a_card_pulled_between_two_answers_is_told_and_the_next_is_read(
    pcscd: PrivatePcscd, slot: SmartCardSlot, receiver: Receiver
) -> None:
    class Slippery(SocialSecurityCard):
        def obey(self, apdu: bytes) -> bytes:
            said = super().obey(apdu)
            if apdu[:2] == b"\x00\xb2":
                slot.pull()
            return said

    slot.insert(Slippery(FIRST))
    assert (await receiver.next_of(CardUnreadable)).reason == "card_pulled"
    await swap(pcscd, slot, SocialSecurityCard(SECOND))
    await read_of(receiver, SECOND.number)


@pytest.mark.usefixtures("attended")
async def test_a_card_that_comes_one_byte_at_a_time_is_read(pcscd: PrivatePcscd, receiver: Receiver) -> None:
    slot = SmartCardSlot(pcscd.slot(0), one_byte_at_a_time=True)
    slot.insert(ResidentIdPages(RESIDENT))
    try:
        await read_of(receiver, RESIDENT.number)
    finally:
        slot.pull()


@pytest.mark.usefixtures("attended")
async def test_half_an_answer_spoils_one_reading(pcscd: PrivatePcscd, slot: SmartCardSlot, receiver: Receiver) -> None:
    slot.break_next(Fault.HALVE, "00C0")
    slot.insert(SocialSecurityCard(FIRST))
    assert (await receiver.next_of(CardUnreadable)).reason == "card_kind_unknown"
    await swap(pcscd, slot, SocialSecurityCard(FIRST))
    await read_of(receiver, FIRST.number)


@pytest.mark.usefixtures("attended")
async def test_half_a_record_is_asked_for_again(slot: SmartCardSlot, receiver: Receiver) -> None:
    slot.break_next(Fault.HALVE, "00C0000014")
    slot.insert(SocialSecurityCard(FIRST))
    await read_of(receiver, FIRST.number)


@pytest.mark.usefixtures("attended")
async def test_a_slow_answer_is_waited_for(slot: SmartCardSlot, receiver: Receiver) -> None:
    slot.break_next(Fault.DELAY, "00B2")
    slot.insert(SocialSecurityCard(FIRST))
    await read_of(receiver, FIRST.number)


async def test_two_readers_share_the_thread_and_each_says_what_is_its_own(
    pcscd: PrivatePcscd, slots: list[SmartCardSlot], receiver: Receiver
) -> None:
    async with Supervisor([spec_of(0), spec_of(1)], receiver.deliver) as supervisor:
        for _ in range(2):
            await receiver.next_state(DeviceState.ONLINE)
        slots[1].insert(SocialSecurityCard(SECOND))
        assert (await read_of(receiver, SECOND.number)).device_id == spec_of(1).device_id
        slots[0].insert(SocialSecurityCard(FIRST))
        assert (await read_of(receiver, FIRST.number)).device_id == spec_of(0).device_id
        assert len(pcsc_threads()) == 1
        await supervisor.remove(spec_of(0).device_id)
        slots[1].pull()
        await pcscd.sees_no_card(READERS[1])
        slots[1].insert(SocialSecurityCard(FIRST))
        assert (await read_of(receiver, FIRST.number)).device_id == spec_of(1).device_id
    assert pcsc_threads() == []


async def test_a_name_cut_short_takes_every_reader_that_begins_so(
    slots: list[SmartCardSlot], receiver: Receiver
) -> None:
    spec = DeviceSpec("any", "smart_card_reader", "pcsc://clinic%20virtual")
    async with Supervisor([spec], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        slots[1].insert(SocialSecurityCard(SECOND))
        await read_of(receiver, SECOND.number)
        slots[0].insert(SocialSecurityCard(FIRST))
        await read_of(receiver, FIRST.number)


@pytest.mark.usefixtures("pcscd")
async def test_a_reader_has_one_owner() -> None:
    async with await open_card_link(pcsc_url(READERS[0])) as link:
        assert link.reader == READERS[0]
        with pytest.raises(LinkUnavailable, match="port_taken"):
            await open_card_link(pcsc_url(READERS[0]))
        async with await open_card_link("pcsc://") as other:
            assert other.reader == READERS[1]
    async with await open_card_link("pcsc://") as both:
        assert both.reader == ", ".join(READERS)


@pytest.mark.usefixtures("pcscd")
async def test_a_reader_nobody_plugged_in_is_told() -> None:
    with pytest.raises(LinkUnavailable, match="no_such_reader"):
        await open_card_link("pcsc://ACS%20ACR39U")
    assert pcsc_threads() == []


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_service_that_dies_and_comes_back_needs_no_restart(
    pcscd: PrivatePcscd, slot: SmartCardSlot, receiver: Receiver, attended: Supervisor, how: str
) -> None:
    slot.insert(SocialSecurityCard(FIRST))
    await read_of(receiver, FIRST.number)
    await (pcscd.kill() if how == "kill" else pcscd.stop())
    offline = await receiver.next_state(DeviceState.OFFLINE)
    assert offline.detail == "link_lost: pcsc_service_down"
    await eventually(
        lambda: attended.states()[0].detail == "link_unavailable: pcsc_service_down", "it was tried in vain"
    )
    await pcscd.start()
    await receiver.next_state(DeviceState.ONLINE)
    await swap(pcscd, slot, SocialSecurityCard(SECOND))
    await read_of(receiver, SECOND.number)


async def test_a_service_killed_in_the_middle_of_a_reading_costs_that_reading(
    pcscd: PrivatePcscd, slot: SmartCardSlot, receiver: Receiver, attended: Supervisor
) -> None:
    slot.break_next(Fault.DROP, "00B2")
    card = SocialSecurityCard(FIRST)
    slot.insert(card)
    await eventually(lambda: any(apdu[:2] == b"\x00\xb2" for apdu in card.heard), "it is being read")
    await pcscd.kill()
    await receiver.next_state(DeviceState.OFFLINE)
    await pcscd.start()
    attended.retry_now(spec_of().device_id)
    await receiver.next_state(DeviceState.ONLINE)
    await swap(pcscd, slot, SocialSecurityCard(SECOND))
    await read_of(receiver, SECOND.number)


async def test_a_service_that_starts_after_us_is_found(pcscd: PrivatePcscd, receiver: Receiver) -> None:
    await pcscd.stop()
    async with Supervisor([spec_of()], receiver.deliver):
        offline = await receiver.next_state(DeviceState.OFFLINE)
        assert offline.detail == "link_unavailable: pcsc_service_down"
        await pcscd.start()
        await receiver.next_state(DeviceState.ONLINE)


async def test_a_reader_that_appears_later_is_found(pcscd: PrivatePcscd, receiver: Receiver) -> None:
    await pcscd.start(with_readers=False)
    async with Supervisor([spec_of()], receiver.deliver):
        offline = await receiver.next_state(DeviceState.OFFLINE)
        assert offline.detail == "link_unavailable: no_such_reader"
        await pcscd.start()
        await receiver.next_state(DeviceState.ONLINE)


async def test_a_card_that_never_answers_gives_the_reader_up_until_it_is_pulled(
    pcscd: PrivatePcscd, slot: SmartCardSlot, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call hangs inside the driver, where nothing can wake it: no second thread may follow it there."""
    monkeypatch.setattr(link_module, "ANSWER_S", 0.3)
    async with Supervisor([spec_of()], receiver.deliver) as supervisor:
        await receiver.next_state(DeviceState.ONLINE)
        slot.break_next(Fault.DROP, "00B2")
        slot.insert(SocialSecurityCard(FIRST))
        assert (await receiver.next_of(CardUnreadable)).reason == "no_answer"
        assert (await receiver.next_state(DeviceState.OFFLINE)).detail == "link_lost: reader_hangs"
        refused = await receiver.next_of(DeviceStateChanged, lambda event: "unavailable" in event.detail)
        assert refused.detail == "link_unavailable: reader_hangs"
        assert len(pcsc_threads()) == 1
        slot.pull()
        await eventually(lambda: not pcsc_threads(), "the thread comes out")
        supervisor.retry_now(spec_of().device_id)
        await receiver.next_state(DeviceState.ONLINE)
        await swap(pcscd, slot, SocialSecurityCard(SECOND))
        await read_of(receiver, SECOND.number)


async def test_a_card_is_let_go_when_its_reading_is_cancelled(slot: SmartCardSlot) -> None:
    card = SocialSecurityCard(FIRST)
    slot.insert(card)
    async with await open_card_link(pcsc_url(READERS[0])) as link:
        inserted = await link.next_card()
        async with inserted:
            assert (await inserted.transmit(bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")))[0] == 0x61
        with pytest.raises(CardUnusable, match="card_pulled"):
            await inserted.transmit(bytes.fromhex("00C0000007"))
    assert pcsc_threads() == []


def test_the_same_holds_on_the_event_loop_the_server_uses(slot: SmartCardSlot) -> None:
    async def insert_twice() -> None:
        receiver = Receiver()
        async with Supervisor([spec_of()], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            slot.insert(SocialSecurityCard(FIRST))
            await read_of(receiver, FIRST.number)
            slot.insert(SocialSecurityCard(SECOND))
            await read_of(receiver, SECOND.number)

    uvloop.run(insert_twice())
    assert pcsc_threads() == []


async def test_readers_are_found_by_their_names(pcscd: PrivatePcscd) -> None:
    found = await finding.find()
    assert [(one.kind, one.label, one.identity) for one in found] == [
        ("smart_card_reader", name, name) for name in READERS
    ]
    async with await open_card_link(found[1].url) as link:
        assert link.reader == READERS[1]
    await pcscd.stop()
    assert await finding.find() == []
