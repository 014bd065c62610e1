"""How long the course of one fridge among several takes, over a day and over years, beside reading every reading."""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sin
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert

from clinic_server.cold_chain.course import lookup
from clinic_server.cold_chain.course.lookup import Asked
from clinic_server.cold_chain.course.rules import DAY_MS, Bounds, Grain, Piece, Span
from clinic_server.cold_chain.course.tables import rebuild_hours
from clinic_server.cold_chain.tables import heard_probe, reading, to_unix_ms
from clinic_server.kit.engines import reader_engine, writer_engine
from clinic_server.kit.schema import upgrade

ROUNDS = 5
IN_ONE_INSERT = 50_000
BOUNDS = Bounds(2_000, 8_000, 180_000)
ZONE = ZoneInfo("UTC")  # its days are those that readings are added up in
FIRST = datetime(2021, 3, 1, 16, tzinfo=UTC)
A_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Charted:
    """Medians in seconds; ``raw_s`` is the years added up from the readings, ``rebuild_s`` every hour made again."""

    readings: int
    day_s: float
    month_s: float
    years_s: float
    gaps_s: float
    raw_s: float
    rebuild_s: float


def measure(years: int, probes: int, minutes_a_reading: int = 1) -> Charted:
    """Make up so many years of one reading a minute of each probe, and ask for the course of one of them."""
    with tempfile.TemporaryDirectory(prefix="clinic-chart-") as folder:
        url = f"sqlite:///{Path(folder) / 'clinic.db'}"
        upgrade(url)
        length_ms = years * 365 * DAY_MS
        interval_ms = minutes_a_reading * A_MINUTE_MS
        rebuild_s = _fill(url, range(0, length_ms, interval_ms), probes)
        ends = to_unix_ms(FIRST) + length_ms
        engine = reader_engine(url)
        with engine.connect() as connection:
            day, month, all_years = (_asked(Span(ends - back_ms, ends)) for back_ms in (DAY_MS, 30 * DAY_MS, length_ms))
            drawn, years_s = _median(lambda: _pieces(connection, all_years))
            added_up, raw_s = _median(lambda: _pieces(connection, _from_readings(all_years)))
            if [piece.total_milli_celsius for piece in drawn] != [piece.total_milli_celsius for piece in added_up]:
                raise AssertionError("the hours do not say what the readings say")
            _, day_s = _median(lambda: _pieces(connection, day))
            _, month_s = _median(lambda: _pieces(connection, month))
            _, gaps_s = _median(lambda: lookup.gaps_of(connection, 1, all_years.span, drawn, all_years))
        engine.dispose()
    return Charted(length_ms // interval_ms * probes, day_s, month_s, years_s, gaps_s, raw_s, rebuild_s)


def _asked(span: Span) -> Asked:
    return Asked.drawn(span, BOUNDS, ZONE)


def _from_readings(asked: Asked) -> Asked:
    return Asked(asked.span, asked.bounds, asked.zone, Grain.READINGS, DAY_MS)


def _pieces(connection: Connection, asked: Asked) -> list[Piece]:
    return list(lookup.pieces_of(connection, 1, asked.span, asked))


def _median(look: Callable[[], Any]) -> tuple[Any, float]:
    found, took = None, []
    for _ in range(ROUNDS):
        began_at = time.perf_counter()
        found = look()
        took.append(time.perf_counter() - began_at)
    return found, sorted(took)[ROUNDS // 2]


def _fill(url: str, times: range, probes: int) -> float:
    engine = writer_engine(url)
    with engine.connect() as connection:
        for number in range(1, probes + 1):
            connection.execute(
                insert(heard_probe), {"number": number, "probe_id": f"p{number}", "first_heard_at": FIRST}
            )
            for rows in _rows(number, times):
                connection.exec_driver_sql(_INSERT, rows)
        connection.commit()
        began_at = time.perf_counter()
        rebuild_hours(connection)
        connection.commit()
        took = time.perf_counter() - began_at
    engine.dispose()
    return took


_INSERT = (
    f"INSERT INTO {reading.name} (probe, boot, seq, at_unix_ms, received_unix_ms, milli_celsius, is_late)"  # noqa: S608  # our own name
    " VALUES (?, 1, ?, ?, ?, ?, 0)"
)


def _rows(number: int, times: range) -> Iterator[list[tuple[int, ...]]]:
    first = to_unix_ms(FIRST)
    for begin in range(0, len(times), IN_ONE_INSERT):
        yield [
            (number, seq, first + after, first + after, 5_000 + int(900 * sin(seq / 9 + number)))
            for seq, after in enumerate(times[begin : begin + IN_ONE_INSERT], begin)
        ]
