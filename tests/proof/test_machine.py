"""Random clinic days, on both engines: whatever the order, whatever breaks, every invariant holds after each step."""

from pathlib import Path

import pytest

from tests.proof.clinic import PostgresPlace, SqlitePlace
from tests.proof.play import play

EXAMPLES = {"sqlite": 60, "postgresql": 12}

MUST_BE_REACHED = ("visit", "decision", "consent", "permit", "dose", "departure")


@pytest.mark.timeout(400)
def test_every_invariant_holds_after_each_step(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place: SqlitePlace | PostgresPlace
    if engine == "postgresql":
        place = PostgresPlace(request.getfixturevalue("postgres"), request.getfixturevalue("blank_postgres"))
    else:
        place = SqlitePlace(tmp_path, request.getfixturevalue("blank_sqlite"))
    reached = play(place, place.cast, examples=EXAMPLES[engine])
    assert min(reached[what] for what in MUST_BE_REACHED) > 0, reached
