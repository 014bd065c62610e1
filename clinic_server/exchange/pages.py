"""Lists in and out: a file is looked through first and comes in as it is confirmed; others are downloaded."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from starlette.datastructures import UploadFile

from clinic_server.exchange import actions, desk, lookup
from clinic_server.exchange.desk import Keeper
from clinic_server.exchange.rules import COLUMNS_IN, MOST_ROWS, NOT_NEEDED, ExportKind, ImportKind
from clinic_server.kit.call import Form, go_to
from clinic_server.kit.errors import Malformed
from clinic_server.kit.spreadsheets import FileFormat

router = APIRouter(include_in_schema=False)
Digest = Annotated[str, InPath(pattern=r"^[0-9a-f]{64}$")]


class UploadForm(Form):
    """What the file lists."""

    kind: ImportKind


class ConfirmationForm(Form):
    """Nothing beside the address."""


@router.get("/exchange")
async def show_exchange(call: Keeper) -> Response:
    """Show the form that sends a file, what can be downloaded, and which files came in."""
    return call.page(
        "exchange/exchange.html",
        kinds=list(ImportKind),
        columns=COLUMNS_IN,
        not_needed=NOT_NEEDED,
        most_rows=MOST_ROWS,
        most_bytes=call.house.settings.server.most_body_bytes,
        exports=list(ExportKind),
        formats=list(FileFormat),
        imports=await call.read(lookup.imports),
        today=call.local_date(call.house.db.clock.now()),
    )


@router.post("/exchange/dry-runs")
async def look_through(call: Keeper) -> Response:
    """Look a file through and go to what was found."""
    await call.request.body()  # kept by the request, as ``call.form`` keeps it
    async with call.request.form() as fields:  # closes the file, whatever comes of it
        form = await call.form(UploadForm)
        file = fields.get("file")
        if not isinstance(file, UploadFile):
            raise Malformed(findings=("file",))
        run = await desk.look_through(call, form.kind, file.filename or "", await file.read())
    return go_to(call.request, f"/exchange/dry-runs/{run.kind}/{run.sha256}")


@router.get("/exchange/dry-runs/{kind}/{digest}")
async def show_dry_run(call: Keeper, kind: ImportKind, digest: Digest) -> Response:
    """Show what a file would do, row by row, and the button that lets it."""
    run = desk.waiting(call, kind, digest)
    return call.page("exchange/dry_run.html", run=await desk.seen(call, run))


@router.post("/exchange/dry-runs/{kind}/{digest}/confirmation")
async def import_file(call: Keeper, kind: ImportKind, digest: Digest) -> Response:
    """Record every row of a file, or none."""
    await call.form(ConfirmationForm)
    run = desk.waiting(call, kind, digest)
    return await call.record(lambda tx: actions.import_file(tx, run), then="/exchange")
