"""Attaching a logger's file, and what it says beside what the probe said."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from starlette.datastructures import UploadFile

from clinic_server.cold_chain.logger_files import actions, lookup
from clinic_server.cold_chain.logger_files.rules import (
    MOST_BYTES,
    LoggerReport,
    mean_milli_celsius,
    minutes_by_rows,
    mkt_milli_celsius,
    printed_decimals,
    wrongly_marked,
)
from clinic_server.kit.call import Call, Form, allows, signed_in
from clinic_server.kit.errors import BodyTooLarge, Malformed
from clinic_server.staff.rules import Role
from clinic_server.stock.places import places

router = APIRouter(include_in_schema=False)
Keeper = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD)]


class LoggerForm(Form):
    """The place the logger lay in."""

    place_code: str = Field(min_length=1, max_length=32)


@router.get("/cold-chain/loggers")
async def show_files(call: Annotated[Call, signed_in()]) -> Response:
    """Show the attached files, and the form that attaches another."""
    return call.page(
        "cold_chain/logger_files.html",
        files=await call.read(lookup.attached_files),
        places=await call.read(places),
        most_kilobytes=MOST_BYTES // 1000,
        may_keep=bool({Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER} & call.actor.roles),
    )


@router.post("/cold-chain/loggers")
async def attach_file(call: Keeper) -> Response:
    """Attach a file and go to what it says."""
    await call.request.body()  # kept by the request, as ``call.form`` keeps it
    async with call.request.form() as fields:  # closes the file, whatever comes of it
        form = await call.form(LoggerForm)
        file = fields.get("file")
        if not isinstance(file, UploadFile):
            raise Malformed(findings=("file",))
        name, content = file.filename or "", await file.read()
    if len(content) > MOST_BYTES:
        raise BodyTooLarge
    return await call.record(lambda tx: actions.attach(tx, form.place_code, name, content), then="/cold-chain/loggers")


@router.get("/cold-chain/loggers/{file_id}")
async def show_file(call: Annotated[Call, signed_in()], file_id: UUID) -> Response:
    """Show what a file says, whether its rows bear that out, and what the probe said on the same days."""
    zone = call.house.settings.site.zone
    seen = await call.read(lambda connection: lookup.seen_file(connection, file_id, zone))
    return call.page("cold_chain/logger_file.html", seen=seen, **_reckoned(seen.report))


def _reckoned(report: LoggerReport) -> dict[str, Any]:
    """Return what the rows say of what the logger printed; nothing for a logger without rows."""
    if not report.rows:
        return {"episodes": (), "mean": None, "mkt": None, "wrongly_marked": ()}
    mkt = mkt_milli_celsius(report)
    return {
        "episodes": [(one, *minutes_by_rows(report, one)) for one in report.printed_episodes],
        "mean": printed_decimals(mean_milli_celsius(report.rows)),
        "mkt": None if mkt is None else printed_decimals(mkt),
        "wrongly_marked": wrongly_marked(report),
    }
