"""Everybody injected is watched to the end of their time, whatever is killed or set; the oracle sees what is not."""

from pathlib import Path

import pytest

from tests.faults.observed.oracle import Act, Said, differences
from tests.faults.observed.run import observe

MINUTE_S = 60.0
DOSE = Said(Act.DOSE, 0.0, 0.0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["sqlite"])  # the quick part: `run.py faults --only 24` plays on both
def test_nobody_leaves_early_and_nobody_is_forgotten_through_kills_and_set_clocks(
    database_url: str, tmp_path: Path
) -> None:
    seen = observe(tmp_path, database_url, people=20, kills=2, seed=1)
    assert seen.differences == []
    figures = seen.figures
    assert (figures["dose"], figures["kills"]) == (20, 2)
    assert figures["left"] + figures["left_early"] + figures["transferred"] == 20
    assert min(figures[name] for name in ("refused", "extended", "reacted", "more", "clock_sets")) > 0


def left_at(minutes: float, act: Act = Act.LEFT) -> Said:
    return Said(act, minutes * MINUTE_S, minutes * MINUTE_S)


@pytest.mark.parametrize(
    ("acts", "is_wrong"),
    [
        ([left_at(30)], False),
        ([left_at(29.9)], True),
        ([Said(Act.LEFT, 0.0, 31 * MINUTE_S)], False),  # unanswered at first: it may have been done in time
        ([Said(Act.EXTENDED, 0.0, 0.0, 600.0), left_at(39.9)], True),
        ([Said(Act.EXTENDED, 0.0, 0.0, 600.0), left_at(40)], False),
        ([left_at(2, Act.REACTED), left_at(31)], True),
        ([left_at(2, Act.REACTED), left_at(12, Act.WELL_AGAIN), left_at(41)], True),
        ([left_at(2, Act.REACTED), left_at(12, Act.WELL_AGAIN), left_at(42)], False),
        ([left_at(2, Act.REACTED), left_at(12, Act.TRANSFERRED)], False),
        ([left_at(30.1, Act.REFUSED), left_at(31)], True),
        ([left_at(29.9, Act.REFUSED), left_at(31)], False),
        ([left_at(20, Act.ASKED_MORE), left_at(31)], True),
        ([left_at(20, Act.ASKED_MORE), left_at(25, Act.MORE), left_at(54)], True),
        ([left_at(20, Act.ASKED_MORE), left_at(25, Act.MORE), left_at(55)], False),
        ([left_at(30, Act.LEFT_EARLY)], True),
        ([left_at(5, Act.LEFT_EARLY)], False),
    ],
)
def test_the_oracle_tells_what_should_not_have_been(acts: list[Said], *, is_wrong: bool) -> None:
    doses = ["1"] * (1 + [one.act for one in acts].count(Act.MORE))
    assert bool(list(differences({"1": [DOSE, *acts]}, frozenset(), doses))) is is_wrong


@pytest.mark.parametrize(
    ("acts", "on_seats", "doses"),
    [
        ([DOSE], [], ["1"]),
        ([DOSE, left_at(30)], ["1"], ["1"]),
        ([DOSE], ["1", "2"], ["1"]),
        ([DOSE], ["1"], []),
        ([DOSE], ["1"], ["1", "1"]),
        ([DOSE], ["1"], ["1", "2"]),
    ],
)
def test_the_oracle_tells_who_is_forgotten_and_which_dose_is_lost(
    acts: list[Said], on_seats: list[str], doses: list[str]
) -> None:
    assert list(differences({"1": acts}, frozenset(on_seats), doses))
