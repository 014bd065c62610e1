"""A reader of travel documents: whole documents, or a word that one was not whole."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from devices.adapter import DeviceSpec
from devices.errors import SpecRefused
from devices.events import CardRead, CardUnreadable, DeviceState, DocumentKind
from devices.registry import adapter_for
from devices.supervisor import Supervisor
from firmware_stubs.faults import Fault
from firmware_stubs.plugs import MemoryPlug, Plug, PtyPlug
from firmware_stubs.travel_document.documents import (
    SyntheticDocument,
    synthetic_passport,
    synthetic_permit,
    synthetic_taiwan_permit,
)
from firmware_stubs.travel_document.stub import TravelDocumentReaderStub
from tests.devices.parts import Lossy, OneByteAtATime, Receiver

names = itertools.count()
FIRST, SECOND = synthetic_passport(1), synthetic_passport(2)


def memory() -> Plug:
    return MemoryPlug(f"travel-{next(names)}")


def spec_of(plug: Plug, **options: str) -> DeviceSpec:
    return DeviceSpec("desk-1-passports", "travel_document_reader", plug.url, options=options)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (synthetic_passport(1), DocumentKind.PASSPORT),
        (synthetic_permit(1), DocumentKind.HK_MACAU_TRAVEL_PERMIT),
        (synthetic_taiwan_permit(1), DocumentKind.TAIWAN_TRAVEL_PERMIT),
        (SyntheticDocument(form=2, code="I"), DocumentKind.OTHER_TRAVEL_DOCUMENT),
    ],
)
@pytest.mark.parametrize("is_joined", [True, False], ids=["joined", "line_by_line"])
@pytest.mark.parametrize("end", [b"\r", b"\t", b""], ids=["cr", "tab", "silence"])
async def test_every_document_is_read_whatever_ends_its_lines(
    document: SyntheticDocument, kind: DocumentKind, is_joined: bool, end: bytes, receiver: Receiver
) -> None:
    is_joined = is_joined or not end  # without an end and without a pause, lines are one line
    with memory() as plug:
        reader = TravelDocumentReaderStub(plug, end=end, is_joined=is_joined)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            reader.show(document)
            card = (await receiver.next_of(CardRead)).card
    assert (card.document_kind, card.number, card.issuing_country) == (kind, document.number, document.issuer)


async def test_lines_that_silence_ends_are_gathered(receiver: Receiver) -> None:
    with memory() as plug:
        async with Supervisor([spec_of(plug, silence_ms="20")], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            for line in FIRST.lines():
                plug.send(line.encode())
                await asyncio.sleep(0.2)  # the pause is what ends the line
            assert (await receiver.next_of(CardRead)).card.number == FIRST.number


async def test_the_same_document_five_times_in_a_second_is_told_five_times(receiver: Receiver) -> None:
    with memory() as plug:
        reader = TravelDocumentReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            for _ in range(5):
                reader.show(FIRST)
            for _ in range(5):
                assert (await receiver.next_of(CardRead)).card.number == FIRST.number
    assert receiver.all_of(CardUnreadable) == []


@pytest.mark.parametrize("make", [memory, lambda: OneByteAtATime(memory()), PtyPlug], ids=["memory", "bytes", "pty"])
@pytest.mark.parametrize("fault", Fault)
async def test_whatever_befalls_a_document_it_is_read_when_it_is_shown_again(
    make: Callable[[], Plug], fault: Fault, receiver: Receiver
) -> None:
    with make() as plug:
        reader = TravelDocumentReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            plug.spoil_next(fault)
            reader.show(FIRST)
            if fault is Fault.DELAY:
                assert (await receiver.next_of(CardRead)).card.number == FIRST.number
            if fault in {Fault.UNPLUG, Fault.PULL_OUT}:
                await receiver.next_state(DeviceState.OFFLINE)
                plug.plug_in()
                await receiver.next_state(DeviceState.ONLINE)
            reader.show(SECOND)
            card = (await receiver.next_of(CardRead)).card
    assert (card.number, card.latin_name) == (SECOND.number, f"{SECOND.family_name}, {SECOND.given_names}")


async def test_half_a_document_is_told_and_not_joined_with_the_next(receiver: Receiver) -> None:
    with memory() as plug:
        reader = TravelDocumentReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            reader.show_lines(FIRST.lines()[:1])
            reader.show(SECOND)
            assert (await receiver.next_of(CardUnreadable)).reason == "mrz_incomplete"
            assert (await receiver.next_of(CardRead)).card.number == SECOND.number


async def test_half_a_document_is_told_after_a_while_when_nothing_follows(receiver: Receiver) -> None:
    with memory() as plug:
        reader = TravelDocumentReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            reader.show_lines(FIRST.lines()[:1])
            assert (await receiver.next_of(CardUnreadable)).reason == "mrz_incomplete"
            reader.show_lines(FIRST.lines()[1:])
            assert (await receiver.next_of(CardUnreadable)).reason == "mrz_incomplete"
    assert receiver.all_of(CardRead) == []


async def test_a_line_that_loses_characters_gives_no_wrong_document(receiver: Receiver) -> None:
    """Names have no check digit, but a line that lost a character has the wrong length and is none."""
    with Lossy(memory()) as plug:
        reader = TravelDocumentReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            for seed in range(20):
                reader.show(synthetic_passport(seed))
            await receiver.next_of(CardRead, lambda event: event.card.number == synthetic_passport(19).number)
    known = {(one.number, f"{one.family_name}, {one.given_names}") for one in map(synthetic_passport, range(20))}
    told = [(event.card.number, event.card.latin_name) for event in receiver.all_of(CardRead)]
    assert 10 < len(told) < 20
    assert set(told) <= known


async def test_no_representation_of_a_document_shows_a_person(receiver: Receiver) -> None:
    with memory() as plug:
        reader = TravelDocumentReaderStub(plug)
        async with Supervisor([spec_of(plug)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            reader.show(FIRST)
            shown = repr(await receiver.next_of(CardRead))
    assert not any(text in shown for text in (FIRST.number, FIRST.family_name, FIRST.born, "UTO"))


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(SpecRefused, match="unknown option of a travel_document_reader: baud"):
        adapter_for(DeviceSpec("d", "travel_document_reader", "memory://x", options={"baud": "1"}))
