"""A newer schema arrives whole or not at all, on both engines."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import SQLModel

from clinic_server.kit.access import system_actor
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.engines import is_sqlite, sqlite_path, writer_engine
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import verify
from clinic_server.kit.schema import SCRIPTS, head_revision, load_tables, upgrade
from clinic_server.kit.tx import Site
from clinic_server.stock.actions import NewLot
from tests.api.visitors import SYSTEM, TODAY, a_place, a_product, take_in_lot
from tests.conftest import ManualClock

NOW = head_revision()
NEXT = "9999"
HEAD = f"""import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "{NEXT}", "{NOW}", None, None
def upgrade():
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
    with op.batch_alter_table("lot") as lot:
        lot.add_column(sa.Column("origin", sa.String(40), nullable=True))
"""
HALF_WAY = '    op.execute("INSERT INTO nowhere VALUES (1)")\n'


def scripts_with(tmp_path: Path, body: str) -> Path:
    """The project's migrations and one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(SCRIPTS, folder)
    (folder / "versions" / f"{NEXT}_later.py").write_text(body)
    return folder


def a_database_in_use(url: str, keyring: Keyring, clock: ManualClock) -> Database:
    return Database(url, site=Site("TEST"), keyring=keyring, clock=clock, ids=Ids(clock))


def tables_and_revision(url: str) -> tuple[bool, bool, str]:
    """Whether the new table is there, whether the new column is, and which revision is noted."""
    engine = writer_engine(url)
    with engine.connect() as connection:
        seen = inspect(connection)
        columns = {column["name"] for column in seen.get_columns("lot")}
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        found = ("later" in seen.get_table_names(), "origin" in columns, revision)
    engine.dispose()
    return found


@pytest.fixture(name="in_use")
def _in_use(database_url: str, keyring: Keyring, clock: ManualClock) -> str:
    """A database with a product, a lot and units, closed."""
    db = a_database_in_use(database_url, keyring, clock)
    product = a_product(db)
    delivery = NewLot(product, "L1", TODAY, ["8000-1", "8000-2"], a_place(db))
    db.write_now(lambda tx: take_in_lot(tx, delivery), SYSTEM)
    db.close()
    return database_url


def checks_of(url: str) -> dict[tuple[str, str | None], str]:
    """What the database itself refuses, by table and name."""
    engine = writer_engine(url)
    with engine.connect() as connection:
        seen = inspect(connection)
        found = {
            (table, check["name"]): check["sqltext"]
            for table in seen.get_table_names()
            for check in seen.get_check_constraints(table)
        }
    engine.dispose()
    return found


@pytest.fixture(name="declared_url")
def _declared_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database made at once from what the tables declare, and not by migrations."""
    sqlite = f"sqlite:///{tmp_path / 'declared.db'}"
    url = sqlite if engine == "sqlite" else str(request.getfixturevalue("postgres").new_database())
    load_tables()
    made = writer_engine(url)
    SQLModel.metadata.create_all(made)
    made.dispose()
    return url


def test_migrations_end_with_the_lists_and_lengths_that_the_tables_declare(
    database_url: str, declared_url: str
) -> None:
    """Alembic compares no CHECK: a value added to a closed list would be refused by every database there is."""
    declared = checks_of(declared_url)
    assert len(declared) > 100
    assert checks_of(database_url) == declared


def takes(url: str, kind: str) -> bool:
    """Whether the database takes a place of this kind; it keeps none."""
    a_new_id = "'0123456789abcdef0123456789abcdef'" if is_sqlite(url) else "gen_random_uuid()"
    copied = f"SELECT {a_new_id}, journal_seq, 'new', name, :kind, profile, NULL, capacity_units, added_at FROM place"  # noqa: S608  # two fixed words
    engine = writer_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text(f"INSERT INTO place {copied} LIMIT 1"), {"kind": kind})
            return True
    except IntegrityError:
        return False
    finally:
        engine.dispose()


def test_a_list_is_widened_and_no_row_guard_or_other_check_goes(in_use: str, tmp_path: Path) -> None:
    kinds = ["fridge", "freezer", "cold_box", "bench_box", "cold_room"]
    before = checks_of(in_use)
    assert (takes(in_use, "fridge"), takes(in_use, "cold_room")) == (True, False)
    upgrade(in_use, scripts_with(tmp_path, f'{HEAD}    op.widen("place", "kind", "placekind_code", {kinds})\n'))
    assert [takes(in_use, kind) for kind in ("fridge", "cold_room", "cellar")] == [True, True, False]
    changed = {check for check, rule in checks_of(in_use).items() if before.get(check) != rule}
    assert changed == {("place", "ck_place_placekind_code")}


def test_a_list_that_is_not_there_is_not_widened(in_use: str, tmp_path: Path) -> None:
    body = f'{HEAD}    op.widen("place", "kind", "kind_code", ["fridge"])\n'
    with pytest.raises(Exception, match="ck_place_kind_code"):
        upgrade(in_use, scripts_with(tmp_path, body))
    assert tables_and_revision(in_use) == (False, False, NOW)


def test_a_migration_that_fails_half_way_leaves_no_trace(in_use: str, tmp_path: Path) -> None:
    with pytest.raises(DBAPIError):
        upgrade(in_use, scripts_with(tmp_path, HEAD + HALF_WAY))
    assert tables_and_revision(in_use) == (False, False, NOW)
    upgrade(in_use)


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_a_migration_that_loses_the_guard_of_a_record_is_refused_whole(in_use: str, tmp_path: Path) -> None:
    """Rebuilding a table, SQLite drops its triggers."""
    rebuilt = HEAD.replace('batch_alter_table("lot")', 'batch_alter_table("lot", recreate="always")')
    with pytest.raises(Exception, match="lot") as refused:
        upgrade(in_use, scripts_with(tmp_path, rebuilt))
    assert type(refused.value).__name__ == "Unprotected"
    assert tables_and_revision(in_use) == (False, False, NOW)
    guarded = rebuilt + '    op.make_append_only("lot")\n'
    upgrade(in_use, scripts_with(tmp_path / "again", guarded))
    assert tables_and_revision(in_use) == (True, True, NEXT)


def test_a_migration_that_succeeds_keeps_its_records_and_a_copy_from_before(
    in_use: str, tmp_path: Path, keyring: Keyring, clock: ManualClock
) -> None:
    upgrade(in_use, scripts_with(tmp_path, HEAD))
    assert tables_and_revision(in_use) == (True, True, NEXT)
    db = a_database_in_use(in_use, keyring, clock)
    db.write_now(lambda tx: tx.journal("thing_done"), system_actor("test"))
    seen = db.read_now(lambda connection: verify(connection, keyring.journal_key))
    db.close()
    assert (seen.lines, seen.faults) == (4, [])
    if is_sqlite(in_use):
        path = sqlite_path(in_use)
        copy = path.with_name(f"clinic.before-{NOW}.db")
        assert tables_and_revision(f"sqlite:///{copy}") == (False, False, NOW)
