"""Another process holds the database, as a copying tool or a virus scanner does: SQLite alone has such a lock."""

from pathlib import Path

import pysqlite3.dbapi2 as sqlite
import pytest

from clinic_server.kit.db import Database
from clinic_server.kit.engines import sqlite_path
from clinic_server.kit.errors import Busy
from tests.faults.test_write_path import ACTOR, add_product, lines_in, verified


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_while_another_process_holds_the_database_writes_are_refused_and_later_recorded(db: Database) -> None:
    db.write_now(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout=100"), ACTOR)  # 5 s on a site
    path: Path = sqlite_path(db.url)
    other = sqlite.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Busy):
            db.write_now(add_product, ACTOR)
        assert lines_in(db) == 0  # whoever only looks is not held up
        assert db.is_recording
        other.execute("ROLLBACK")
    finally:
        other.close()
    db.write_now(add_product, ACTOR)
    assert (lines_in(db), verified(db).faults) == (1, [])
