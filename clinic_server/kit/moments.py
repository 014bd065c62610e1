"""Time that no setting of the clock and no restart bends: the wall clock as it ran on since its last recorded turn.

A wall clock is *turned* when somebody sets it, or when the machine was off and only the wall clock tells for how long.
Between two turns it runs with the machine's steady seconds, and that is how the server reckons it. All instants in
records are of the stretch their journal line lies in; a later reader carries them over the turns between.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clinic_server.kit.clock import Clock

SAME_TIME: Final = timedelta(seconds=2)  # by how far the wall clock may be off before it was turned: a leap second
_HELD_UP_S: Final = 0.5  # between two readings meant for one instant


class TurnKind(StrEnum):
    """What happened to the wall clock."""

    SET = "set"
    MACHINE_OFF = "machine_off"


@dataclass(frozen=True, slots=True)
class Turn:
    """The wall clock went from one instant to another: by being set, or while the machine was off."""

    seq: int
    kind: TurnKind
    from_at: datetime
    to_at: datetime

    @property
    def span(self) -> timedelta:
        """How far it went; back is negative."""
        return self.to_at - self.from_at


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant ``at`` of the stretch begun by the turn of journal line ``seq``, and the steady seconds then."""

    seq: int
    at: datetime
    steady_s: float
    start: str

    @classmethod
    def read(cls, clock: Clock) -> "Moment":
        """Read both clocks at one instant, again whenever the process was held up between."""
        while True:
            before_s = clock.steady()
            at = clock.now()
            if (steady_s := clock.steady()) - before_s < _HELD_UP_S:
                return cls(0, at, steady_s, clock.start)

    def is_provable(self, clock: Clock) -> bool:
        """Tell whether the clock's steady seconds tell how long ago this was."""
        return self.start == clock.start and self.steady_s <= clock.steady()

    def later(self, clock: Clock) -> "Moment":
        """Return the present of the same stretch; after a restart of the machine, as far as it can be told."""
        if not self.is_provable(clock):
            seen = Moment.read(clock)
            return replace(seen, seq=self.seq, at=max(self.at, seen.at))
        steady_s = clock.steady()
        return replace(self, at=self.at + timedelta(seconds=steady_s - self.steady_s), steady_s=steady_s)

    def turning(self, clock: Clock) -> "Turning | None":
        """Return how the wall clock was turned since, or None when it was not."""
        seen = Moment.read(clock)
        if self.is_provable(clock):
            kind, reckoned = TurnKind.SET, self.at + timedelta(seconds=seen.steady_s - self.steady_s)
        else:  # a wall clock that lost time while the machine was off was set, and proves no time at all
            kind, reckoned = TurnKind.MACHINE_OFF if seen.at > self.at else TurnKind.SET, self.at
        return None if abs(seen.at - reckoned) <= SAME_TIME else Turning(kind, reckoned, seen)


@dataclass(frozen=True, slots=True)
class Turning:
    """A turn of the wall clock that is not recorded yet: from when, and what was seen of it."""

    kind: TurnKind
    from_at: datetime
    seen: Moment


@dataclass(frozen=True, slots=True)
class Due:
    """When something is due by the wall clock, and when that is proved by steady seconds alone."""

    at: datetime
    proved_at: datetime

    def is_unproved(self, now: datetime) -> bool:
        """Tell whether time that nobody can prove was counted, and is needed still."""
        return now < self.proved_at != self.at

    def carried(self, from_seq: int, to_seq: int, turns: Iterable[Turn]) -> "Due":
        """Carry it from the stretch of one journal line to that of another."""
        due = self
        for turn in turns:
            if from_seq < turn.seq <= to_seq:
                due = due._over(turn)
            elif to_seq < turn.seq < from_seq:  # recorded after the reader's moment, a blink ago
                due = Due(due.at - turn.span, due.proved_at - turn.span)
        return due

    def _over(self, turn: Turn) -> "Due":
        if turn.kind is TurnKind.SET:
            return Due(self.at + turn.span, self.proved_at + turn.span)
        if self.proved_at > turn.from_at:  # the time it was off counts, and nobody can prove it
            return Due(self.at, self.proved_at + turn.span)
        return self
