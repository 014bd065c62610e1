"""What was measured, as people and as programs read it."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, in milliseconds, over many times."""

    count: int
    p50: float
    p95: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Return the spread of these times."""
        ordered = sorted(second * 1000 for second in seconds)
        shares = (quantile(ordered, share) for share in (0.5, 0.95, 0.99))
        return cls(len(ordered), *shares, ordered[-1])

    def flat(self, name: str) -> dict[str, float]:
        """Return the figures under names of their own."""
        return {
            f"{name}_n": self.count,
            f"{name}_p50_ms": round(self.p50, 3),
            f"{name}_p95_ms": round(self.p95, 3),
            f"{name}_p99_ms": round(self.p99, 3),
            f"{name}_max_ms": round(self.longest, 3),
        }


def flat_name(words: str) -> str:
    """Return what a figure is called in a file: lower case, words joined by underscores."""
    return "_".join(re.findall(r"[a-z0-9]+", words.lower()))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that so great a share of an ordered sequence does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows under heads: the first column to the left, figures to the right."""
    lines = [heads, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def spreads(named: Mapping[str, Spread]) -> str:
    """Return spreads as a table."""
    rows = (
        (name, f"{one.count}", *(f"{took:.2f}" for took in (one.p50, one.p95, one.p99, one.longest)))
        for name, one in named.items()
    )
    return table(("milliseconds", "n", "p50", "p95", "p99", "max"), rows)


Figures = dict[str, Any]
