"""What the exit answers: only an unrefused departure opens it, and what nobody foresaw brings a nurse."""

import pytest

from clinic_server.kit.errors import ClinicError, Refused
from clinic_server.kit.labels import Tone, label
from clinic_server.observation.exit.rules import ExitAnswer, ExitSaid, answer_for
from clinic_server.observation.rules import FurtherAskedFor, TooEarly
from clinic_server.visits.flow import Stage, StepOutOfOrder

OUT = {ExitAnswer.MAY_LEAVE, ExitAnswer.HAS_LEFT, ExitAnswer.NO_DOSE}
AFTER = {
    Stage.WAITING_FOR_SCREENING: ExitAnswer.GO_BACK,
    Stage.WAITING_FOR_DECISION: ExitAnswer.GO_BACK,
    Stage.WAITING_FOR_CONSENT: ExitAnswer.GO_BACK,
    Stage.CONSENT_DISPUTED: ExitAnswer.GO_BACK,
    Stage.WAITING_FOR_INJECTION: ExitAnswer.GO_BACK,
    Stage.OBSERVED: ExitAnswer.NURSE_COMES,
    Stage.COMPLETED: ExitAnswer.HAS_LEFT,
    Stage.LEFT_EARLY: ExitAnswer.HAS_LEFT,
    Stage.LEFT_UNSEEN: ExitAnswer.NURSE_COMES,
    Stage.TRANSFERRED: ExitAnswer.NURSE_COMES,
    Stage.DEFERRED: ExitAnswer.NO_DOSE,
    Stage.UNSUITABLE: ExitAnswer.NO_DOSE,
    Stage.REFUSED: ExitAnswer.NO_DOSE,
    Stage.ABANDONED: ExitAnswer.NO_DOSE,
}


class NobodyForesawThis(Refused):
    """A refusal of a rule that the exit has never heard of."""


NobodyForesawThis.code = "nobody_foresaw_this"


def test_whoever_the_nurses_button_lets_go_may_leave() -> None:
    assert answer_for(Stage.OBSERVED, None) == ExitSaid(ExitAnswer.MAY_LEAVE)


@pytest.mark.parametrize("minutes", [1, 7, 30, 240])
def test_whoever_has_minutes_left_is_told_how_many(minutes: int) -> None:
    assert answer_for(Stage.OBSERVED, TooEarly(minutes=minutes)) == ExitSaid(ExitAnswer.STAY, minutes)


def test_whoever_waits_for_a_further_vaccine_is_sent_back_to_the_nurses() -> None:
    assert answer_for(Stage.OBSERVED, FurtherAskedFor(ticket=7)) == ExitSaid(ExitAnswer.FURTHER)


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_its_answer(stage: Stage) -> None:
    assert answer_for(stage, StepOutOfOrder(stage=stage.value, outcome="left")).answer is AFTER[stage]


@pytest.mark.parametrize("refusal", [NobodyForesawThis(), StepOutOfOrder(stage="observed", outcome="left")])
def test_under_observation_an_unforeseen_refusal_brings_a_nurse_who_is_told_why(refusal: ClinicError) -> None:
    assert answer_for(Stage.OBSERVED, refusal) == ExitSaid(ExitAnswer.NURSE_COMES, reason=refusal.code)


@pytest.mark.parametrize("answer", ExitAnswer)
def test_green_is_for_those_who_go_and_for_nobody_else(answer: ExitAnswer) -> None:
    shown = label("exit_answer", answer, minutes=7, place="bench-1", since="10:12")
    assert (shown.tone is Tone.GOOD) == (answer in OUT)
    assert shown.tone in {Tone.GOOD, Tone.WARN, Tone.STOP}, "the tones that have a sound"


def test_only_minutes_and_unread_codes_are_amber_whatever_needs_staff_is_red() -> None:
    red = {
        answer for answer in ExitAnswer if label("exit_answer", answer, minutes=0, place="", since="").tone is Tone.STOP
    }
    assert red == {ExitAnswer.NURSE_COMES, ExitAnswer.NOT_FOUND}
