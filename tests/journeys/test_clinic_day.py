"""A small clinic day over real HTTP, pseudo-terminals and a real broker, acted out, then proved from the API alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from clinic_server.kit.engines import is_sqlite, writer_engine
from clinic_server.rehearsal import Plan, prepare
from firmware_stubs.clinic_day import play
from firmware_stubs.rehearsal.cast import Cast
from firmware_stubs.rehearsal.floor import Manner
from firmware_stubs.rehearsal.ledger import Ledger
from firmware_stubs.rehearsal.proof import KINDS, Proof, Verdict, prove
from firmware_stubs.rehearsal.testimony import Witness
from tests.faults import records
from tests.faults.forked import ForkedVictim
from tests.peers import free_port, mosquitto

VISITORS = 25
SPEED = 600.0
DAY_WITHIN_S = 90.0
ANOTHER_ANSWER = """INSERT INTO first_answer
    SELECT scope, 'another-key', fingerprint, status, body, location, at FROM first_answer
    WHERE key = (SELECT MAX(key) FROM first_answer)"""
HURRY = Manner(pace=0.0, patience_s=8.0)


@dataclass(frozen=True, slots=True)
class PlayedDay:
    """What is left of a day: the players' books, the proof, and the database of the stopped server."""

    ledger: Ledger
    proof: Proof
    opening_seq: int
    database_url: str
    verify_code: int


@pytest.fixture(scope="module", name="day")
def _day(engine: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedDay]:
    folder: Path = tmp_path_factory.mktemp("day")
    url = request.getfixturevalue("postgres").new_database() if engine == "postgresql" else None
    with mosquitto() as mqtt_url:
        plan = Plan(folder, free_port(), url, desks=4, units=60, speed=SPEED, mqtt_url=mqtt_url, pager_port=free_port())
        made = prepare(plan)
        cast = Cast.load(folder / "cast.json")
        with ForkedVictim(made) as server, Witness(cast) as witness:
            server.start()
            opening = witness.opening()
            ledger = play(cast, VISITORS, seed=7, manner=HURRY, most_s=DAY_WITHIN_S)
            proof = prove(ledger, opening, witness.closing(opening, ledger))
            server.stop()
            yield PlayedDay(ledger, proof, opening.head_seq, made.database_url, server.verify())


@pytest.mark.timeout(240)
def test_a_day_of_card_scanner_and_probe_agrees_with_the_books_in_every_line(day: PlayedDay) -> None:
    assert day.proof.differences == ()
    assert day.verify_code == 0
    assert day.proof.counts["visits"] == VISITORS
    assert day.proof.counts["acted: checked in by a card on the reader"] >= VISITORS // 2
    assert day.proof.counts["readings"] > 0
    assert day.proof.counts["excursions"] == 1
    assert day.proof.counts["pages received"] >= 3  # as many as are on duty


def test_the_small_day_saw_every_way_through_the_site(day: PlayedDay) -> None:
    too_slow = "not_early"  # thirty minutes are three seconds here: on a busy machine nobody is fast enough
    kinds = {write.kind for write in day.ledger.writes if write.is_accepted or write.code == too_slow}
    not_of_a_small_day = {"delivery_begun", "delivery_scanned", "delivery_finished", "units_moved", "person_checked"}
    assert kinds >= KINDS - not_of_a_small_day
    refused = {finding for write in day.ledger.writes for finding in write.findings}
    assert {"unit_unknown", "unit_used_up"} <= refused


def test_the_database_of_the_day_agrees_with_itself_and_the_books(day: PlayedDay) -> None:
    assert _found_after(day, "SELECT 1") == set()


@pytest.mark.parametrize(
    ("forgery", "found"),
    [
        ("DELETE FROM draw WHERE id = (SELECT draw_id FROM dose ORDER BY id DESC LIMIT 1)", Verdict.HALF),
        ("DELETE FROM watch WHERE id = (SELECT id FROM watch ORDER BY id DESC LIMIT 1)", Verdict.HALF),
        ("DELETE FROM visit_step WHERE id = (SELECT id FROM visit_step ORDER BY id DESC LIMIT 1)", Verdict.HALF),
        ("DELETE FROM departure WHERE id = (SELECT id FROM departure ORDER BY id DESC LIMIT 1)", Verdict.HALF),
        ("UPDATE visit_now SET stage = 'observed' WHERE stage = 'completed'", Verdict.HALF),
        ("DELETE FROM first_answer WHERE key = (SELECT MAX(key) FROM first_answer)", Verdict.LOST),
        ("DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal WHERE kind = 'dose_given')", Verdict.HALF),
        (ANOTHER_ANSWER, Verdict.DOUBLED),
    ],
)
def test_a_row_changed_behind_the_servers_back_is_reported(day: PlayedDay, forgery: str, found: Verdict) -> None:
    assert found in _found_after(day, forgery)


def _found_after(day: PlayedDay, forgery: str) -> set[Verdict]:
    """Forge, look, and take the forgery back."""
    found: set[Verdict] = set()

    def look(connection: Connection) -> None:
        connection.execute(text(forgery))
        found.update(one.verdict for one in records.differences(connection, day.ledger, day.opening_seq))

    _in_a_transaction_undone(day.database_url, look)
    return found


def _in_a_transaction_undone(url: str, act: Callable[[Connection], None]) -> None:
    engine = writer_engine(url)
    try:
        with engine.connect() as connection:
            if is_sqlite(url):
                connection.execute(text("PRAGMA defer_foreign_keys = ON"))
                triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
                for trigger in triggers.all():
                    connection.execute(text(f"DROP TRIGGER {trigger}"))
            else:
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            act(connection)
            connection.rollback()
    finally:
        engine.dispose()
