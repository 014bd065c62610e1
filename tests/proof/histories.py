"""Random courses of temperature, dense in what is hard: limits, flapping, gaps, leaps, dead probes, twins."""

from dataclasses import astuple
from random import Random
from typing import Any

import msgspec

from clinic_server.alerts.rules import Severity
from clinic_server.cold_chain.judging import BreachKind, Judged, LimitRule, Point, Profile
from clinic_server.cold_chain.profiles import profile_of, shipped
from tests.proof.reference_judge import reference

BEGAN_MS = 1_775_000_000_000
DEAD = (0, -62, -63, -600)


def brisk(random: Random) -> Profile:
    """Limits like those shipped, with delays so short that a history of fifty readings breaks them often."""

    def seconds(*minutes: int) -> int:
        return random.choice(minutes) * 60

    def windowed() -> int | None:
        return seconds(20, 40) if random.random() < 0.4 else None

    rules = [
        LimitRule(BreachKind.TOO_WARM, Severity.WARNING, 7_500, seconds(0, 2)),
        LimitRule(BreachKind.TOO_WARM, Severity.ALARM, 8_000, seconds(0, 2, 5), within_s=windowed()),
        LimitRule(BreachKind.TOO_WARM, Severity.CRITICAL, 12_000, seconds(1, 3), within_s=windowed()),
        LimitRule(BreachKind.TOO_COLD, Severity.WARNING, 2_500, seconds(2, 3)),
        LimitRule(BreachKind.TOO_COLD, Severity.ALARM, 2_000, seconds(2, 5), within_s=windowed()),
        LimitRule(BreachKind.FROZEN, Severity.CRITICAL, -500, seconds(3, 6), at_limit=True),
        LimitRule(BreachKind.FROZEN, Severity.ALARM, 0, seconds(1, 4), within_s=windowed()),
    ]
    chosen = tuple(rule for rule in rules if random.random() < 0.8) or tuple(rules[:1])
    return msgspec.structs.replace(
        profile_of("cn-clinic-2-8"),
        rules=chosen,
        deadband_milli_celsius=random.choice([0, 300, 1_000]),
        clears_after_s=seconds(0, 2, 5),
    )


def course(random: Random, profile: Profile, length: int) -> list[Point]:
    """Return points in order; twins and contradictions at one instant among them."""
    at, value, points = BEGAN_MS, _level(random, profile), []
    interval_ms = profile.interval_s * 1_000
    while len(points) < length:
        level = _level(random, profile)
        wobble = random.choice([0, 50, 400, 1_500])
        for _ in range(random.choice([1, 2, 4, 9, 20])):
            at += _pause(random, interval_ms, profile.gap_after_s * 1_000)
            value = level + random.randint(-wobble, wobble)
            told = value if random.random() < 0.93 else random.choice([*DEAD, value + 9_000, value - 9_000])
            repeats = random.choice([1, 2, 5]) if told in DEAD else 1
            for _ in range(repeats):
                points.append(Point(at, told))
                at += 0 if random.random() < 0.1 else interval_ms
    return points[:length]


def _level(random: Random, profile: Profile) -> int:
    """Return a temperature near something that matters."""
    limits = [rule.beyond_milli_celsius for rule in profile.rules]
    middle = (profile.low_milli_celsius + profile.high_milli_celsius) // 2
    near = random.choice([*limits, *limits, profile.low_milli_celsius, profile.high_milli_celsius, middle])
    return near + random.choice([0, 0, 1, -1, 300, -300, 301, -301, 700, -700, 2_500, -2_500])


def _pause(random: Random, interval_ms: int, gap_ms: int) -> int:
    """Return mostly an interval, a little early or late; at times a missed reading, an exact limit, or a long gap."""
    if random.random() < 0.85:
        return interval_ms + random.randint(-interval_ms // 10, interval_ms // 10)
    return random.choice([0, 1, gap_ms - 1, gap_ms, gap_ms + 1, 2 * interval_ms, 5 * gap_ms, 40 * gap_ms])


def history(seed: int, length: int | None = None) -> tuple[Profile, list[Point], int]:
    """Return a profile, points and the instant they are judged at."""
    random = Random(seed)  # noqa: S311  # keeps no secret, and must come again
    profile = brisk(random) if random.random() < 0.7 else random.choice(shipped())
    points = course(random, profile, length or random.randint(0, 90))
    last = points[-1].at_unix_ms if points else BEGAN_MS
    until = last + random.choice([0, 1, 60_000, profile.gap_after_s * 1_000, 7_200_000, -600_000])
    return profile, points, until


def difference(profile: Profile, points: list[Point], until: int, judged: Judged) -> dict[str, Any]:
    """Return what the program and the reference do not agree on, empty when they do."""
    expected = reference(profile, points, until)
    found = {
        "breaches": [_plain(one) for one in judged.breaches],
        "warnings": [_plain(one) for one in judged.warnings],
        "gaps": [astuple(gap) for gap in judged.gaps],
    }
    return {name: (found[name], expected[name]) for name in expected if found[name] != expected[name]}


def _plain(breach: Any) -> tuple[Any, ...]:
    return tuple(getattr(word, "value", word) for word in astuple(breach))
