"""After the clock was turned: settles which readings count, and judges again where that changed.

Nothing that was found is taken back by a clock: an excursion that rests on readings set aside stands as it was found,
with all it holds, until the clock comes right again and its readings are judged as before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, false, func, or_, select

from clinic_server.cold_chain.course.tables import IS_JUDGED, rebuild_hours_of
from clinic_server.cold_chain.excursions.following import Followed, follow_again, keep_watches, points_after
from clinic_server.cold_chain.excursions.gaps import end_gap, note_gaps
from clinic_server.cold_chain.excursions.judgement import judge, lasting_as_found
from clinic_server.cold_chain.excursions.rules import Known
from clinic_server.cold_chain.judge import followed, lasting
from clinic_server.cold_chain.placements import Placement, placements_of
from clinic_server.cold_chain.rules import COLD_CHAIN
from clinic_server.cold_chain.stretches import SAME_CLOCK, Aside, Run, asides_of, runs_of
from clinic_server.cold_chain.tables import (
    IDENTITY,
    AsideSpan,
    ReadingsSettled,
    aside_span,
    heard_probe,
    keep_latest,
    latest_reading,
    reading,
    readings_settled,
    to_unix_ms,
)
from clinic_server.kit.turns import moment_of, turns_after
from clinic_server.kit.tx import Tx
from clinic_server.stock.whereabouts import STOCK

_SETTLED = select(readings_settled)
_Spans = Mapping[int, Sequence[tuple[int, int]]]  # by the turn that began a stretch


def is_settled(connection: Connection) -> bool:
    """Tell whether no turn of the clock came since."""
    turn_seq = moment_of(connection).seq
    return not turn_seq or turn_seq <= _settled(connection).turn_seq


def settle(tx: Tx) -> None:
    """Set aside and bring back what the turns of the clock since the last time ask for."""
    if is_settled(tx.connection):
        return
    settled, turn_seq = _settled(tx.connection), moment_of(tx.connection).seq
    turns = turns_after(tx.connection, settled.first_seq)
    runs = runs_of(settled.first_seq, min(_first_heard_at(tx.connection), turns[0].from_at), turns)
    before, after = _kept_spans(tx.connection), _spans_of(asides_of(runs), settled.first_seq)
    changed = _changed(tx.connection, runs, before, after)
    _keep(tx, after, ReadingsSettled(first_seq=settled.first_seq, turn_seq=turn_seq))
    for number, from_unix_ms in changed.items():
        rebuild_hours_of(tx.connection, number, from_unix_ms)
        _keep_latest_of(tx.connection, number)
    _judge_again(tx, changed, turns[-1].from_at)
    if tx.owes_a_line:
        tx.journal("readings_settled", None, COLD_CHAIN, STOCK)


def outlived(connection: Connection, here: Sequence[Placement]) -> Iterator[tuple[Placement, Known]]:
    """Return what lasts as it was found by readings set aside since, and was ended by those that count."""
    by_id = {one.placement_id: one for one in here}
    for found in lasting_as_found(connection):
        placement = by_id.get(found.placement_id)
        came_since = func.coalesce(reading.c.turn_seq, 0) > found.turn_seq
        points = points_after(connection, placement, found.from_unix_ms - 1, came_since) if placement else ()
        if placement and points:
            profile = placement.limits.at(points[-1].at_unix_ms)
            if followed(lasting(profile, found.known.breach.kind), profile, points).breaches:
                yield placement, found.known


def _settled(connection: Connection) -> ReadingsSettled:
    row = connection.execute(_SETTLED).one_or_none()
    return ReadingsSettled(first_seq=0, turn_seq=0) if row is None else ReadingsSettled(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name


def _first_heard_at(connection: Connection) -> datetime:
    heard_at: datetime | None = connection.execute(select(func.min(heard_probe.c.first_heard_at))).scalar()
    return heard_at or datetime.max.replace(tzinfo=UTC)


def _kept_spans(connection: Connection) -> _Spans:
    spans: dict[int, list[tuple[int, int]]] = {}
    for row in connection.execute(select(aside_span)):
        spans.setdefault(row.turn_seq, []).append((row.from_unix_ms, row.until_unix_ms))
    return spans


def _spans_of(asides: Sequence[Aside], first_seq: int) -> _Spans:
    """Return the spans by turn; readings from before turns were kept count as of the first stretch."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for aside in asides:
        span = to_unix_ms(aside.from_at), to_unix_ms(aside.until_at)
        for turn_seq in {*aside.run.turn_seqs, *([0] if first_seq in aside.run.turn_seqs else [])}:
            spans.setdefault(turn_seq, []).append(span)
    return spans


def _keep(tx: Tx, spans: _Spans, settled: ReadingsSettled) -> None:
    tx.execute(delete(readings_settled))
    tx.insert(ReadingsSettled, first_seq=settled.first_seq, turn_seq=settled.turn_seq)
    tx.execute(delete(aside_span))
    for turn_seq, some in sorted(spans.items()):
        for from_unix_ms, until_unix_ms in sorted(some):
            tx.insert(AsideSpan, turn_seq=turn_seq, from_unix_ms=from_unix_ms, until_unix_ms=until_unix_ms)


def _changed(connection: Connection, runs: Sequence[Run], before: _Spans, after: _Spans) -> Mapping[int, int]:
    """Return the probes of which other readings count from now on, each with when the earliest of them is dated."""
    earliest: dict[int, int] = {}
    for run in runs:
        for turn_seq in {0, *run.turn_seqs} if run is runs[0] else run.turn_seqs:
            was, now = before.get(turn_seq, ()), after.get(turn_seq, ())
            if sorted(was) == sorted(now):
                continue
            at, received = reading.c.at_unix_ms, reading.c.received_unix_ms
            was_aside, is_aside = _lies_in(at, was), _lies_in(at, now)
            rows = connection.execute(
                select(reading.c.probe, func.min(at))
                .where(
                    received >= to_unix_ms(run.began_at - SAME_CLOCK),
                    received <= to_unix_ms(run.ended_at + SAME_CLOCK),
                    at >= min(first for first, _ in {*was, *now}),
                    func.coalesce(reading.c.turn_seq, 0) == turn_seq,
                    or_(and_(was_aside, ~is_aside), and_(is_aside, ~was_aside)),
                )
                .group_by(reading.c.probe)
            )
            for number, at_unix_ms in rows:
                earliest[number] = min(at_unix_ms, earliest.get(number, at_unix_ms))
    return earliest


def _lies_in(at: ColumnElement[int], spans: Sequence[tuple[int, int]]) -> ColumnElement[bool]:
    return or_(false(), *(and_(at >= first, at < until) for first, until in spans))


def _keep_latest_of(connection: Connection, number: int) -> None:
    """Keep the latest reading that counts; what may not be judged comes again by itself."""
    connection.execute(delete(latest_reading).where(latest_reading.c.probe == number, ~latest_reading.c.is_last_known))
    said = reading.c
    row = connection.execute(
        select(*IDENTITY, said.at_unix_ms, said.milli_celsius, said.fault)
        .where(said.probe == number, IS_JUDGED)
        .order_by(said.at_unix_ms.desc(), said.boot.desc(), said.seq.desc())
        .limit(1)
    ).first()
    if row is not None:
        keep_latest(connection, [{**row._mapping, "is_judged": True, "is_last_known": False}])  # noqa: SLF001  # SQLAlchemy's public name


def _judge_again(tx: Tx, changed: Mapping[int, int], shown_last_at: datetime) -> None:
    """Judge each placement from the earliest reading on that counts otherwise than before."""
    shown_last_unix_ms = to_unix_ms(shown_last_at)
    again: list[Followed] = []
    for placement in placements_of(tx.connection, changed):
        from_unix_ms = max(changed.get(placement.probe or 0, 0), placement.from_unix_ms)
        if placement.until_unix_ms is None or from_unix_ms < placement.until_unix_ms:
            if placement.open_gap_id is not None:
                end_gap(tx, placement.open_gap_id, max(placement.good_unix_ms, shown_last_unix_ms))
            again.append(follow_again(tx, replace(placement, open_gap_id=None), from_unix_ms))
    for one in again:
        note_gaps(tx, one)
        judge(tx, one)
    keep_watches(tx, [(one, None) for one in again])
