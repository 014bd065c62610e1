"""Following each probe in its place: new readings advance its watch; late ones are judged again from an hour before.

A batch of readings in order costs two questions and one upsert, however many probes speak in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from clinic_server.cold_chain.excursions.tables import WatchCheckpoint, probe_watch, watch_checkpoint
from clinic_server.cold_chain.judge import Watch, adopted, advance, is_in_order, judged
from clinic_server.cold_chain.judging import Breach, BreachKind, Gap, Point
from clinic_server.cold_chain.placements import Placement, placements_of, watch_of
from clinic_server.cold_chain.rules import is_judged
from clinic_server.cold_chain.tables import COUNTS, ReadingRow, reading
from clinic_server.kit.tx import Tx

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Followed:
    """What new readings of a placement came to.

    ``breaches`` are all there are of each kind from the event time that ``since`` tells on. ``live_unix_ms`` is the
    newest of the readings that did not come late; ``is_late`` says that some belong before what was judged already.
    """

    placement: Placement
    watch: Watch
    breaches: Sequence[Breach]
    since: Mapping[BreachKind, int]
    gaps: Sequence[Gap]
    warnings: Sequence[Breach]
    points: Sequence[Point]
    live_unix_ms: int | None
    is_late: bool

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is, was or may have been wrong here."""
        return not (self.breaches or self.is_late or self.warnings or self.placement.warned or _open(self.placement))

    @property
    def warned(self) -> str:
        """Of what this probe warns, as ``ProbeWatch`` keeps it."""
        return ",".join(sorted(one.kind for one in self.warnings))

    @property
    def last_unix_ms(self) -> int:
        """When the latest reading was taken."""
        return self.watch.heard.at_unix_ms if self.watch.heard else self.placement.last_unix_ms


def follow(tx: Tx, rows: Iterable[ReadingRow]) -> Sequence[Followed]:
    """Judge new readings that were just stored, placement by placement, and keep how far that is."""
    said: dict[int | None, list[ReadingRow]] = defaultdict(list)
    for row in rows:
        if is_judged(row["milli_celsius"], row["fault"]):
            said[row["probe"]].append(row)
    followed = []
    for placement in placements_of(tx.connection, said) if said else ():
        here = [row for row in said[placement.probe] if placement.covers(row["at_unix_ms"])]
        if here:
            followed.append(_followed(tx, placement, here))
    return followed


def follow_again(tx: Tx, placement: Placement, from_unix_ms: int) -> Followed:
    """Judge a placement again from an instant on: other readings count there than before."""
    start, points = _again_from(tx, placement, from_unix_ms)
    watch = _advanced(tx, placement, start, points)
    last_unix_ms = watch.heard.at_unix_ms if watch.heard else placement.from_unix_ms
    outcome = judged(watch, placement.limits.at(last_unix_ms), last_unix_ms)
    return Followed(
        placement=replace(placement, last_unix_ms=last_unix_ms),
        watch=watch,
        breaches=outcome.breaches,
        since=_since(placement, start, is_late=True),
        gaps=(),
        warnings=[one for one in outcome.warnings if one.ended_unix_ms is None],
        points=points,
        live_unix_ms=None,
        is_late=True,
    )


def keep_open_gap(tx: Tx, placement: Placement, gap_id: UUID) -> None:
    """Keep that nobody speaks for a placement."""
    row = {
        "placement_id": placement.placement_id,
        "last_unix_ms": placement.last_unix_ms,
        "warned": placement.warned,
        "open_gap_id": gap_id,
        "watch": msgspec.msgpack.encode(placement.watch),
    }
    tx.execute(_KEEP[tx.connection.dialect.name], row)


def keep_watches(tx: Tx, followed: Sequence[tuple[Followed, UUID | None]]) -> None:
    """Keep how far the judging is, each with the gap that is open."""
    rows = [
        {
            "placement_id": one.placement.placement_id,
            "last_unix_ms": one.last_unix_ms,
            "warned": one.warned,
            "open_gap_id": open_gap_id,
            "watch": msgspec.msgpack.encode(one.watch.without_the_past()),
        }
        for one, open_gap_id in followed
    ]
    if rows:
        tx.execute(_KEEP[tx.connection.dialect.name], rows)


def _followed(tx: Tx, placement: Placement, rows: Sequence[ReadingRow]) -> Followed:
    new = sorted({Point(row["at_unix_ms"], row["milli_celsius"]) for row in rows})
    is_late = not is_in_order(placement.watch, new[0])
    start, points = _again_from(tx, placement, new[0].at_unix_ms) if is_late else (placement.watch, new)
    watch = _advanced(tx, placement, start, points)
    live = [row["at_unix_ms"] for row in rows if not row["is_late"]]
    last_unix_ms = points[-1].at_unix_ms
    outcome = judged(watch, placement.limits.at(last_unix_ms), last_unix_ms)
    return Followed(
        placement=placement,
        watch=watch,
        breaches=outcome.breaches,
        since=_since(placement, start, is_late=is_late),
        gaps=_new_gaps(placement, watch, new[0]),
        warnings=[one for one in outcome.warnings if one.ended_unix_ms is None],
        points=new,
        live_unix_ms=max((at for at in live if watch.trust.good and at <= watch.trust.good.at_unix_ms), default=None),
        is_late=is_late,
    )


def _again_from(tx: Tx, placement: Placement, at_unix_ms: int) -> tuple[Watch, Sequence[Point]]:
    """Return the judging as it stood before an instant, and every reading since."""
    kept = watch_checkpoint.c
    row = tx.execute(
        select(kept.last_unix_ms, kept.watch)
        .where(kept.placement_id == placement.placement_id, kept.last_unix_ms < at_unix_ms)
        .order_by(kept.last_unix_ms.desc())
        .limit(1)
    ).first()
    since = row.last_unix_ms if row else placement.from_unix_ms - 1
    tx.execute(delete(watch_checkpoint).where(kept.placement_id == placement.placement_id, kept.last_unix_ms >= since))
    start = watch_of(row.watch if row else None, placement.limits, placement.from_unix_ms)
    return start, points_after(tx.connection, placement, since)


def points_after(
    connection: Connection, placement: Placement, after_unix_ms: int, *conditions: ColumnElement[bool]
) -> Sequence[Point]:
    """Return what a placement's probe said there since an instant and that counts, in event time."""
    said = reading.c
    since = max(after_unix_ms, placement.from_unix_ms - 1)
    until = [] if placement.until_unix_ms is None else [said.at_unix_ms < placement.until_unix_ms]
    rows = connection.execute(
        select(said.at_unix_ms, said.milli_celsius, said.fault).where(
            said.probe == placement.probe, said.at_unix_ms > since, COUNTS, *until, *conditions
        )
    )
    return sorted({Point(row.at_unix_ms, row.milli_celsius) for row in rows if is_judged(row.milli_celsius, row.fault)})


def _advanced(tx: Tx, placement: Placement, watch: Watch, points: Iterable[Point]) -> Watch:
    for point in points:
        if watch.heard is not None and watch.heard.at_unix_ms // HOUR_MS != point.at_unix_ms // HOUR_MS:
            tx.insert(
                WatchCheckpoint,
                placement_id=placement.placement_id,
                last_unix_ms=watch.heard.at_unix_ms,
                watch=msgspec.msgpack.encode(watch.without_the_past()),
            )
        profile = placement.limits.at(point.at_unix_ms)
        if watch.edition != profile.edition:
            watch = adopted(watch, placement.limits.called(watch.edition), profile)
        watch = advance(watch, profile, point)
    return watch


def _since(placement: Placement, start: Watch, *, is_late: bool) -> Mapping[BreachKind, int]:
    """Return from when on, kind by kind, the breaches found from a watch on are all there are."""
    first = placement.from_unix_ms if is_late else placement.last_unix_ms + 1
    after = start.heard.at_unix_ms + 1 if start.heard else first
    lasting = zip(placement.limits.called(start.edition).bounds, start.tracks, strict=True)
    return dict.fromkeys(BreachKind, after) | {
        bound.kind: track.open.stretch.first_unix_ms for bound, track in lasting if track.open and not bound.is_warning
    }


def _new_gaps(placement: Placement, watch: Watch, first: Point) -> Sequence[Gap]:
    """Return the gaps before readings newer than any so far; what comes later never makes an older one."""
    since = placement.good_unix_ms
    gaps = [gap for gap in watch.gaps if gap.until_unix_ms and gap.until_unix_ms > since]
    is_first = placement.watch.heard is None
    if is_first and first.at_unix_ms - since > placement.limits.at(first.at_unix_ms).gap_after_s * 1_000:
        return [Gap(since, first.at_unix_ms), *gaps]
    return gaps


def _open(placement: Placement) -> bool:
    return any(track.open is not None for track in placement.watch.tracks)


def _keeping(insert: Any) -> Any:
    kept = ("last_unix_ms", "warned", "open_gap_id", "watch")
    return insert.on_conflict_do_update(
        index_elements=[probe_watch.c.placement_id], set_={name: insert.excluded[name] for name in kept}
    )


_KEEP = {
    name: _keeping(insert(probe_watch))
    for name, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
