"""What the API and the pages do alike: look a file through, confirm it, write one that goes out."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Response
from sqlalchemy import Connection

from clinic_server.exchange.dry_runs import DryRun, DryRuns, Upload, dry_run_of
from clinic_server.exchange.lookup import Period, export_of
from clinic_server.exchange.rules import ExportKind, ImportKind
from clinic_server.exchange.shown import DryRunSeen, dry_run_seen
from clinic_server.kit.call import Call, allows
from clinic_server.kit.spreadsheets import MEDIA_TYPES, FileFormat, as_file
from clinic_server.staff.rules import Role
from clinic_server.stock.scans import unit_code

T = TypeVar("T")
Keeper = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD)]


async def look_through(call: Call, kind: ImportKind, name: str, content: bytes) -> DryRun:
    """Look a file through beside the event loop and keep it for its sender to confirm."""
    upload = Upload(kind, name, content, _sender(call))
    now = call.house.db.clock.now()
    run = await asyncio.to_thread(dry_run_of, upload, lambda code: unit_code(call.house.recognise(code)), now)
    _dry_runs(call).keep(run)
    return run


def waiting(call: Call, kind: ImportKind, digest: str) -> DryRun:
    """Return a file of this person's that waits to be confirmed, or raise DryRunUnknown."""
    return _dry_runs(call).require(_sender(call), kind, digest)


async def seen(call: Call, run: DryRun) -> DryRunSeen:
    """Return what a file would do now."""
    today = call.local_date(call.house.db.clock.now())
    return await _read(call, lambda connection: dry_run_seen(connection, run, today))


async def download(call: Call, kind: ExportKind, form: FileFormat, period: Period) -> Response:
    """Answer with a file that goes out."""
    export = await _read(call, lambda connection: export_of(connection, kind, period))
    content = await asyncio.to_thread(as_file, form, export.headings, export.lines)
    name = f"{kind}-{call.local_date(call.house.db.clock.now())}.{form}"
    return Response(
        content, media_type=MEDIA_TYPES[form], headers={"content-disposition": f'attachment; filename="{name}"'}
    )


async def _read(call: Call, question: Callable[[Connection], T]) -> T:
    """Ask the database in the caller's language, which a reader's thread does not know."""
    context = copy_context()
    return await call.read(lambda connection: context.run(question, connection))


def _dry_runs(call: Call) -> DryRuns:
    kept: DryRuns = call.request.app.state.dry_runs
    return kept


def _sender(call: Call) -> UUID:
    assert call.actor.staff_id  # noqa: S101  # whoever has a role is of the staff
    return call.actor.staff_id
