"""A statement that is sent the shortest way says and reads what SQLAlchemy would have said and read."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, CursorResult, Integer, bindparam, event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError

from clinic_server.kit.engines import reader_engine, writer_engine
from clinic_server.kit.idempotency import first_answer
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import visit_now

AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
COLUMNS = visit_now.c


@pytest.fixture(name="connection")
def _connection(database_url: str) -> Iterator[Connection]:
    engine = writer_engine(database_url)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")  # visits here are of nobody
        yield connection
    engine.dispose()


def visit(number: int, stage: Stage = Stage.WAITING_FOR_CONSENT) -> dict[str, Any]:
    ids = {"visit_id": UUID(int=number), "person_id": UUID(int=1000 + number)}
    stood = {"stage": stage, "is_open": True, "since_at": AT, "since_seq": number}
    return {**ids, "business_on": date(2026, 3, 2), "ticket_number": number, **stood}


def is_prepared(result: Any) -> bool:
    return not isinstance(result, CursorResult)


def test_from_the_third_time_on_a_statement_goes_the_shortest_way_and_the_rows_are_the_same(
    connection: Connection,
) -> None:
    adding, asking = insert(visit_now), select(visit_now).where(COLUMNS.visit_id == bindparam("visit_id"))
    ways = [is_prepared(connection.execute(adding, visit(number))) for number in range(1, 6)]
    assert ways == [False, False, True, True, True]
    results = [connection.execute(asking, {"visit_id": UUID(int=number)}) for number in (1, 2, 3, 4, 5, 99)]
    assert [is_prepared(result) for result in results] == [False, False, True, True, True, True]
    assert [result.mappings().all() for result in results] == [*([visit(number)] for number in range(1, 6)), []]
    row = connection.execute(asking, {"visit_id": UUID(int=4)}).one()
    assert (row.stage, row.since_at, row._mapping[COLUMNS.visit_id]) == (Stage.WAITING_FOR_CONSENT, AT, UUID(int=4))


def test_values_within_a_statement_are_sent_each_time(connection: Connection) -> None:
    for number in range(1, 5):
        connection.execute(insert(visit_now), visit(number))
    later = (Stage.WAITING_FOR_CONSENT, Stage.WAITING_FOR_INJECTION)
    asking = (
        select(COLUMNS.ticket_number).where(COLUMNS.stage.in_(later), COLUMNS.since_seq > bindparam("seq")).limit(1)
    )
    asking = asking.order_by(COLUMNS.ticket_number)
    results = [connection.execute(asking, {"seq": seq}) for seq in (0, 1, 2, 3, 4)]
    assert [is_prepared(result) for result in results] == [False, False, True, True, True]
    assert [result.scalars().all() for result in results] == [[1], [2], [3], [4], []]


def test_a_list_of_any_length_is_asked_for(connection: Connection) -> None:
    for number in range(1, 5):
        connection.execute(insert(visit_now), visit(number))
    asking = select(func.count()).where(COLUMNS.ticket_number.in_(bindparam("numbers", expanding=True)))
    found = [connection.execute(asking, {"numbers": list(range(1, many + 1))}).scalar() for many in (1, 2, 3, 4, 0, 99)]
    assert found == [1, 2, 3, 4, 0, 4]


def test_a_short_list_is_sent_the_shortest_way_once_one_as_long_was_sent_twice(connection: Connection) -> None:
    for number in range(1, 5):
        connection.execute(insert(visit_now), visit(number))
    asking = (
        select(COLUMNS.visit_id)
        .where(COLUMNS.visit_id.in_(bindparam("visit_ids", expanding=True)), COLUMNS.since_seq < bindparam("seq"))
        .order_by(COLUMNS.ticket_number)
    )
    asked = [[1, 2], [2, 1], [3, 4], [4], [1], [2], [1, 3], [4, 2], [9, 9]]
    results = [
        connection.execute(asking, {"seq": 4, "visit_ids": [UUID(int=number) for number in numbers]})
        for numbers in asked
    ]
    assert [is_prepared(result) for result in results] == [False, False, True, False, False, True, True, True, True]
    assert [[one.int for one in result.scalars()] for result in results] == [
        *([1, 2], [1, 2], [3], [], [1], [2]),
        *([1, 3], [2], []),
    ]


def test_statements_that_differ_in_their_limit_alone_each_keep_their_own(connection: Connection) -> None:
    """SQLite is told it in the text, and parses nothing anew."""
    for number in range(1, 5):
        connection.execute(insert(visit_now), visit(number))
    asked = [select(COLUMNS.ticket_number).order_by(COLUMNS.ticket_number).limit(most) for most in (1, 3, 2)]
    for is_sent_often in (False, False, True):
        results = [connection.execute(asking) for asking in asked]
        assert [is_prepared(result) for result in results] == [is_sent_often] * 3
        assert [result.scalars().all() for result in results] == [[1], [1, 2, 3], [1, 2]]
    if connection.dialect.name == "sqlite":
        said = [one.compile(dialect=connection.dialect).construct_expanded_state({}).statement for one in asked]
        assert [one.rpartition("LIMIT ")[2] for one in said] == ["1", "3", "2"]


def test_what_is_made_from_a_statement_is_another_and_so_are_other_values(connection: Connection) -> None:
    setting = update(visit_now).where(COLUMNS.visit_id == bindparam("which"))
    staging, opening = setting.values(stage=bindparam("to")), setting.values(is_open=bindparam("to"))
    for number in range(1, 5):
        connection.execute(insert(visit_now), visit(number))
        connection.execute(staging, {"which": UUID(int=number), "to": Stage.WAITING_FOR_INJECTION})
        connection.execute(opening, {"which": UUID(int=number), "to": number % 2 == 0})
    asking = select(COLUMNS.ticket_number, COLUMNS.stage)
    assert len([connection.execute(asking).all() for _ in range(3)][2]) == 4
    assert connection.execute(asking.where(COLUMNS.is_open).order_by(COLUMNS.ticket_number)).all() == [
        (2, Stage.WAITING_FOR_INJECTION),
        (4, Stage.WAITING_FOR_INJECTION),
    ]


def test_other_columns_are_inserted_by_the_same_statement(connection: Connection) -> None:
    adding = insert(first_answer)
    told = {"scope": "one", "fingerprint": b"f", "status": 201, "body": b"{}", "at": AT}
    for number in range(4):
        connection.execute(adding, {**told, "key": f"short {number}"})
        connection.execute(adding, {**told, "key": f"long {number}", "location": None if number % 2 else "/queue"})
    rows = connection.execute(select(first_answer.c.key).where(first_answer.c.location.is_not(None))).scalars()
    assert set(rows) == {"long 0", "long 2"}


def test_a_refused_row_is_an_error_that_shows_no_values(connection: Connection) -> None:
    adding = insert(visit_now)
    for number in range(1, 4):
        connection.execute(adding, visit(number))
    with pytest.raises(IntegrityError) as refused:
        connection.execute(adding, visit(3))
    assert isinstance(refused.value.orig, connection.dialect.loaded_dbapi.IntegrityError)
    assert str(UUID(int=1003)) not in str(refused.value)
    assert UUID(int=1003).hex not in str(refused.value)


ASKED_OF_A_RESULT = ("all", "first", "one", "one_or_none", "scalar", "scalar_one", "scalar_one_or_none")


def answer_of(result: Any, name: str) -> Any:
    try:
        answer = getattr(result, name)()
    except InvalidRequestError as refused:
        return type(refused), str(refused)
    return answer


@pytest.mark.parametrize("name", ASKED_OF_A_RESULT)
def test_a_prepared_statement_answers_for_none_one_and_two_rows_as_any_other(connection: Connection, name: str) -> None:
    for number in (1, 2):
        connection.execute(insert(visit_now), visit(number))
    asking = select(COLUMNS.visit_id, COLUMNS.since_at).where(COLUMNS.ticket_number <= bindparam("most"))
    asking = asking.order_by(COLUMNS.ticket_number.desc())
    for _ in range(2):
        connection.execute(asking, {"most": 2})
    for most in (0, 1, 2):
        prepared, usual = connection.execute(asking, {"most": most}), super(type(connection), connection).execute
        assert is_prepared(prepared)
        assert answer_of(prepared, name) == answer_of(usual(asking, {"most": most}), name)


def test_who_listens_hears_every_statement_of_the_next_transaction(connection: Connection) -> None:
    heard: list[str] = []

    def note(_connection: Any, _cursor: Any, said: str, _values: Any, _context: Any, _many: Any) -> None:
        heard.append(said)

    asking = select(func.count()).select_from(visit_now)
    for _ in range(3):
        connection.execute(asking)
    connection.commit()
    event.listen(connection, "before_cursor_execute", note)
    connection.execute(asking)
    connection.exec_driver_sql("SAVEPOINT action")
    event.remove(connection, "before_cursor_execute", note)
    connection.commit()
    assert is_prepared(connection.execute(asking))
    assert [said.split()[0] for said in heard if not said.startswith("BEGIN")] == ["SELECT", "SAVEPOINT"]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_connection_that_broke_is_known_to_be_broken(connection: Connection, database_url: str) -> None:
    asking = select(func.count()).select_from(visit_now)
    for _ in range(3):
        connection.execute(asking)
    number = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    other = reader_engine(database_url)
    with other.begin() as beside:
        beside.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
    other.dispose()
    with pytest.raises(DBAPIError) as broken:
        connection.execute(asking)
    assert broken.value.connection_invalidated


@pytest.mark.parametrize("engine", ["postgresql"])
def test_each_engine_is_told_in_its_own_words(connection: Connection, tmp_path: Path) -> None:
    asking = select(bindparam("number", type_=Integer) + 1)
    beside = writer_engine(f"sqlite:///{tmp_path / 'beside.db'}")
    with beside.connect() as other:
        for number in range(4):
            told = [each.execute(asking, {"number": number}).scalar_one() for each in (connection, other)]
            assert told == [number + 1, number + 1]
    beside.dispose()
