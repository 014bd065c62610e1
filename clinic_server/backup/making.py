"""Making one backup: copy, look through the copy, seal, prune. Runs beside a serving server and writes no record."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from clinic_server.backup.copies import copied, engine_of, rows_of
from clinic_server.backup.envelope import is_intact, seal
from clinic_server.backup.rules import BackupFailed, Kept, Manifest, made_at_of, name_of, to_prune
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.engines import is_sqlite, sqlite_path
from clinic_server.kit.journal import verify
from clinic_server.kit.schema import head_revision, load_tables
from clinic_server.settings import Settings

_ROOM = ".backup-"
_ABANDONED_AFTER_S = 86_400
_LEFT_FREE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made, and the older ones that went."""

    name: str
    size_bytes: int
    journal_seq: int
    pruned: Sequence[str]


def make_backup(settings: Settings, now: datetime) -> Made:
    """Make a backup of the site and return what it is.

    Errors: BackupFailed: ``backup_not_set_up``, ``backup_folder_missing``, ``backup_no_room``, ``backup_copy_damaged``,
    ``backup_recipient_wrong``, ``program_missing``, ``program_failed``; OSError, as where the disk is full.
    """
    folder = folder_of(settings)
    _refuse_without_room(settings)
    load_tables()
    key = settings.security.key_file.read_bytes()
    with _room(settings) as room:
        copy = room / "database"
        manifest = copied(settings.database.url, copy, partial(_looked_through, settings, Keyring(key), now))
        name = name_of(settings.site.code, now)
        size_bytes = seal(manifest, copy, key, settings.backup.recipient, folder / name)
    return Made(name, size_bytes, manifest.journal_seq, _prune(settings, now))


def folder_of(settings: Settings) -> Path:
    """Return where backups go, or raise BackupFailed: a folder of a disk that is not there is not made."""
    folder = settings.backup.folder
    if folder is None or not settings.backup.recipient:
        raise BackupFailed("backup_not_set_up")
    if not folder.is_dir():
        raise BackupFailed("backup_folder_missing", str(folder))
    return folder


def kept_in(folder: Path, site: str) -> Sequence[Kept]:
    """Return a site's backups in a folder, the latest first."""
    found = ((made_at_of(path.name, site), path) for path in folder.iterdir())
    kept = [Kept(path.name, made_at, path.stat().st_size) for made_at, path in found if made_at]
    return sorted(kept, key=lambda one: one.made_at, reverse=True)


def last_made_at(settings: Settings, now: datetime) -> datetime | None:
    """Return when the latest backup in the folder was made, None where its disk is not there.

    One from the future was made before the clock was set back, and does not count.
    """
    folder = settings.backup.folder
    try:
        kept = kept_in(folder, settings.site.code) if folder else ()
    except OSError:
        return None
    return next((one.made_at for one in kept if one.made_at <= now), None)


def _refuse_without_room(settings: Settings) -> None:
    """Refuse to fill the disk that the database needs: the copy and its packed form lie beside it for a while."""
    url = settings.database.url
    if not is_sqlite(url):
        return
    path = sqlite_path(url)
    if shutil.disk_usage(path.parent).free < 2 * path.stat().st_size + _LEFT_FREE_BYTES:
        raise BackupFailed("backup_no_room")


def _looked_through(settings: Settings, keyring: Keyring, now: datetime, connection: Connection) -> Manifest:
    """Walk the copy's whole journal with every record it vouches for, and say what is in it."""
    seen = verify(connection, keyring.journal_key)
    if seen.faults:
        raise BackupFailed("backup_copy_damaged", seen.faults[0])
    return Manifest(
        site=settings.site.code,
        made_at=now,
        engine=engine_of(settings.database.url),
        schema=head_revision(),
        journal_seq=seen.head.seq,
        journal_hash=seen.head.hash.hex(),
        epoch=seen.head.epoch,
        rows=rows_of(connection),
    )


def _prune(settings: Settings, now: datetime) -> Sequence[str]:
    """Remove what no schedule asks for; what was just made and is intact on the disk is what allows it."""
    folder = folder_of(settings)
    if not is_intact(folder / name_of(settings.site.code, now)):
        raise BackupFailed("backup_copy_damaged")
    gone = to_prune(kept_in(folder, settings.site.code), known_good=now)
    for one in gone:
        (folder / one.name).unlink()
        (folder / f"{one.name}.sha256").unlink(missing_ok=True)
    return [one.name for one in gone]


@contextmanager
def _room(settings: Settings) -> Iterator[Path]:
    """Yield a folder for plain copies: beside the database, never on the disk that is carried away."""
    url = settings.database.url
    beside = sqlite_path(url).parent if is_sqlite(url) else settings.security.key_file.parent
    for left in beside.glob(f"{_ROOM}*"):  # by one that was killed; none takes a day
        if time.time() - left.stat().st_mtime > _ABANDONED_AFTER_S:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_ROOM, dir=beside) as room:
        yield Path(room)
