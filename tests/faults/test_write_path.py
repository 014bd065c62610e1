"""The write path: one transaction per action, committed before the answer, on both engines."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from clinic_server.kit.errors import Conflict
from clinic_server.kit.journal import journal, verify
from clinic_server.kit.tx import Tx

ACTOR = system_actor("test")


def lines_in(db: Database) -> int:
    return db.read_now(lambda connection: connection.execute(select(func.count()).select_from(journal)).scalar_one())


def test_an_action_is_committed_before_it_is_answered(db: Database) -> None:
    db.write_now(lambda tx: tx.journal("thing_done", "ref"), ACTOR)
    assert lines_in(db) == 1


def test_a_refused_action_leaves_no_row_and_its_neighbours_stay(db: Database) -> None:
    def refuse(tx: Tx) -> None:
        tx.journal("thing_done")
        raise Conflict

    db.write_now(lambda tx: tx.journal("before"), ACTOR)
    with pytest.raises(Conflict):
        db.write_now(refuse, ACTOR)
    db.write_now(lambda tx: tx.journal("after"), ACTOR)
    kinds = db.read_now(
        lambda connection: connection.execute(select(journal.c.kind).order_by(journal.c.seq)).scalars().all()
    )
    assert kinds == ["before", "after"]


def test_the_database_itself_refuses_to_change_a_journal_line(db: Database) -> None:
    db.write_now(lambda tx: tx.journal("thing_done"), ACTOR)
    for change in ("UPDATE journal SET kind = 'other'", "DELETE FROM journal"):
        with pytest.raises(DBAPIError, match="append-only"):
            db.write_now(lambda tx, change=change: tx.connection.execute(text(change)), ACTOR)
    seen = db.read_now(lambda connection: verify(connection, db.keyring.journal_key))
    assert (seen.lines, seen.faults) == (1, [])
