"""The reader's own rules: one laying, one card, never two persons mixed."""

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from devices.adapter import DeviceSpec
from devices.errors import SpecRefused
from devices.events import CardRead, CardUnreadable, DeviceState, DocumentKind
from devices.registry import adapter_for
from devices.supervisor import Supervisor
from firmware_stubs.faults import Fault
from firmware_stubs.id_card_reader.cards import SyntheticCard, synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import MemoryPlug, PtyPlug
from tests.devices.parts import Lossy, Receiver, eventually

names = itertools.count()
FIRST, SECOND = synthetic_resident(1), synthetic_resident(2)
SAM_ID = "05.01-20201231-0000001234-0000004321"


def a_plug() -> MemoryPlug:
    return MemoryPlug(f"reader-{next(names)}")


def spec_of(reader: IdCardReaderStub, **options: str) -> DeviceSpec:
    return DeviceSpec("desk-1-reader", "id_card_reader", reader.plug.url, options=options)


@pytest.fixture(name="reader")
def _reader() -> Iterator[IdCardReaderStub]:
    reader = IdCardReaderStub(a_plug())
    with reader.plug:
        yield reader


@pytest.fixture(name="attended")
async def _attended(reader: IdCardReaderStub, receiver: Receiver) -> AsyncIterator[Supervisor]:
    async with Supervisor([spec_of(reader)], receiver.deliver) as supervisor:
        await receiver.next_state(DeviceState.ONLINE)
        yield supervisor


@pytest.mark.usefixtures("attended")
async def test_a_resident_card_is_read_with_every_field(reader: IdCardReaderStub, receiver: Receiver) -> None:
    reader.lay(FIRST)
    card = (await receiver.next_of(CardRead)).card
    assert (card.document_kind, card.name, card.number) == (DocumentKind.RESIDENT_ID, FIRST.name, FIRST.number)
    assert (card.address, card.issuer, card.sex) == (FIRST.address, FIRST.issuer, FIRST.sex)
    assert f"{card.born_on:%Y%m%d}" == FIRST.born


@pytest.mark.parametrize(
    ("card", "kind"),
    [
        (
            SyntheticCard(kind="J", name="演示", number="810000199408230021", travel_permit_number="H00000000"),
            DocumentKind.HK_MACAU_TAIWAN_RESIDENCE_PERMIT,
        ),
        (
            SyntheticCard(kind="Y", latin_name="DEMO, PERSON " + "X" * 30, number="911124198108030024"),
            DocumentKind.FOREIGN_PERMANENT_RESIDENT_2023,
        ),
        (
            SyntheticCard(kind="I", latin_name="DEMO, PERSON", number="CAN110081080310", nationality="CAN"),
            DocumentKind.FOREIGN_PERMANENT_RESIDENT_2017,
        ),
    ],
)
@pytest.mark.usefixtures("attended")
async def test_every_kind_of_card_is_read(
    reader: IdCardReaderStub, receiver: Receiver, card: SyntheticCard, kind: DocumentKind
) -> None:
    reader.lay(card)
    read = (await receiver.next_of(CardRead)).card
    assert (read.document_kind, read.number, read.latin_name) == (kind, card.number, card.latin_name)


@pytest.mark.parametrize("protects", [True, False], ids=["finds_once", "finds_at_every_poll"])
async def test_a_card_that_stays_is_told_once_and_the_next_card_is_told(protects: bool, receiver: Receiver) -> None:
    reader = IdCardReaderStub(a_plug(), protects_read_cards=protects)
    with reader.plug:
        async with Supervisor([spec_of(reader)], receiver.deliver):
            reader.lay(FIRST)
            await receiver.next_of(CardRead)
            polls = reader.finds_answered
            await eventually(lambda: reader.finds_answered >= polls + 3, "three more polls")
            reader.lay(SECOND)
            await receiver.next_of(CardRead)
    assert [event.card.number for event in receiver.all_of(CardRead)] == [FIRST.number, SECOND.number]
    assert receiver.all_of(CardUnreadable) == []


@pytest.mark.usefixtures("attended")
async def test_the_same_person_laying_the_card_again_is_told_again(
    reader: IdCardReaderStub, receiver: Receiver
) -> None:
    reader.lay(FIRST)
    await receiver.next_of(CardRead)
    reader.take_off()
    polls = reader.finds_answered
    await eventually(lambda: reader.finds_answered >= polls + 4, "the reader was empty for a second")
    reader.lay(FIRST)
    assert (await receiver.next_of(CardRead)).card.number == FIRST.number


@pytest.mark.parametrize("command", ["2001", "2002", "3001", "3003"])
@pytest.mark.parametrize("fault", Fault)
async def test_whatever_befalls_whichever_answer_the_card_is_told_in_the_end(
    fault: Fault, command: str, receiver: Receiver
) -> None:
    reader = IdCardReaderStub(PtyPlug())
    with reader.plug:
        async with Supervisor([spec_of(reader)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            reader.break_next(fault, command)
            reader.lay(FIRST)
            if fault in {Fault.UNPLUG, Fault.PULL_OUT}:
                await receiver.next_state(DeviceState.OFFLINE)
                reader.plug.plug_in()
                reader.lay(FIRST)
            card = (await receiver.next_of(CardRead)).card
    assert (card.number, card.name, card.address) == (FIRST.number, FIRST.name, FIRST.address)


@pytest.mark.parametrize("fault", [Fault.GARBLE, Fault.HALVE])
@pytest.mark.usefixtures("attended")
async def test_a_spoilt_answer_is_told_as_unreadable_and_read_at_the_next_poll(
    reader: IdCardReaderStub, receiver: Receiver, fault: Fault
) -> None:
    reader.break_next(fault)
    reader.lay(FIRST)
    assert (await receiver.next_of(CardUnreadable)).reason == "no_answer"
    assert (await receiver.next_of(CardRead)).card.number == FIRST.number


@pytest.mark.usefixtures("attended")
async def test_a_card_the_reader_cannot_read_is_told_with_the_readers_reason(
    reader: IdCardReaderStub, receiver: Receiver
) -> None:
    reader.refuse_next()
    reader.lay(FIRST)
    assert (await receiver.next_of(CardUnreadable)).reason == "read_failed"


@pytest.mark.usefixtures("attended")
async def test_half_an_answer_and_the_next_card_never_make_one_person(
    reader: IdCardReaderStub, receiver: Receiver
) -> None:
    reader.break_next(Fault.HALVE)
    reader.lay(FIRST)
    await receiver.next_of(CardUnreadable)
    reader.lay(SECOND)
    read = (await receiver.next_of(CardRead)).card
    assert (read.number, read.name, read.address) in {(c.number, c.name, c.address) for c in (FIRST, SECOND)}


@pytest.mark.usefixtures("attended")
async def test_a_late_answer_is_not_the_next_persons(reader: IdCardReaderStub, receiver: Receiver) -> None:
    """The first card's answer arrives whole, but after the host has given up and while the second card lies there."""
    reader.break_next(Fault.DROP)
    reader.lay(FIRST)
    await receiver.next_of(CardUnreadable)
    reader.lay(SECOND)
    reader.send_late_answer()
    finds = reader.finds_answered
    assert (await receiver.next_of(CardRead)).card.number == SECOND.number
    assert reader.finds_answered == finds + 1, "question and answer went out of step"


async def test_a_reader_that_failed_its_self_test_is_offline_with_its_reason(receiver: Receiver) -> None:
    reader = IdCardReaderStub(a_plug())
    reader.status = reader.resets_to = 0x60
    with reader.plug:
        async with Supervisor([spec_of(reader)], receiver.deliver):
            offline = await receiver.next_state(DeviceState.OFFLINE)
    assert offline.detail == "reader_refused: self_test_failed"


async def test_a_reader_that_failed_its_self_test_is_reset_once(reader: IdCardReaderStub, receiver: Receiver) -> None:
    reader.status = 0x60
    async with Supervisor([spec_of(reader)], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
    assert reader.asked["10FF"] == 1


async def test_a_reader_that_refuses_to_look_for_cards_is_offline_with_its_reason(
    reader: IdCardReaderStub, receiver: Receiver
) -> None:
    reader.unknown_commands = frozenset({"2001"})
    async with Supervisor([spec_of(reader)], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        assert (await receiver.next_state(DeviceState.OFFLINE)).detail == "reader_refused: command_wrong"
    assert reader.finds_answered == 3


async def test_being_online_names_the_reader(reader: IdCardReaderStub, receiver: Receiver) -> None:
    async with Supervisor([spec_of(reader)], receiver.deliver) as supervisor:
        online = await receiver.next_state(DeviceState.ONLINE)
        (status,) = supervisor.states()
    assert online.detail == status.described[""].identity == SAM_ID
    assert status.described[""].model == "SAM 05.01"


async def test_a_number_of_nothing_but_zeros_is_none(reader: IdCardReaderStub, receiver: Receiver) -> None:
    reader.sam_id = bytes(16)
    async with Supervisor([spec_of(reader)], receiver.deliver) as supervisor:
        assert (await receiver.next_state(DeviceState.ONLINE)).detail == ""
        assert supervisor.states()[0].described == {}


@pytest.mark.parametrize("wrong_answers", [2, 3])
async def test_a_reader_may_tell_its_number_wrongly_twice_after_power_up(
    reader: IdCardReaderStub, receiver: Receiver, wrong_answers: int
) -> None:
    for _ in range(wrong_answers):
        reader.refuse_next("12FF", 0x21)
    async with Supervisor([spec_of(reader)], receiver.deliver):
        online = await receiver.next_state(DeviceState.ONLINE)
    assert online.detail == (SAM_ID if wrong_answers < 3 else "")


@pytest.mark.parametrize(("wanted", "tells"), [("05.01-20201231-0000001234-0000009999", True), (SAM_ID, False)])
async def test_another_reader_on_the_port_is_refused_and_reads_nobodys_card(
    reader: IdCardReaderStub, receiver: Receiver, wanted: str, tells: bool
) -> None:
    reader.unknown_commands = frozenset() if tells else frozenset({"12FF"})
    reader.lay(FIRST)
    async with Supervisor([spec_of(reader, sam_id=wanted)], receiver.deliver):
        offline = await receiver.next_state(DeviceState.OFFLINE)
    assert offline.detail == ("other_device: sam_id_differs" if tells else "other_device: sam_id_unknown")
    assert reader.finds_answered == 0


async def test_the_reader_the_port_was_given_to_is_welcome(reader: IdCardReaderStub, receiver: Receiver) -> None:
    async with Supervisor([spec_of(reader, sam_id=SAM_ID)], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)


@pytest.mark.usefixtures("attended")
async def test_the_newest_address_takes_the_place_of_the_printed_one(
    reader: IdCardReaderStub, receiver: Receiver
) -> None:
    reader.newest_address = "演示省演示市新路2号"
    reader.lay(FIRST)
    assert (await receiver.next_of(CardRead)).card.address == "演示省演示市新路2号"


@pytest.mark.parametrize("how", ["empty", "unknown", "silent", "garbled"])
@pytest.mark.usefixtures("attended")
async def test_a_newest_address_that_does_not_come_never_costs_the_card(
    reader: IdCardReaderStub, receiver: Receiver, how: str
) -> None:
    if how == "unknown":
        reader.unknown_commands = frozenset({"3003"})
    elif how != "empty":
        reader.break_next(Fault.DROP if how == "silent" else Fault.GARBLE, "3003")
    reader.lay(FIRST)
    card = (await receiver.next_of(CardRead)).card
    assert (card.number, card.address) == (FIRST.number, FIRST.address)
    assert receiver.all_of(CardUnreadable) == []


@pytest.mark.usefixtures("attended")
async def test_a_reader_that_knows_no_newest_address_is_soon_not_asked_for_it(
    reader: IdCardReaderStub, receiver: Receiver
) -> None:
    reader.unknown_commands = frozenset({"3003"})
    for seed in range(1, 5):
        reader.lay(synthetic_resident(seed))
        await receiver.next_of(CardRead)
    assert reader.asked["3003"] == 2


@pytest.mark.parametrize("photo", ["keep", "drop", None])
async def test_the_photo_is_told_only_where_the_site_says_so(
    reader: IdCardReaderStub, receiver: Receiver, photo: str | None
) -> None:
    options = {} if photo is None else {"photo": photo}
    async with Supervisor([spec_of(reader, **options)], receiver.deliver):
        reader.lay(FIRST)
        card = (await receiver.next_of(CardRead)).card
    assert len(card.photo) == (1024 if photo == "keep" else 0)


@pytest.mark.usefixtures("attended")
async def test_cards_swapped_within_200_ms_are_two_people_and_never_a_mixture(
    reader: IdCardReaderStub, receiver: Receiver
) -> None:
    """The second card comes between the reading's questions: the first is not read, or it is read whole."""
    reader.lay(FIRST)
    await eventually(lambda: reader.asked["2002"], "the first card is selected")
    reader.lay(SECOND)
    told = await receiver.next_of(CardRead, lambda event: event.card.number == SECOND.number)
    assert (told.card.name, told.card.address) == (SECOND.name, SECOND.address)
    assert {event.card.number for event in receiver.all_of(CardRead)} <= {FIRST.number, SECOND.number}


@pytest.mark.usefixtures("attended")
async def test_one_card_laid_five_times_in_a_row_is_told_once(reader: IdCardReaderStub, receiver: Receiver) -> None:
    for _ in range(5):
        reads = reader.asked["3001"]
        reader.lay(FIRST)
        await eventually(lambda reads=reads: reader.asked["3001"] > reads, "the card is read again")
    polls = reader.finds_answered
    await eventually(lambda: reader.finds_answered > polls, "the last reading is over")
    assert [event.card.number for event in receiver.all_of(CardRead)] == [FIRST.number]


@pytest.mark.parametrize("envelope", ["handheld", "pass_through"])
async def test_a_makers_envelope_is_spoken(receiver: Receiver, envelope: str) -> None:
    reader = IdCardReaderStub(a_plug(), envelope=envelope)
    with reader.plug:
        async with Supervisor([spec_of(reader, envelope=envelope, rf_frame_bytes="80")], receiver.deliver):
            reader.lay(FIRST)
            assert (await receiver.next_of(CardRead)).card.number == FIRST.number
    assert reader.asked["61FF"] == 1


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("tcp://127.0.0.1:4001?baud=auto", {}, "baud=auto is for serial lines"),
        ("serial:///dev/ttyUSB0?baud=9600", {"set_baud": "115200"}, "needs baud=auto"),
        ("serial:///dev/ttyUSB0?baud=fast", {}, "baud must be a whole number"),
        ("serial:///dev/ttyUSB0", {"photo": "yes"}, "option photo"),
        ("serial:///dev/ttyUSB0", {"fotos": "keep"}, "unknown option"),
    ],
)
def test_a_description_that_cannot_work_is_refused(url: str, options: dict[str, str], says: str) -> None:
    with pytest.raises(SpecRefused, match=says):
        adapter_for(DeviceSpec("desk-1-reader", "id_card_reader", url, options=options))


async def test_unplugging_in_the_middle_of_a_card_loses_the_card_and_nothing_else(receiver: Receiver) -> None:
    reader = IdCardReaderStub(PtyPlug())
    with reader.plug:
        async with Supervisor([spec_of(reader)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            reader.break_next(Fault.PULL_OUT)
            reader.lay(FIRST)
            await receiver.next_state(DeviceState.OFFLINE)
            reader.plug.plug_in()
            reader.lay(SECOND)
            assert (await receiver.next_of(CardRead)).card.number == SECOND.number


async def test_a_line_that_loses_bytes_gives_the_card_in_the_end(receiver: Receiver) -> None:
    reader = IdCardReaderStub(Lossy(a_plug()), protects_read_cards=False)
    with reader.plug:
        async with Supervisor([spec_of(reader)], receiver.deliver):
            reader.lay(FIRST)
            assert (await receiver.next_of(CardRead)).card.number == FIRST.number


@pytest.mark.usefixtures("attended")
async def test_no_representation_of_a_card_shows_a_person(reader: IdCardReaderStub, receiver: Receiver) -> None:
    reader.lay(FIRST)
    shown = repr(await receiver.next_of(CardRead))
    assert not any(text in shown for text in (FIRST.name, FIRST.number, FIRST.address, "date("))
