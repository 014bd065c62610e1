"""Every legal step of a visit, in one table. The diagram in the README is drawn from it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from clinic_server.kit.errors import Conflict


class Stage(StrEnum):
    """Where a visit stands: what the person waits for, or how the visit ended."""

    WAITING_FOR_SCREENING = "waiting_for_screening"
    WAITING_FOR_DECISION = "waiting_for_decision"
    WAITING_FOR_CONSENT = "waiting_for_consent"
    CONSENT_DISPUTED = "consent_disputed"
    WAITING_FOR_INJECTION = "waiting_for_injection"
    OBSERVED = "observed"
    COMPLETED = "completed"
    LEFT_EARLY = "left_early"
    LEFT_UNSEEN = "left_unseen"
    TRANSFERRED = "transferred"
    DEFERRED = "deferred"
    UNSUITABLE = "unsuitable"
    REFUSED = "refused"
    ABANDONED = "abandoned"

    @property
    def is_open(self) -> bool:
        """Whether the person is still with us."""
        return self in STEPS


class Outcome(StrEnum):
    """What happened at a step."""

    CHECKED_IN = "checked_in"
    ANSWERED = "answered"
    RECOMMENDED = "recommended"
    DEFERRED = "deferred"
    UNSUITABLE = "unsuitable"
    CONSENTED = "consented"
    CONSENT_DISPUTED = "consent_disputed"
    DISPUTE_SETTLED = "dispute_settled"
    CONSENT_INVALIDATED = "consent_invalidated"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    REFUSED = "refused"
    DOSE_GIVEN = "dose_given"
    NEEDLE_WAS_IN = "needle_was_in"
    SENT_BACK = "sent_back"
    LEFT = "left"
    LEFT_EARLY = "left_early"
    LEFT_UNSEEN = "left_unseen"
    CAME_BACK = "came_back"
    CONTINUED = "continued"
    TRANSFERRED = "transferred"
    ABANDONED = "abandoned"


class StepOutOfOrder(Conflict):
    """The flow has no such step from where the visit stands; ``stage`` and ``outcome`` say which."""

    code = "step_out_of_order"


FIRST_STEP = (Outcome.CHECKED_IN, Stage.WAITING_FOR_SCREENING)

# Answers given again void the decision and the consent after them, hence the way back from every
# stage before the needle; nothing leads back from behind it, because a physical act is never un-happened. A needle
# that was in when its permit had ended is recorded from wherever the visit stands by then, and from where it ended.
STEPS: Mapping[Stage, Mapping[Outcome, Stage]] = {
    Stage.WAITING_FOR_SCREENING: {
        Outcome.ANSWERED: Stage.WAITING_FOR_DECISION,
        Outcome.NEEDLE_WAS_IN: Stage.OBSERVED,
        Outcome.ABANDONED: Stage.ABANDONED,
    },
    Stage.WAITING_FOR_DECISION: {
        Outcome.ANSWERED: Stage.WAITING_FOR_DECISION,
        Outcome.RECOMMENDED: Stage.WAITING_FOR_CONSENT,
        Outcome.DEFERRED: Stage.DEFERRED,
        Outcome.UNSUITABLE: Stage.UNSUITABLE,
        Outcome.NEEDLE_WAS_IN: Stage.OBSERVED,
        Outcome.ABANDONED: Stage.ABANDONED,
    },
    Stage.WAITING_FOR_CONSENT: {
        Outcome.ANSWERED: Stage.WAITING_FOR_DECISION,
        Outcome.CONSENTED: Stage.WAITING_FOR_INJECTION,
        Outcome.CONSENT_DISPUTED: Stage.CONSENT_DISPUTED,
        Outcome.REFUSED: Stage.REFUSED,
        Outcome.NEEDLE_WAS_IN: Stage.OBSERVED,
        Outcome.ABANDONED: Stage.ABANDONED,
    },
    Stage.CONSENT_DISPUTED: {
        Outcome.ANSWERED: Stage.WAITING_FOR_DECISION,
        Outcome.DISPUTE_SETTLED: Stage.WAITING_FOR_CONSENT,
        Outcome.REFUSED: Stage.REFUSED,
        Outcome.NEEDLE_WAS_IN: Stage.OBSERVED,
        Outcome.ABANDONED: Stage.ABANDONED,
    },
    Stage.WAITING_FOR_INJECTION: {
        Outcome.ANSWERED: Stage.WAITING_FOR_DECISION,
        Outcome.DOSE_GIVEN: Stage.OBSERVED,
        Outcome.NEEDLE_WAS_IN: Stage.OBSERVED,
        Outcome.SENT_BACK: Stage.WAITING_FOR_SCREENING,
        Outcome.CONSENT_DISPUTED: Stage.CONSENT_DISPUTED,
        Outcome.CONSENT_INVALIDATED: Stage.WAITING_FOR_CONSENT,
        Outcome.CONSENT_WITHDRAWN: Stage.REFUSED,
        Outcome.ABANDONED: Stage.ABANDONED,
    },
    Stage.OBSERVED: {
        Outcome.LEFT: Stage.COMPLETED,
        Outcome.LEFT_EARLY: Stage.LEFT_EARLY,
        Outcome.LEFT_UNSEEN: Stage.LEFT_UNSEEN,
        Outcome.TRANSFERRED: Stage.TRANSFERRED,
        Outcome.CONTINUED: Stage.COMPLETED,  # the visit of a further dose has taken the watch over
    },
}

# Whoever slipped out may come back. Their visit is over all the same until they do: it holds up neither the end of
# the day nor a visit of another day. The others ended without a dose, as far as anybody knew.
WAYS_BACK: Mapping[Stage, Mapping[Outcome, Stage]] = {
    Stage.LEFT_UNSEEN: {Outcome.CAME_BACK: Stage.OBSERVED},
    Stage.DEFERRED: {Outcome.NEEDLE_WAS_IN: Stage.OBSERVED},
    Stage.UNSUITABLE: {Outcome.NEEDLE_WAS_IN: Stage.OBSERVED},
    Stage.REFUSED: {Outcome.NEEDLE_WAS_IN: Stage.OBSERVED},
    Stage.ABANDONED: {Outcome.NEEDLE_WAS_IN: Stage.OBSERVED},
}


def advance(stage: Stage, outcome: Outcome) -> Stage:
    """Return the stage after a step, or raise StepOutOfOrder."""
    following = (STEPS.get(stage) or WAYS_BACK.get(stage, {})).get(outcome)
    if following is None:
        raise StepOutOfOrder(stage=stage.value, outcome=outcome.value)
    return following


def stage_after(outcomes: Iterable[Outcome]) -> Stage:
    """Fold a visit's outcomes, the first of them its check-in, into the stage it stands at."""
    remaining = iter(outcomes)
    first = next(remaining, None)
    if first is not FIRST_STEP[0]:
        raise StepOutOfOrder(stage="none", outcome=str(first))
    stage = FIRST_STEP[1]
    for outcome in remaining:
        stage = advance(stage, outcome)
    return stage


def diagram() -> str:
    """Draw the table as a Mermaid state diagram; the README shows it and a test compares."""
    lines = ["stateDiagram-v2", f"    [*] --> {FIRST_STEP[1]}: {FIRST_STEP[0]}"]
    for stage, steps in (*STEPS.items(), *WAYS_BACK.items()):
        lines += [f"    {stage} --> {following}: {outcome}" for outcome, following in steps.items()]
    lines += [f"    {stage} --> [*]" for stage in Stage if not stage.is_open]
    return "\n".join(lines)
