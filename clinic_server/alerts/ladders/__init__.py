"""The ladder: after how long without an answer the people of each step are called; one readable file for each version.

A ladder that alerts were called by is never edited: a change is a new file with the next version.
"""

import tomllib
from datetime import time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.alerts.rules import AlertKind, Severity

_FOLDER = Path(__file__).parent
TEAM = 0  # stands in the roster and in records where the steps count from 1
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=24 * 60)]


class LadderFaulty(ValueError):
    """A ladder's file says something that cannot be meant; the words name the file and the place."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is called after how many minutes without an answer."""

    step: Annotated[int, msgspec.Meta(ge=0)]
    after_min: Annotated[int, msgspec.Meta(ge=0)]
    who: Words
    least_people: Annotated[int, msgspec.Meta(ge=1)]

    @property
    def after(self) -> timedelta:
        """How long nobody has answered by then."""
        return timedelta(minutes=self.after_min)


class Team(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who runs at once, together with step 1 and without any wait, for alerts of these kinds."""

    kinds: Annotated[frozenset[AlertKind], msgspec.Meta(min_length=1)]
    who: Words
    least_people: Annotated[int, msgspec.Meta(ge=1)]

    @property
    def as_step(self) -> Step:
        """The team as the roster and the records see it."""
        return Step(TEAM, 0, self.who, self.least_people)


class Climb(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How high alerts of a severity climb, and how often everybody is called again."""

    severity: Severity
    last_step: Annotated[int, msgspec.Meta(ge=1)]
    repeat_after_min: Minutes
    waits_for_morning: bool

    @property
    def repeat_after(self) -> timedelta:
        """How long after the latest call everybody is called again."""
        return timedelta(minutes=self.repeat_after_min)


class Quiet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When what can wait for the morning waits, by local time."""

    starts: time
    ends: time

    def covers(self, at: time) -> bool:
        """Tell whether a local time is quiet; the hours may pass midnight."""
        if self.starts <= self.ends:
            return self.starts <= at < self.ends
        return at >= self.starts or at < self.ends


class Flood(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From how many alerts on they are paged together."""

    alerts: Annotated[int, msgspec.Meta(ge=1)]
    within_min: Minutes
    one_page_every_min: Minutes


class Ladder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a site's ladder."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{2,40}$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    jurisdiction: Words
    owner: Words
    sign_off: Words
    source: Words
    group_wait_s: Annotated[int, msgspec.Meta(ge=0)]
    silence_after_comment_min: Minutes
    silence_after_reply_min: Minutes
    longest_shelving_min: Minutes
    step: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]
    severity: tuple[Climb, ...]
    quiet: Quiet
    flood: Flood
    team: Team | None = None

    @property
    def every_step(self) -> tuple[Step, ...]:
        """The team, where there is one, and the steps after it."""
        return (self.team.as_step, *self.step) if self.team else self.step

    def has_team_for(self, kind: AlertKind) -> bool:
        """Tell whether alerts of a kind call the team."""
        return self.team is not None and kind in self.team.kinds

    @property
    def name(self) -> str:
        """Code and version, as records keep it."""
        return f"{self.code}/{self.version}"

    def climb_of(self, severity: Severity) -> Climb:
        """Return how alerts of a severity climb."""
        return next(climb for climb in self.severity if climb.severity is severity)


def parse(text: str, name: str) -> Ladder:
    """Return the ladder a file holds, or raise LadderFaulty naming file and key."""
    try:
        ladder = msgspec.convert(tomllib.loads(text), Ladder)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise LadderFaulty(f"{name}: {error}") from None
    if [one.step for one in ladder.step] != list(range(1, len(ladder.step) + 1)):
        raise LadderFaulty(f"{name}: the steps must count from 1")
    times = [one.after_min for one in ladder.step]
    if times[0] != 0 or times != sorted(set(times)):
        raise LadderFaulty(f"{name}: the first step is at 0 and each is later than the one before")
    if [one.severity for one in ladder.severity] != list(Severity):
        raise LadderFaulty(f"{name}: the severities must be {', '.join(Severity)}, in this order")
    if any(one.last_step > len(ladder.step) for one in ladder.severity):
        raise LadderFaulty(f"{name}: a severity climbs higher than the last step")
    if ladder.climb_of(Severity.CRITICAL).waits_for_morning or ladder.climb_of(Severity.ALARM).waits_for_morning:
        raise LadderFaulty(f"{name}: only warnings may wait for the morning")
    return ladder


@cache
def shipped() -> Ladder:
    """Return the newest ladder beside this file, read once; raise LadderFaulty without one."""
    read = [parse(path.read_text("utf-8"), path.name) for path in _FOLDER.glob("*.toml")]
    if not read:
        raise LadderFaulty("No ladder is shipped.")
    return max(read, key=lambda ladder: ladder.version)
