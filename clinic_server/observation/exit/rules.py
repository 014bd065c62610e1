"""What the exit answers to a person: from what the nurse's own button would have done or refused."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clinic_server.kit.errors import ClinicError, Conflict, NotFound, Refused
from clinic_server.observation.rules import FurtherAskedFor, TooEarly
from clinic_server.visits.flow import STEPS, Outcome, Stage

_WITHOUT_A_DOSE: Final = frozenset({Stage.DEFERRED, Stage.UNSUITABLE, Stage.REFUSED, Stage.ABANDONED})
_HAS_LEFT: Final = frozenset({Stage.COMPLETED, Stage.LEFT_EARLY})


class ShownBy(StrEnum):
    """How somebody at the exit showed which visit is theirs."""

    CARD = "card"
    SCAN = "scan"
    TICKET = "ticket"


class ExitAnswer(StrEnum):
    """What a person at the exit is told; every answer has words, a colour and a sound."""

    MAY_LEAVE = "may_leave"
    HAS_LEFT = "has_left"
    NO_DOSE = "no_dose"
    STAY = "stay"
    GO_BACK = "go_back"
    FURTHER = "further"
    AGAIN = "again"
    NURSE_COMES = "nurse_comes"
    NOT_FOUND = "not_found"


class ExitReaderUnknown(NotFound):
    """No exit reader has this address or code: mistyped, or made up."""

    code = "exit_reader_unknown"


class ExitReaderEnded(Conflict):
    """The exit reader's day is over, or a newer one was opened at its station."""

    code = "exit_reader_ended"


class StationIsNoExit(Refused):
    """An exit reader was to be opened at a station of another kind."""

    code = "station_is_no_exit"


@dataclass(frozen=True, slots=True)
class ExitSaid:
    """An answer; ``minutes`` are still to wait, ``reason`` is the refusal a nurse should know of."""

    answer: ExitAnswer
    minutes: int = 0
    reason: str | None = None


def answer_for(stage: Stage, refusal: ClinicError | None) -> ExitSaid:
    """Return what a person at this stage is told, given what refused to let them go.

    Whatever refuses somebody under observation, and is not the time alone, brings a nurse: a refusal that is new here
    never opens the door.
    """
    if refusal is None:
        return ExitSaid(ExitAnswer.MAY_LEAVE)
    if stage is Stage.OBSERVED:
        return _kept_by(refusal)
    if stage in _HAS_LEFT:
        return ExitSaid(ExitAnswer.HAS_LEFT)
    if stage in _WITHOUT_A_DOSE:
        return ExitSaid(ExitAnswer.NO_DOSE)
    if stage.is_open and Outcome.LEFT not in STEPS[stage]:
        return ExitSaid(ExitAnswer.GO_BACK)
    return ExitSaid(ExitAnswer.NURSE_COMES, reason=refusal.code)


def _kept_by(refusal: ClinicError) -> ExitSaid:
    if isinstance(refusal, TooEarly):
        return ExitSaid(ExitAnswer.STAY, minutes=int(refusal.facts["minutes"]))
    if isinstance(refusal, FurtherAskedFor):
        return ExitSaid(ExitAnswer.FURTHER)
    return ExitSaid(ExitAnswer.NURSE_COMES, reason=refusal.code)
