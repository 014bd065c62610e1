"""Logger files for programs: the list, what one says, and the file itself."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from clinic_server.cold_chain.logger_files import lookup
from clinic_server.kit.call import Call, signed_in

router = APIRouter(prefix="/api/v1/cold-chain/loggers", tags=["cold chain"])


@router.get("")
async def files(call: Annotated[Call, signed_in()]) -> list[lookup.FileLine]:
    """Return every attached file, the latest first."""
    return list(await call.read(lookup.attached_files))


@router.get("/{file_id}")
async def file(call: Annotated[Call, signed_in()], file_id: UUID) -> lookup.FileSeen:
    """Return what a file says, day by day beside the place's probes."""
    zone = call.house.settings.site.zone
    return await call.read(lambda connection: lookup.seen_file(connection, file_id, zone))


@router.get("/{file_id}/content")
async def content(call: Annotated[Call, signed_in()], file_id: UUID) -> Response:
    """Return a file as it was attached."""
    attached = await call.read(lambda connection: lookup.file_content(connection, file_id))
    return Response(
        attached, media_type="text/plain", headers={"content-disposition": f'attachment; filename="{file_id}.txt"'}
    )
