"""What each probe said in each hour: a cache of its readings, kept as they are stored and made again from them."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, case, delete, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field

from clinic_server.cold_chain.course.rules import HOUR_MS
from clinic_server.cold_chain.rules import Fault, is_judged
from clinic_server.cold_chain.tables import COUNTS, ReadingRow, heard_probe, reading
from clinic_server.kit.tables import State, table_of


class ReadingHour(State, table=True):
    """A probe's readings of one hour that may be judged, added up; ``hour`` counts from 1970."""

    __tablename__ = "reading_hour"
    __table_args__ = ({"sqlite_with_rowid": False},)

    probe: int = Field(primary_key=True, foreign_key="heard_probe.number")
    hour: int = Field(primary_key=True, sa_type=BigInteger)
    readings: int
    total_milli_celsius: int = Field(sa_type=BigInteger)
    min_milli_celsius: int
    max_milli_celsius: int
    first_unix_ms: int = Field(sa_type=BigInteger)
    last_unix_ms: int = Field(sa_type=BigInteger)


reading_hour = table_of(ReadingHour)
IS_TEMPERATURE = and_(
    reading.c.milli_celsius.is_not(None),
    or_(reading.c.fault.is_(None), reading.c.fault.in_([fault for fault in Fault if not fault.spoils_the_value])),
)
IS_JUDGED = and_(IS_TEMPERATURE, COUNTS)


def add_to_hours(connection: Connection, rows: Iterable[ReadingRow]) -> None:
    """Add readings that were stored a moment ago to their hours, however late they came."""
    hours = dict[tuple[int, int], dict[str, int]]()
    for row in rows:
        if is_judged(row["milli_celsius"], row["fault"]):
            _add(hours, row["probe"], row["at_unix_ms"], row["milli_celsius"])
    if hours:
        connection.execute(_ADD[connection.dialect.name], list(hours.values()))


def rebuild_hours(connection: Connection) -> None:
    """Make every hour again from the readings, probe by probe: years of all at once would fill the memory."""
    for number in connection.execute(select(heard_probe.c.number)).scalars().all():
        rebuild_hours_of(connection, number, 0)


def rebuild_hours_of(connection: Connection, number: int, since_unix_ms: int) -> None:
    """Make a probe's hours again, from the one on in which an instant lies."""
    at, said = reading.c.at_unix_ms, reading.c.milli_celsius
    first = since_unix_ms // HOUR_MS
    connection.execute(delete(reading_hour).where(reading_hour.c.probe == number, reading_hour.c.hour >= first))
    hour = (at // HOUR_MS).label("hour")
    figures = (func.count(), func.sum(said), func.min(said), func.max(said), func.min(at), func.max(at))
    summed = select(reading.c.probe, hour, *figures).where(reading.c.probe == number, at >= first * HOUR_MS, IS_JUDGED)
    connection.execute(
        insert(reading_hour).from_select(list(reading_hour.c.keys()), summed.group_by(reading.c.probe, hour))
    )


def lacks_hours(connection: Connection) -> bool:
    """Tell whether there are readings from before hours were kept."""
    no_hour = ~select(reading_hour.c.probe).exists() & select(reading.c.probe).where(IS_JUDGED).exists()
    return bool(connection.execute(select(no_hour)).scalar_one())


def _add(hours: dict[tuple[int, int], dict[str, int]], probe: int, at_unix_ms: int, milli_celsius: int) -> None:
    key = probe, at_unix_ms // HOUR_MS
    held = hours.get(key)
    if held is None:
        said = dict.fromkeys(("total_milli_celsius", "min_milli_celsius", "max_milli_celsius"), milli_celsius)
        times = {"first_unix_ms": at_unix_ms, "last_unix_ms": at_unix_ms}
        hours[key] = {"probe": probe, "hour": key[1], "readings": 1, **said, **times}
        return
    held["readings"] += 1
    held["total_milli_celsius"] += milli_celsius
    held["min_milli_celsius"] = min(held["min_milli_celsius"], milli_celsius)
    held["max_milli_celsius"] = max(held["max_milli_celsius"], milli_celsius)
    held["first_unix_ms"] = min(held["first_unix_ms"], at_unix_ms)
    held["last_unix_ms"] = max(held["last_unix_ms"], at_unix_ms)


def _adding(insert_into: Any) -> Any:
    held, new = reading_hour.c, insert_into.excluded
    sums = {name: held[name] + new[name] for name in ("readings", "total_milli_celsius")}
    lowest = {
        name: case((new[name] < held[name], new[name]), else_=held[name])
        for name in ("min_milli_celsius", "first_unix_ms")
    }
    highest = {
        name: case((new[name] > held[name], new[name]), else_=held[name])
        for name in ("max_milli_celsius", "last_unix_ms")
    }
    return insert_into.on_conflict_do_update(index_elements=[held.probe, held.hour], set_=sums | lowest | highest)


_ADD: Mapping[str, Any] = {
    "sqlite": _adding(sqlite.insert(reading_hour)),
    "postgresql": _adding(postgresql.insert(reading_hour)),
}
