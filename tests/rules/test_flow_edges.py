"""The table of steps at its edges: what a refusal says, and the diagram."""

import pytest

from clinic_server.visits.flow import (
    FIRST_STEP,
    STEPS,
    WAYS_BACK,
    Outcome,
    Stage,
    StepOutOfOrder,
    advance,
    diagram,
    stage_after,
)


def test_a_step_out_of_order_says_where_the_visit_stands_and_what_was_tried() -> None:
    with pytest.raises(StepOutOfOrder) as refused:
        advance(Stage.OBSERVED, Outcome.DOSE_GIVEN)
    assert refused.value.facts == {"stage": "observed", "outcome": "dose_given"}


@pytest.mark.parametrize(("outcomes", "tried"), [([], "None"), ([Outcome.ANSWERED], "answered")])
def test_a_visit_begins_with_its_check_in_and_nothing_else(outcomes: list[Outcome], tried: str) -> None:
    with pytest.raises(StepOutOfOrder) as refused:
        stage_after(outcomes)
    assert refused.value.facts == {"stage": "none", "outcome": tried}


def test_the_stages_with_steps_are_the_open_ones() -> None:
    assert {stage for stage in Stage if stage.is_open} == set(STEPS)


def test_the_diagram_draws_the_way_in_every_step_and_every_way_out() -> None:
    head, way_in, *lines = diagram().split("\n")
    assert head == "stateDiagram-v2"
    assert way_in == f"    [*] --> {FIRST_STEP[1].value}: {FIRST_STEP[0].value}"
    steps = [
        f"    {stage.value} --> {following.value}: {outcome.value}"
        for stage, taken in (*STEPS.items(), *WAYS_BACK.items())
        for outcome, following in taken.items()
    ]
    ends = [f"    {stage.value} --> [*]" for stage in Stage if stage not in STEPS]
    assert lines == steps + ends


@pytest.mark.parametrize("stage", [stage for stage in STEPS if stage is not Stage.OBSERVED])
def test_answers_lead_to_the_physician_from_wherever_the_needle_has_not_been(stage: Stage) -> None:
    assert advance(stage, Outcome.ANSWERED) is Stage.WAITING_FOR_DECISION
