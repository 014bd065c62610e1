"""The course of a place's temperature, for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import Connection

from clinic_server.cold_chain.course import lookup, shown
from clinic_server.cold_chain.course.asking import asked_span
from clinic_server.cold_chain.course.rules import Bounds, Grain, Span
from clinic_server.kit.call import Call, signed_in

router = APIRouter(prefix="/api/v1/cold-chain", tags=["cold chain"])


@dataclass(frozen=True, slots=True)
class CourseFigures:
    """A course in pieces of ``piece_ms``; temperatures in milli-Celsius, times in milliseconds since 1970."""

    place_code: str
    span: Span
    bounds: Bounds
    grain: Grain
    piece_ms: int
    series: Sequence[lookup.Series]


@router.get("/places/{place}/course")
async def course(
    call: Annotated[Call, signed_in()], place: str, span: Annotated[Span, Depends(asked_span)]
) -> CourseFigures:
    """Return how the temperature of a place went, as fine as a chart of the span needs it."""
    zone = call.house.settings.site.zone

    def question(connection: Connection) -> CourseFigures:
        _, _, asked = shown.asked_of(connection, place, span, zone)
        series = lookup.series_in(connection, place, asked)
        return CourseFigures(place, span, asked.bounds, asked.grain, asked.width_ms, series)

    return await call.read(question)
