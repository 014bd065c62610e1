"""The way back: what a backup holds and what would be lost, then the database and the key in their places."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from clinic_server.backup.copies import connected, engine_of, fill, is_empty, looked_at
from clinic_server.backup.envelope import Opened, folder_to_disk, opened
from clinic_server.backup.rules import BackupFailed, Lost, Manifest, lost_by
from clinic_server.kit.access import system_actor
from clinic_server.kit.clock import Clock
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.engines import UnsafeDatabase, is_sqlite, sqlite_path
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import head_of, journal, verify
from clinic_server.kit.schema import load_tables, upgrade
from clinic_server.kit.single import hold_file
from clinic_server.kit.tx import Site, Tx
from clinic_server.settings import Settings


@dataclass(frozen=True, slots=True)
class Preview:
    """What a backup holds, and what would be lost of what is there: None where that is nothing, or cannot be read."""

    manifest: Manifest
    lost: Lost | None
    is_unreadable: bool = False


@contextmanager
def looked_into(settings: Settings, backup: Path, identity: str) -> Iterator[tuple[Preview, Opened]]:
    """Open a backup and compare it with what is there; nothing is changed.

    Errors: BackupFailed ``backup_key_wrong``, ``backup_not_one``, ``backup_of_another_site``, ``_engine``.
    """
    settings.security.key_file.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.security.key_file.parent) as room,
        opened(backup, identity, Path(room)) as inside,
    ):
        manifest = inside.manifest
        if manifest.site != settings.site.code:
            raise BackupFailed("backup_of_another_site", manifest.site)
        if manifest.engine != engine_of(settings.database.url):
            raise BackupFailed("backup_of_another_engine", manifest.engine)
        yield _preview(settings.database.url, manifest), inside


def restore(settings: Settings, clock: Clock, inside: Opened) -> int:
    """Put a backup in the place of what is there, which is kept aside; return the new epoch.

    Errors: BackupFailed ``backup_copy_damaged``, ``database_not_empty``, ``backup_key_differs``; UnsafeDatabase
    while a server runs.
    """
    load_tables()
    _refuse_other_key(settings, inside)
    url = settings.database.url
    if is_sqlite(url):
        path = sqlite_path(url)
        held = hold_file(path)
        try:
            fresh = path.with_name(f"{path.name}.restored")
            fresh.unlink(missing_ok=True)
            inside.database_to(fresh)
            epoch = _begin_epoch(settings, f"sqlite:///{fresh}", clock, inside)
            _place_key(settings.security.key_file, inside.key)
            _swap(path, fresh, clock.now())
        finally:
            held.release()
    else:
        epoch = _fill_postgres(settings, clock, inside)
        _place_key(settings.security.key_file, inside.key)
    return epoch


def _fill_postgres(settings: Settings, clock: Clock, inside: Opened) -> int:
    url = settings.database.url
    if not is_empty(url):
        raise BackupFailed("database_not_empty")
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.security.key_file.parent) as room:
        dump = Path(room) / "database"
        inside.database_to(dump)
        fill(url, dump)
    return _begin_epoch(settings, url, clock, inside)


def _begin_epoch(settings: Settings, url: str, clock: Clock, inside: Opened) -> int:
    """Verify what was restored, bring it to this server's schema, and begin a new epoch with a line of its own."""
    keyring = Keyring(inside.key)
    with connected(url) as connection:
        seen = verify(connection, keyring.journal_key)
    if seen.faults or seen.head.hash.hex() != inside.manifest.journal_hash:
        raise BackupFailed("backup_copy_damaged")
    upgrade(url)
    site = Site(settings.site.code, settings.site.zone)
    db = Database(url, site=site, keyring=keyring, clock=clock, ids=Ids(clock))
    try:
        return db.write_now(_restored, system_actor("restore"))
    finally:
        db.close()


def _restored(tx: Tx) -> int:
    tx.begin_epoch()
    tx.journal("site_restored", f"line {tx.head.seq}")
    return tx.head.epoch


def _preview(url: str, manifest: Manifest) -> Preview:
    """Compare a backup with what is there, which is only read: a server may be using it."""
    try:
        if not (sqlite_path(url).exists() if is_sqlite(url) else not is_empty(url)):
            return Preview(manifest, None)
        with looked_at(url) as connection:
            seq, hash_there = _line_there(connection, manifest.journal_seq)
    except (SQLAlchemyError, UnsafeDatabase):
        return Preview(manifest, None, is_unreadable=True)
    return Preview(manifest, lost_by(manifest, seq, hash_there))


def _line_there(connection: Connection, seq: int) -> tuple[int, str | None]:
    found: bytes | None = connection.execute(select(journal.c.hash).where(journal.c.seq == seq)).scalar()
    return head_of(connection).seq, found.hex() if found else None


def _refuse_other_key(settings: Settings, inside: Opened) -> None:
    path = settings.security.key_file
    if path.exists() and path.read_bytes() != inside.key:
        raise BackupFailed("backup_key_differs", str(path))


def _place_key(path: Path, key: bytes) -> None:
    """Put the site's key where it belongs, before the database: a start in between would make a key of its own."""
    if path.exists():
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())


def _swap(path: Path, fresh: Path, now: datetime) -> None:
    """Give the new file the old one's name, which is kept aside; at every instant one of them bears the name."""
    aside = f"{path.name}.replaced-{now:%Y%m%dT%H%M%SZ}"
    if path.exists():
        with suppress(SQLAlchemyError), connected(f"sqlite:///{path}") as connection:
            connection.exec_driver_sql("SELECT 1")  # whoever closes last leaves no WAL behind
        for suffix in ("-wal", "-shm"):  # of a file too damaged to be opened
            left = path.with_name(path.name + suffix)
            if left.exists():
                left.rename(path.with_name(aside + suffix))
        path.with_name(aside).hardlink_to(path)
    fresh.replace(path)
    folder_to_disk(path.parent)
