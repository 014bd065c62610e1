"""The excursions of a course: what was judged, with its minutes, to be drawn and to be counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, or_, select

from clinic_server.cold_chain.course.rules import Span
from clinic_server.cold_chain.excursions.tables import excursion_now
from clinic_server.cold_chain.judging import BreachKind
from clinic_server.cold_chain.tables import probe

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class CourseBreach:
    """An excursion, judged by readings of one probe; ``until_unix_ms`` is None while it lasts."""

    excursion_id: UUID
    probe_id: str
    kind: BreachKind
    from_unix_ms: int
    until_unix_ms: int | None
    min_milli_celsius: int
    max_milli_celsius: int
    out_ms: int
    unknown_ms: int

    @property
    def least_minutes(self) -> int:
        """How long it was at least: gaps taken as in range; begun minutes."""
        return -(-self.out_ms // _MINUTE_MS)

    @property
    def most_minutes(self) -> int:
        """How long it was at most: gaps taken as out of range."""
        return -(-(self.out_ms + self.unknown_ms) // _MINUTE_MS)


def breaches_in(connection: Connection, place_code: str, span: Span) -> Sequence[CourseBreach]:
    """Return the excursions of a place that reach into a span and still stand, by their beginning."""
    row = excursion_now.c
    figures = (row.min_milli_celsius, row.max_milli_celsius, row.out_ms, row.unknown_ms)
    rows = connection.execute(
        select(row.excursion_id, probe.c.probe_id, row.kind, row.began_unix_ms, row.ended_unix_ms, *figures)
        .join(probe, probe.c.id == row.placement_id)
        .where(
            probe.c.place_code == place_code,
            row.is_withdrawn.is_(False),
            row.began_unix_ms < span.until_unix_ms,
            or_(row.ended_unix_ms.is_(None), row.ended_unix_ms > span.from_unix_ms),
        )
        .order_by(row.began_unix_ms)
    )
    return [CourseBreach(*found) for found in rows]
