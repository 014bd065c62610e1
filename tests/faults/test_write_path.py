"""The write path: one transaction per action, committed before the answer, on both engines."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Uuid, bindparam, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from clinic_server.kit.access import system_actor
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.engines import UnsafeDatabase, reader_engine, refuse_wal_reset_bug, writer_engine
from clinic_server.kit.errors import Conflict, KeyReused, StorageFull
from clinic_server.kit.idempotency import Answer, RequestKey, once
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import Verification, journal, verify
from clinic_server.kit.schema import differences, upgrade
from clinic_server.kit.tx import Site, Tx, UnjournaledRecords
from clinic_server.stock.rules import Platform, Route
from clinic_server.stock.tables import Product, product

ACTOR = system_actor("test")


def lines_in(db: Database) -> int:
    return db.read_now(lambda connection: connection.execute(select(func.count()).select_from(journal)).scalar_one())


def verified(db: Database) -> Verification:
    return db.read_now(lambda connection: verify(connection, db.keyring.journal_key))


def add_product(tx: Tx, code: str = "vaccine-a") -> None:
    tx.append(
        Product,
        code=code,
        name="Vaccine",
        manufacturer="Maker",
        vaccine_code="covid19-bbibp-corv",
        platform=Platform.INACTIVATED,
        route=Route.INTRAMUSCULAR,
        volume_ul=500,
        doses_per_unit=1,
    )
    tx.journal("product_added", code)


def forge(url: str, statement: str) -> None:
    """Change the database behind the server's back, as an intruder with the file would."""
    engine = writer_engine(url) if url.startswith("sqlite") else create_engine(url)
    with engine.begin() as connection:
        if url.startswith("sqlite"):
            for trigger in (
                connection.execute(text("SELECT name FROM sqlite_master WHERE type='trigger'")).scalars().all()
            ):
                connection.execute(text(f"DROP TRIGGER {trigger}"))
        else:
            connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(statement))
    engine.dispose()


def test_an_action_is_committed_before_it_is_answered(db: Database) -> None:
    db.write_now(lambda tx: tx.journal("thing_done", "ref"), ACTOR)
    assert lines_in(db) == 1


def test_a_refused_action_leaves_no_row_and_sends_no_signal(db: Database) -> None:
    def refuse(tx: Tx) -> None:
        add_product(tx)
        raise Conflict

    with pytest.raises(Conflict):
        db.write_now(refuse, ACTOR)
    assert lines_in(db) == 0
    assert (
        db.read_now(lambda connection: connection.execute(select(func.count()).select_from(product)).scalar_one()) == 0
    )


async def test_actions_that_wait_together_are_recorded_each_or_refused_each(db: Database) -> None:
    def add(tx: Tx, number: int) -> int:
        add_product(tx, f"product-{number}")
        if number % 3 == 0:
            raise Conflict
        return number

    answers = await asyncio.gather(
        *(db.write(partial(add, number=n), ACTOR) for n in range(60)), return_exceptions=True
    )
    assert [n for n, answer in enumerate(answers) if isinstance(answer, Conflict)] == list(range(0, 60, 3))
    assert [answer for answer in answers if isinstance(answer, int)] == [n for n in range(60) if n % 3]
    seen = verified(db)
    assert (seen.lines, seen.records, seen.faults) == (40, 40, [])


def test_records_without_a_journal_line_are_refused(db: Database) -> None:
    def forget(tx: Tx) -> None:
        add_product(tx)
        tx.append(
            Product,
            code="b",
            name="B",
            manufacturer="M",
            vaccine_code="covid19-bbibp-corv",
            platform=Platform.LIVE,
            route=Route.ORAL,
            volume_ul=1,
            doses_per_unit=1,
        )

    with pytest.raises(UnjournaledRecords, match="product"):
        db.write_now(forget, ACTOR)
    assert lines_in(db) == 0


@pytest.mark.parametrize("change", ["UPDATE journal SET kind = 'other'", "DELETE FROM journal", "DELETE FROM product"])
def test_the_database_itself_refuses_to_change_a_record(db: Database, change: str) -> None:
    db.write_now(add_product, ACTOR)
    with pytest.raises(DBAPIError, match="append-only"):
        db.write_now(lambda tx: tx.connection.execute(text(change)), ACTOR)
    assert verified(db).faults == []


@pytest.mark.parametrize(
    ("forgery", "found"),
    [
        ("UPDATE product SET name = 'Other' WHERE code = 'two'", "the records of line 2 were altered"),
        ("DELETE FROM product WHERE code = 'two'", "the records of line 2 were altered"),
        ("UPDATE product SET journal_seq = 9 WHERE code = 'two'", "records name line 9, which does not exist"),
        ("UPDATE journal SET actor = 'somebody' WHERE seq = 2", "line 2 was altered"),
        ("DELETE FROM journal WHERE seq = 2", "line 3 follows line 1"),
    ],
)
def test_what_was_changed_behind_the_servers_back_is_found(db: Database, forgery: str, found: str) -> None:
    for code in ("one", "two", "three"):
        db.write_now(lambda tx, code=code: add_product(tx, code), ACTOR)
    assert verified(db).faults == []
    url, keyring, clock = db.url, db.keyring, db.clock
    db.close()
    forge(url, forgery)
    again = Database(url, site=Site("TEST"), keyring=keyring, clock=clock, ids=Ids(clock))
    try:
        assert any(found in fault for fault in verified(again).faults)
    finally:
        again.close()


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")  # whose columns take whatever a torn page holds
@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE product SET journal_seq = 'torn' WHERE code = 'two'",
        "UPDATE product SET id = 'torn' WHERE code = 'two'",
        "UPDATE journal SET at = 'torn' WHERE seq = 2",
    ],
)
def test_what_is_no_record_any_more_is_a_fault_and_no_crash(db: Database, forgery: str) -> None:
    for code in ("one", "two"):
        db.write_now(lambda tx, code=code: add_product(tx, code), ACTOR)
    url = db.url
    db.close()
    forge(url, forgery)
    reader = reader_engine(url)
    with reader.connect() as connection:
        faults = verify(connection, db.keyring.journal_key).faults
    reader.dispose()
    assert any("no record any more" in fault for fault in faults), faults


def test_the_chain_does_not_verify_under_another_key(db: Database) -> None:
    db.write_now(add_product, ACTOR)
    other = Keyring(bytes(32)).journal_key
    assert db.read_now(lambda connection: verify(connection, other)).faults == ["line 1 was altered"]


def test_a_replayed_key_gets_the_first_answer_and_has_no_second_effect(db: Database) -> None:
    key = RequestKey("nurse", uuid4().hex, b"body")

    def act(tx: Tx) -> Answer:
        add_product(tx, f"product-{tx.seq}")
        return Answer(201, str(tx.head.seq).encode())

    with ThreadPoolExecutor(8) as desks:
        answers = list(desks.map(lambda _: db.write_now(once(key, act), ACTOR), range(40)))
    assert set(answers) == {Answer(201, b"1")}
    assert lines_in(db) == 1


def test_the_same_key_with_another_body_is_refused(db: Database) -> None:
    db.write_now(once(RequestKey("nurse", "key", b"one"), lambda _: Answer(201, b"")), ACTOR)
    with pytest.raises(KeyReused):
        db.write_now(once(RequestKey("nurse", "key", b"two"), lambda _: Answer(201, b"")), ACTOR)
    db.write_now(once(RequestKey("another nurse", "key", b"two"), lambda _: Answer(201, b"")), ACTOR)


def test_the_schema_made_by_the_migrations_is_the_one_the_tables_declare(database_url: str) -> None:
    assert differences(database_url) == []


def test_the_database_itself_refuses_a_code_that_is_on_no_list(db: Database) -> None:
    db.write_now(add_product, ACTOR)
    forged = text(
        "INSERT INTO product (id, journal_seq, code, name, manufacturer, vaccine_code, platform, route, volume_ul,"
        " doses_per_unit)"
        " SELECT :id, journal_seq, 'other', name, manufacturer, vaccine_code, 'homeopathic', route, 1, 1 FROM product"
    ).bindparams(bindparam("id", uuid4(), Uuid()))
    with pytest.raises(DBAPIError, match="platform_code"):
        db.write_now(lambda tx: tx.connection.execute(forged), ACTOR)


def test_a_newer_schema_than_this_server_knows_is_refused(database_url: str) -> None:
    engine = writer_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UnsafeDatabase, match="9999"):
        upgrade(database_url)


def test_a_second_server_on_the_same_database_is_refused(db: Database) -> None:
    with pytest.raises(UnsafeDatabase, match="Another server"):
        Database(db.url, site=db.site, keyring=db.keyring, clock=db.clock, ids=db.ids)


@pytest.mark.parametrize("version", [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 50, 6), (3, 51, 2)])
def test_an_sqlite_with_the_wal_reset_bug_is_refused(version: tuple[int, int, int]) -> None:
    with pytest.raises(UnsafeDatabase, match="WAL-reset"):
        refuse_wal_reset_bug(version)


@pytest.mark.parametrize("version", [(3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 53, 0)])
def test_an_sqlite_without_it_is_accepted(version: tuple[int, int, int]) -> None:
    refuse_wal_reset_bug(version)


def test_a_full_disk_refuses_the_write_keeps_what_was_recorded_and_recovers(
    blank_sqlite: Path, tmp_path: Path, keyring: Keyring
) -> None:
    path = tmp_path / "clinic.db"
    path.write_bytes(blank_sqlite.read_bytes())
    clock = SystemClock()
    db = Database(f"sqlite:///{path}", site=Site("TEST"), keyring=keyring, clock=clock, ids=Ids(clock))
    try:
        db.write_now(add_product, ACTOR)
        pages = db.write_now(lambda tx: tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one(), ACTOR)
        db.write_now(lambda tx: tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}"), ACTOR)
        acknowledged = 1
        with suppress(StorageFull):
            while acknowledged < 1000:
                db.write_now(lambda tx: add_product(tx, f"filler-{tx.seq}"), ACTOR)
                acknowledged += 1
        assert acknowledged < 1000
        assert verified(db).records == acknowledged
        db.write_now(lambda tx: tx.connection.exec_driver_sql("PRAGMA max_page_count=1000000"), ACTOR)
        db.write_now(lambda tx: add_product(tx, "after"), ACTOR)
        assert verified(db).faults == []
    finally:
        db.close()


def test_a_question_of_several_parts_sees_one_instant(db: Database) -> None:
    def ask(connection: Connection) -> tuple[int, int]:
        count = select(func.count()).select_from(journal)
        before = connection.execute(count).scalar_one()
        db.write_now(lambda tx: tx.journal("thing_done"), ACTOR)
        return before, connection.execute(count).scalar_one()

    before, after = db.read_now(ask)
    assert before == after
