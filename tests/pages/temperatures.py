"""Made-up temperatures: a fridge with a warm night and a year behind it, a freezer, a fridge that fell silent."""

from datetime import datetime, timedelta
from math import sin, tau

from sqlalchemy import insert, select

from clinic_server.cold_chain.actions import add_place, assign_probe, store_readings
from clinic_server.cold_chain.course.rules import HOUR_MS
from clinic_server.cold_chain.course.tables import reading_hour
from clinic_server.cold_chain.rules import Sample
from clinic_server.cold_chain.tables import heard_probe, to_unix_ms
from clinic_server.kit.tx import Tx
from clinic_server.stock.places import NewPlace
from clinic_server.stock.whereabouts import PlaceKind

A_DAY = timedelta(days=1)
PROBES = {"fridge-4": "probe-42", "freezer-1": "probe-43", "fridge-5": "probe-44"}


def cool(tx: Tx) -> None:
    """Put probes into places a year ago, and let them speak: hours of the year, each minute of the last day."""
    add_place(tx, NewPlace("fridge-4", "冰箱 4（免疫规划）", PlaceKind.FRIDGE, "cn-clinic-2-8"))
    add_place(tx, NewPlace("fridge-5", "冰箱 5（备用）", PlaceKind.FRIDGE, "cn-clinic-2-8"))
    add_place(tx, NewPlace("freezer-1", "冷冻柜 1", PlaceKind.FREEZER, "freezer-20"))
    now = tx.now
    tx.now = now - 380 * A_DAY
    for place_code, probe_id in PROBES.items():
        assign_probe(tx, probe_id, place_code)
    tx.now = now
    minutes = range(26 * 60)
    store_readings(tx, [_said("probe-42", now, ago, _fridge(ago)) for ago in minutes if not 300 < ago < 380])
    store_readings(tx, [_said("probe-43", now, ago, _wave(-20_000, 1_200, ago)) for ago in minutes])
    store_readings(tx, [_said("probe-44", now, ago, _wave(4_600, 300, ago)) for ago in minutes if ago > 70])
    _remember_a_year(tx)


def _fridge(minutes_ago: int) -> int:
    """It is 8.04 now, which shows as 8.0; in the night the door stood open."""
    if minutes_ago < 3:
        return 8_040
    night = max(0, 4_600 - 70 * abs(minutes_ago - 700)) if 630 < minutes_ago < 770 else 0
    return _wave(5_000, 700, minutes_ago) + night


def _wave(mean: int, swing: int, minutes_ago: int) -> int:
    return mean + round(swing * sin(minutes_ago * tau / 45) + 0.3 * swing * sin(minutes_ago * tau / 1440))


def _said(probe_id: str, now: datetime, minutes_ago: int, milli_celsius: int) -> Sample:
    return Sample(probe_id, 1, 100_000 - minutes_ago, now - timedelta(minutes=minutes_ago), milli_celsius)


def _remember_a_year(tx: Tx) -> None:
    number = tx.execute(select(heard_probe.c.number).where(heard_probe.c.probe_id == "probe-42")).scalar_one()
    first = to_unix_ms(tx.now) // HOUR_MS - 28
    rows = [_hour(number, first - ago, ago) for ago in range(370 * 24) if not 1_000 < ago < 1_100]
    tx.execute(insert(reading_hour), rows)


def _hour(number: int, hour: int, ago: int) -> dict[str, int]:
    mean = _wave(4_800, 400, ago * 60 + ago // 24 * 7)
    extremes = {
        "min_milli_celsius": mean - 900,
        "max_milli_celsius": mean + (5_200 if ago in {2_500, 5_003} else 1_100),
    }
    times = {"first_unix_ms": hour * HOUR_MS, "last_unix_ms": (hour + 1) * HOUR_MS - 60_000}
    return {"probe": number, "hour": hour, "readings": 60, "total_milli_celsius": mean * 60, **extremes, **times}
