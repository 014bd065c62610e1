"""Which span is asked for: one of a few that end now, or from any time until any other."""

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import Query, Request

from clinic_server.cold_chain.course.calendar import unix_ms
from clinic_server.cold_chain.course.rules import DAY_MS, HOUR_MS, Span, SpanImpossible
from clinic_server.kit.call import House

LONGEST_MS: Final = 20 * 366 * DAY_MS
SHORTEST_MS: Final = 60_000


class SpanName(StrEnum):
    """The spans that are one key away; each ends now."""

    SIX_HOURS = "6h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    YEAR = "1y"
    FIVE_YEARS = "5y"


LENGTHS_MS: Final = MappingProxyType(
    {
        SpanName.SIX_HOURS: 6 * HOUR_MS,
        SpanName.DAY: DAY_MS,
        SpanName.WEEK: 7 * DAY_MS,
        SpanName.MONTH: 30 * DAY_MS,
        SpanName.YEAR: 365 * DAY_MS,
        SpanName.FIVE_YEARS: 5 * 365 * DAY_MS + DAY_MS,
    }
)


async def asked_span(
    request: Request,
    span: SpanName = SpanName.DAY,
    begins: Annotated[datetime | None, Query(alias="from")] = None,
    until: datetime | None = None,
) -> Span:
    """Return the span a request asks for, times without an offset being the site's; or raise SpanImpossible."""
    house: House = request.app.state.house
    zone = house.settings.site.zone

    def instant(at: datetime) -> int:
        return unix_ms(at if at.tzinfo else at.replace(tzinfo=zone))

    ends = instant(until or house.db.clock.now())
    asked = Span(ends - LENGTHS_MS[span] if begins is None else instant(begins), ends)
    if not SHORTEST_MS <= asked.length_ms <= LONGEST_MS or asked.from_unix_ms < 0:
        raise SpanImpossible
    return asked
