"""The course of a place's temperature, drawn and in figures."""

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import Connection

from clinic_server.cold_chain.course import shown
from clinic_server.cold_chain.course.asking import SpanName, asked_span
from clinic_server.cold_chain.course.calendar import local, unix_ms
from clinic_server.cold_chain.course.exports import Detail, file_of
from clinic_server.cold_chain.course.report import MonthReport, report_file, report_of
from clinic_server.cold_chain.course.rules import Span, percent
from clinic_server.kit.call import Call, signed_in
from clinic_server.kit.spreadsheets import CSV_TYPE

router = APIRouter(include_in_schema=False)
Anyone = Annotated[Call, signed_in()]
Asked = Annotated[Span, Depends(asked_span)]
Month = Annotated[str | None, Query(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


@router.get("/cold-chain/{place}/course")
async def course(call: Anyone, place: str, asked: Asked, span: SpanName = SpanName.DAY) -> Response:
    """Show how the temperature of a place went."""
    return call.page("cold_chain/course.html", spans=list(SpanName), chosen=span, **await _drawn(call, place, asked))


@router.get("/cold-chain/{place}/course/drawn")
async def course_drawn(call: Anyone, place: str, asked: Asked) -> Response:
    """Show the course again, up to now."""
    return call.page("cold_chain/_course.html", **await _drawn(call, place, asked))


@router.get("/cold-chain/{place}/course.csv")
async def course_file(call: Anyone, place: str, asked: Asked, detail: Detail = Detail.READINGS) -> Response:
    """Return the course as a file, each reading or each hour."""
    zone = call.house.settings.site.zone

    def question(connection: Connection) -> bytes:
        return file_of(connection, place, shown.asked_of(connection, place, asked, zone)[2], detail)

    content = await call.read(question)
    name = f"{place}-{local(asked.from_unix_ms, zone):%Y%m%d-%H%M}-{detail}.csv"
    return _file(content, name)


@router.get("/cold-chain/report")
async def month_report(call: Anyone, month: Month = None) -> Response:
    """Show the report of a month, of this one unless another is asked for."""
    zone = call.house.settings.site.zone
    report = await _report(call, month)
    return call.page(
        "cold_chain/report.html",
        report=report,
        before=report.first_day - timedelta(days=1),
        after=report.first_day + timedelta(days=32) if report.is_over else None,
        when=lambda unix_ms: local(unix_ms, zone),
        percent=percent,
    )


@router.get("/cold-chain/report.csv")
async def month_report_file(call: Anyone, month: Month = None) -> Response:
    """Return the report of a month as a file."""
    report = await _report(call, month)
    return _file(report_file(report, call.house.settings.site.zone), f"cold-chain-{report.first_day:%Y-%m}.csv")


async def _report(call: Call, month: str | None) -> MonthReport:
    now, zone = call.house.db.clock.now(), call.house.settings.site.zone
    on = date.fromisoformat(f"{month}-01") if month else call.local_date(now)
    return await call.read(lambda connection: report_of(connection, on, unix_ms(now), zone))


def _file(content: bytes, name: str) -> Response:
    return Response(content, media_type=CSV_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def _drawn(call: Call, place: str, asked: Span) -> dict[str, Any]:
    zone = call.house.settings.site.zone
    course = await call.read(lambda connection: shown.course_of(connection, place, asked, zone))
    is_live = "until" not in call.request.query_params
    return {
        "course": course,
        "is_live": is_live,
        "when": lambda unix_ms: local(unix_ms, zone),
        "query": call.request.url.query,
    }
