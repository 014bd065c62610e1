"""Gaps as rows: every time nobody can speak for a place begins, ends, and may be covered later by late readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select

from clinic_server.cold_chain.excursions.following import Followed
from clinic_server.cold_chain.excursions.tables import (
    ReadingGap,
    ReadingGapEnded,
    ReadingGapFilled,
    reading_gap,
    reading_gap_ended,
    reading_gap_filled,
)
from clinic_server.cold_chain.placements import Placement
from clinic_server.cold_chain.rules import is_judged
from clinic_server.cold_chain.tables import COUNTS, from_unix_ms, probe, reading, to_unix_ms
from clinic_server.kit.tx import Tx


@dataclass(frozen=True, slots=True)
class GapFacts:
    """A gap: ``until_at`` is None while it lasts, ``filled_at`` says when late readings had covered it."""

    gap_id: UUID
    probe_id: str
    place_code: str
    from_at: datetime
    until_at: datetime | None
    filled_at: datetime | None


def note_gaps(tx: Tx, one: Followed) -> UUID | None:
    """Record the gaps that new readings ended or covered; return the one that is open still."""
    placement, open_id = one.placement, one.placement.open_gap_id
    if open_id is None:
        for gap in one.gaps:
            end_gap(tx, begin_gap(tx, placement, gap.from_unix_ms), gap.until_unix_ms or one.last_unix_ms)
    elif one.live_unix_ms is not None:  # what was kept back and comes first does not end it: the place is dark still
        end_gap(tx, open_id, one.live_unix_ms)
        open_id = None
    if one.is_late or (placement.open_gap_id and open_id is None):
        _fill(tx, placement, one.last_unix_ms)
    return open_id


def begin_gap(tx: Tx, placement: Placement, from_ms: int) -> UUID:
    """Record that nobody speaks for a place from here on."""
    return tx.append(ReadingGap, placement_id=placement.placement_id, from_at=from_unix_ms(from_ms), noted_at=tx.now)


def end_gap(tx: Tx, gap_id: UUID, until_ms: int) -> None:
    """Record that somebody speaks for it again."""
    tx.append(ReadingGapEnded, gap_id=gap_id, until_at=from_unix_ms(until_ms), noted_at=tx.now)


def gaps_since(connection: Connection, place_code: str, since: datetime) -> Sequence[GapFacts]:
    """Return a place's gaps that lasted after an instant, in order."""
    ended = reading_gap_ended.c.until_at
    rows = connection.execute(
        _gaps()
        .where(probe.c.place_code == place_code, (ended.is_(None)) | (ended > since))
        .order_by(reading_gap.c.from_at)
    )
    return [GapFacts(*row) for row in rows]


def _fill(tx: Tx, placement: Placement, until_ms: int) -> None:
    """Record which gaps are covered by now: between no two of their readings is there a gap any more."""
    rows = tx.execute(
        _gaps().where(
            reading_gap.c.placement_id == placement.placement_id,
            reading_gap_ended.c.until_at.is_not(None),
            reading_gap_filled.c.filled_at.is_(None),
            reading_gap.c.from_at <= from_unix_ms(until_ms),
        )
    ).all()
    for gap in rows:
        if _is_covered(tx.connection, placement, gap.from_at, gap.until_at):
            tx.append(ReadingGapFilled, gap_id=gap.id, filled_at=tx.now)


def _is_covered(connection: Connection, placement: Placement, from_at: datetime, until_at: datetime) -> bool:
    since, until = to_unix_ms(from_at), to_unix_ms(until_at)
    said = reading.c
    rows = connection.execute(
        select(said.at_unix_ms, said.milli_celsius, said.fault).where(
            said.probe == placement.probe, said.at_unix_ms > since, said.at_unix_ms < until, COUNTS
        )
    )
    spoken = sorted(row.at_unix_ms for row in rows if is_judged(row.milli_celsius, row.fault))
    longest = placement.limits.at(until).gap_after_s * 1_000
    return all(later - earlier <= longest for earlier, later in pairwise([since, *spoken, until]))


def _gaps() -> Select[Any]:
    return (
        select(
            reading_gap.c.id,
            probe.c.probe_id,
            probe.c.place_code,
            reading_gap.c.from_at,
            reading_gap_ended.c.until_at,
            reading_gap_filled.c.filled_at,
        )
        .join(probe, probe.c.id == reading_gap.c.placement_id)
        .outerjoin(reading_gap_ended, reading_gap_ended.c.gap_id == reading_gap.c.id)
        .outerjoin(reading_gap_filled, reading_gap_filled.c.gap_id == reading_gap.c.id)
    )
