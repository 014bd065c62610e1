"""The machine under the server: program, clock, disk, address, and what the user may touch."""

import ctypes
import os
import pwd
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import pysqlite3.dbapi2
from sqlalchemy.exc import ArgumentError

from clinic_server.backup.making import last_made_at
from clinic_server.backup.rules import is_too_old
from clinic_server.doctor.report import Said, said
from clinic_server.kit.engines import UnsafeDatabase, is_sqlite, refuse_wal_reset_bug, sqlite_path
from clinic_server.kit.i18n import missing_catalogues
from clinic_server.kit.pages import STATIC
from clinic_server.settings import ServerSettings, Settings

_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # this server did not exist before
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_NOT_SYNCHRONISED = 5  # adjtimex(2): TIME_ERROR
_TIMEX_BYTES = 512
_ANSWERS_S = 2.0
_ASSETS = ("vendor/htmx.min.js", "vendor/hx-sse.min.js", "vendor/signature_pad.umd.min.js")


def program() -> Iterator[Said]:
    """Check what the server is made of."""
    python, sqlite = ".".join(map(str, sys.version_info[:3])), pysqlite3.dbapi2.sqlite_version
    try:
        refuse_wal_reset_bug(pysqlite3.dbapi2.sqlite_version_info)
    except UnsafeDatabase:
        yield said("sqlite_unsafe", sqlite=sqlite)
    else:
        yield said("versions_good", python=python, sqlite=sqlite)
    missing = [name for name in _ASSETS if not (STATIC / name).is_file()]
    if missing or missing_catalogues():
        yield said("parts_missing", names=", ".join([*missing, *missing_catalogues()]))
    else:
        yield said("parts_good")


def clock(now: datetime, last_line_at: datetime | None) -> Said:
    """Check that the clock can be true, and that something keeps it so."""
    if not _EARLIEST <= now < _LATEST:
        return said("clock_wrong", now=_shown(now))
    if last_line_at is not None and now < last_line_at:
        return said("clock_behind_journal", now=_shown(now), last=_shown(last_line_at))
    return said("clock_alone" if _is_unsynchronised() else "clock_good", now=_shown(now))


def time_zone(name: str) -> Said:
    """Check that the site's time zone is known to this machine."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return said("zone_unknown", zone=name)
    return said("zone_good", zone=name)


def folder(path: Path, *, low_bytes: int = 2_000_000_000, full_bytes: int = 200_000_000) -> Said:
    """Check that a folder of records can be written to and has room."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return said("folder_missing", folder=path)
    except OSError:
        return said("folder_not_writable", folder=path, user=user_name())
    if not os.access(path, os.W_OK | os.X_OK, effective_ids=True):
        return said("folder_not_writable", folder=path, user=user_name())
    free = shutil.disk_usage(path).free
    code = "disk_full" if free < full_bytes else "disk_low" if free < low_bytes else "disk_good"
    return said(code, folder=path, megabytes=free // 1_000_000)


def address(server: ServerSettings) -> Said:
    """Check who listens where the desks will look: nobody yet, this server, or somebody else."""
    where = {"host": server.host, "port": server.port}
    if _is_served(server):
        return said("address_served", **where)
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        socket.create_server((server.host, server.port), family=family).close()
    except OSError as error:
        return said("address_unusable", **where, reason=error.strerror or type(error).__name__)
    return said("address_free", **where)


def backups(settings: Settings, now: datetime) -> Said:
    """Tell how old the last backup is; one of a minute ago is no promise that it opens, ``clinic restore`` tells."""
    if not (settings.backup.folder and settings.backup.recipient):
        return said("backup_none")
    last_at = last_made_at(settings, now)
    if last_at is None:
        return said("backup_missing", folder=settings.backup.folder)
    age_min = int((now - last_at).total_seconds() // 60)
    return said("backup_old" if is_too_old(last_at, now) else "backup_good", minutes=age_min)


def folders_of(settings: Settings) -> set[Path]:
    """Return where the site's records and its key lie."""
    folders = {settings.security.key_file.absolute().parent}
    with suppress(ArgumentError):  # told where the database is asked
        url = settings.database.url
        folders |= {sqlite_path(url).absolute().parent} if is_sqlite(url) else set()
    return folders


def user_name() -> str:
    """Return the name of the user this process acts as."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _is_served(server: ServerSettings) -> bool:
    """Ask as a stranger: this server refuses in its own words."""
    asked = HTTPConnection("127.0.0.1" if server.host == "0.0.0.0" else server.host, server.port, timeout=_ANSWERS_S)  # noqa: S104  # no binding
    try:
        asked.request("GET", "/api/v1/devices")
        answer = msgspec.json.decode(asked.getresponse().read(10_000))
        return isinstance(answer, dict) and "not_signed_in" in str(answer)
    except (OSError, HTTPException, msgspec.DecodeError):
        return False
    finally:
        asked.close()


def _is_unsynchronised() -> bool:
    """Ask the kernel whether a time service keeps its clock; no answer is no complaint."""
    try:
        answer: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return answer == _NOT_SYNCHRONISED


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
