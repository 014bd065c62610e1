"""How fast each codec is, beside one everybody knows: reading a JSON document of a kilobyte in the same run."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from devices.barcode_scanner import wire as scanner_wire
from devices.fridge_probe import wire as probe_wire
from devices.fridge_probe.context import Delivery
from devices.id_card_reader import wire as reader_wire
from devices.id_card_text import decode_card_text
from devices.receipt_printer import wire as printer_wire
from devices.words import Align, Pair, Rule, Size, Slip, Text
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import OK, PHOTO_HEAD, PHOTO_LENGTH, framed
from tests.wire.vectors import vectors_of

YARDSTICK = "json.loads of 1 kB"
ROUNDS = 5
CHUNK = 64  # bytes a serial line hands over at a time
DOCUMENT = json.dumps({f"field-{place:03d}": place * 1.5 for place in range(42)}).ljust(1024)
SLIP = Slip(
    (
        Text("留观时间条", Size.LARGE, Align.CENTER),
        Pair("排队号", "017"),
        Pair("姓名", "王*明"),
        Pair("疫苗", "新型冠状病毒灭活疫苗(Vero细胞)"),
        Pair("接种时间", "2026-03-02 09:00"),
        Rule(),
        Text("09:30", Size.HUGE, Align.CENTER),
        Text("如有不适，请立即告知工作人员。"),
    )
)


@dataclass(frozen=True, slots=True)
class Speed:
    """One codec: how often a second, and how many yardsticks one operation takes."""

    name: str
    per_second: float
    ratio: float


def measure(seconds: float) -> list[Speed]:
    """Run every codec for about so long altogether."""
    return speeds_of(dict(_codecs()), seconds)


def speeds_of(tasks: Mapping[str, Callable[[], object]], seconds: float) -> list[Speed]:
    """Run tasks and the yardstick for about so long altogether; the fastest of a few rounds counts."""
    work = {YARDSTICK: lambda: json.loads(DOCUMENT), **tasks}
    each_s = seconds / len(work) / ROUNDS
    took_s = dict.fromkeys(work, float("inf"))
    for _ in range(ROUNDS):  # round about, so that a busy moment of the machine befalls all alike
        for name, run in work.items():
            took_s[name] = min(took_s[name], _seconds_of(run, each_s))
    yardstick_s = took_s[YARDSTICK]
    return [Speed(name, 1 / second, second / yardstick_s) for name, second in took_s.items()]


def _seconds_of(run: Callable[[], object], within_s: float) -> float:
    count, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < within_s:
        for _ in range(10):
            run()
        count += 10
    return elapsed / count


def _codecs() -> Iterator[tuple[str, Callable[[], object]]]:
    text = synthetic_resident(7).text_block()
    answer = framed(OK, b"\x01\x00\x04\x00" + text + PHOTO_HEAD.ljust(PHOTO_LENGTH, b"\x5a"))
    yield "ID card: 256 bytes of text", lambda: decode_card_text(text)
    yield f"ID card: {len(answer)} bytes, framed", lambda: _card(answer)
    yield "scanner: one line", lambda: _scan(b"]C081000001000000000001\r\n")
    for dialect in probe_wire.DIALECTS:
        delivery = _reading_of(dialect)
        yield (
            f"probe: {dialect}",
            lambda delivery=delivery: probe_wire.decode(  # type: ignore[misc]
                delivery, tuple(probe_wire.DIALECTS.values())
            ),
        )
    yield "printer: one slip", lambda: printer_wire.encode(SLIP, printer_wire.Paper())


def _card(answer: bytes) -> object:
    splitter = reader_wire.answer_splitter()
    pieces = (answer[start : start + CHUNK] for start in range(0, len(answer), CHUNK))
    (frame,) = (frame for piece in pieces for frame in splitter.feed(piece))
    return reader_wire.decode_card(reader_wire.decode_answer(frame).content)


def _scan(received: bytes) -> object:
    (line,) = scanner_wire.scan_splitter().feed(received)
    return scanner_wire.decode(line)


def _reading_of(dialect: str) -> Delivery:
    """Return the first golden message of a dialect that holds a temperature."""
    only = [probe_wire.DIALECTS[dialect]]
    for _, fields in vectors_of("fridge_probe", "samples"):
        received_at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
        delivery = Delivery(fields["topic"], fields["payload"].encode(), False, received_at, ZoneInfo("Asia/Shanghai"))
        if probe_wire.decode(delivery, only):
            return delivery
    raise LookupError(dialect)
