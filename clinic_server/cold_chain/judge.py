"""The judgement of a probe's readings: a fold over them in event time, one at a time or all at once.

A ``Watch`` is all that has to be remembered between two readings; it is small and serialises with msgspec. Readings
that come late are judged by going back to a watch of before them and on again from there. Pure.
"""

from collections.abc import Iterable
from typing import Self

import msgspec

from clinic_server.alerts.rules import Severity
from clinic_server.cold_chain.judging import Breach, BreachKind, Gap, Judged, Point, Profile
from clinic_server.cold_chain.suspects import Trust, sift
from clinic_server.cold_chain.tracks import IDLE, Open, Stretch, Track, advanced, breach_of, interrupted

_KINDS = list(BreachKind)


class OutOfOrder(ValueError):
    """This point is earlier than the watch; go back to a watch of before it."""


class Watch(msgspec.Struct, frozen=True):
    """What is known of a probe after its points so far; ``breaches``, ``warnings`` and ``gaps`` are over."""

    edition: str
    tracks: tuple[Track, ...]
    heard: Point | None = None
    trust: Trust = Trust()
    breaches: tuple[Breach, ...] = ()
    warnings: tuple[Breach, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def without_the_past(self) -> Self:
        """Return it without what is over, for whoever has recorded that."""
        return msgspec.structs.replace(self, breaches=(), warnings=(), gaps=())


def begun(profile: Profile) -> Watch:
    """Return the watch of a probe that has said nothing yet."""
    return Watch(profile.edition, (IDLE,) * len(profile.bounds))


def lasting(profile: Profile, kind: BreachKind) -> Watch:
    """Return the watch of a probe of which nothing is known but that a breach lasts: its readings show when it ends."""
    unknown = Open(Severity.ALARM, 0, Stretch(0, 0, 0, 0))
    tracks = (Track(open=unknown) if bound.kind is kind and not bound.is_warning else IDLE for bound in profile.bounds)
    return Watch(profile.edition, tuple(tracks))


def is_in_order(watch: Watch, point: Point) -> bool:
    """Tell whether a point may come next; the newest once more is in order, and changes nothing."""
    return watch.heard is None or point >= watch.heard


def advance(watch: Watch, profile: Profile, point: Point) -> Watch:
    """Return the watch after its next point; raise OutOfOrder for an earlier one."""
    if watch.edition != profile.edition:
        raise ValueError(f"A watch by {watch.edition} cannot go on by {profile.edition}.")
    if not is_in_order(watch, point):
        raise OutOfOrder
    if point == watch.heard:
        return watch
    trust, counted = sift(watch.trust, point, profile.gap_after_s * 1_000)
    before, watch = watch.trust.good, msgspec.structs.replace(watch, heard=point, trust=trust)
    for reading in counted:
        watch = _counted(watch, profile, reading, before)
        before = reading
    return watch


def adopted(watch: Watch, old: Profile, new: Profile) -> Watch:
    """Return a watch that goes on by other limits: what lasted by the old ones ends with their last reading."""
    ended_unix_ms = watch.heard.at_unix_ms if watch.heard else None
    lasted = [
        (bound.is_warning, breach_of(bound, track.open, ended_unix_ms))
        for bound, track in zip(old.bounds, watch.tracks, strict=True)
        if track.open is not None
    ]
    return msgspec.structs.replace(
        watch,
        edition=new.edition,
        tracks=begun(new).tracks,
        breaches=(*watch.breaches, *(breach for is_warning, breach in lasted if not is_warning)),
        warnings=(*watch.warnings, *(breach for is_warning, breach in lasted if is_warning)),
    )


def judged(watch: Watch, profile: Profile, until_unix_ms: int) -> Judged:
    """Return what came of a watch's points, as it stands at an instant not before the last of them."""
    gap = _open_gap(watch, profile, until_unix_ms)
    unknown_ms = until_unix_ms - gap.from_unix_ms if gap else 0
    lasting = [
        (bound.is_warning, breach_of(bound, track.open, None, unknown_ms))
        for bound, track in zip(profile.bounds, watch.tracks, strict=True)
        if track.open is not None
    ]
    return Judged(
        breaches=_in_time([*watch.breaches, *(breach for is_warning, breach in lasting if not is_warning)]),
        warnings=_in_time([*watch.warnings, *(breach for is_warning, breach in lasting if is_warning)]),
        gaps=(*watch.gaps, gap) if gap else watch.gaps,
    )


def judge(profile: Profile, points: Iterable[Point], until_unix_ms: int) -> Judged:
    """Return what came of points in any order, however often each is told, as it stands at an instant."""
    known = (point for point in points if point.at_unix_ms <= until_unix_ms)
    return judged(followed(begun(profile), profile, known), profile, until_unix_ms)


def followed(watch: Watch, profile: Profile, points: Iterable[Point]) -> Watch:
    """Return the watch after more points in any order, none earlier than its last; how late ones are judged."""
    for point in sorted(set(points)):
        watch = advance(watch, profile, point)
    return watch


def _counted(watch: Watch, profile: Profile, point: Point, before: Point | None) -> Watch:
    tracks, gaps = watch.tracks, watch.gaps
    if before is not None and point.at_unix_ms - before.at_unix_ms > profile.gap_after_s * 1_000:
        gaps = (*gaps, Gap(before.at_unix_ms, point.at_unix_ms))
        gap_ms = point.at_unix_ms - before.at_unix_ms
        tracks = tuple(interrupted(track, bound, gap_ms) for bound, track in zip(profile.bounds, tracks, strict=True))
        before = None
    breaches, warnings, after = watch.breaches, watch.warnings, []
    for bound, track in zip(profile.bounds, tracks, strict=True):
        now, ended = advanced(track, bound, profile, point, before)
        after.append(now)
        if ended is not None and bound.is_warning:
            warnings = (*warnings, ended)
        elif ended is not None:
            breaches = (*breaches, ended)
    return Watch(watch.edition, tuple(after), watch.heard, watch.trust, breaches, warnings, gaps)


def _open_gap(watch: Watch, profile: Profile, until_unix_ms: int) -> Gap | None:
    last = watch.trust.good
    if last is None or until_unix_ms - last.at_unix_ms <= profile.gap_after_s * 1_000:
        return None
    return Gap(last.at_unix_ms, None)


def _in_time(breaches: Iterable[Breach]) -> tuple[Breach, ...]:
    return tuple(sorted(breaches, key=lambda one: (one.began_unix_ms, _KINDS.index(one.kind))))
