"""Which readings count where a clock that was set back dated what came later by times that were taken already. Pure.

Of two runs of the clock that dated alike, the one that agrees with the clock as it is now is judged, and the other is
set aside. All of it follows from the turns of the clock: once it comes right again, so does what was set aside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from clinic_server.kit.moments import Turn, TurnKind

SAME_CLOCK: Final = timedelta(minutes=5)  # so far a probe's own clock may date a reading ahead of its arrival
# Of more than this nothing is set aside: a clock that ran for so long was right, and it is the present one that is not.
# And a clock that ran for so long since says nothing of those before any more.
MOST_ASIDE: Final = timedelta(days=7)
_LATEST_AFTER: Final = 2 * SAME_CLOCK + timedelta(seconds=1)  # a small turn may end a run before its latest reading
_AN_INSTANT: Final = timedelta(milliseconds=1)
_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Run:
    """Stretches of the clock that agree, each named by the line of the turn that began it; the last has no end.

    ``offset`` is how far the clock had been set all in all, ``passed`` how long everything had taken.
    """

    turn_seqs: tuple[int, ...]
    began_at: datetime
    began_offset: timedelta
    began_passed: timedelta
    ended_at: datetime = _NEVER
    ended_offset: timedelta = timedelta()
    ended_passed: timedelta = timedelta.max


@dataclass(frozen=True, slots=True)
class Aside:
    """What came in a run and is dated from an instant up to another is set aside."""

    run: Run
    from_at: datetime
    until_at: datetime


def runs_of(first_seq: int, first_at: datetime, turns: Iterable[Turn]) -> Sequence[Run]:
    """Return the runs of a clock that began with a stretch at an instant, from the turns since, the earliest first."""
    offset = passed = timedelta()
    runs, shown_at = [Run((first_seq,), first_at, offset, passed)], first_at
    for turn in turns:
        last, before = runs[-1], offset
        passed += turn.from_at - shown_at
        ended_passed, shown_at = passed, turn.to_at
        if turn.kind is TurnKind.SET:
            offset += turn.span
        else:
            passed += turn.span
        if abs(offset - last.began_offset) <= SAME_CLOCK:
            runs[-1] = replace(last, turn_seqs=(*last.turn_seqs, turn.seq))
        else:
            runs[-1] = replace(last, ended_at=turn.from_at, ended_offset=before, ended_passed=ended_passed)
            runs.append(Run((turn.seq,), turn.to_at, offset, passed))
    return runs


def asides_of(runs: Sequence[Run]) -> Sequence[Aside]:
    """Return what is set aside by the clock as it is now.

    Of a run that was ahead, what it dated later than the clock showed next. Of any run, what it dated as early as
    readings that count and came before it: it was behind then, and is not the one that is believed.
    """
    asides: list[Aside] = []
    taken_until = datetime.min.replace(tzinfo=UTC)
    for number, run in enumerate(runs, 1):
        if taken_until - run.began_at > SAME_CLOCK:
            asides.append(Aside(run, run.began_at, taken_until))
        # Not more than what later ones dated anew: a clock set back by minutes, again and again, takes no more away.
        ahead = _ahead_by(run, runs)
        least = run.ended_offset - ahead - SAME_CLOCK
        anew = [later.began_at for later in runs[number:] if later.began_offset >= least]
        overlap = run.ended_at - min(anew, default=run.ended_at)
        ahead = min(ahead, overlap)
        counts_until = run.ended_at
        if ahead > SAME_CLOCK and min(ahead, run.ended_passed - run.began_passed) <= MOST_ASIDE:
            counts_until = run.ended_at - ahead
            asides.append(Aside(run, counts_until + _AN_INSTANT, run.ended_at + _LATEST_AFTER))
        taken_until = max(taken_until, counts_until)
    return asides


def _ahead_by(run: Run, runs: Sequence[Run]) -> timedelta:
    """Return how far a run was ahead of the clock as it was set by the end of the week after it; behind is negative."""
    after = [one for one in runs if run.ended_passed <= one.began_passed]
    judges = [one for one in after if one.began_passed - run.ended_passed <= MOST_ASIDE]
    return run.ended_offset - judges[-1].began_offset if judges else timedelta()
