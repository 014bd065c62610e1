"""The database is made new in the middle of the day: a newer schema, or another engine. Everybody goes on."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import MetaData, insert, select

from clinic_server.backup.copies import connected, is_empty
from clinic_server.backup.moving import move
from clinic_server.backup.rules import BackupFailed
from clinic_server.kit.engines import UnsafeDatabase
from clinic_server.kit.journal import verify
from clinic_server.kit.schema import SCRIPTS, upgrade
from tests.faults.noon import Noon, a_clinic
from tests.peers import PostgresServer
from tests.proof.clinic import KEYRING, SITE, Clinic
from tests.proof.invariants import violations
from tests.proof.rows import Rows

OLDER = "0007"
EVERY_TABLE = 150
OTHER_KEY = bytes(32)


def older_scripts(folder: Path) -> Path:
    """The migrations as they were released then."""
    shutil.copytree(SCRIPTS, folder)
    for script in (folder / "versions").glob("*.py"):
        if script.name[:4] > OLDER:
            script.unlink()
    return folder


def rows_in(url: str) -> Mapping[str, list[str]]:
    """Return every row of every table as the engine itself sees it, in an order that is no engine's."""
    with connected(url) as connection:
        every = MetaData()
        every.reflect(connection)
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in every.sorted_tables
            if table.name != "alembic_version"
        }


def as_it_was(url: str, older_url: str) -> None:
    """Fill a database of the older schema with all that a newer one holds."""
    now, then = MetaData(), MetaData()
    with connected(url) as here, connected(older_url) as there:
        now.reflect(here)
        then.reflect(there)
        for table in then.sorted_tables:
            if table.name != "alembic_version":
                columns = [now.tables[table.name].c[column.name] for column in table.columns]
                rows = [dict(row) for row in here.execute(select(*columns)).mappings()]
                if rows:
                    there.execute(insert(table), rows)
        there.commit()
        left_out = [
            name
            for name in now.tables.keys() - then.tables.keys()
            if here.execute(select(now.tables[name]).limit(1)).first()
        ]
    assert left_out == []


def assert_nothing_is_wrong(clinic: Clinic) -> None:
    rows = Rows(KEYRING, SITE.zone)
    clinic.db.read_now(rows.read_on)
    seen = clinic.db.read_now(lambda connection: verify(connection, KEYRING.journal_key))
    assert [*violations(rows), *seen.faults] == []


def test_a_newer_schema_at_noon_keeps_every_record_and_everybody_goes_on(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with a_clinic(engine, request, tmp_path) as clinic:
        noon = Noon(clinic)
        clinic.db.close()
        server = request.getfixturevalue("postgres") if engine == "postgresql" else None
        older_url = server.new_database() if server else f"sqlite:///{tmp_path / 'older.db'}"
        upgrade(older_url, older_scripts(tmp_path / "released"))
        as_it_was(clinic.url, older_url)
        before = rows_in(older_url)
        upgrade(older_url)
        after = rows_in(older_url)
        assert {name: len(after[name]) for name in before} == {name: len(rows) for name, rows in before.items()}
        clinic.url, clinic.db = older_url, clinic.opened(older_url)
        noon.everybody_goes_on()
        assert_nothing_is_wrong(clinic)


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_a_site_moved_to_postgresql_at_noon_is_the_same_row_by_row_and_everybody_goes_on(
    engine: str, postgres: PostgresServer, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    to_url = postgres.new_database()
    with a_clinic(engine, request, tmp_path) as clinic:
        noon = Noon(clinic)
        with pytest.raises(UnsafeDatabase):
            move(clinic.url, to_url, KEYRING.journal_key)
        head = clinic.head()
        clinic.db.close()
        to_file = tmp_path / "moved" / "clinic.db"
        to_file.parent.mkdir()
        for target in (to_url, f"sqlite:///{to_file}"):  # the last look fails under another key
            with pytest.raises(BackupFailed, match="backup_copy_damaged"):
                move(clinic.url, target, OTHER_KEY)
        assert (is_empty(to_url), list(to_file.parent.iterdir())) == (True, [])
        moved = move(clinic.url, to_url, KEYRING.journal_key)
        assert (moved.head.seq, moved.rows["visit"], len(moved.rows) > EVERY_TABLE) == (head, len(noon.visits), True)
        assert move(clinic.url, f"sqlite:///{to_file}", KEYRING.journal_key) == moved
        assert list(to_file.parent.iterdir()) == [to_file]
        with pytest.raises(BackupFailed, match="move_not_empty"):
            move(clinic.url, f"sqlite:///{to_file}", KEYRING.journal_key)
        clinic.url, clinic.db = to_url, clinic.opened(to_url)
        noon.everybody_goes_on()
        assert_nothing_is_wrong(clinic)
    with pytest.raises(BackupFailed, match="move_not_empty"):
        move(to_url, to_url, KEYRING.journal_key)
