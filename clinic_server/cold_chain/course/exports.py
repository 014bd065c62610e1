"""A course as a file: each reading as it was stored, or each hour's figures."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, select

from clinic_server.cold_chain.course import calendar, lookup
from clinic_server.cold_chain.course.lookup import Asked
from clinic_server.cold_chain.course.rules import DAY_MS, SpanTooLong, Stay
from clinic_server.cold_chain.tables import IS_SET_ASIDE, reading
from clinic_server.kit.spreadsheets import Written, as_csv

MOST_DAYS_OF_READINGS: Final = 31
_READING_HEADINGS = ("probe", "at", "celsius", "fault", "is_late", "set_aside")
_HOUR_HEADINGS = ("probe", "from", "readings", "min_celsius", "mean_celsius", "max_celsius")


class Detail(StrEnum):
    """How fine a file is."""

    READINGS = "readings"
    HOURS = "hours"


def file_of(connection: Connection, place_code: str, asked: Asked, detail: Detail) -> bytes:
    """Return a place's course as a text table, or raise SpanTooLong where so many readings do not go into one."""
    if detail is Detail.READINGS and asked.span.length_ms > MOST_DAYS_OF_READINGS * DAY_MS:
        raise SpanTooLong
    numbers = lookup.numbers_of(connection)
    heard = [stay for stay in lookup.stays(connection, place_code, asked.span) if stay.probe_id in numbers]
    headings, lines_of = {
        Detail.READINGS: (_READING_HEADINGS, _readings),
        Detail.HOURS: (_HOUR_HEADINGS, _hours),
    }[detail]
    return as_csv(
        headings, (line for stay in heard for line in lines_of(connection, stay, numbers[stay.probe_id], asked))
    )


def _readings(connection: Connection, stay: Stay, number: int, asked: Asked) -> Iterator[Sequence[Written]]:
    row = reading.c
    found = connection.execute(
        select(row.at_unix_ms, row.milli_celsius, row.fault, row.is_late, IS_SET_ASIDE)
        .where(row.probe == number, row.at_unix_ms >= stay.span.from_unix_ms, row.at_unix_ms < stay.span.until_unix_ms)
        .order_by(row.at_unix_ms, row.boot, row.seq)
    )
    for at_unix_ms, milli_celsius, fault, is_late, is_set_aside in found:
        celsius = None if milli_celsius is None else milli_celsius / 1000
        told = ("late" if is_late else None, "set aside" if is_set_aside else None)
        yield stay.probe_id, _written(at_unix_ms, asked), celsius, fault, *told


def _hours(connection: Connection, stay: Stay, number: int, asked: Asked) -> Iterator[Sequence[Written]]:
    for hour in lookup.hours_of(connection, number, stay.span):
        celsius = (hour.min_milli_celsius, hour.mean_milli_celsius, hour.max_milli_celsius)
        begins = _written(hour.at_unix_ms, asked)
        yield stay.probe_id, begins, hour.readings, *(value / 1000 for value in celsius)


def _written(unix_ms: int, asked: Asked) -> str:
    return calendar.local(unix_ms, asked.zone).isoformat(timespec="seconds")
