"""Two who want the same at the same instant, at a server that is served: one gets it, the other hears why not."""

import pytest

from tests.proof.pairs import race

DESK_PAIRS = 14


@pytest.mark.timeout(240)
def test_pairs_at_the_same_instant_are_never_doubled(engine: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres").new_database() if engine == "postgresql" else None
    races = race(engine, DESK_PAIRS, url)
    assert races.doubled == []
    assert (races.desk_pairs, races.bench_pairs) == (DESK_PAIRS, DESK_PAIRS // 2)
