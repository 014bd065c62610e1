"""The firmware's own codecs: scratchpads, the ring no power cut makes lie, messages and clocks."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_stubs.fridge_probe.firmware.probe_core import mqtt, probe, ring, scratchpad
from firmware_stubs.fridge_probe.firmware.probe_core.crc import crc8
from tests.wire.vectors import vectors_of

NOON = 1_795_312_800
DATASHEET = "Maxim DS18B20, table 1: temperature and data relationship."
OWN = [
    (name, fields)
    for name, fields in vectors_of("fridge_probe", "samples")
    if name.startswith("own") and '"up":null' not in fields["payload"]
]
WILL = ("nowhere", b"")


class PowerCut(OSError):
    """The lights went out."""


class Flash:
    """Memory that takes one byte after the other, until its power is cut."""

    def __init__(self, size: int) -> None:
        self.cells = bytearray(size)
        self.bytes_until_the_cut = 1 << 30

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.cells[offset : offset + length])

    def write(self, offset: int, octets: bytes) -> None:
        for place, octet in enumerate(octets, offset):
            if not self.bytes_until_the_cut:
                raise PowerCut
            self.bytes_until_the_cut -= 1
            self.cells[place] = octet


def flash_for(slots: int) -> Flash:
    return Flash(slots * ring.SLOT_BYTES)


Said = tuple[int, int, int, int, int | None]


def said(record: ring.Record) -> Said:
    return record.boot, record.seq, record.unix_s, record.minutes_up, record.milli_celsius


def waiting(opened: ring.Ring) -> list[Said]:
    """Everything unsent, as it would be sent."""
    found = []
    while (record := opened.oldest_unsent()) is not None:
        found.append(said(record))
        opened.mark_sent(record)
    return found


def test_the_checksum_of_a_published_rom_code() -> None:
    """Maxim application note 27: the ROM 02 1C B8 01 00 00 00 has the CRC A2."""
    assert crc8(bytes.fromhex("021cb801000000")) == 0xA2
    assert crc8(bytes.fromhex("021cb801000000a2")) == 0


@pytest.mark.parametrize(
    ("octets", "milli_celsius"),
    [
        ("d0074b467fff101055", 125_000),
        ("50054b467fff1010bd", 85_000),
        ("91014b467fff0f1025", 25_062),
        ("a2004b467fff0e10e5", 10_125),
        ("08004b467fff0810d9", 500),
        ("00004b467fff101069", 0),
        ("f8ff4b467fff0810f8", -500),
        ("5eff4b467fff0210b6", -10_125),
        ("6ffe4b467fff011061", -25_062),
        ("90fc4b467fff1010ee", -55_000),
        ("01004b467fff0f10de", 62),
        ("03004b467fff0d10c9", 188),
        ("ffff4b467fff01109a", -62),
    ],
)
def test_a_measurement_of_the_data_sheet(octets: str, milli_celsius: int) -> None:
    assert scratchpad.milli_celsius(bytes.fromhex(octets)) == milli_celsius, DATASHEET


def test_a_coarser_resolution_leaves_its_undefined_bits_out() -> None:
    """The data sheet's figure 2: at 9 bits the three lowest are undefined."""
    assert scratchpad.milli_celsius(bytes.fromhex("97014b461fff09108c")) == 25_000


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param("50054b467fff0c101c", id="85 degrees after a reset"),
        pytest.param("000000000000000000", id="a shorted bus, its checksum right"),
        pytest.param("ffffffffffffffffff", id="a bus nobody drives"),
        pytest.param("91014b467f000f10f7", id="byte 5 is no clone's"),
        pytest.param("91014b46ffff0f10fc", id="a configuration bit that is never set"),
        pytest.param("91014b463eff0f1000", id="a checksum that is not right"),
        pytest.param("91014b467fff0f10", id="half a scratchpad"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_no_sensor_measured_is_no_temperature(octets: str) -> None:
    assert scratchpad.milli_celsius(bytes.fromhex(octets)) is None


@given(octets=st.binary(max_size=12))
def test_no_bytes_crash_the_scratchpad(octets: bytes) -> None:
    found = scratchpad.milli_celsius(octets)
    assert found is None or -4_096_000 <= found <= 4_096_000


@pytest.mark.parametrize(("name", "fields"), OWN, ids=[name for name, _ in OWN])
def test_a_message_of_the_firmware_is_the_golden_one(name: str, fields: Mapping[str, str]) -> None:
    wanted = json.loads(fields["payload"])
    record = ring.Record(wanted["boot"], wanted["seq"], wanted["ts"] or 0, wanted["up"], wanted["mC"])
    assert json.loads(probe.message_of(wanted["dev"], record)) == wanted, name
    assert probe.topic_of(wanted["dev"], "reading") == fields["topic"]


@given(
    boot=st.integers(0, 0xFFFF_FFFF),
    seq=st.integers(0, 0xFFFF_FFFF),
    unix_s=st.integers(0, 0xFFFF_FFFF),
    minutes_up=st.integers(0, 0xFFFF_FFFF),
    milli_celsius=st.none() | st.integers(-0x8000_0000, 0x7FFF_FFFF),
)
def test_a_slot_gives_back_what_was_put_in(
    boot: int, seq: int, unix_s: int, minutes_up: int, milli_celsius: int | None
) -> None:
    record = ring.Record(boot, seq, unix_s, minutes_up, milli_celsius)
    found = ring.record_in(record.packed() + bytes([ring.UNSENT]))
    assert found is not None
    assert said(found) == said(record)


@given(slot=st.binary(min_size=ring.SLOT_BYTES, max_size=ring.SLOT_BYTES))
def test_no_bytes_crash_the_slot(slot: bytes) -> None:
    ring.record_in(slot)


def test_empty_and_erased_memory_hold_no_records() -> None:
    for filling in (b"\x00", b"\xff"):
        assert ring.record_in(filling * ring.SLOT_BYTES) is None


def test_a_slot_is_void_unless_its_state_says_otherwise() -> None:
    record = ring.Record(7, 36, NOON, 36, 4360).packed()
    told = [state for state in range(256) if ring.record_in(record + bytes([state])) is not None]
    assert told == sorted([ring.UNSENT, ring.SENT])


def test_a_hundred_readings_into_64_slots_lose_36() -> None:
    opened = ring.Ring(flash_for(64), 64)
    for number in range(100):
        opened.append(NOON + number, number, number)
    assert (opened.lost, opened.unsent) == (36, 64)
    assert [one[1] for one in waiting(opened)] == list(range(36, 100))
    assert (opened.lost, opened.unsent) == (36, 0)


@given(slots=st.integers(1, 6), count=st.integers(0, 14), sent=st.integers(0, 14), cut=st.integers(0, 700))
def test_a_power_cut_at_any_byte_costs_no_reading_but_the_one_being_written(
    slots: int, count: int, sent: int, cut: int
) -> None:
    flash = flash_for(slots)
    opened = ring.Ring(flash, slots)
    flash.bytes_until_the_cut = cut
    told: list[Said] = []
    confirmed: set[int] = set()
    try:
        for number in range(count):
            told.append((opened.boot, number, NOON + number, number, number - 7))
            opened.append(NOON + number, number, number - 7)
            record = opened.oldest_unsent()
            if number < sent and record is not None:
                confirmed.add(record.seq)
                opened.mark_sent(record)
    except PowerCut:
        pass
    flash.bytes_until_the_cut = 1 << 30
    found = waiting(ring.Ring(flash, slots))
    assert set(found) <= set(told)
    assert [one[1] for one in found] == sorted({one[1] for one in found})
    surely = {one for one in told[:-1] if one[1] not in confirmed and one[1] > len(told) - 1 - slots}
    assert surely <= set(found)


def test_half_a_record_over_an_old_one_is_void_even_where_the_checksum_happens_to_fit() -> None:
    """Eight bits of checksum let one torn record in 256 pass: the state byte alone makes it certain."""
    for number in range(300):
        for cut in range(ring.SLOT_BYTES + 1):
            flash = flash_for(1)
            opened = ring.Ring(flash, 1)
            told = [said(opened.append(NOON + number, number, 1000 * number))]
            flash.bytes_until_the_cut = cut
            with pytest.raises(PowerCut):
                opened.append(NOON + number + 60, number + 1, -1000 * number)
            assert waiting_at_the_next_start(flash) in ([], told)


def waiting_at_the_next_start(flash: Flash) -> list[Said]:
    flash.bytes_until_the_cut = 1 << 30
    return waiting(ring.Ring(flash, 1))


@given(place=st.integers(0, 8 * ring.SLOT_BYTES - 1), octet=st.integers(0, 255), count=st.integers(0, 20))
def test_a_byte_that_rots_is_skipped_and_never_misread(place: int, octet: int, count: int) -> None:
    flash = flash_for(8)
    opened = ring.Ring(flash, 8)
    told = [said(opened.append(NOON + number, number, 1000 * number)) for number in range(count)][-8:]
    flash.cells[place] = octet
    found = waiting(ring.Ring(flash, 8))
    assert set(found) <= set(told)
    assert len(found) >= len(told) - 1


@given(length=st.integers(0, 8 * ring.SLOT_BYTES), count=st.integers(0, 20))
def test_a_file_cut_short_is_never_misread(length: int, count: int) -> None:
    flash = flash_for(8)
    opened = ring.Ring(flash, 8)
    told = [said(opened.append(NOON + number, number, 1000 * number)) for number in range(count)]
    flash.cells[length:] = bytes(len(flash.cells) - length)
    assert set(waiting(ring.Ring(flash, 8))) <= set(told)


def test_each_opening_is_a_boot_of_its_own_and_old_readings_keep_theirs() -> None:
    flash = flash_for(8)
    told = []
    for _ in range(3):
        opened = ring.Ring(flash, 8)
        told += [said(opened.append(0, 0, 4000)) for _ in range(2)]
    assert [one[0] - told[0][0] for one in told] == [0, 0, 1, 1, 2, 2]
    assert [one[1] for one in told] == [0, 1, 2, 3, 4, 5]
    assert waiting(ring.Ring(flash, 8)) == told


def test_a_confirmation_for_a_slot_that_was_written_over_marks_nothing() -> None:
    opened = ring.Ring(flash_for(2), 2)
    first = opened.append(0, 0, 1)
    opened.append(0, 0, 2)
    opened.append(0, 0, 3)
    opened.mark_sent(first)
    assert [one[4] for one in waiting(opened)] == [2, 3]


@pytest.mark.parametrize(("count", "again"), [(0, [4]), (2, [2, 3, 4]), (9, [2, 3, 4])])
def test_what_was_sent_last_is_sent_once_more_and_nothing_that_was_written_over(count: int, again: list[int]) -> None:
    memory = flash_for(3)
    opened = ring.Ring(memory, 3)
    for value in range(5):
        record = opened.append(NOON, 0, value)
        if value < 4:
            opened.mark_sent(record)
    for one in (opened, ring.Ring(memory, 3)):  # also after a start
        one.distrust(count)
        one.distrust(count)
        assert [value for *_, value in waiting(one)] == again


def test_a_reading_that_could_not_be_stored_leaves_its_number_to_the_next() -> None:
    flash = flash_for(4)
    opened = ring.Ring(flash, 4)
    flash.bytes_until_the_cut = 5
    with pytest.raises(PowerCut):
        opened.append(0, 0, 1)
    flash.bytes_until_the_cut = 1 << 30
    assert opened.append(0, 0, 2).seq == 0
    assert [one[4] for one in waiting(opened)] == [2]


def test_a_file_is_a_flash(tmp_path: Path) -> None:
    for length in (0, 10):
        path = tmp_path / f"readings-{length}"
        path.write_bytes(bytes(length))
        told = []
        for _ in range(2):
            store = ring.FileStore(str(path), 4 * ring.SLOT_BYTES)
            opened = ring.Ring(store, 4)
            told.append(said(opened.append(NOON, 1, -1)))
            store.close()
        store = ring.FileStore(str(path), 4 * ring.SLOT_BYTES)
        assert waiting(ring.Ring(store, 4)) == told
        store.close()
        assert path.stat().st_size == 4 * ring.SLOT_BYTES


def test_a_board_that_counts_from_2000_is_told_apart_from_one_that_counts_from_1970() -> None:
    assert probe.epoch_s(lambda _: (1970, 1, 1)) == 0
    assert probe.epoch_s(lambda _: (2000, 1, 1)) == 946_684_800


def test_a_clock_of_before_2020_is_not_set() -> None:
    assert probe.Clock(now_s=lambda: 1_577_836_799.9).unix_s() == 0
    assert probe.Clock(now_s=lambda: NOON + 0.9).unix_s() == NOON


def test_the_minutes_go_on_when_a_boards_ticks_begin_again() -> None:
    """MicroPython's ticks_ms wraps at 2**30 ms; a 16-bit count of minutes would wrap after 45 days."""
    period, now_ms = 1 << 30, 0

    def difference(later: int, earlier: int) -> int:
        return (later - earlier + period // 2) % period - period // 2

    clock = probe.Clock(now_s=float, ticks_ms=lambda: now_ms % period, ticks_diff=difference)
    for _ in range(60):
        now_ms += 86_400_000
        minutes = clock.minutes_up()
    assert minutes == 60 * 1440


async def test_the_watchdog_is_fed_after_a_reading_was_stored_and_by_nothing_else() -> None:
    flash = flash_for(4)
    publisher = mqtt.Publisher(asyncio.open_connection, "127.0.0.1", 9, "d", WILL)
    measuring = probe.Probe("d", ring.Ring(flash, 4), probe.Clock(), publisher)
    happened: list[str] = []

    def read() -> None:
        happened.append("read")
        if len(happened) > 4:
            flash.bytes_until_the_cut = 0

    with pytest.raises(PowerCut):
        await measuring.measure_for_ever(read, 0, lambda: happened.append("fed"))
    assert happened == ["read", "fed", "read", "fed", "read"]


@pytest.mark.parametrize(("length", "octets"), [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f")])
def test_a_remaining_length_is_written_as_mqtt_says(length: int, octets: str) -> None:
    """MQTT 5, table 1.1."""
    assert mqtt._length(length).hex() == octets


def test_an_introduction_is_written_as_mqtt_says() -> None:
    """MQTT 5, section 3.1: will retained at QoS 1, clean start, user and password, keepalive 60 s, no properties."""
    publisher = mqtt.Publisher(asyncio.open_connection, "127.0.0.1", 9, "d", ("w", b"x"))
    publisher.login = ("u", "p")
    expected = "0004 4d515454 05 ee 003c 00 0001 64 00 0001 77 0001 78 0001 75 0001 70"
    assert publisher._introduction().hex() == expected.replace(" ", "")
