"""Random days of stock on both engines: every balance, every side, every unit and every past instant agree."""

from pathlib import Path

import pytest

from clinic_server.stock.whereabouts import MovementKind
from tests.proof.clinic import PostgresPlace, SqlitePlace
from tests.proof.ledger_machine import play

EXAMPLES = {"sqlite": 24, "postgresql": 10}


@pytest.mark.timeout(400)
def test_every_sum_of_the_ledger_is_right_after_each_step(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place: SqlitePlace | PostgresPlace
    if engine == "postgresql":
        place = PostgresPlace(request.getfixturevalue("postgres"), request.getfixturevalue("blank_postgres"))
    else:
        place = SqlitePlace(tmp_path, request.getfixturevalue("blank_sqlite"))
    reached = play(place, place.cast, examples=EXAMPLES[engine])
    assert [kind.value for kind in MovementKind if not reached[kind.value]] == []
