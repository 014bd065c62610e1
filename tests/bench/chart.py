"""How long the courses of fridges take, over a day and over years, beside adding up every reading."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, text

from clinic_server.cold_chain.course import lookup
from clinic_server.cold_chain.course.lookup import Asked
from clinic_server.cold_chain.course.rules import DAY_MS, Bounds, Grain, Piece, Span
from clinic_server.cold_chain.course.shown import course_of
from clinic_server.cold_chain.course.tables import rebuild_hours
from clinic_server.cold_chain.tables import heard_probe, probe, reading, to_unix_ms
from clinic_server.kit.engines import reader_engine, writer_engine
from clinic_server.kit.schema import upgrade
from clinic_server.stock.tables import place
from clinic_server.stock.whereabouts import PlaceKind
from tests.bench.figures import Spread

IN_ONE_COMMIT = 20_000  # instants; every probe speaks at each
BOUNDS = Bounds(2_000, 8_000, 180_000)
ZONE = ZoneInfo("UTC")  # its days are those that readings are added up in
FIRST = datetime(2021, 3, 1, 16, tzinfo=UTC)
A_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Charted:
    """How long a course took, by its length; ``raw_s`` is a year of one probe added up from its readings.

    ``rebuild_s`` is every hour made again; ``load`` is how busy the machine was in the minute before the end.
    """

    readings: int
    courses: Mapping[str, Spread]
    raw_s: float
    rebuild_s: float
    load: float


def measure(years: int, probes: int, rounds: int, minutes_a_reading: int = 1) -> Charted:
    """Make up so many years of one reading a minute of each probe, and ask for the course of one fridge after another.

    A course is all that its page shows: figures, gaps, excursions, lines of the table, and the drawing.
    """
    with tempfile.TemporaryDirectory(prefix="clinic-chart-") as folder:
        url = f"sqlite:///{Path(folder) / 'clinic.db'}"
        upgrade(url)
        length_ms = years * 365 * DAY_MS
        interval_ms = minutes_a_reading * A_MINUTE_MS
        rebuild_s = _fill(url, length_ms, interval_ms, probes)
        courses, raw_s = _looked(url, length_ms, probes, rounds)
    return Charted(length_ms // interval_ms * probes, courses, raw_s, rebuild_s, os.getloadavg()[0])


def _looked(url: str, length_ms: int, probes: int, rounds: int) -> tuple[Mapping[str, Spread], float]:
    ends = to_unix_ms(FIRST) + length_ms
    spans = {
        name: Span(ends - back_ms, ends)
        for name, back_ms in (("24 hours", DAY_MS), ("30 days", 30 * DAY_MS), ("all years", length_ms))
    }
    engine = reader_engine(url)
    with engine.connect() as connection:
        year = Span(ends - 365 * DAY_MS, ends)
        drawn, _ = _timed(lambda: _pieces(connection, _asked(year)))
        added_up, raw_s = _timed(lambda: _pieces(connection, _from_readings(year)))
        if [piece.total_milli_celsius for piece in drawn] != [piece.total_milli_celsius for piece in added_up]:
            raise AssertionError("the hours do not say what the readings say")
        courses = {
            name: Spread.of(
                [
                    _timed(partial(course_of, connection, _place(1 + turn % probes), span, ZONE))[1]
                    for turn in range(rounds)
                ]
            )
            for name, span in spans.items()
        }
    engine.dispose()
    return courses, raw_s


def _asked(span: Span) -> Asked:
    return Asked.drawn(span, BOUNDS, ZONE)


def _from_readings(span: Span) -> Asked:
    return Asked(span, BOUNDS, ZONE, Grain.READINGS, DAY_MS)


def _pieces(connection: Connection, asked: Asked) -> list[Piece]:
    return list(lookup.figures_of(connection, 1, asked.span, asked)[0])


def _timed(look: Callable[[], Any]) -> tuple[Any, float]:
    began_at = time.perf_counter()
    found = look()
    return found, time.perf_counter() - began_at


def _place(number: int) -> str:
    return f"fridge-{number}"


def _fill(url: str, length_ms: int, interval_ms: int, probes: int) -> float:
    """Store what so many probes said, in the order it would have come; return how long the hours took."""
    engine = writer_engine(url)
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        for pragma in ("foreign_keys=OFF", "cache_size=-262144"):  # 256 MiB, for the pages of one commit
            raw.execute(f"PRAGMA {pragma}")
        for number in range(1, probes + 1):
            _stand(connection, number)
        connection.commit()
        whole = length_ms // interval_ms
        for begin in range(0, whole, IN_ONE_COMMIT):
            told = {"first": to_unix_ms(FIRST), "interval": interval_ms, "begin": begin}
            connection.execute(_INSERT, told | {"last": min(begin + IN_ONE_COMMIT, whole) - 1})
            connection.commit()
        began_at = time.perf_counter()
        rebuild_hours(connection)
        connection.commit()
        took = time.perf_counter() - began_at
    engine.dispose()
    return took


def _stand(connection: Connection, number: int) -> None:
    """Put a fridge there, with a probe in it."""
    probe_id, code = f"p{number}", _place(number)
    kept = {"id": UUID(int=number), "journal_seq": number}
    watched = {"code": code, "name": code, "kind": PlaceKind.FRIDGE, "profile": "cn-clinic-2-8", "added_at": FIRST}
    connection.execute(insert(place), kept | watched)
    connection.execute(insert(probe), {**kept, "probe_id": probe_id, "place_code": code, "assigned_at": FIRST})
    connection.execute(insert(heard_probe), {"number": number, "probe_id": probe_id, "first_heard_at": FIRST})


_INSERT = text(f"""
    WITH RECURSIVE minute(seq) AS (SELECT :begin UNION ALL SELECT seq + 1 FROM minute WHERE seq < :last)
    INSERT INTO {reading.name} (probe, boot, seq, at_unix_ms, received_unix_ms, milli_celsius, is_late)
    SELECT number, 1, seq, :first + seq * :interval, :first + seq * :interval,
        5000 + CAST(900 * sin(seq / 9.0 + number) AS INTEGER), 0
    FROM minute CROSS JOIN {heard_probe.name}
""")  # noqa: S608  # our own names
