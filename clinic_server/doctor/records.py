"""The database and the key that belongs to it. Asking creates and changes nothing."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from clinic_server.cold_chain.upkeep.sealing import broken_seals
from clinic_server.device_hub.lookup import StoredDevice, stored_devices
from clinic_server.doctor.report import Said, said
from clinic_server.kit.crypto import Keyring, UnusableKey, WrongKey
from clinic_server.kit.engines import UnsafeDatabase, is_locked, is_sqlite, reader_engine, sqlite_path
from clinic_server.kit.journal import Head, is_head_ours, last_line_at
from clinic_server.kit.schema import Schema, load_tables, schema_of
from clinic_server.kit.single import is_held
from clinic_server.kit.turns import turns_since
from clinic_server.kit.witness import known_by, missing_from
from clinic_server.screening.adoption import changed_sets
from clinic_server.screening.rule_sets import RuleSetFaulty
from clinic_server.settings import Settings

SEALS_COMPARED = 7 * 24  # an hour each, where every hour had readings
TURNS_TOLD = timedelta(days=7)
_SCHEMA_SAYS = {
    Schema.CURRENT: "schema_current",
    Schema.OLDER: "schema_older",
    Schema.NEWER: "schema_newer",
    Schema.NONE: "schema_none",
}


@dataclass(slots=True)
class Records:
    """What was learnt of the database; ``devices`` is None while the stored devices cannot be read."""

    answers: list[Said] = field(default_factory=list)
    has_schema: bool = False
    is_served: bool = False
    last_line_at: datetime | None = None
    devices: tuple[StoredDevice, ...] | None = None


def examine(settings: Settings) -> Records:
    """Check database and key together."""
    seen = Records()
    path = settings.security.key_file
    keyring = _key(path, seen.answers)
    known = known_by(settings.witness_file, keyring.journal_key) if keyring else None  # before a server writes more
    _database(settings.database.url, keyring, known, seen)
    if not _is_there(path):
        seen.answers.append(said("key_lost" if seen.has_schema else "key_missing", path=path))
    return seen


def _database(url: str, keyring: Keyring | None, known: Head | None, seen: Records) -> None:
    try:
        if is_sqlite(url) and not sqlite_path(url).exists():
            seen.answers.append(said("database_missing", path=sqlite_path(url)))
            seen.devices = ()
            return
        with _connected(url) as connection:
            _ask(connection, url, keyring, seen)
            if seen.last_line_at is not None:
                seen.answers.append(_witness(connection, known))
    except UnsafeDatabase as refused:
        seen.answers.append(said("database_unsafe", reason=refused))
    except (SQLAlchemyError, OSError) as refused:
        seen.answers.append(said("database_unreachable", kind=type(refused).__name__))


def _key(path: Path, answers: list[Said]) -> Keyring | None:
    if not _is_there(path):
        return None
    try:
        keyring = Keyring(path.read_bytes())
    except (UnusableKey, OSError):
        answers.append(said("key_unusable", path=path))
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    answers.append(said("key_exposed", path=path, mode=f"{mode:03o}") if mode & 0o077 else said("key_good", path=path))
    return keyring


def _ask(connection: Connection, url: str, keyring: Keyring | None, seen: Records) -> None:
    schema = schema_of(connection)
    seen.has_schema = schema is not Schema.NONE
    seen.answers.append(said(_SCHEMA_SAYS[schema]))
    seen.is_served = is_held(sqlite_path(url)) if is_sqlite(url) else is_locked(connection)
    seen.answers.append(said("database_served" if seen.is_served else "database_free"))
    if schema is not Schema.CURRENT or keyring is None:
        return
    seen.last_line_at = last_line_at(connection)
    if not is_head_ours(connection, keyring.journal_key):
        seen.answers.append(said("key_wrong"))
        return
    seen.answers += told_by(connection, seen.last_line_at)
    try:
        seen.devices = tuple(stored_devices(connection, keyring))
    except WrongKey:
        seen.answers.append(said("key_wrong"))


def _witness(connection: Connection, known: Head | None) -> Said:
    if known is None:
        return said("witness_none")
    missing = missing_from(connection, known)
    if missing is None:
        return said("witness_good")
    return said("witness_missing", known=missing.known.seq, there=missing.there)


def told_by(connection: Connection, last_line_at: datetime | None) -> Iterator[Said]:
    """Ask the records themselves: rule sets, seals of the readings, turns of the clock."""
    yield from _rule_sets(connection)
    yield _seals(connection)
    yield _turns(connection, last_line_at)


def _rule_sets(connection: Connection) -> Iterator[Said]:
    """Ask whether the files still say what the site adopted."""
    try:
        changed = [f"{one.code} {one.version}" for one in changed_sets(connection)]
    except RuleSetFaulty as faulty:
        yield said("rule_sets_faulty", faults=faulty)
    else:
        yield said("rule_sets_changed", names=", ".join(changed)) if changed else said("rule_sets_good")


def _seals(connection: Connection) -> Said:
    """Compare the readings of the last days with their seals; ``clinic verify`` compares all of them."""
    broken = broken_seals(connection, latest=SEALS_COMPARED)
    return said("seals_broken", spans="; ".join(str(one.span) for one in broken)) if broken else said("seals_good")


def _turns(connection: Connection, last_line_at: datetime | None) -> Said:
    """Tell how often the clock was turned within the week before the last record."""
    turns = [] if last_line_at is None else turns_since(connection, last_line_at - TURNS_TOLD)
    if not turns:
        return said("clock_unturned")
    last = turns[-1]
    return said("clock_turned", times=len(turns), from_at=f"{last.from_at:%F %T}", to_at=f"{last.to_at:%F %T}")


def _is_there(path: Path) -> bool:
    """Tell whether there is a file; one in a folder closed to us is there, and cannot be read."""
    try:
        return path.exists()
    except OSError:
        return True


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    load_tables()
    engine = reader_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
