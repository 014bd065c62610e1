"""The server's own hand: a backup every so often, by a process beside it, and an alert when none comes about."""

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import structlog

from clinic_server.alerts.lookup import alerts_where
from clinic_server.alerts.raising import raise_alarm, recover
from clinic_server.alerts.rules import ALERTS, Alarm, AlertKind, Severity
from clinic_server.alerts.tables import STANDS, alert_now
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.backup.making import Made, last_made_at, make_backup
from clinic_server.backup.rules import BackupFailed, is_too_old
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher
from clinic_server.settings import Settings

LOOKS_EVERY_S = 60.0
PLACE = "backup"  # where the alert stands; no place of the site has this name
_ACTOR = system_actor("backups")
_NICE = 10
_log = structlog.get_logger(__name__)


class Backups(Watcher):
    """Makes backups between ``async with``, where the site has set up a folder and a key."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("backups", every_s)
        self._house = house

    async def look(self) -> None:
        """Make a backup if one is due, and call somebody when the last is too old."""
        settings, now = self._house.settings, self._house.db.clock.now()
        if not settings.backup.folder or not settings.backup.recipient:
            return
        fault = ""
        if is_due(settings, last_made_at(settings, now), now):
            fault = await self._made(settings, now)
        now = self._house.db.clock.now()
        await self._tell(is_too_old(last_made_at(settings, now), now), fault)

    async def _made(self, settings: Settings, now: datetime) -> str:
        """Make one in a process of its own, so that no desk waits for it; return the code of what went wrong."""
        spawning = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawning, initializer=_be_nice) as beside:
            loop = asyncio.get_running_loop()
            try:
                made: Made = await loop.run_in_executor(beside, partial(make_backup, settings, now))
            except BackupFailed as failed:
                _log.error("backup_failed", code=failed.code)
                return failed.code
            except Exception as failed:  # noqa: BLE001  # whatever it was, killed from outside too: no backup came about
                _log.error("backup_failed", code=type(failed).__name__)
                return "backup_broke_off"
        _log.info("backup_made", seq=made.journal_seq, size_bytes=made.size_bytes)
        return ""

    async def _tell(self, is_old: bool, fault: str) -> None:
        db = self._house.db
        standing = await db.read(lambda connection: alerts_where(connection, alert_now.c.place_code == PLACE, STANDS))
        if is_old and not standing:
            await db.write(partial(_raise, fault), _ACTOR)
        elif standing and not is_old:
            await db.write(_recover, _ACTOR)


def is_due(settings: Settings, last_at: datetime | None, now: datetime) -> bool:
    """Tell whether a backup is to be made."""
    return last_at is None or now - last_at >= timedelta(minutes=settings.backup.every_minutes)


def _be_nice() -> None:
    os.nice(_NICE)


def _raise(fault: str, tx: Tx) -> None:
    told = tell(Phrase.BACKUP_FAILED, backup=fault) if fault else tell(Phrase.NO_BACKUP)
    alert_id = raise_alarm(tx, Alarm(AlertKind.SERVER_FAULT, Severity.ALARM, told, PLACE))
    tx.journal("backup_missing", alert_id, ALERTS)


def _recover(tx: Tx) -> None:
    alert_id = recover(tx, AlertKind.SERVER_FAULT, PLACE)
    tx.journal("backup_made_again", alert_id, ALERTS)
