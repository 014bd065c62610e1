"""What acknowledged writes alone prove about an observation. Pure: steady seconds, none of the server's books."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

FLOOR_S: Final = 30 * 60.0
WATCHED_ON_S: Final = 30 * 60.0  # after a reaction that was not severe


class Act(StrEnum):
    """What was done to a person."""

    DOSE = "dose"
    ASKED_MORE = "asked_more"
    MORE = "more"  # the further dose of one stay
    EXTENDED = "extended"
    REACTED = "reacted"
    WELL_AGAIN = "well_again"
    TRANSFERRED = "transferred"
    LEFT = "left"
    LEFT_EARLY = "left_early"
    REFUSED = "refused"  # to leave: the screen said that the time is not over


NEEDLES: Final = frozenset({Act.DOSE, Act.MORE})
ENDS: Final = frozenset({Act.TRANSFERRED, Act.LEFT, Act.LEFT_EARLY})
_WATCHED_FOR_S: Final = MappingProxyType({Act.DOSE: FLOOR_S, Act.MORE: FLOOR_S, Act.WELL_AGAIN: WATCHED_ON_S})
_WAITS: Final = MappingProxyType({Act.ASKED_MORE: True, Act.MORE: False, Act.REACTED: False})
_CARE: Final = MappingProxyType({Act.REACTED: True, Act.WELL_AGAIN: False, Act.TRANSFERRED: False})


@dataclass(frozen=True, slots=True)
class Said:
    """An act that the server acknowledged: done no sooner than it was first sent, no later than it was answered."""

    act: Act
    sent_s: float
    answered_s: float
    seconds: float = 0.0


def differences(people: Mapping[str, Sequence[Said]], on_seats: frozenset[str], doses: Sequence[str]) -> Iterator[str]:
    """Yield what should not be: of each person's acts, of who is on a seat at the end, of the doses listed."""
    for person, acts in people.items():
        yield from (f"{person}: {what}" for what in _of_one(acts))
        has_left = any(one.act in ENDS for one in acts)
        if has_left == (person in on_seats):
            yield f"{person}: {'still on a seat, and left' if has_left else 'neither on a seat nor left'}"
    yield from (f"{person}: on a seat without a dose" for person in on_seats - set(people))
    given = Counter(person for person, acts in people.items() for one in acts if one.act in NEEDLES)
    listed = Counter(doses)
    if given != listed:
        yield f"{(given - listed).total()} doses lost, {(listed - given).total()} doubled or never acknowledged"


@dataclass(slots=True)
class _Seat:
    """One person's time: ``earliest_s`` is when they may leave at the soonest, ``latest_s`` when they surely may."""

    earliest_s: float = 0.0
    latest_s: float = 0.0
    is_under_care: bool = False
    waits_for_more: bool = False

    def after(self, one: Said) -> None:
        """Go on to how it stands after an act."""
        if one.act is Act.EXTENDED:
            self.earliest_s = max(self.earliest_s, one.sent_s) + one.seconds
            self.latest_s = max(self.latest_s, one.answered_s) + one.seconds
        if one.act in _WATCHED_FOR_S:
            self.earliest_s = max(self.earliest_s, one.sent_s + _WATCHED_FOR_S[one.act])
            self.latest_s = max(self.latest_s, one.answered_s + _WATCHED_FOR_S[one.act])
        if one.act in _CARE:
            self.is_under_care = _CARE[one.act]
        if one.act in _WAITS:
            self.waits_for_more = _WAITS[one.act]

    def wrong_about(self, one: Said) -> str | None:
        """Return why an act should not have been, None where it may."""
        late_s = one.sent_s - self.latest_s
        if one.act is Act.LEFT and self.is_under_care:
            return "left while being cared for"
        if one.act is Act.LEFT and self.waits_for_more:
            return "left while waiting for a further dose"
        if one.act is Act.LEFT and one.answered_s < self.earliest_s:
            return f"left {self.earliest_s - one.answered_s:.0f} s before the time was over"
        if one.act is Act.LEFT_EARLY and late_s >= 0:
            return f"noted as early {late_s:.0f} s after the time was over"
        if one.act is Act.REFUSED and not self.is_under_care and late_s > 0:
            return f"kept {late_s:.0f} s after the time was over"
        return None


def _of_one(acts: Sequence[Said]) -> Iterator[str]:
    seat = _Seat()
    for one in acts:
        wrong = seat.wrong_about(one)
        if wrong:
            yield wrong
        seat.after(one)
