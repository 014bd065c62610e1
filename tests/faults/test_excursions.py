"""A small storm: everything fails once while a dozen fridges fail, and no excursion is missed, invented or unheard."""

from pathlib import Path

import pytest

from tests.faults.kills import Scene
from tests.faults.storm.run import KILLS, Storm, weather

EXCURSIONS = 12


@pytest.mark.timeout(300)
def test_every_excursion_is_found_once_held_and_told_whatever_fails(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue("postgres").new_database() if engine == "postgresql" else None
    storm = Storm(EXCURSIONS, seed=1, fridges=EXCURSIONS, speed=300.0)
    weathered = weather(Scene(engine, tmp_path, url, None), storm)
    assert weathered.differences == []
    assert weathered.figures["excursions_found"] >= EXCURSIONS
    assert all(weathered.figures[kind] for kind in KILLS)
