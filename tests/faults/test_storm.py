"""A small storm: fridges fail while server, broker and gateways die; in the end all books agree.

`run.py faults --only 31 --runners-only` plays it at any length.
"""

from pathlib import Path

import pytest

from tests.faults.forked import ForkedVictim
from tests.faults.kills import Scene
from tests.faults.storm.run import Storm, weather

SMALL = Storm(excursions=5, seed=1, fridges=5, speed=480, between_s=(0.5, 1.5))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["sqlite"])  # the engine is the command's to vary
def test_no_excursion_is_missed_or_invented_and_no_page_is_lost(engine: str, tmp_path: Path) -> None:
    weathered = weather(Scene(engine, tmp_path, None, None), SMALL, ForkedVictim)
    assert weathered.differences == []
    figures = weathered.figures
    assert figures["excursions_found"] >= SMALL.excursions
    assert figures["server_kills"] >= 3
    assert figures["broker_kills"] >= 2
    assert figures["kills_at_an_acknowledgement"] >= 1
    assert figures["pages_delivered"] > 0
