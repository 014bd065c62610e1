"""What units went through: every excursion of every place they stood in, added up over their lives."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.cold_chain.excursions.judgement import breach_of
from clinic_server.cold_chain.excursions.rules import Exposure
from clinic_server.cold_chain.excursions.tables import excursion, excursion_now
from clinic_server.cold_chain.tables import from_unix_ms
from clinic_server.stock.stays import Stay, stays_of
from clinic_server.stock.tables import place


def exposures_of(connection: Connection, unit_ids: Iterable[UUID], now: datetime) -> Sequence[Exposure]:
    """Return what these units went through, in time."""
    stays = stays_of(connection, unit_ids)
    rows = connection.execute(
        select(excursion_now, place.c.code)
        .join(excursion, excursion.c.id == excursion_now.c.excursion_id)
        .join(place, place.c.id == excursion.c.place_id)
        .where(place.c.code.in_({stay.place_code for stay in stays}), ~excursion_now.c.is_withdrawn)
    ).all()
    found = [one for stay in stays for row in rows if (one := _exposure(stay, row, now)) is not None]
    return sorted(found, key=lambda one: (one.from_at, one.excursion_id, one.unit_id))


def _exposure(stay: Stay, row: Any, now: datetime) -> Exposure | None:
    """Return what an excursion did to a unit during one stay; what part of it was out of range is not known finer."""
    breach = breach_of(row)
    from_at = max(stay.from_at, from_unix_ms(breach.began_unix_ms))
    last_out_at = from_unix_ms(breach.last_out_unix_ms)
    until_at = min(stay.until_at or now, last_out_at if breach.ended_unix_ms is not None else max(now, last_out_at))
    if row.code != stay.place_code or until_at < from_at:
        return None
    out = min(until_at - from_at, timedelta(milliseconds=breach.out_ms + breach.unknown_ms))
    return Exposure(
        stay.unit_id,
        row.excursion_id,
        row.code,
        breach.kind,
        from_at,
        until_at,
        -(-out // timedelta(minutes=1)),
        breach.min_milli_celsius,
        breach.max_milli_celsius,
    )
