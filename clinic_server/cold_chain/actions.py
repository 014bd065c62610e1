"""Storing what probes say, adding places, assigning probes; and how everything stands now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, select, tuple_

from clinic_server.cold_chain.course.tables import add_to_hours
from clinic_server.cold_chain.excursions.actions import judge_readings
from clinic_server.cold_chain.excursions.settling import settle
from clinic_server.cold_chain.rules import (
    COLD_CHAIN,
    LATE_AFTER,
    Fault,
    Limits,
    Measurement,
    PlaceNow,
    ProbeEnd,
    ProbeIsRetired,
    ProbeNow,
    ProbeUnknown,
    Sample,
    event_time,
    is_judged,
    limits_of,
    worst_first,
    worst_of,
)
from clinic_server.cold_chain.tables import (
    IDENTITY,
    MOST_LETTER_BYTES,
    DeadLetter,
    HeardProbe,
    LatestReading,
    Probe,
    ProbeReason,
    ReadingRow,
    count_letter,
    counting,
    dead_letter,
    from_unix_ms,
    heard_probe,
    identity_of,
    insert_new,
    keep_latest,
    latest_reading,
    letters_not_kept,
    places_of_probes,
    probe,
    probe_reason,
    reading,
    to_unix_ms,
)
from clinic_server.cold_chain.upkeep.in_force import in_force
from clinic_server.kit.turns import moment_of
from clinic_server.kit.tx import Tx
from clinic_server.stock import places
from clinic_server.stock.places import NewPlace
from clinic_server.stock.whereabouts import PlaceKind

MOST_READINGS_SHOWN = 2000
MOST_LETTERS_AN_HOUR = 60  # of one device for one reason: at most 6 MB a day
_CONTRADICTS = "reading_contradicts"
_SAID = (reading.c.measured_unix_ms, reading.c.milli_celsius, reading.c.fault)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the samples of one batch; retained ones are none of these."""

    new: int
    repeated: int
    contradicting: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A payload nobody could use; ``origin`` is its topic."""

    device_id: str
    origin: str
    reason: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Overview:
    """The cold chain at one instant; ``unplaced`` probes speak and stand in no place."""

    at: datetime
    places: Sequence[PlaceNow]
    unplaced: Sequence[ProbeNow]
    dead_letters_of_a_day: int


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """One stored reading; ``at`` is its event time."""

    boot: int
    seq: int
    at: datetime
    received_at: datetime
    milli_celsius: int | None
    fault: Fault | None
    is_late: bool


def store_readings(tx: Tx, samples: Sequence[Sample]) -> Stored:
    """Store each sample once, whatever their order, and judge it; one that contradicts its twin is a dead letter."""
    numbers = _numbers_of(tx, samples)
    came_after = moment_of(tx.connection).seq or None
    rows = [(sample, _row_of(sample, numbers, tx.now) | {"turn_seq": came_after}) for sample in samples]
    live = [(sample, row) for sample, row in rows if not sample.is_retained]
    firsts = {identity_of(row): row for _, row in reversed(live)}  # of twins in one batch the first counts
    settle(tx)
    new = insert_new(tx.connection, firsts)
    repeated = [(sample, row) for sample, row in live if new.get(identity_of(row)) is not row]
    contradicting = _keep_contradictions(tx, repeated)
    count = counting(tx.connection, new.values())
    add_to_hours(tx.connection, count)
    keep_latest(tx.connection, [_latest_row(row, is_last_known=False) for row in count])
    _remember_last_known(tx, [row for sample, row in rows if sample.is_retained])
    judge_readings(tx, count)
    tx.signal(COLD_CHAIN)
    return Stored(len(new), len(repeated) - contradicting, contradicting)


def keep_dead_letter(tx: Tx, letter: Letter) -> None:
    """Keep an unusable payload for whoever looks after the devices, or only count it in an hour that has enough.

    A device that babbles says the same thing over and over, and must not fill the disk.
    """
    device_id, reason, hour_at = (
        letter.device_id[:40],
        letter.reason[:64],
        tx.now.replace(minute=0, second=0, microsecond=0),
    )
    if _letters_kept(tx, device_id, reason, hour_at) < MOST_LETTERS_AN_HOUR:
        tx.insert(
            DeadLetter,
            id=tx.new_id(),
            device_id=device_id,
            origin=letter.origin.replace("\0", "?")[:200],
            reason=reason,
            payload=letter.payload[:MOST_LETTER_BYTES],
            received_at=tx.now,
        )
    else:
        count_letter(tx.connection, device_id, reason, hour_at)
    tx.signal(COLD_CHAIN)


def add_place(tx: Tx, new: NewPlace) -> UUID:
    """Add a place with limits of temperature, or raise ProfileUnknown, PlaceCodeTaken or PlaceNeedsStation."""
    limits_of(new.profile)
    place_id = places.add_place(tx, new)
    tx.signal(COLD_CHAIN)
    return place_id


def assign_probe(tx: Tx, probe_id: str, place_code: str | None, reason: str | None = None) -> UUID:
    """Record that a probe stands in a place from now on, or in none; raise PlaceUnknown or ProbeIsRetired."""
    if place_code is not None:
        places.require_place(tx.connection, place_code)
    refuse_retired(tx.connection, probe_id)
    record_id = tx.append(Probe, probe_id=probe_id, place_code=place_code, assigned_at=tx.now)
    if reason is not None:
        tx.append(ProbeReason, assignment_id=record_id, reason=reason, told_by=tx.actor.staff_id)
    tx.journal("probe_assigned", record_id, COLD_CHAIN)
    return record_id


def refuse_retired(connection: Connection, probe_id: str) -> None:
    """Raise ProbeIsRetired for a probe that was retired; one that was lost may be found again."""
    is_retired = (probe.c.probe_id == probe_id, probe_reason.c.ended_as == ProbeEnd.RETIRED)
    steps = select(probe.c.id).join(probe_reason, probe_reason.c.assignment_id == probe.c.id)
    if connection.execute(steps.where(*is_retired).limit(1)).first():
        raise ProbeIsRetired


def overview(connection: Connection, now: datetime) -> Overview:
    """Return every place with its probes as they stand now; a bench's box only where a probe stands in it."""
    assigned = places_of_probes(connection)
    latest, judged_by = _latest_by_probe(connection), in_force(connection)
    watched = []
    for place in places.places(connection):
        limits = Limits.of(judged_by[place.place_id].at(to_unix_ms(now)))
        here = sorted(probe_id for probe_id, code in assigned.items() if code == place.code)
        if not here and place.kind is PlaceKind.BENCH_BOX:
            continue
        probes = [ProbeNow.at(now, probe_id, latest.get(probe_id, ()), limits) for probe_id in here]
        condition = worst_of(one.condition for one in probes if one.condition)
        watched.append(PlaceNow(place.code, place.name, place.kind, limits, condition, probes))
    unplaced = [ProbeNow.at(now, one, latest[one]) for one in sorted(latest) if assigned.get(one) is None]
    return Overview(now, watched, unplaced, _letters_since(connection, now - timedelta(days=1)))


def probes_now(connection: Connection, now: datetime, place_code: str) -> Sequence[ProbeNow]:
    """Return the probes of a place as they stand now, the worst first; none of a place that is not known."""
    found = [one for one in overview(connection, now).places if one.code == place_code]
    return worst_first(found[0].probes) if found else ()


def readings_since(connection: Connection, probe_id: str, since: datetime) -> list[ReadingLine]:
    """Return a probe's readings from an instant on, in event time, at most MOST_READINGS_SHOWN; raise ProbeUnknown."""
    number = connection.execute(select(heard_probe.c.number).where(heard_probe.c.probe_id == probe_id)).scalar()
    if number is None:
        raise ProbeUnknown
    columns = reading.c
    rows = connection.execute(
        select(reading)
        .where(columns.probe == number, columns.at_unix_ms >= to_unix_ms(since))
        .order_by(columns.at_unix_ms, columns.boot, columns.seq)
        .limit(MOST_READINGS_SHOWN)
    )
    return [
        ReadingLine(
            row.boot,
            row.seq,
            from_unix_ms(row.at_unix_ms),
            from_unix_ms(row.received_unix_ms),
            row.milli_celsius,
            row.fault,
            row.is_late,
        )
        for row in rows
    ]


def _numbers_of(tx: Tx, samples: Iterable[Sample]) -> Mapping[str, int]:
    """Return the number of every probe that spoke, giving one to those heard for the first time."""
    probe_ids = {sample.probe_id for sample in samples}
    rows = tx.execute(select(heard_probe.c.probe_id, heard_probe.c.number).where(heard_probe.c.probe_id.in_(probe_ids)))
    numbers: dict[str, int] = {row.probe_id: row.number for row in rows}
    if unheard := sorted(probe_ids - numbers.keys()):
        last: int = tx.execute(select(func.coalesce(func.max(heard_probe.c.number), 0))).scalar_one()
        for number, probe_id in enumerate(unheard, last + 1):
            tx.insert(HeardProbe, number=number, probe_id=probe_id, first_heard_at=tx.now)
            numbers[probe_id] = number
    return numbers


def _row_of(sample: Sample, numbers: Mapping[str, int], received_at: datetime) -> dict[str, Any]:
    at = event_time(sample.measured_at, received_at)
    return {
        "probe": numbers[sample.probe_id],
        "boot": sample.boot,
        "seq": sample.seq,
        "at_unix_ms": to_unix_ms(at),
        "measured_unix_ms": None if sample.measured_at is None else to_unix_ms(sample.measured_at),
        "received_unix_ms": to_unix_ms(received_at),
        "uptime_s": sample.uptime_s,
        "milli_celsius": sample.milli_celsius,
        "fault": sample.fault,
        "is_late": received_at - at > LATE_AFTER,
    }


def _keep_contradictions(tx: Tx, repeated: Sequence[tuple[Sample, ReadingRow]]) -> int:
    """Compare what came again with what is stored under its identity, and return how many differed."""
    if not repeated:
        return 0
    identities = {identity_of(row) for _, row in repeated}
    found = tx.execute(select(*IDENTITY, *_SAID).where(tuple_(*IDENTITY).in_(identities))).mappings()
    stored = {identity_of(row): row for row in found}
    differing = [(sample, row) for sample, row in repeated if _said_in(row) != _said_in(stored[identity_of(row)])]
    for sample, row in differing:
        payload = msgspec.json.encode({"boot": sample.boot, "seq": sample.seq, **_said_in(row)})
        keep_dead_letter(tx, Letter(sample.device_id, sample.probe_id, _CONTRADICTS, payload))
    return len(differing)


def _said_in(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {column.name: row[column.name] for column in _SAID}


def _remember_last_known(tx: Tx, rows: Iterable[ReadingRow]) -> None:
    """Note what a broker remembered of probes that have not spoken yet."""
    remembered = {row["probe"]: _latest_row(row, is_last_known=True) for row in rows}
    if remembered:
        known = select(latest_reading.c.probe).where(latest_reading.c.probe.in_(remembered))
        for number in remembered.keys() - set(tx.execute(known).scalars()):
            tx.insert(LatestReading, **remembered[number])


def _latest_row(row: ReadingRow, *, is_last_known: bool) -> dict[str, Any]:
    kept = {name: row[name] for name in ("probe", "boot", "seq", "at_unix_ms", "milli_celsius", "fault")}
    return {**kept, "is_judged": is_judged(row["milli_celsius"], row["fault"]), "is_last_known": is_last_known}


def _latest_by_probe(connection: Connection) -> Mapping[str, Sequence[Measurement]]:
    latest: dict[str, list[Measurement]] = {}
    rows = connection.execute(
        select(heard_probe.c.probe_id, latest_reading).join(heard_probe, heard_probe.c.number == latest_reading.c.probe)
    )
    for row in rows:
        at = from_unix_ms(row.at_unix_ms)
        measurement = Measurement(at, row.milli_celsius, row.fault, is_last_known=row.is_last_known)
        latest.setdefault(row.probe_id, []).append(measurement)
    return latest


def _letters_kept(tx: Tx, device_id: str, reason: str, since: datetime) -> int:
    is_one = (dead_letter.c.received_at >= since, dead_letter.c.device_id == device_id, dead_letter.c.reason == reason)
    kept: int = tx.execute(select(func.count()).select_from(dead_letter).where(*is_one)).scalar_one()
    return kept


def _letters_since(connection: Connection, since: datetime) -> int:
    """Return how many came, kept or counted; an hour that began before ``since`` counts whole."""
    kept = select(func.count()).select_from(dead_letter).where(dead_letter.c.received_at >= since)
    counted = select(func.coalesce(func.sum(letters_not_kept.c.number), 0)).where(
        letters_not_kept.c.hour_at > since - timedelta(hours=1)
    )
    return int(connection.execute(kept).scalar_one()) + int(connection.execute(counted).scalar_one())
