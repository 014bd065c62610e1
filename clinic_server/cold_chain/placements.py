"""Which probe stood in a place when: a reading belongs to wherever its probe stood at the reading's own time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from clinic_server.cold_chain.tables import probe


@dataclass(frozen=True, slots=True)
class Placement:
    """A probe stood in a place from one instant until before another; ``until_at`` is None while it still does."""

    probe_id: str
    place_code: str
    from_at: datetime
    until_at: datetime | None


def placements(connection: Connection, place_code: str | None = None) -> Sequence[Placement]:
    """Return every placement there was, of one place or of all, the earliest first."""
    columns = probe.c
    until_at = (
        func.lead(columns.assigned_at)
        .over(partition_by=columns.probe_id, order_by=columns.journal_seq)
        .label("until_at")
    )
    spans = select(columns.probe_id, columns.place_code, columns.assigned_at, until_at, columns.journal_seq).subquery()
    wanted = spans.c.place_code.is_not(None) if place_code is None else spans.c.place_code == place_code
    rows = connection.execute(
        select(spans.c.probe_id, spans.c.place_code, spans.c.assigned_at, spans.c.until_at)
        .where(wanted)
        .order_by(spans.c.journal_seq)
    )
    return [Placement(*row) for row in rows]
