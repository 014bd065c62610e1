"""What a disk forgot, somebody deleted or an older copy lacks is told at the next start, loudly. On both engines."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from clinic_server.alerts.answering import acknowledge
from clinic_server.alerts.missing import PLACE
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.settling import AnsweredWatch
from clinic_server.app import open_house
from clinic_server.doctor import records
from clinic_server.kit.call import House
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.engines import sqlite_path
from clinic_server.kit.journal import Head, head_of, journal, verify
from clinic_server.kit.witness import Witness, known_by
from clinic_server.settings import DatabaseSettings, SecuritySettings, Settings, SiteSettings
from clinic_server.staff.rules import Role
from tests.api.visitors import a_colleague, a_visit
from tests.conftest import ManualClock
from tests.faults.test_write_path import forge

KEY = bytes(range(32))


@pytest.fixture(name="settings")
def _settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        site=SiteSettings(code="TEST"),
        database=DatabaseSettings(url=database_url),
        security=SecuritySettings(key_file=tmp_path / "site.key"),
    )


def played(settings: Settings, clock: ManualClock, visits: int) -> Head:
    """Serve so many visits and stop; return the last line."""
    house = open_house(settings, clock)
    for number in range(visits):
        a_visit(house.db, name=f"Visitor {number}")
    head = house.db.read_now(head_of)
    house.db.close()
    return head


def told(house: House) -> list[str]:
    """Return the summaries of the alerts about missing records, and close the house."""
    alerts = house.db.read_now(open_alerts)
    house.db.close()
    return [one.summary for one in alerts if one.place_code == PLACE]


def without_lines_after(settings: Settings, seq: int) -> None:
    """Take the journal's end away behind the server's back."""
    forge(settings.database.url, f"DELETE FROM journal WHERE seq > {seq}")  # noqa: S608  # a number of ours


def test_records_that_are_gone_are_told_at_the_next_start(settings: Settings, clock: ManualClock) -> None:
    kept = played(settings, clock, visits=1)
    head = played(settings, clock, visits=2)
    without_lines_after(settings, kept.seq)
    assert told(open_house(settings, clock)) == [f"{head.seq - kept.seq} RECORDS LOST AFTER {kept.seq}"]


def test_what_comes_after_a_loss_is_of_another_epoch_and_told_once(settings: Settings, clock: ManualClock) -> None:
    kept = played(settings, clock, visits=1)
    played(settings, clock, visits=1)
    without_lines_after(settings, kept.seq)
    open_house(settings, clock).db.close()
    house = open_house(settings, clock)
    lines = house.db.read_now(
        lambda connection: connection.execute(select(journal.c.epoch).where(journal.c.seq > kept.seq)).scalars().all()
    )
    assert set(lines) == {2}
    assert len(told(house)) == 1


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_a_log_that_was_deleted_is_told_at_the_next_start(settings: Settings, clock: ManualClock) -> None:
    kept = played(settings, clock, visits=1)
    house = open_house(settings, clock)
    a_visit(house.db, name="Somebody")
    path = sqlite_path(settings.database.url)
    shutil.copy(path, path.with_name("as-it-lay-there"))  # what the file alone holds while its log is not written back
    house.db.close()
    path.with_name("as-it-lay-there").rename(path)
    again = open_house(settings, clock)
    assert again.db.read_now(head_of).seq > kept.seq
    assert any(f"LOST AFTER {kept.seq}" in one for one in told(again))


def test_the_doctor_asks_the_witness_before_any_start(settings: Settings, clock: ManualClock) -> None:
    def says() -> set[str]:
        return {one.code for one in records.examine(settings).answers if one.code.startswith("witness")}

    kept = played(settings, clock, visits=1)
    assert says() == {"witness_good"}
    played(settings, clock, visits=1)
    without_lines_after(settings, kept.seq)
    assert says() == {"witness_missing"}
    settings.witness_file.unlink()
    assert says() == {"witness_none"}


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_an_older_copy_of_the_database_is_told_at_the_next_start(settings: Settings, clock: ManualClock) -> None:
    played(settings, clock, visits=1)
    path = sqlite_path(settings.database.url)
    shutil.copy(path, path.with_name("older"))
    played(settings, clock, visits=2)
    path.with_name("older").rename(path)
    assert told(open_house(settings, clock)) != []


def test_other_records_in_the_place_of_those_that_were_there_are_told(settings: Settings, clock: ManualClock) -> None:
    head = played(settings, clock, visits=1)
    witness = Witness(settings.witness_file, house_key(settings))
    witness.remember(Head(head.seq - 1, bytes(32), head.epoch))
    witness.remember(Head(head.seq, bytes(32), head.epoch))
    witness.close()
    assert told(open_house(settings, clock)) == [f"OTHER RECORDS AT {head.seq}"]


def test_nothing_is_missing_after_an_ordinary_end_and_none_is_asked_of_a_new_witness(
    settings: Settings, clock: ManualClock
) -> None:
    played(settings, clock, visits=1)
    assert told(open_house(settings, clock)) == []
    settings.witness_file.unlink()
    head = played(settings, clock, visits=0)
    assert told(open_house(settings, clock)) == []
    assert known_by(settings.witness_file, house_key(settings)) == head


def house_key(settings: Settings) -> bytes:
    """Return the key the site's journal is written with."""
    return load_or_create_keyring(settings.security.key_file).journal_key


def test_a_torn_write_of_the_witness_costs_one_line_and_no_false_word(tmp_path: Path) -> None:
    path = tmp_path / "site.witness"
    heads = [Head(seq, bytes([seq]) * 32) for seq in (1, 2, 3)]
    witness = Witness(path, KEY)
    for head in heads:
        witness.remember(head)
    witness.close()
    whole = path.read_bytes()
    for at in range(0, 512, 32):
        path.write_bytes(whole[:at] + bytes(512 - at) + whole[512:])
        assert known_by(path, KEY) in {heads[1], heads[2]}
    path.write_bytes(bytes(512) + whole[512:])
    again = Witness(path, KEY)
    assert again.known == heads[1]
    again.remember(heads[2])
    again.close()
    assert path.read_bytes() == whole


def test_a_witness_of_another_site_says_nothing(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "site.witness", KEY)
    witness.remember(Head(1, bytes(32)))
    witness.close()
    assert known_by(tmp_path / "site.witness", bytes(32)) is None


def test_a_witness_that_cannot_write_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "site.witness"
    path.symlink_to("/dev/full")
    witness = Witness(path, KEY)
    witness.remember(Head(1, bytes(32)))
    assert witness.known is None
    witness.close()


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
async def test_the_alert_ends_once_somebody_has_said_what_they_do(settings: Settings, clock: ManualClock) -> None:
    kept = played(settings, clock, visits=1)
    played(settings, clock, visits=1)
    without_lines_after(settings, kept.seq)
    house = open_house(settings, clock)
    watch = AnsweredWatch(house)
    await watch.look()
    (standing,) = house.db.read_now(open_alerts)
    lead = a_colleague(house.db, Role.SITE_LEAD)
    house.db.write_now(lambda tx: acknowledge(tx, standing.number, "Compared with the paper of the day"), lead)
    await watch.look()
    assert house.db.read_now(lambda connection: verify(connection, house_key(settings))).head.epoch == 2
    assert told(house) == []


def test_a_site_that_has_recorded_nothing_misses_nothing(settings: Settings, clock: ManualClock) -> None:
    played(settings, clock, visits=0)
    assert told(open_house(settings, clock)) == []
