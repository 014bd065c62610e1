"""A rehearsal never touches what is real."""

from pathlib import Path

import pytest

from clinic_server.demo import forget
from clinic_server.kit.access import system_actor
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.engines import UnsafeDatabase
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import verify
from clinic_server.kit.tx import Site
from clinic_server.rehearsal import SITE_CODE, Cast, Plan, environment, load_cast, prepare, settings_of
from tests.conftest import ManualClock


def a_site(database_url: str, code: str, clock: ManualClock, keyring: Keyring) -> None:
    """A database with one line of a site's journal in it."""
    db = Database(database_url, site=Site(code, 1), keyring=keyring, clock=clock, ids=Ids(clock))
    db.write_now(lambda tx: tx.journal("thing_done"), system_actor("test"))
    db.close()


def prepared(folder: Path, database_url: str | None = None) -> Cast:
    return prepare(Plan(folder, 8470, database_url=database_url, units=3))


def test_a_database_with_real_records_is_refused(
    database_url: str, tmp_path: Path, clock: ManualClock, keyring: Keyring
) -> None:
    a_site(database_url, "REAL", clock, keyring)
    with pytest.raises(UnsafeDatabase, match="site REAL"):
        prepared(tmp_path / "rehearsal", database_url)
    assert not (tmp_path / "rehearsal" / "cast.json").exists()


def test_a_prepared_rehearsal_verifies_and_can_be_taken_up_again(tmp_path: Path, keyring: Keyring) -> None:
    cast = prepared(tmp_path)
    assert load_cast(tmp_path) == cast
    settings = settings_of(cast)
    assert (settings.site.code, settings.demo_speed, len(settings.devices)) == (SITE_CODE, 1, 4)
    key = Keyring((tmp_path / "site.key").read_bytes())
    clock = ManualClock()
    db = Database(cast.database_url, site=Site(SITE_CODE, 1), keyring=key, clock=clock, ids=Ids(clock))
    seen = db.read_now(lambda connection: verify(connection, key.journal_key))
    foreign = db.read_now(lambda connection: verify(connection, keyring.journal_key))
    db.close()
    assert (seen.faults, bool(foreign.faults)) == ([], True)


def test_pins_are_for_the_players_alone(tmp_path: Path) -> None:
    cast = prepared(tmp_path)
    assert (tmp_path / "cast.json").stat().st_mode & 0o077 == 0
    assert all(player.pin not in repr(cast) + str(environment(cast)) for player in cast.staff)


def test_only_a_rehearsal_is_forgotten(tmp_path: Path) -> None:
    precious = tmp_path / "site" / "clinic.db"
    precious.parent.mkdir()
    precious.write_text("records")
    with pytest.raises(UnsafeDatabase, match="holds no rehearsal"):
        forget(precious.parent)
    assert precious.exists()
    prepared(tmp_path / "rehearsal")
    forget(tmp_path / "rehearsal")
    assert not (tmp_path / "rehearsal").exists()
    forget(tmp_path / "never-there")
