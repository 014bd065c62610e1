"""A rehearsal never touches what is real."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from clinic_server.alerts.due import next_due_at
from clinic_server.alerts.shown import alerts_now
from clinic_server.cold_chain.excursions.lookup import excursions, units_of
from clinic_server.demo import forget
from clinic_server.kit.access import system_actor
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.engines import UnsafeDatabase
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import verify
from clinic_server.kit.tx import Site
from clinic_server.paging import trust
from clinic_server.paging.lookup import stored_channels
from clinic_server.paging.rules import deafness
from clinic_server.rehearsal import SITE_CODE, Cast, Plan, environment, load_cast, prepare, settings_of
from tests.conftest import ManualClock


def a_site(database_url: str, code: str, clock: ManualClock, keyring: Keyring) -> None:
    """A database with one line of a site's journal in it."""
    db = Database(database_url, site=Site(code), keyring=keyring, clock=clock, ids=Ids(clock))
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
    db = Database(cast.database_url, site=Site(SITE_CODE), keyring=key, clock=clock, ids=Ids(clock))
    seen = db.read_now(lambda connection: verify(connection, key.journal_key))
    foreign = db.read_now(lambda connection: verify(connection, keyring.journal_key))
    db.close()
    assert (seen.faults, bool(foreign.faults)) == ([], True)


def test_everything_a_rehearsal_may_reach_is_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_PAGING__HEARTBEAT_URL", "https://watcher.example/real-site")
    cast = prepare(Plan(tmp_path, 8470, units=3, mqtt_url="mqtt://127.0.0.1:1883", pager_port=8471))
    settings = settings_of(cast)
    db = opened(cast)
    channels = db.read_now(lambda connection: stored_channels(connection, db.keyring))
    db.close()
    urls = [one.spec.url for one in channels] + [one.url for one in settings.devices]
    assert len(channels) == 4
    assert {urlsplit(url).hostname for url in urls if not url.startswith("serial:")} == {"127.0.0.1"}
    assert (settings.paging.heartbeat_url, settings.paging.may_reach) == ("", ("127.0.0.1/32",))


def test_the_days_behind_a_rehearsal_tell_of_a_door_that_stood_ajar(tmp_path: Path) -> None:
    cast = prepare(Plan(tmp_path, 8470, units=3, pager_port=8471, past_days=3))
    db = opened(cast)
    now = db.clock.now()
    told = db.read_now(excursions)
    held = db.read_now(lambda connection: units_of(connection, told[0].excursion_id))
    tested = db.read_now(trust.tests)
    alerts = db.read_now(lambda connection: alerts_now(connection, now, db.site.zone))
    deaf = db.read_now(lambda connection: deafness(trust.hearing(connection, db.keyring, now), now))
    due_at = db.read_now(next_due_at)
    seen = db.read_now(lambda connection: verify(connection, db.keyring.journal_key))
    db.close()
    assert [(one.place_code, one.is_open, one.out_minutes > 10) for one in told] == [("bench-fridge", False, True)]
    assert [one.waits for one in held] == [False] * 12
    assert [one.is_reached and one.answered is not None for one in tested[0].people] == [True] * 11
    assert (alerts.open, deaf, due_at, seen.faults) == ([], (), None, [])


def opened(cast: Cast) -> Database:
    key = Keyring((Path(cast.folder) / "site.key").read_bytes())
    clock = SystemClock()
    return Database(cast.database_url, site=Site(SITE_CODE), keyring=key, clock=clock, ids=Ids(clock))


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
