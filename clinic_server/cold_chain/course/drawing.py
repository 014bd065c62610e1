"""A course as lines on a sheet: where everything goes, in the sheet's own units. The template says it in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from clinic_server.cold_chain.course.calendar import Tick
from clinic_server.cold_chain.course.rules import Bounds, Piece, Span
from clinic_server.cold_chain.judging import Gap

WIDTH, HEIGHT = 1200, 460
LEFT, RIGHT, TOP, BOTTOM = 64, 1190, 40, 420
LEAST_WIDTH = 3.0  # what is narrower could not be seen
_STEPS_MILLI_CELSIUS: Final = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
_MOST_STEPS: Final = 9
_MARGIN_MILLI_CELSIUS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Scale:
    """From time and temperature to a place on the sheet."""

    span: Span
    low_milli_celsius: int
    high_milli_celsius: int

    def x(self, unix_ms: int) -> float:
        """How far to the right an instant is; what is outside the span is at its end."""
        share = (unix_ms - self.span.from_unix_ms) / self.span.length_ms
        return round(LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT), 1)

    def y(self, milli_celsius: int) -> float:
        """How far down a temperature is."""
        share = (milli_celsius - self.low_milli_celsius) / (self.high_milli_celsius - self.low_milli_celsius)
        return round(BOTTOM - share * (BOTTOM - TOP), 1)


@dataclass(frozen=True, slots=True)
class Line:
    """One probe's course: a band from the lowest to the highest, and a line through the means."""

    number: int
    probe_id: str
    band: str
    mean: str


@dataclass(frozen=True, slots=True)
class Stripe:
    """Something that lasted, from one side of the sheet to the other."""

    x: float
    width: float
    from_unix_ms: int
    until_unix_ms: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything there is to draw; of limits and temperatures the height, of times the distance from the left."""

    scale: Scale
    lines: Sequence[Line]
    gaps: Sequence[Stripe]
    times: Sequence[tuple[float, Tick]]
    temperatures: Sequence[tuple[float, int]]


def scale_of(span: Span, pieces: Iterable[Piece], bounds: Bounds) -> Scale:
    """Return a scale that shows every reading and both limits, to whole steps of its own axis."""
    values = [value for piece in pieces for value in (piece.min_milli_celsius, piece.max_milli_celsius)]
    lowest = min(values + [bounds.low_milli_celsius]) - _MARGIN_MILLI_CELSIUS
    highest = max(values + [bounds.high_milli_celsius]) + _MARGIN_MILLI_CELSIUS
    step = step_of(highest - lowest)
    return Scale(span, lowest // step * step, -(-highest // step) * step)


def step_of(range_milli_celsius: int) -> int:
    """Return how far apart the temperatures on the axis are."""
    fitting = (step for step in _STEPS_MILLI_CELSIUS if range_milli_celsius <= step * _MOST_STEPS)
    return next(fitting, _STEPS_MILLI_CELSIUS[-1])


def temperatures_of(scale: Scale) -> Sequence[tuple[float, int]]:
    """Return the axis of temperature."""
    low, high = scale.low_milli_celsius, scale.high_milli_celsius
    return [(scale.y(value), value) for value in range(low, high + 1, step_of(high - low))]


def line_of(number: int, probe_id: str, pieces: Sequence[Piece], width_ms: int, scale: Scale, gap_after_ms: int) -> Line:
    """Return a probe's line, broken wherever nobody spoke for too long; a piece on its own is a short stroke."""
    runs = list(_runs(pieces, gap_after_ms))
    band = " ".join(_band(run, width_ms, scale) for run in runs)
    return Line(number, probe_id, band, " ".join(_stroke(run, width_ms, scale) for run in runs))


def stripe_of(gap: Gap, scale: Scale) -> Stripe:
    """Return where a gap is, wide enough to be seen."""
    until = scale.span.until_unix_ms if gap.until_unix_ms is None else gap.until_unix_ms
    x, end = scale.x(gap.from_unix_ms), scale.x(until)
    width = round(max(end - x, LEAST_WIDTH), 1)
    return Stripe(min(x, RIGHT - width), width, gap.from_unix_ms, until)


def _runs(pieces: Sequence[Piece], gap_after_ms: int) -> Iterable[Sequence[Piece]]:
    """Split where the next piece begins to speak too long after the last fell silent."""
    run = list(pieces[:1])
    for before, piece in pairwise(pieces):
        if piece.first_unix_ms - before.last_unix_ms > gap_after_ms:
            yield run
            run = []
        run.append(piece)
    if run:
        yield run


def _band(run: Sequence[Piece], width_ms: int, scale: Scale) -> str:
    there = [(x, scale.y(piece.max_milli_celsius)) for piece, x in _corners(run, width_ms, scale)]
    back = [(x, scale.y(piece.min_milli_celsius)) for piece, x in reversed(_corners(run, width_ms, scale))]
    return f"M{'L'.join(f'{x:g},{y:g}' for x, y in there + back)}Z"


def _stroke(run: Sequence[Piece], width_ms: int, scale: Scale) -> str:
    points = [(x, scale.y(piece.mean_milli_celsius)) for piece, x in _corners(run, width_ms, scale)]
    return f"M{'L'.join(f'{x:g},{y:g}' for x, y in points)}"


def _corners(run: Sequence[Piece], width_ms: int, scale: Scale) -> Sequence[tuple[Piece, float]]:
    """Put each piece into its middle, the first and last at the readings they begin and end with."""
    middles = [(piece, scale.x(piece.at_unix_ms + width_ms // 2)) for piece in run]
    begins, ends = scale.x(run[0].first_unix_ms), scale.x(run[-1].last_unix_ms)
    ends = max(ends, begins + 1.0)
    return [(run[0], begins), *middles[1:-1], (run[-1], ends)]
