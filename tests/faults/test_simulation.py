"""Days of a whole site in one process, each from its seed: whatever goes wrong on them, every invariant holds."""

from pathlib import Path

import pytest

from tests.faults.simulation.mishaps import MISHAPS
from tests.faults.simulation.run import simulate_all

SEEDS = range(1, 21)
MUST_BE_REACHED = ("dose", "departure", "page_attempt", "restarts")


@pytest.mark.timeout(400)
def test_twenty_days_on_which_much_goes_wrong_break_no_invariant_and_can_be_played_again(blank_sqlite: Path) -> None:
    tracks: list[str] = []
    simulated = simulate_all([*SEEDS, SEEDS[0]], lambda day: tracks.append(day.track), blank_sqlite)
    assert {day.seed: (day.broken, day.happened) for day in simulated.broken} == {}
    assert min(simulated.reached[what] for what in MUST_BE_REACHED) > len(SEEDS), simulated.reached
    assert simulated.happened == set(MISHAPS)
    assert tracks[-1] == tracks[0] != ""
