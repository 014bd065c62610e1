"""Attaching a logger's file to the place it lay in."""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select

from clinic_server.cold_chain.logger_files.rules import LoggerFileAttached, read_report
from clinic_server.cold_chain.logger_files.tables import LoggerFile, logger_file
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.places import require_place

LOGGER_FILES = "logger_files"  # the topic of pages that list them


@dataclass(frozen=True, slots=True)
class Attached:
    """The file that was attached."""

    file_id: UUID


def attach(tx: Tx, place_code: str, file_name: str, content: bytes) -> Attached:
    """Attach a file; raise PlaceUnknown, LoggerFileUnreadable, or LoggerFileAttached where these bytes are known."""
    attached_by = require_signed_in(tx)
    require_place(tx.connection, place_code)
    report = read_report(content)
    digest = sha256(content).hexdigest()
    if tx.execute(select(logger_file.c.id).where(logger_file.c.sha256 == digest)).first():
        raise LoggerFileAttached
    file_id = tx.append(
        LoggerFile,
        sha256=digest,
        file_name=file_name[:120],
        content=content,
        device=report.device[:80],
        serial=report.serial[:40],
        place_code=place_code,
        attached_by=attached_by,
        attached_at=tx.now,
    )
    tx.journal("logger_file_attached", file_id, LOGGER_FILES)
    return Attached(file_id)
