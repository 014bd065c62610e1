"""The table of legal steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.visits.flow import FIRST_STEP, STEPS, WAYS_BACK, Outcome, Stage, StepOutOfOrder, advance, stage_after

CHECKED_IN = Outcome.CHECKED_IN
ABOUT_CONSENT = {
    Outcome.CONSENTED,
    Outcome.CONSENT_INVALIDATED,
    Outcome.CONSENT_DISPUTED,
    Outcome.DISPUTE_SETTLED,
}
ORDINARY_DAY = (
    CHECKED_IN,
    Outcome.ANSWERED,
    Outcome.RECOMMENDED,
    Outcome.CONSENTED,
    Outcome.DOSE_GIVEN,
    Outcome.LEFT,
)


def followed(outcomes: list[Outcome]) -> tuple[list[Outcome], Stage]:
    """Take each outcome that is legal where the visit stands, and skip the others."""
    taken, stage = [CHECKED_IN], FIRST_STEP[1]
    for outcome in outcomes:
        try:
            stage = advance(stage, outcome)
        except StepOutOfOrder:
            continue
        taken.append(outcome)
    return taken, stage


def test_an_ordinary_visit_ends_completed() -> None:
    assert stage_after(ORDINARY_DAY) is Stage.COMPLETED


@pytest.mark.parametrize("missing", range(1, 5))
def test_no_step_of_an_ordinary_visit_can_be_skipped(missing: int) -> None:
    with pytest.raises(StepOutOfOrder):
        stage_after(ORDINARY_DAY[:missing] + ORDINARY_DAY[missing + 1 :])


@given(st.lists(st.sampled_from(Outcome), max_size=30))
def test_nobody_is_vaccinated_without_answers_a_recommendation_and_a_consent_after_each_other(
    outcomes: list[Outcome],
) -> None:
    taken, _ = followed(outcomes)
    for place, outcome in enumerate(taken):
        if outcome is Outcome.DOSE_GIVEN:
            answered = max(at for at in range(place) if taken[at] is Outcome.ANSWERED)
            since = taken[answered + 1 : place]
            assert (since[0], since[-1]) == (Outcome.RECOMMENDED, Outcome.CONSENTED)
            assert set(since[1:]) <= ABOUT_CONSENT


@given(st.lists(st.sampled_from(Outcome), max_size=30))
def test_the_fold_of_the_steps_taken_is_the_stage_they_led_to(outcomes: list[Outcome]) -> None:
    taken, stage = followed(outcomes)
    assert stage_after(taken) is stage


def test_every_stage_can_be_reached_and_every_open_stage_can_be_left() -> None:
    reached = {FIRST_STEP[1]} | {stage for steps in STEPS.values() for stage in steps.values()}
    assert reached == set(Stage)
    assert all(any(stage is not here for stage in STEPS[here].values()) for here in STEPS)


def test_a_visit_begins_with_a_check_in() -> None:
    with pytest.raises(StepOutOfOrder):
        stage_after([Outcome.ANSWERED])
    with pytest.raises(StepOutOfOrder):
        stage_after([])


def test_nothing_leads_back_from_behind_the_needle() -> None:
    ways_out = {Stage.COMPLETED, Stage.LEFT_EARLY, Stage.LEFT_UNSEEN, Stage.TRANSFERRED}
    assert set(STEPS[Stage.OBSERVED].values()) == ways_out


def test_a_needle_that_was_in_is_recorded_from_wherever_no_dose_was_given_and_from_nowhere_else() -> None:
    """DESIGN: a physical act is never un-happened."""
    had_a_dose = {Stage.OBSERVED, Stage.COMPLETED, Stage.LEFT_EARLY, Stage.LEFT_UNSEEN, Stage.TRANSFERRED}
    for stage in set(Stage) - had_a_dose:
        assert advance(stage, Outcome.NEEDLE_WAS_IN) is Stage.OBSERVED
    for stage in had_a_dose:
        with pytest.raises(StepOutOfOrder):
            advance(stage, Outcome.NEEDLE_WAS_IN)


def test_only_who_left_unseen_comes_back_and_only_to_be_watched() -> None:
    assert WAYS_BACK[Stage.LEFT_UNSEEN] == {Outcome.CAME_BACK: Stage.OBSERVED}
    assert [stage for stage, ways in WAYS_BACK.items() if Outcome.CAME_BACK in ways] == [Stage.LEFT_UNSEEN]
    assert not any(stage.is_open for stage in WAYS_BACK)
