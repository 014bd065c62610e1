"""Simulated devices do what their buttons say, on the wire the real ones speak; every stub's command line alike."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devices.adapter import DeviceSpec
from devices.events import (
    BarcodeScanned,
    CardRead,
    CardUnreadable,
    DeviceEvent,
    DeviceState,
    PayloadRejected,
    ProbePresence,
    SlipPrinted,
    TemperatureMeasured,
)
from devices.supervisor import Supervisor
from devices.words import PrintSlip, Slip, Text
from firmware_stubs.faults import Fault
from firmware_stubs.simulated import PLUG_IN, SIMULATED, SimulatedDevice
from tests.devices.parts import Mosquitto, Receiver

ROOT = Path(__file__).parents[2]
MISHAPS = {str(fault) for fault in Fault} | {PLUG_IN}
SHOWN_BY: dict[str, dict[str, type[DeviceEvent]]] = {
    "barcode_scanner": {
        "scan_trace_code": BarcodeScanned,
        "scan_gs1_code": BarcodeScanned,
        "scan_booking": BarcodeScanned,
    },
    "fridge_probe": {"measure_4_c": TemperatureMeasured, "measure_minus_2_c": TemperatureMeasured},
    "id_card_reader": {"lay_card_1": CardRead, "lay_card_5": CardRead},
    "smart_card_reader": {"insert_social_security_card": CardRead, "insert_social_security_card_3": CardUnreadable},
    "travel_document_reader": {"show_passport": CardRead, "show_taiwan_permit": CardRead},
}


@contextmanager
def plugged_in(kind: str, url: str = "") -> Iterator[SimulatedDevice]:
    device = SIMULATED[kind](url or f"memory://simulated-{kind}-7")
    device.start()
    try:
        yield device
    finally:
        device.stop()


def spec_of(kind: str, device: SimulatedDevice) -> DeviceSpec:
    return DeviceSpec("device-1", kind, device.url, simulated=True)


@pytest.mark.parametrize("kind", SHOWN_BY)
async def test_a_deed_is_told_as_the_real_device_would_tell_it(kind: str, receiver: Receiver) -> None:
    with plugged_in(kind) as device:
        async with Supervisor([spec_of(kind, device)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            for deed, event in SHOWN_BY[kind].items():
                device.do(deed)
                await receiver.next_of(event)


async def test_a_measurement_is_the_temperature_its_word_says(receiver: Receiver) -> None:
    with plugged_in("fridge_probe") as device:
        async with Supervisor([spec_of("fridge_probe", device)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            for deed in ("measure_12_c", "measure_minus_2_c", "measure_nothing"):
                device.do(deed)
            told = [(await receiver.next_of(TemperatureMeasured)).sample.milli_celsius for _ in range(3)]
    assert told == [12_000, -2_000, None]


async def test_paper_that_is_out_holds_a_slip_until_more_is_loaded(receiver: Receiver) -> None:
    with plugged_in("receipt_printer") as device:
        device.do("paper_out")
        async with Supervisor([spec_of("receipt_printer", device)], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            await supervisor.tell("device-1", PrintSlip("1", Slip((Text("A001"),))))
            device.do("load_paper")
            assert (await receiver.next_of(SlipPrinted)).job_id == "1"


@pytest.mark.parametrize("kind", SIMULATED)
async def test_every_kind_can_suffer_every_fault_and_be_plugged_in_again(kind: str, receiver: Receiver) -> None:
    with plugged_in(kind) as device:
        assert set(device.deeds()) >= MISHAPS
        async with Supervisor([spec_of(kind, device)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            device.do("unplug")
            await receiver.next_state(DeviceState.OFFLINE)
            device.do(PLUG_IN)
            await receiver.next_state(DeviceState.ONLINE)


@pytest.mark.parametrize("kind", SIMULATED)
def test_a_device_may_be_started_and_stopped_twice(kind: str) -> None:
    with plugged_in(kind) as device:
        device.start()
        device.stop()
        device.stop()
        device.start()


@pytest.mark.parametrize("kind", SIMULATED)
def test_deeds_are_stable_words_and_no_other_word_is_one(kind: str) -> None:
    device = SIMULATED[kind](f"memory://simulated-{kind}-8")
    assert all(deed.replace("_", "").isalnum() and deed == deed.lower() for deed in device.deeds())
    with pytest.raises(KeyError):
        device.do("explode")


@pytest.mark.parametrize(("fault", "reason"), [("halve", "no_answer"), ("refuse_card", "read_failed")])
async def test_a_card_cut_short_or_refused_is_unreadable_and_a_pulled_cable_a_lost_line(
    fault: str, reason: str, receiver: Receiver
) -> None:
    with plugged_in("id_card_reader") as device:
        async with Supervisor([spec_of("id_card_reader", device)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            device.do(fault)
            device.do("lay_card_2")
            assert (await receiver.next_of(CardUnreadable)).reason == reason
            device.do("pull_out")
            assert (await receiver.next_state(DeviceState.OFFLINE)).detail == "link_lost: connection_reset"


@pytest.mark.parametrize(
    ("fault", "told"), [("drop", []), ("halve", [PayloadRejected]), ("delay", [TemperatureMeasured])]
)
async def test_a_fault_befalls_one_measurement_on_a_real_broker(
    fault: str, told: list[type], mosquitto: Mosquitto, receiver: Receiver
) -> None:
    spec = DeviceSpec(f"probe-{fault}", "fridge_probe", f"{mosquitto.url}?session_expiry_s=1")
    async with Supervisor([spec], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        with plugged_in("fridge_probe", mosquitto.url) as device:
            await receiver.next_of(ProbePresence, lambda event: event.is_present)
            device.do(fault)
            device.do("measure_4_c")
            for kind in told:
                await receiver.next_of(kind)
            device.do("measure_12_c")
            await receiver.next_of(TemperatureMeasured, lambda event: event.sample.milli_celsius == 12_000)
    assert len(receiver.all_of(TemperatureMeasured)) == 1 + (fault == "delay")


async def test_a_probe_pulled_out_is_gone_by_its_will_until_it_is_plugged_in(
    mosquitto: Mosquitto, receiver: Receiver
) -> None:
    spec = DeviceSpec("probe-pulled", "fridge_probe", f"{mosquitto.url}?session_expiry_s=1")
    async with Supervisor([spec], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        with plugged_in("fridge_probe", mosquitto.url) as device:
            for deed, is_present in ((PLUG_IN, True), ("pull_out", False), (PLUG_IN, True), ("unplug", False)):
                device.do(deed)
                await receiver.next_of(ProbePresence, lambda event, wanted=is_present: event.is_present is wanted)  # type: ignore[misc]


COMMANDS = {
    "id_card_reader": ["lay 3", "off", "fail"],
    "barcode_scanner": ["scan 690123456789 2"],
    "receipt_printer": ["paper out", "paper in", "cover open", "cover closed"],
    "fridge_probe": ["measure -2000"],
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_every_stubs_command_line_takes_the_same_mishaps(kind: str, mosquitto: Mosquitto) -> None:
    command = [sys.executable, "-m", f"firmware_stubs.{kind}.stub"]
    command += [mosquitto.url, "--every-s", "1000"] if kind == "fridge_probe" else []
    orders = [*COMMANDS[kind], "drop", "garble", "delay", "halve", "pull_out", "unplug", "plug", "explode"]
    with subprocess.Popen(  # noqa: S603 - our own words
        command, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"}, text=True, stdin=-1, stdout=-1
    ) as stub:
        assert stub.stdin is not None
        assert stub.stdout is not None
        answers = []
        try:
            for order in orders:
                stub.stdin.write(order + "\n")
                stub.stdin.flush()
                answers.append(next(line for line in stub.stdout if line in {"done\n", "not understood\n"}))
        finally:
            stub.kill()
    assert answers == ["done\n"] * (len(orders) - 1) + ["not understood\n"]
