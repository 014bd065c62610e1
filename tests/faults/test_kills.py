"""The server is killed while it works; what it had said is recorded is there, once."""

from pathlib import Path

import pytest

from tests.faults.forked import ForkedVictim
from tests.faults.kills import BUSY_AFTER_WRITES, Scene, kill_again_and_again
from tests.peers import mosquitto

KILLS = 5


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_halved_or_doubled_by_kill_9(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue("postgres").new_database() if engine == "postgresql" else None
    with mosquitto() as mqtt_url:
        outcome = kill_again_and_again(Scene(engine, tmp_path, url, mqtt_url), KILLS, seed=1, serving=ForkedVictim)
    assert outcome.differences == []
    assert outcome.survived == KILLS
    assert outcome.acknowledged >= BUSY_AFTER_WRITES
