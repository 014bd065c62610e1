"""The server makes its backups by itself, and calls somebody when none comes about."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertKind
from clinic_server.backup.envelope import is_intact, new_key
from clinic_server.backup.making import kept_in
from clinic_server.backup.rules import name_of
from clinic_server.backup.watching import Backups
from clinic_server.kit.call import House
from clinic_server.settings import BackupSettings, DatabaseSettings
from tests.conftest import ManualClock


@pytest.fixture(name="careful")
def _careful(house: House, tmp_path: Path) -> House:
    """A house with backups set up; the disk they go to is not connected yet."""
    set_up = BackupSettings(folder=tmp_path / "usb", recipient=new_key()[1])
    return replace(house, settings=house.settings.model_copy(update={"backup": set_up}))


async def test_a_backup_is_made_each_hour_and_its_lack_calls_somebody(
    careful: House, tmp_path: Path, clock: ManualClock
) -> None:
    backups, folder = Backups(careful), tmp_path / "usb"
    await backups.look()
    alerts = careful.db.read_now(open_alerts)
    assert [(one.kind, one.place_code, one.summary) for one in alerts] == [
        (AlertKind.SERVER_FAULT, "backup", "NO BACKUP BACKUP FOLDER MISSING")
    ]
    await asyncio.to_thread(folder.mkdir)
    await backups.look()
    assert careful.db.read_now(open_alerts) == []
    clock.pass_time(minutes=59)
    await backups.look()
    assert len(kept_in(folder, careful.settings.site.code)) == 1
    clock.pass_time(minutes=1)
    await backups.look()
    kept = kept_in(folder, careful.settings.site.code)
    assert [is_intact(folder / one.name) for one in kept] == [True, True]


async def test_a_backup_from_the_future_counts_for_nothing_and_is_not_made_again_and_again(
    careful: House, tmp_path: Path, clock: ManualClock
) -> None:
    folder = tmp_path / "usb"
    await asyncio.to_thread(folder.mkdir)
    ahead = name_of(careful.settings.site.code, clock.now() + timedelta(days=1))
    await asyncio.to_thread((folder / ahead).write_bytes, b"made before the clock was set back")
    backups = Backups(careful)
    for _ in range(2):
        await backups.look()
        clock.pass_time(minutes=1)
    assert len(kept_in(folder, careful.settings.site.code)) == 2


async def test_a_backup_that_breaks_off_calls_somebody(careful: House, tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "usb").mkdir)
    broken = careful.settings.model_copy(update={"database": DatabaseSettings(url="sqlite:////nowhere/at/all.db")})
    await Backups(replace(careful, settings=broken)).look()
    assert [one.summary for one in careful.db.read_now(open_alerts)] == ["NO BACKUP BACKUP BROKE OFF"]
