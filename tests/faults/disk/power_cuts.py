"""Cuts the power of a recorded hour at every moment, opens what is left, and asks whether anything told is missing."""

import math
import shutil
import tempfile
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pysqlite3.dbapi2 as sqlite
from sqlalchemy.exc import SQLAlchemyError

from clinic_server.kit.engines import reader_engine
from clinic_server.kit.journal import verify
from clinic_server.kit.schema import upgrade
from clinic_server.kit.witness import known_by
from tests.faults.disk.scripted_hour import KEYRING
from tests.faults.disk.states import Crash, crashes
from tests.faults.disk.trace import Event, recorded

DATABASE, LOG, WITNESS = "clinic.db", "clinic.db-wal", "elsewhere/witness"
LOOKED_THROUGH_EVERY = 50  # states; and every one that has a head of its own
IN_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of our own in it


@dataclass(slots=True)
class Hour:
    """A recorded hour, and what its files held before."""

    events: list[Event]
    before: Mapping[str, bytes]


@dataclass(slots=True)
class Verdicts:
    """What became of the states: how many there were, lost what, and could not be opened or were damaged."""

    states: int = 0
    lost: int = 0
    damaged: int = 0
    untold: int = 0  # lost, and the witness knew nothing of it
    accused: int = 0  # the witness told of a loss, and nothing anybody was told is lost
    first: list[str] = field(default_factory=list)


def record_hour(visits: int) -> Hour:
    """Play the hour under strace."""
    with tempfile.TemporaryDirectory(prefix="clinic-faults-") as name:
        folder = Path(name)
        upgrade(f"sqlite:///{folder / DATABASE}")
        before = {DATABASE: (folder / DATABASE).read_bytes()}
        return Hour(list(recorded(folder, ["tests.faults.disk.scripted_hour", str(folder), str(visits)])), before)


def cut_power(hour: Hour, states: int, seed: int, lying: Collection[str] = ()) -> Verdicts:
    """Try about so many states; an fsync of a file in ``lying`` did nothing."""
    verdicts = Verdicts()
    chance = Random(seed)  # noqa: S311  # keeps no secret
    each = math.ceil(states / len(hour.events))
    with ExitStack() as left, tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as room:
        bench = _Bench(Path(room), left)
        for crash in crashes(hour.events, hour.before, chance, each, lying):
            bench.judge(crash, verdicts)
    return verdicts


class _Bench:
    """Where states are laid out and opened, one after the other."""

    def __init__(self, folder: Path, left: ExitStack) -> None:
        self._folder = folder
        self._laid: dict[str, bytes] = {}
        self._heads: set[bytes] = set()
        (folder / WITNESS).parent.mkdir()
        left.callback(shutil.rmtree, folder / "elsewhere", ignore_errors=True)

    def judge(self, crash: Crash, verdicts: Verdicts) -> None:
        """Open one state and compare it with what had been told."""
        verdicts.states += 1
        for name in (DATABASE, LOG, WITNESS):
            self._lay(name, crash.files.get(name, b""))
        (self._folder / f"{DATABASE}-shm").unlink(missing_ok=True)
        try:
            self._compare(crash, verdicts)
        except (sqlite.DatabaseError, SQLAlchemyError, TypeError) as error:
            verdicts.damaged += 1
            _note(verdicts, crash, f"cannot be read: {type(error).__name__}")

    def _lay(self, name: str, content: bytes) -> None:
        if self._laid.get(name) != content:
            (self._folder / name).write_bytes(content)
            self._laid[name] = content

    def _compare(self, crash: Crash, verdicts: Verdicts) -> None:
        connection = sqlite.connect(f"file:{self._folder / DATABASE}?mode=ro", uri=True)
        try:
            lines = dict(connection.execute("SELECT seq, hash FROM journal").fetchall())
            is_whole = verdicts.states % LOOKED_THROUGH_EVERY != 0 or _is_whole(connection)
        finally:
            connection.close()
        head = max(lines.items(), key=lambda line: line[0] or 0, default=(0, b""))[1]
        if not is_whole or (head not in self._heads and not self._verifies()):
            verdicts.damaged += 1
            _note(verdicts, crash, "does not verify")
        self._heads.add(head)
        is_lost = crash.told is not None and lines.get(crash.told.seq) != crash.told.hash
        known = known_by(self._folder / WITNESS, KEYRING.journal_key)
        is_told = known is not None and lines.get(known.seq) != known.hash
        verdicts.lost += is_lost
        verdicts.untold += is_lost and not is_told
        verdicts.accused += is_told and not is_lost
        if is_lost or is_told:
            _note(
                verdicts,
                crash,
                f"told {crash.told and crash.told.seq}, witnessed {known and known.seq}, there {len(lines)}",
            )

    def _verifies(self) -> bool:
        engine = reader_engine(f"sqlite:///{self._folder / DATABASE}")
        try:
            with engine.connect() as connection:
                return not verify(connection, KEYRING.journal_key).faults
        finally:
            engine.dispose()
            self._laid.clear()  # whoever closes last writes the log back


def _is_whole(connection: sqlite.Connection) -> bool:
    return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))


def _note(verdicts: Verdicts, crash: Crash, what: str) -> None:
    verdicts.first.append(f"after event {crash.at}, {crash.left.value} of the rest left: {what}")
