"""A course as lines on a sheet: where everything goes, in the sheet's own units. The template says it in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from clinic_server.cold_chain.course.calendar import Tick
from clinic_server.cold_chain.course.rules import Bounds, Piece, Span

LEAST_WIDTH: Final = 3.0  # what is narrower could not be seen
_STEPS_MILLI_CELSIUS: Final = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
_MOST_STEPS: Final = 9
_MARGIN_MILLI_CELSIUS: Final = 1_000
_Corner = tuple[Piece, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """The sheet, and where on it the plot lies."""

    width: int = 1200
    height: int = 372
    left: int = 56
    right: int = 1190
    top: int = 28
    bottom: int = 336

    @property
    def plot_width(self) -> int:
        """How wide the plot is."""
        return self.right - self.left

    @property
    def plot_height(self) -> int:
        """How high the plot is."""
        return self.bottom - self.top


FRAME: Final = Frame()
_PLOT_WIDTH: Final = FRAME.plot_width
_PLOT_HEIGHT: Final = FRAME.plot_height


@dataclass(frozen=True, slots=True)
class Sheet:
    """From time and temperature to a place on the sheet; ``width_ms`` is how long the pieces of a course are."""

    span: Span
    width_ms: int
    gap_after_ms: int
    low_milli_celsius: int
    high_milli_celsius: int

    def x(self, unix_ms: int) -> float:
        """How far to the right an instant is; what is outside the span is at its end."""
        share = (unix_ms - self.span.from_unix_ms) / self.span.length_ms
        return round(FRAME.left + min(max(share, 0.0), 1.0) * _PLOT_WIDTH, 1)

    @property
    def temperatures(self) -> Sequence[int]:
        """The axis of temperature."""
        low, high = self.low_milli_celsius, self.high_milli_celsius
        return range(low, high + 1, step_of(high - low))

    def y(self, milli_celsius: int) -> float:
        """How far down a temperature is."""
        share = (milli_celsius - self.low_milli_celsius) / (self.high_milli_celsius - self.low_milli_celsius)
        return round(FRAME.bottom - share * _PLOT_HEIGHT, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """One probe's course: a band from the lowest to the highest, a line through the means, and one of what is aside."""

    number: int
    probe_id: str
    band: str
    mean: str
    aside: str = ""


@dataclass(frozen=True, slots=True)
class Stripe:
    """Something that lasted, from one side of the sheet to the other."""

    x: float
    width: float
    from_unix_ms: int
    until_unix_ms: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One temperature at one instant."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything there is to draw; ``breaches`` and ``by_hand`` in the order of the course's."""

    frame: Frame
    sheet: Sheet
    lines: Sequence[Line]
    gaps: Sequence[Stripe]
    breaches: Sequence[Stripe]
    by_hand: Sequence[Mark]
    times: Sequence[Tick]


def sheet_of(span: Span, width_ms: int, pieces: Iterable[Piece], bounds: Bounds, others: Iterable[int] = ()) -> Sheet:
    """Return a sheet that shows every reading and both limits, to whole steps of its own axis."""
    values = [value for piece in pieces for value in (piece.min_milli_celsius, piece.max_milli_celsius)]
    values += others
    lowest = min([*values, bounds.low_milli_celsius]) - _MARGIN_MILLI_CELSIUS
    highest = max([*values, bounds.high_milli_celsius]) + _MARGIN_MILLI_CELSIUS
    step = step_of(highest - lowest)
    return Sheet(span, width_ms, bounds.gap_after_ms, lowest // step * step, -(-highest // step) * step)


def step_of(range_milli_celsius: int) -> int:
    """Return how far apart the temperatures on the axis are."""
    fitting = (step for step in _STEPS_MILLI_CELSIUS if range_milli_celsius <= step * _MOST_STEPS)
    return next(fitting, _STEPS_MILLI_CELSIUS[-1])


def line_of(number: int, probe_id: str, pieces: Sequence[Piece], sheet: Sheet, aside: Sequence[Piece] = ()) -> Line:
    """Return a probe's line, broken wherever nobody spoke for too long; a piece on its own is a short stroke."""
    runs = [_corners(run, sheet) for run in _runs(pieces, sheet.gap_after_ms)]
    set_aside = [_corners(run, sheet) for run in _runs(aside, sheet.gap_after_ms)]
    return Line(
        number,
        probe_id,
        " ".join(_band(run, sheet) for run in runs),
        " ".join(_stroke(run, sheet) for run in runs),
        " ".join(_stroke(run, sheet) for run in set_aside),
    )


def stripe_of(from_unix_ms: int, until_unix_ms: int | None, sheet: Sheet) -> Stripe:
    """Return where something that lasted is, wide enough to be seen; without an end it lasts still."""
    until = sheet.span.until_unix_ms if until_unix_ms is None else until_unix_ms
    x, end = sheet.x(from_unix_ms), sheet.x(until)
    width = round(max(end - x, LEAST_WIDTH), 1)
    return Stripe(min(x, FRAME.right - width), width, from_unix_ms, until)


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


def _band(run: Sequence[_Corner], sheet: Sheet) -> str:
    there = [(x, sheet.y(piece.max_milli_celsius)) for piece, x in run]
    back = [(x, sheet.y(piece.min_milli_celsius)) for piece, x in reversed(run)]
    return f"{_path(there + back)}Z"


def _stroke(run: Sequence[_Corner], sheet: Sheet) -> str:
    return _path([(x, sheet.y(piece.mean_milli_celsius)) for piece, x in run])


def _path(points: Iterable[tuple[float, float]]) -> str:
    return f"M{'L'.join(f'{x:g},{y:g}' for x, y in points)}"


def _corners(run: Sequence[Piece], sheet: Sheet) -> Sequence[_Corner]:
    """Put each piece into its middle, the first and last at the readings they begin and end with."""
    middles = [(piece, sheet.x(piece.at_unix_ms + sheet.width_ms // 2)) for piece in run[1:-1]]
    begins = sheet.x(run[0].first_unix_ms)
    ends = max(sheet.x(run[-1].last_unix_ms), begins + 1.0)
    return [(run[0], begins), *middles, (run[-1], ends)]
