"""A slip comes out of the printer once, or it is told why not; whoever ordered it never waits."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from devices.adapter import DeviceSpec
from devices.events import DeviceState, DeviceStateChanged, SlipFailed, SlipPrinted
from devices.supervisor import Supervisor
from devices.words import Align, Pair, PrintSlip, Qr, Rule, Size, Slip, Text, Verdict
from firmware_stubs.plugs import MemoryPlug, Plug, PtyPlug, TcpPlug
from firmware_stubs.receipt_printer.stub import Printout, ReceiptPrinterStub
from tests.devices.parts import Receiver, eventually

names = itertools.count()
PRINTER = "hall-printer"


def a_plug() -> MemoryPlug:
    return MemoryPlug(f"printer-{next(names)}")


def spec_of(printer: ReceiptPrinterStub, **options: str) -> DeviceSpec:
    return DeviceSpec(PRINTER, "receipt_printer", printer.plug.url, options=options)


def ticket(number: str) -> PrintSlip:
    return PrintSlip(number, Slip((Text(number, Size.HUGE, Align.CENTER), Text("请等候叫号"))))


OBSERVATION = PrintSlip(
    "observation-1",
    Slip(
        (
            Text("留观时间条", Size.TALL, Align.CENTER),
            Pair("排队号", "A012"),
            Pair("姓名", "王*明"),
            Pair("疫苗", "流感疫苗 第1剂"),
            Pair("接种时间", "09:12"),
            Rule(),
            Text("09:42", Size.LARGE, Align.CENTER),
            Text("此前请勿离开。如有不适请告知工作人员。"),
            Qr("0195f0c0"),
        )
    ),
)
OBSERVATION_ON_58_MM = [
    "留观时间条",
    "排队号                      A012",
    "姓名                       王*明",
    "疫苗              流感疫苗 第1剂",
    "接种时间                   09:12",
    "--------------------------------",
    "09:42",
    "此前请勿离开。如有不适请告知工作",
    "人员。",
    "",
]


@pytest.mark.parametrize("make_plug", [a_plug, PtyPlug, TcpPlug], ids=["memory", "pty", "tcp"])
async def test_an_observation_slip_comes_out_as_it_was_composed(
    make_plug: Callable[[], Plug], receiver: Receiver
) -> None:
    printer = ReceiptPrinterStub(make_plug())
    with printer.plug:
        async with Supervisor([spec_of(printer)], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert await supervisor.tell(PRINTER, OBSERVATION)
            assert await receiver.next_of(SlipPrinted) == SlipPrinted(PRINTER, "observation-1", is_confirmed=True)
    sizes = [0x01, 0, 0, 0, 0, 0, 0x11, 0]
    assert printer.printouts == [Printout(OBSERVATION_ON_58_MM, ["0195f0c0"], sizes)]


async def test_slips_for_a_printer_that_is_away_wait_and_come_out_in_order(receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    async with Supervisor([spec_of(printer)], receiver.deliver) as supervisor:
        await receiver.next_state(DeviceState.OFFLINE)
        for number in ("A001", "A002", "A003"):
            assert await supervisor.tell(PRINTER, ticket(number))
        with printer.plug:
            supervisor.retry_now(PRINTER)
            printed = [(await receiver.next_of(SlipPrinted)).job_id for _ in range(3)]
    assert printed == ["A001", "A002", "A003"]
    assert [printout.lines[0] for printout in printer.printouts] == printed


async def test_a_slip_that_waited_too_long_is_told_and_never_printed(receiver: Receiver) -> None:
    now_s = 0.0
    printer = ReceiptPrinterStub(a_plug())
    supervisor = Supervisor([spec_of(printer, keep_s="60")], receiver.deliver, monotonic=lambda: now_s)
    async with supervisor:
        await receiver.next_state(DeviceState.OFFLINE)
        assert await supervisor.tell(PRINTER, ticket("A001"))
        now_s = 30.0
        assert await supervisor.tell(PRINTER, ticket("A002"))
        now_s = 61.0
        supervisor.retry_now(PRINTER)
        assert await receiver.next_of(SlipFailed) == SlipFailed(PRINTER, "A001", "too_old")
        with printer.plug:
            supervisor.retry_now(PRINTER)
            assert (await receiver.next_of(SlipPrinted)).job_id == "A002"
    assert len(printer.printouts) == 1


async def test_at_most_a_hundred_slips_wait_and_the_next_is_refused_at_once(receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    async with Supervisor([spec_of(printer)], receiver.deliver) as supervisor:
        await receiver.next_state(DeviceState.OFFLINE)
        taken = [await supervisor.tell(PRINTER, ticket(str(number))) for number in range(101)]
    assert taken == [True] * 100 + [False]


@pytest.mark.parametrize(("fault", "word"), [("is_paper_out", "paper_out"), ("is_cover_open", "cover_open")])
async def test_a_stopped_printer_says_why_and_prints_once_it_is_seen_to(
    fault: str, word: str, receiver: Receiver
) -> None:
    printer = ReceiptPrinterStub(a_plug())
    setattr(printer, fault, True)
    with printer.plug:
        async with Supervisor([spec_of(printer)], receiver.deliver) as supervisor:
            assert (await receiver.next_state(DeviceState.ONLINE)).detail == word
            assert await supervisor.tell(PRINTER, ticket("A001"))
            setattr(printer, fault, False)
            assert (await receiver.next_state(DeviceState.ONLINE)).detail == ""
            assert (await receiver.next_of(SlipPrinted)).job_id == "A001"
    assert len(printer.printouts) == 1


async def test_paper_that_ends_within_a_slip_is_noticed_and_the_slip_goes_on_on_the_new_roll(
    receiver: Receiver,
) -> None:
    printer = ReceiptPrinterStub(a_plug())
    printer.lines_left = 1
    with printer.plug:
        async with Supervisor([spec_of(printer, patience_s="1")], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert await supervisor.tell(PRINTER, ticket("A001"))
            assert (await receiver.next_state(DeviceState.ONLINE)).detail == "paper_out"
            await asyncio.sleep(1.5)  # a new roll takes longer than the printer's patience, on purpose
            printer.load_paper()
            assert (await receiver.next_of(SlipPrinted)).job_id == "A001"
    assert receiver.all_of(SlipFailed) == []
    assert [printout.lines for printout in printer.printouts] == [["A001", "请等候叫号"]]


async def test_a_slow_printer_is_asked_how_it_is_while_it_prints_and_confirms_in_the_end(receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    printer.seconds_per_line = 0.15
    with printer.plug:
        async with Supervisor([spec_of(printer, patience_s="3")], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert await supervisor.tell(PRINTER, OBSERVATION)
            assert (await receiver.next_of(SlipPrinted)).is_confirmed
    assert [event.state for event in receiver.all_of(DeviceStateChanged)].count(DeviceState.OFFLINE) == 0
    assert [printout.lines for printout in printer.printouts] == [OBSERVATION_ON_58_MM]


async def test_a_slip_cut_short_by_unplugging_is_told_as_unconfirmed_and_not_printed_again(receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    printer.lines_left = 1
    with printer.plug:
        async with Supervisor([spec_of(printer)], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert await supervisor.tell(PRINTER, ticket("A001"))
            assert await supervisor.tell(PRINTER, ticket("A002"))
            await eventually(lambda: printer.is_paper_out, "the slip is half printed")
            printer.plug.unplug(abrupt=True)
            assert await receiver.next_of(SlipFailed) == SlipFailed(PRINTER, "A001", "unconfirmed")
            printer.load_paper()
            printer.plug.plug_in()
            supervisor.retry_now(PRINTER)
            assert (await receiver.next_of(SlipPrinted)).job_id == "A002"
    assert [event.job_id for event in receiver.all_of(SlipPrinted)] == ["A002"]


async def test_a_printer_that_does_not_answer_is_offline_and_keeps_its_slips(receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    printer.is_silent = True
    with printer.plug:
        async with Supervisor([spec_of(printer)], receiver.deliver) as supervisor:
            assert await supervisor_takes(supervisor, receiver)
            assert (await receiver.next_state(DeviceState.OFFLINE)).detail == "no_answer"
            printer.is_silent = False
            supervisor.retry_now(PRINTER)
            assert (await receiver.next_of(SlipPrinted)).job_id == "A001"
    assert receiver.all_of(SlipFailed) == []


async def supervisor_takes(supervisor: Supervisor, receiver: Receiver) -> bool:
    """Order a slip as soon as the printer is known, connected or not."""
    await receiver.next_of(DeviceStateChanged)
    return await supervisor.tell(PRINTER, ticket("A001"))


async def test_a_printer_known_never_to_answer_is_believed_without_confirmation(receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    printer.is_silent = True
    with printer.plug:
        async with Supervisor([spec_of(printer, answers="no")], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert await supervisor.tell(PRINTER, ticket("A001"))
            assert await receiver.next_of(SlipPrinted) == SlipPrinted(PRINTER, "A001", is_confirmed=False)
    assert len(printer.printouts) == 1


async def test_a_printer_that_tells_no_progress_leaves_its_slips_unconfirmed_and_goes_on(receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    printer.tells_progress = False
    with printer.plug:
        async with Supervisor([spec_of(printer, patience_s="1")], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert await supervisor.tell(PRINTER, ticket("A001"))
            assert await receiver.next_of(SlipFailed) == SlipFailed(PRINTER, "A001", "unconfirmed")
            printer.tells_progress = True
            assert await supervisor.tell(PRINTER, ticket("A002"))
            assert (await receiver.next_of(SlipPrinted)).job_id == "A002"


async def test_noise_on_the_line_confirms_nothing(receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    with printer.plug:
        async with Supervisor([spec_of(printer, patience_s="1")], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            printer.lines_left = 1
            printer.plug.send(bytes(range(256)))
            assert await supervisor.tell(PRINTER, ticket("A001"))
            assert (await receiver.next_state(DeviceState.ONLINE)).detail == "paper_out"
            assert receiver.all_of(SlipPrinted) == []


async def test_a_printer_has_no_use_for_a_verdict(receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    with printer.plug:
        async with Supervisor([spec_of(printer)], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert not await supervisor.tell(PRINTER, Verdict.GOOD)
            with pytest.raises(KeyError):
                await supervisor.tell("nobody", Verdict.GOOD)


@pytest.mark.parametrize(
    "options",
    [{"columns": "42"}, {"qr": "perhaps"}, {"keep_s": "0"}, {"paper": "58"}, {"prints": "tickets"}, {"glyphs": "big5"}],
)
async def test_a_misspelt_option_is_refused_with_a_sentence(options: dict[str, str], receiver: Receiver) -> None:
    printer = ReceiptPrinterStub(a_plug())
    async with Supervisor([spec_of(printer, **options)], receiver.deliver) as supervisor:
        assert "spec_refused" in (await receiver.next_state(DeviceState.OFFLINE)).detail
        assert not await supervisor.tell(PRINTER, ticket("A001"))
