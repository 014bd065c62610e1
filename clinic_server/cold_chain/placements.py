"""Which probe stood in a place when, by what it was judged there, and how far that judging is.

A reading belongs to wherever its probe stood at the reading's own time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Select, select

from clinic_server.cold_chain.excursions.tables import probe_watch
from clinic_server.cold_chain.judge import Watch, begun
from clinic_server.cold_chain.tables import heard_probe, probe, to_unix_ms
from clinic_server.cold_chain.upkeep.in_force import InForce, in_force
from clinic_server.stock.tables import place

_DECODER = msgspec.msgpack.Decoder(Watch)


@dataclass(frozen=True, slots=True)
class Placement:
    """A probe in a place for a time of its own clock, with how far its judging is.

    ``probe`` is None while it never spoke; ``last_unix_ms`` is its latest reading, or when it was set there.
    """

    placement_id: UUID
    probe_id: str
    probe: int | None
    place_id: UUID
    place_code: str
    limits: InForce
    from_unix_ms: int
    until_unix_ms: int | None
    last_unix_ms: int
    warned: str
    open_gap_id: UUID | None
    watch: Watch

    @property
    def good_unix_ms(self) -> int:
        """When the latest reading was taken that is to be believed, or when the probe was set here."""
        good = self.watch.trust.good
        return good.at_unix_ms if good else self.last_unix_ms

    def covers(self, at_unix_ms: int) -> bool:
        """Tell whether the probe stood here then."""
        return self.from_unix_ms <= at_unix_ms and (self.until_unix_ms is None or at_unix_ms < self.until_unix_ms)


def placements_of(connection: Connection, probes: Iterable[int | None]) -> Sequence[Placement]:
    """Return where these probes stand and stood."""
    return _placements(connection, heard_probe.c.number.in_(list(probes)))


def placements(connection: Connection) -> Sequence[Placement]:
    """Return where every probe stands and stood, those that never spoke too."""
    return _placements(connection)


def watch_of(kept: bytes | None, limits: InForce, from_unix_ms: int) -> Watch:
    """Return a watch as it was kept, or one that begins."""
    return _DECODER.decode(kept) if kept else begun(limits.at(from_unix_ms))


def _placements(connection: Connection, *conditions: Any) -> Sequence[Placement]:
    rows, limits = connection.execute(_PLACEMENTS.where(*conditions)).all(), in_force(connection)
    found = []
    for _, group in groupby(rows, key=attrgetter("probe_id")):
        stood = list(group)
        for row, after in zip(stood, [*stood[1:], None], strict=True):
            if row.place_id is not None:
                until_unix_ms = None if after is None else to_unix_ms(after.assigned_at)
                found.append(_placement(row, limits[row.place_id], until_unix_ms))
    return found


def _placement(row: Any, limits: InForce, until_unix_ms: int | None) -> Placement:
    from_unix_ms = to_unix_ms(row.assigned_at)
    return Placement(
        row.id,
        row.probe_id,
        row.number,
        row.place_id,
        row.place_code,
        limits,
        from_unix_ms,
        until_unix_ms,
        from_unix_ms if row.last_unix_ms is None else row.last_unix_ms,
        row.warned or "",
        row.open_gap_id,
        watch_of(row.watch, limits, from_unix_ms),
    )


_PLACEMENTS: Select[Any] = (
    select(
        probe.c.id,
        probe.c.probe_id,
        heard_probe.c.number,
        probe.c.assigned_at,
        place.c.id.label("place_id"),
        place.c.code.label("place_code"),
        probe_watch.c.last_unix_ms,
        probe_watch.c.warned,
        probe_watch.c.open_gap_id,
        probe_watch.c.watch,
    )
    .outerjoin(heard_probe, heard_probe.c.probe_id == probe.c.probe_id)
    .outerjoin(place, place.c.code == probe.c.place_code)
    .outerjoin(probe_watch, probe_watch.c.placement_id == probe.c.id)
    .order_by(probe.c.probe_id, probe.c.journal_seq, probe.c.id)
)
