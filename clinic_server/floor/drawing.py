"""A clinic day as columns on a sheet, in the sheet's own units. The template says it in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from clinic_server.floor.rules import Quarter

_HOUR_S: Final = 3600
_STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_STEPS: Final = 5
_LEAST_QUARTERS: Final = 16  # the first hours of a day are no fat blocks


@dataclass(frozen=True, slots=True)
class Frame:
    """The sheet, and where on it the plot lies."""

    width: int = 1200
    height: int = 300
    left: int = 44
    right: int = 1190
    top: int = 14
    bottom: int = 264


FRAME: Final = Frame()


@dataclass(frozen=True, slots=True)
class Column:
    """The doses of one quarter of an hour."""

    x: float
    y: float
    width: float
    height: float
    quarter: Quarter


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on an axis, and what is written there."""

    at: float
    value: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Doses as columns, who came and whose visit ended in steps; ``hours`` are marked by their unix seconds."""

    frame: Frame
    columns: Sequence[Column]
    came: str
    ended: str
    counts: Sequence[Mark]
    hours: Sequence[Mark]


def drawn(quarters: Sequence[Quarter]) -> Drawing | None:
    """Draw a day, None before anything happened on it."""
    if not quarters:
        return None
    most = max(max(one.came, one.given, one.ended) for one in quarters)
    step = next((step for step in _STEPS if most <= step * _MOST_STEPS), _STEPS[-1])
    top = max(step, -(-most // step) * step)
    wide = (FRAME.right - FRAME.left) / max(len(quarters), _LEAST_QUARTERS)

    def y(count: int) -> float:
        return round(FRAME.bottom - count / top * (FRAME.bottom - FRAME.top), 1)

    def x(place: int) -> float:
        return round(FRAME.left + place * wide, 1)

    def steps(counts: Sequence[int]) -> str:
        ends = (f"{x(place):g},{y(count):g}L{x(place + 1):g},{y(count):g}" for place, count in enumerate(counts))
        return f"M{'L'.join(ends)}"

    return Drawing(
        FRAME,
        [
            Column(
                round(x(place) + wide * 0.15, 1), y(one.given), round(wide * 0.7, 1), FRAME.bottom - y(one.given), one
            )
            for place, one in enumerate(quarters)
        ],
        steps([one.came for one in quarters]),
        steps([one.ended for one in quarters]),
        [Mark(y(count), count) for count in range(0, top + 1, step)],
        [Mark(x(place), one.begins_unix_s) for place, one in enumerate(quarters) if one.begins_unix_s % _HOUR_S == 0],
    )
