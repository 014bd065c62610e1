"""How one limit was kept, reading by reading: stretches out of range, the delays of its rules, alarm and end. Pure."""

from collections.abc import Sequence
from functools import reduce

import msgspec

from clinic_server.alerts.rules import Severity
from clinic_server.cold_chain.judging import Bound, Breach, LimitRule, Point, Profile

Span = tuple[int, int]  # first and last reading beyond a rule's limit, without a break between them
_WORSE = {severity: rank for rank, severity in enumerate(Severity)}


class Stretch(msgspec.Struct, frozen=True):
    """Readings out of range, and the time between those that follow each other; ``area_twice`` is doubled milli-ms."""

    first_unix_ms: int
    last_unix_ms: int
    min_milli_celsius: int
    max_milli_celsius: int
    out_ms: int = 0
    unknown_ms: int = 0
    area_twice: int = 0
    readings: int = 1

    def joined(self, later: "Stretch") -> "Stretch":
        """Return both as one; the time between them was not out of range."""
        return Stretch(
            self.first_unix_ms,
            later.last_unix_ms,
            min(self.min_milli_celsius, later.min_milli_celsius),
            max(self.max_milli_celsius, later.max_milli_celsius),
            self.out_ms + later.out_ms,
            self.unknown_ms + later.unknown_ms,
            self.area_twice + later.area_twice,
            self.readings + later.readings,
        )

    def with_unknown(self, gap_ms: int) -> "Stretch":
        """Return it with a gap behind its readings."""
        return msgspec.structs.replace(self, unknown_ms=self.unknown_ms + gap_ms)


class Open(msgspec.Struct, frozen=True):
    """A breach that lasts; ``calm_since_unix_ms`` is the first of the readings that may end it."""

    severity: Severity
    alarmed_unix_ms: int
    stretch: Stretch
    calm_since_unix_ms: int | None = None


class Track(msgspec.Struct, frozen=True):
    """Where a limit stands: stretches that have not alarmed, each rule's spans, and the breach that is open."""

    pending: tuple[Stretch, ...] = ()
    spans: tuple[tuple[Span, ...], ...] = ()
    open: Open | None = None


IDLE = Track()


def advanced(
    track: Track, bound: Bound, profile: Profile, point: Point, before: Point | None
) -> tuple[Track, Breach | None]:
    """Return where a limit stands after a reading, and the breach it ended.

    ``before`` is the reading before, None when there was none or a gap lies between.
    """
    if bound.is_beyond(point.milli_celsius):
        return _out(track, bound, point, before), None
    if track.open is None:
        return _inside(track, bound) if track.spans else track, None
    return _calmer(track, track.open, bound, profile, point)


def interrupted(track: Track, bound: Bound, gap_ms: int) -> Track:
    """Return where a limit stands after a gap: nothing pending goes on, and an open breach may have lasted longer."""
    if track.open is not None:
        stretch = track.open.stretch.with_unknown(gap_ms)
        return Track((), track.spans, msgspec.structs.replace(track.open, stretch=stretch, calm_since_unix_ms=None))
    quiet = _inside(track, bound)
    if not quiet.pending:
        return quiet
    return Track((*quiet.pending[:-1], quiet.pending[-1].with_unknown(gap_ms)), quiet.spans)


def breach_of(bound: Bound, lasting: Open, ended_unix_ms: int | None, unknown_ms: int = 0) -> Breach:
    """Return a breach as it is told; ``unknown_ms`` is a gap that is still open."""
    stretch = lasting.stretch
    return Breach(
        bound.kind,
        lasting.severity,
        stretch.first_unix_ms,
        lasting.alarmed_unix_ms,
        stretch.last_unix_ms,
        ended_unix_ms,
        stretch.min_milli_celsius,
        stretch.max_milli_celsius,
        stretch.out_ms,
        stretch.unknown_ms + unknown_ms,
        stretch.area_twice // 2_000,
        stretch.readings,
    )


def _out(track: Track, bound: Bound, point: Point, before: Point | None) -> Track:
    spans = tuple(
        _lengthened(rule, kept, point, before)
        for rule, kept in zip(bound.rules, track.spans or ((),) * len(bound.rules), strict=True)
    )
    reached = [rule for rule, kept in zip(bound.rules, spans, strict=True) if _is_reached(rule, kept, point)]
    addition = _addition(bound, point, before)
    if track.open is not None:
        worst = _worst([track.open.severity, *(rule.severity for rule in reached)])
        return Track((), spans, Open(worst, track.open.alarmed_unix_ms, track.open.stretch.joined(addition)))
    was_out = before is not None and bound.is_beyond(before.milli_celsius)
    kept = track.pending
    pending = (*kept[:-1], kept[-1].joined(addition)) if was_out and kept else (*kept, addition)
    if not reached:
        return Track(_within(pending, point, _window_ms(bound.rules)), spans)
    worst = _worst([rule.severity for rule in reached])
    return Track((), spans, Open(worst, point.at_unix_ms, _whole(pending, point, reached)))


def _inside(track: Track, bound: Bound) -> Track:
    """Only what a rolling window adds up is remembered."""
    if not _window_ms(bound.rules):
        return IDLE
    spans = tuple(
        kept if rule.within_s is not None else () for rule, kept in zip(bound.rules, track.spans, strict=False)
    )
    return Track(track.pending, spans)


def _calmer(track: Track, lasting: Open, bound: Bound, profile: Profile, point: Point) -> tuple[Track, Breach | None]:
    spans = _inside(track, bound).spans
    if bound.excess(point.milli_celsius) > -profile.deadband_milli_celsius:
        return Track((), spans, msgspec.structs.replace(lasting, calm_since_unix_ms=None)), None
    since = point.at_unix_ms if lasting.calm_since_unix_ms is None else lasting.calm_since_unix_ms
    if point.at_unix_ms - since < profile.clears_after_s * 1_000:
        return Track((), spans, msgspec.structs.replace(lasting, calm_since_unix_ms=since)), None
    return Track((), spans), breach_of(bound, lasting, since)


def _addition(bound: Bound, point: Point, before: Point | None) -> Stretch:
    """What one more reading out of range adds: itself, and the time since the one before if that was out as well."""
    alone = Stretch(point.at_unix_ms, point.at_unix_ms, point.milli_celsius, point.milli_celsius)
    if before is None or not bound.is_beyond(before.milli_celsius):
        return alone
    out_ms = point.at_unix_ms - before.at_unix_ms
    both = bound.excess(before.milli_celsius) + bound.excess(point.milli_celsius)
    return msgspec.structs.replace(alone, out_ms=out_ms, area_twice=both * out_ms)


def _lengthened(rule: LimitRule, kept: tuple[Span, ...], point: Point, before: Point | None) -> tuple[Span, ...]:
    if not rule.is_beyond(point.milli_celsius):
        return kept if rule.within_s is not None else ()
    goes_on = bool(kept) and before is not None and rule.is_beyond(before.milli_celsius)
    span = (kept[-1][0] if goes_on else point.at_unix_ms, point.at_unix_ms)
    if rule.within_s is None:
        return (span,)
    window_from = point.at_unix_ms - rule.within_s * 1_000
    return (*(one for one in (kept[:-1] if goes_on else kept) if one[1] > window_from), span)


def _is_reached(rule: LimitRule, kept: Sequence[Span], point: Point) -> bool:
    if not kept or not rule.is_beyond(point.milli_celsius):
        return False
    if rule.within_s is None:
        return kept[-1][1] - kept[-1][0] >= rule.for_s * 1_000
    window_from = point.at_unix_ms - rule.within_s * 1_000
    return sum(last - max(first, window_from) for first, last in kept if last > window_from) >= rule.for_s * 1_000


def _whole(pending: tuple[Stretch, ...], point: Point, reached: Sequence[LimitRule]) -> Stretch:
    """Return all that alarmed: this stretch, and before it what a rolling window has added up."""
    return reduce(Stretch.joined, _within(pending, point, _window_ms(reached)))


def _within(pending: tuple[Stretch, ...], point: Point, window_ms: int) -> tuple[Stretch, ...]:
    window_from = point.at_unix_ms - window_ms
    return (*(stretch for stretch in pending[:-1] if stretch.last_unix_ms > window_from), pending[-1])


def _window_ms(rules: Sequence[LimitRule]) -> int:
    return max((rule.within_s for rule in rules if rule.within_s is not None), default=0) * 1_000


def _worst(severities: Sequence[Severity]) -> Severity:
    return max(severities, key=_WORSE.__getitem__)
