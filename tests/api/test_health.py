"""The health page: it says what is wrong while it is wrong, and asks nothing of anybody who may not know."""

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from clinic_server.backup.rules import name_of
from clinic_server.settings import BackupSettings, Settings
from clinic_server.staff.rules import Role
from tests.api.callers import AsRole, running, someone
from tests.conftest import ManualClock


async def test_the_page_tells_every_part_with_its_verdict(as_role: AsRole) -> None:
    lead = await as_role(Role.SITE_LEAD)
    answer = await lead.get("/health")
    assert answer.status_code == 200, answer.text
    for words in (
        "The database takes records.",
        "No backups are set up",
        "No device is set up",
        "Nobody has walked over",
    ):
        assert words in answer.text, words


async def test_a_dead_part_of_the_alarm_path_is_told(app: FastAPI, as_role: AsRole) -> None:
    owner = await as_role(Role.OWNER, station="office")
    assert "Every part of the way to the pagers works." in (await owner.get("/health/now")).text
    app.state.alarm_path.ladder._task.cancel()  # as if its loop had died
    told = (await owner.get("/health/now")).text
    assert "Parts of the way to the pagers do not work:" in told
    assert "Every part of the way" not in told


@pytest.mark.parametrize(
    ("age_min", "told"), [(30, "30 minutes old"), (200, "200 minutes old"), (None, "no backup in")]
)
async def test_the_age_of_the_last_backup_is_told(
    settings: Settings, clock: ManualClock, tmp_path: Path, age_min: int | None, told: str
) -> None:
    """A file stands for a backup: what is in it is not looked at here."""
    folder = tmp_path / "backups"
    folder.mkdir()
    if age_min is not None:
        (folder / name_of(settings.site.code, clock.now() - timedelta(minutes=age_min))).touch()
    recipient = "age1" + "q" * 58
    backed = settings.model_copy(
        update={"backup": BackupSettings(folder=folder, recipient=recipient, every_minutes=1440)}
    )
    async with running(backed, clock) as app, await someone(app, Role.SITE_LEAD) as lead:
        answer = await lead.get("/health/backups")
        assert told in answer.text
        assert ('class="notice good"' in answer.text) is (age_min == 30)
