"""Lists in and out, for programs: a file is the body, as it is."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from clinic_server.exchange import actions, desk, lookup
from clinic_server.exchange.desk import Keeper
from clinic_server.exchange.rules import ExportKind, ImportKind
from clinic_server.exchange.shown import DryRunSeen
from clinic_server.kit.call import Body, Call
from clinic_server.kit.spreadsheets import FileFormat

router = APIRouter(prefix="/api/v1", tags=["exchange"])
Day = Annotated[date | None, Query()]


class ConfirmationBody(Body):
    """Which file comes in, by the digest that its dry run told."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


@router.get("/imports")
async def list_imports(call: Keeper) -> Sequence[lookup.ImportSeen]:
    """Return every file that came in, the latest first."""
    return await call.read(lookup.imports)


@router.post("/imports/{kind}/dry-run")
async def look_through(
    call: Keeper, kind: ImportKind, file_name: Annotated[str, Query(max_length=200)] = ""
) -> DryRunSeen:
    """Tell what a workbook or CSV would do, row by row; nothing is recorded."""
    run = await desk.look_through(call, kind, file_name, await call.request.body())
    return await desk.seen(call, run)


@router.post("/imports/{kind}", status_code=201)
async def import_file(call: Keeper, kind: ImportKind, body: ConfirmationBody) -> Response:
    """Record every row of a file that was looked through, or none."""
    run = desk.waiting(call, kind, body.sha256)
    return await call.record(lambda tx: actions.import_file(tx, run))


@router.get("/exports/{kind}.{form}")
async def download(call: Keeper, kind: ExportKind, form: FileFormat, since: Day = None, until: Day = None) -> Response:
    """Return products, units on hand or the movements of a period, today's unless another is asked for."""
    return await desk.download(call, kind, form, _period(call, since, until))


def _period(call: Call, since: date | None, until: date | None) -> lookup.Period:
    today = call.local_date(call.house.db.clock.now())
    return lookup.Period(since or until or today, until or today, call.house.settings.site.zone)
