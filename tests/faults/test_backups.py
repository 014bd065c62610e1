"""A backup is whole or not there, nobody reads it without the key, and what comes back is what was. On both engines."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text

from clinic_server.backup.copies import connected, rows_of
from clinic_server.backup.envelope import is_intact, new_key
from clinic_server.backup.making import kept_in, make_backup
from clinic_server.backup.restoring import looked_into, restore
from clinic_server.backup.rules import BackupFailed
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.db import Database
from clinic_server.kit.engines import is_sqlite
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import journal, verify
from clinic_server.kit.tx import Site
from clinic_server.settings import BackupSettings, DatabaseSettings, SecuritySettings, Settings, SiteSettings
from tests.api.visitors import a_visit
from tests.conftest import ManualClock
from tests.console import console
from tests.peers import PostgresServer

SECRET, RECIPIENT = new_key()
CANARY = "Canary-Wang-Xiaoming"


def settings_of(url: str, folder: Path) -> Settings:
    (folder / "copies").mkdir(parents=True, exist_ok=True)
    return Settings(
        site=SiteSettings(code="TEST"),
        database=DatabaseSettings(url=url),
        security=SecuritySettings(key_file=folder / "site.key"),
        backup=BackupSettings(folder=folder / "copies", recipient=RECIPIENT),
    )


def a_database(settings: Settings, clock: ManualClock) -> Database:
    keyring = load_or_create_keyring(settings.security.key_file)
    return Database(settings.database.url, site=Site("TEST"), keyring=keyring, clock=clock, ids=Ids(clock))


@pytest.fixture(name="settings")
def _settings(database_url: str, tmp_path: Path, clock: ManualClock) -> Settings:
    """A site with one visit in its database."""
    settings = settings_of(database_url, tmp_path)
    db = a_database(settings, clock)
    a_visit(db, name=CANARY)
    db.close()
    return settings


@pytest.fixture(name="elsewhere")
def _elsewhere(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """A blank machine."""
    url = f"sqlite:///{tmp_path / 'blank' / 'clinic.db'}"
    if not is_sqlite(settings.database.url):
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.new_database()
    return settings_of(url, tmp_path / "blank")


def only_backup(settings: Settings) -> Path:
    folder = settings.backup.folder
    assert folder is not None
    return folder / kept_in(folder, "TEST")[0].name


def counted(url: str) -> dict[str, int]:
    with connected(url) as connection:
        return rows_of(connection)


def test_what_comes_back_on_a_blank_machine_is_what_was(
    settings: Settings, elsewhere: Settings, clock: ManualClock
) -> None:
    made = make_backup(settings, clock.now())
    before = counted(settings.database.url)
    with looked_into(elsewhere, only_backup(settings), SECRET) as (preview, inside):
        assert (preview.lost, preview.manifest.rows, preview.manifest.journal_seq) == (None, before, made.journal_seq)
        assert restore(elsewhere, clock, inside) == 2
    assert counted(elsewhere.database.url) == before
    assert elsewhere.security.key_file.read_bytes() == settings.security.key_file.read_bytes()
    db = a_database(elsewhere, clock)
    a_visit(db, name="Somebody Else")
    seen = db.read_now(lambda connection: verify(connection, db.keyring.journal_key))
    epochs = db.read_now(lambda connection: connection.execute(select(journal.c.epoch).distinct()).scalars().all())
    db.close()
    assert (seen.faults, sorted(epochs)) == ([], [1, 2])


def test_the_preview_counts_what_would_be_lost_and_what_is_replaced_is_kept(
    settings: Settings, clock: ManualClock, engine: str
) -> None:
    make_backup(settings, clock.now())
    db = a_database(settings, clock)
    seq = db.read_now(lambda connection: verify(connection, db.keyring.journal_key)).head.seq
    a_visit(db, name="Came Later")
    later = db.read_now(lambda connection: verify(connection, db.keyring.journal_key)).head.seq - seq
    db.close()
    with looked_into(settings, only_backup(settings), SECRET) as (preview, inside):
        assert preview.lost is not None
        assert (preview.lost.lines, preview.lost.is_another_history) == (later, False)
        if engine == "postgresql":
            with pytest.raises(BackupFailed, match="database_not_empty"):
                restore(settings, clock, inside)
            return
        rows = counted(settings.database.url)
        restore(settings, clock, inside)
    aside = next(Path(settings.security.key_file.parent).glob("*.replaced-*"))
    assert counted(f"sqlite:///{aside}") == rows
    assert counted(settings.database.url) == preview.manifest.rows


def test_a_look_disturbs_no_server_that_runs(settings: Settings, clock: ManualClock) -> None:
    make_backup(settings, clock.now())
    db = a_database(settings, clock)
    try:
        a_visit(db, name="Came Later")
        with looked_into(settings, only_backup(settings), SECRET) as (preview, _):
            a_visit(db, name="Came Meanwhile")
        assert preview.lost is not None
        assert preview.lost.lines > 0
    finally:
        db.close()


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_what_cannot_be_read_is_said_to_be_unreadable(
    settings: Settings, elsewhere: Settings, clock: ManualClock
) -> None:
    make_backup(settings, clock.now())
    Path(elsewhere.database.url.removeprefix("sqlite:///")).write_bytes(b"not a database" * 1_000)
    with looked_into(elsewhere, only_backup(settings), SECRET) as (preview, inside):
        assert preview.is_unreadable
        restore(elsewhere, clock, inside)
    assert counted(elsewhere.database.url) == preview.manifest.rows


def test_nobody_reads_it_without_the_key_and_a_flipped_byte_is_found(settings: Settings, clock: ManualClock) -> None:
    make_backup(settings, clock.now())
    backup = only_backup(settings)
    assert is_intact(backup)
    assert CANARY.encode() not in backup.read_bytes()
    with pytest.raises(BackupFailed, match="backup_key_wrong"), looked_into(settings, backup, new_key()[0]):
        pass
    spoilt = bytearray(backup.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    backup.write_bytes(spoilt)
    assert not is_intact(backup)
    with pytest.raises(BackupFailed, match="backup_key_wrong"), looked_into(settings, backup, SECRET):
        pass


def test_a_record_altered_behind_the_servers_back_makes_no_backup(settings: Settings, clock: ManualClock) -> None:
    with connected(settings.database.url) as connection:
        if is_sqlite(settings.database.url):
            connection.execute(text("DROP TRIGGER visit_refuses_update"))
        else:
            connection.execute(text("ALTER TABLE visit DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE visit SET ticket_number = ticket_number + 1"))
        connection.commit()
    with pytest.raises(BackupFailed, match="backup_copy_damaged"):
        make_backup(settings, clock.now())
    assert settings.backup.folder is not None
    assert list(settings.backup.folder.iterdir()) == []


def test_the_site_is_not_replaced_under_another_key(
    settings: Settings, elsewhere: Settings, clock: ManualClock
) -> None:
    make_backup(settings, clock.now())
    elsewhere.security.key_file.write_bytes(bytes(32))
    with (
        looked_into(elsewhere, only_backup(settings), SECRET) as (_, inside),
        pytest.raises(BackupFailed, match="backup_key_differs"),
    ):
        restore(elsewhere, clock, inside)
    assert elsewhere.security.key_file.read_bytes() == bytes(32)


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_a_backup_killed_at_any_moment_leaves_nothing_that_counts(settings: Settings) -> None:
    for delay_s in (0.3, 0.6, 0.9, 1.2):
        command = [sys.executable, "-m", "clinic_server", "backup", "make"]
        with subprocess.Popen(command, env=told(settings), stdout=subprocess.DEVNULL) as making:  # noqa: S603  # ours
            time.sleep(delay_s)
            making.send_signal(signal.SIGKILL)
    assert settings.backup.folder is not None
    assert all(is_intact(settings.backup.folder / one.name) for one in kept_in(settings.backup.folder, "TEST"))


def test_the_command_makes_lists_looks_and_replaces(
    settings: Settings,
    tmp_path: Path,
    engine: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clinic = console(told(settings), tmp_path, monkeypatch, capsys)
    key = tmp_path / "secret.txt"
    key.write_text(SECRET)
    assert clinic("backup", "make").code == 0
    backup = only_backup(settings)
    listed = clinic("backup", "list")
    assert (listed.code, "intact" in listed.out) == (0, True)
    looked = clinic("restore", str(backup), "--key", str(key))
    assert (looked.code, "Nothing was changed" in looked.out, "1 visit" in looked.out) == (0, True, True)
    replaced = clinic("restore", str(backup), "--key", str(key), "--replace")
    if engine == "postgresql":
        assert (replaced.code, "not empty" in replaced.err) == (1, True)
    else:
        assert (replaced.code, "epoch 2" in replaced.out) == (0, True)
    backup.write_bytes(backup.read_bytes()[:-1])
    assert clinic("backup", "list").code == 1


@pytest.mark.parametrize(("engine", "room_bytes"), [("sqlite", 4_096), ("sqlite", 900_000)], scope="session")
def test_a_disk_without_room_makes_no_backup_and_keeps_those_there_are(
    settings: Settings, clock: ManualClock, room_bytes: int
) -> None:
    make_backup(settings, clock.now())
    earlier = only_backup(settings)
    failed = made_with_room_for(settings, room_bytes)
    assert failed.returncode in {1, 3}
    assert "Traceback" not in failed.stderr
    assert settings.backup.folder is not None
    assert {path.name for path in settings.backup.folder.iterdir()} == {earlier.name, f"{earlier.name}.sha256"}
    assert is_intact(earlier)


def made_with_room_for(settings: Settings, room_bytes: int) -> subprocess.CompletedProcess[str]:
    """Make a backup in a process that may write no larger file."""
    command = ["prlimit", f"--fsize={room_bytes}", sys.executable, "-m", "clinic_server", "backup", "make"]
    return subprocess.run(command, env=told(settings), capture_output=True, text=True, check=False)  # noqa: S603  # our own program


def told(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "CLINIC_SITE__CODE": "TEST",
        "CLINIC_DATABASE__URL": settings.database.url,
        "CLINIC_SECURITY__KEY_FILE": str(settings.security.key_file),
        "CLINIC_BACKUP__FOLDER": str(settings.backup.folder),
        "CLINIC_BACKUP__RECIPIENT": RECIPIENT,
    }
