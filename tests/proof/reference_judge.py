"""The judgement of temperatures a second time, written from the rules alone: whole history in hand, nothing kept.

Slow on purpose, and without a line in common with the program: where it looks forward once, this looks back each time.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

ORDER = ["warning", "alarm", "critical"]
KINDS = ["too_warm", "too_cold", "frozen"]
DEAD_VALUES = {0: 2_000, -62: 2_001, -63: 2_001, -600: 2_001}


class R(NamedTuple):
    """A reading."""

    t: int
    v: int


def reference(profile: Any, points: Sequence[Any], until: int) -> dict[str, list[tuple[Any, ...]]]:
    """Return breaches, warnings and gaps as plain tuples, in the order of the fields of the program's own words."""
    told = sorted({R(p.at_unix_ms, p.milli_celsius) for p in points if p.at_unix_ms <= until})
    gap_ms = profile.gap_after_s * 1000
    good = believed(told, gap_ms)
    gaps: list[tuple[int, int | None]] = [(a.t, b.t) for a, b in pairwise(good) if b.t - a.t > gap_ms]
    if good and until - good[-1].t > gap_ms:
        gaps.append((good[-1].t, None))
    found: dict[str, list[tuple[Any, ...]]] = {"breaches": [], "warnings": [], "gaps": list(gaps)}
    for kind in KINDS:
        for name, wanted in (("breaches", {"alarm", "critical"}), ("warnings", {"warning"})):
            rules = [r for r in profile.rules if r.kind.value == kind and r.severity.value in wanted]
            if rules:
                found[name] += History(profile, rules, good, gaps, until).breaches()
    for name in ("breaches", "warnings"):
        found[name].sort(key=lambda b: (b[2], KINDS.index(b[0])))
    return found


def believed(told: list[R], gap_ms: int) -> list[R]:
    """Return the readings that count."""
    status: list[str] = []
    for i, r in enumerate(told):
        good_before = [told[j] for j in range(i) if status[j] == "good"]
        stuck_before = i > 0 and status[i - 1] == "dead" and told[i - 1].v == r.v
        if r.v in DEAD_VALUES and (stuck_before or leaps(good_before[-1:], r, gap_ms)):
            status.append("dead")
            continue
        once_only = i > 0 and (
            status[i - 1] == "leap"
            or (status[i - 1] == "dead" and not (i > 1 and status[i - 2] == "dead" and told[i - 2].v == told[i - 1].v))
        )
        if once_only and r.t - told[i - 1].t <= gap_ms and possible(told[i - 1], r):
            status[i - 1] = "good"
            status.append("good")
        elif not good_before or possible(good_before[-1], r):
            status.append("good")
        else:
            status.append("leap")
    return [r for r, s in zip(told, status, strict=True) if s == "good"]


def leaps(last_good: list[R], r: R, gap_ms: int) -> bool:
    return any(r.t - g.t <= gap_ms and abs(g.v - r.v) >= DEAD_VALUES[r.v] for g in last_good)


def possible(a: R, b: R) -> bool:
    """3 °C in a minute is 1 milli-Celsius in 20 ms; within a minute it is 3 °C."""
    return abs(b.v - a.v) <= max(3000, (b.t - a.t) / 20)


class History:
    """One kind of breach, or its warnings, over all readings that count."""

    def __init__(self, profile: Any, rules: list[Any], good: list[R], gaps: Any, until: int) -> None:
        self.profile, self.rules, self.good, self.gaps, self.until = profile, rules, good, gaps, until
        self.gap_ms = profile.gap_after_s * 1000
        self.kind, is_warning = rules[0].kind.value, rules[0].severity.value == "warning"
        limits = [(r.beyond_milli_celsius, r.at_limit) for r in rules]
        if self.kind == "too_warm":
            self.limit = min(limits)[0] if is_warning else profile.high_milli_celsius
            self.touching = False
        elif self.kind == "too_cold":
            self.limit = max(limits)[0] if is_warning else profile.low_milli_celsius
            self.touching = False
        else:
            self.limit, self.touching = max(limits)

    def beyond(self, i: int, limit: int, touching: bool) -> bool:
        v = self.good[i].v
        if touching and v == limit:
            return True
        return v > limit if self.kind == "too_warm" else v < limit

    def out(self, i: int) -> bool:
        return self.beyond(i, self.limit, self.touching)

    def calm(self, i: int) -> bool:
        v, by = self.good[i].v, self.profile.deadband_milli_celsius
        if self.out(i):  # without a deadband, a limit that is itself out would be calm as well
            return False
        return v <= self.limit - by if self.kind == "too_warm" else v >= self.limit + by

    def together(self, i: int) -> bool:
        """Whether nothing is missing between a reading and the one before it."""
        return i > 0 and self.good[i].t - self.good[i - 1].t <= self.gap_ms

    def first_of(self, i: int, holds: Any) -> int:
        while self.together(i) and holds(i - 1):
            i -= 1
        return i

    def reached(self, rule: Any, k: int) -> bool:
        def beyond(i: int) -> bool:
            return self.beyond(i, rule.beyond_milli_celsius, rule.at_limit)

        if not beyond(k):
            return False
        if rule.within_s is None:
            return self.good[k].t - self.good[self.first_of(k, beyond)].t >= rule.for_s * 1000
        opens = self.good[k].t - rule.within_s * 1000
        added = 0
        for i in range(1, k + 1):
            if self.together(i) and beyond(i) and beyond(i - 1):
                added += max(0, self.good[i].t - max(self.good[i - 1].t, opens))
        return added >= rule.for_s * 1000

    def breaches(self) -> list[tuple[Any, ...]]:
        found, free = [], 0
        while True:
            alarm = next((k for k in range(free, len(self.good)) if any(self.reached(r, k) for r in self.rules)), None)
            if alarm is None:
                return found
            over = next((m for m in range(alarm + 1, len(self.good)) if self.is_over(m, alarm)), None)
            found.append(self.told(self.beginning(alarm, free), alarm, over))
            if over is None:
                return found
            free = over + 1

    def beginning(self, alarm: int, free: int) -> int:
        begins = self.first_of(alarm, self.out)
        windows = [r.within_s for r in self.rules if r.within_s is not None and self.reached(r, alarm)]
        if windows:
            opens = self.good[alarm].t - max(windows) * 1000
            inside = [i for i in range(free, alarm + 1) if self.out(i) and self.good[i].t > opens]
            begins = min(begins, *(self.first_of(i, self.out) for i in inside))
        return begins

    def is_over(self, m: int, alarm: int) -> bool:
        if not self.calm(m):
            return False
        since = max(self.first_of(m, self.calm), alarm + 1)
        return self.good[m].t - self.good[since].t >= self.profile.clears_after_s * 1000

    def told(self, begins: int, alarm: int, over: int | None) -> tuple[Any, ...]:
        last = len(self.good) - 1 if over is None else over
        inside = range(begins, last + 1)
        outs = [i for i in inside if self.out(i)]
        pairs = [i for i in outs if i > begins and self.together(i) and self.out(i - 1)]
        reached = [r.severity.value for r in self.rules for k in range(alarm, last + 1) if self.reached(r, k)]
        ended = None if over is None else self.good[self.first_of(over, self.calm)].t
        lost = 0
        for begin, end in self.gaps:
            if begin >= self.good[begins].t and (over is None or begin < self.good[over].t):
                lost += (self.until if end is None else end) - begin
        return (
            self.kind,
            max(reached, key=ORDER.index),
            self.good[begins].t,
            self.good[alarm].t,
            self.good[outs[-1]].t,
            ended,
            min(self.good[i].v for i in outs),
            max(self.good[i].v for i in outs),
            sum(self.good[i].t - self.good[i - 1].t for i in pairs),
            lost,
            sum(self.trapeze(i) for i in pairs) // 2000,
            len(outs),
        )

    def trapeze(self, i: int) -> int:
        """Twice the area over the limit between two readings."""
        both = abs(self.good[i].v - self.limit) + abs(self.good[i - 1].v - self.limit)
        return both * (self.good[i].t - self.good[i - 1].t)
