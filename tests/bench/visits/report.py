"""What rounds of visits came to: rates beside the composed limit, and the tail of a step beside its yardsticks'."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from tests.bench.figures import Figures, quantile, table
from tests.bench.visits.course import STEPS
from tests.bench.visits.measure import Outcome, Rounds

FRONTS = ("sql", "wire", "product", "plain")
_TAIL = 0.99


@dataclass(frozen=True, slots=True)
class Beside:
    """So many clients' visits beside what bounds them; ratios are medians of each round's own."""

    rates: Mapping[str, tuple[float, float, float]]
    limit: float
    vs_limit: float
    vs_plain: float
    vs_sql: float
    p99_ms: Mapping[str, float]
    step_p99_ms: Mapping[str, float]

    @property
    def p99_vs_limit(self) -> float:
        """How a step's tail compares with those of ``sql`` and ``wire`` together."""
        return self.p99_ms["product"] / self._limit_p99_ms

    @property
    def worst_step(self) -> tuple[str, float]:
        """The step whose tail is the longest, and how it compares."""
        step = max(self.step_p99_ms, key=lambda one: self.step_p99_ms[one])
        return step, self.step_p99_ms[step] / self._limit_p99_ms

    @property
    def _limit_p99_ms(self) -> float:
        return self.p99_ms["sql"] + self.p99_ms["wire"]


def beside(by: Mapping[str, Rounds]) -> Beside:
    """Return how the product compares, given the rounds of each front at the same number of clients."""
    rates = {name: by[name].rates for name in FRONTS}
    in_turn = list(zip(*rates.values(), strict=True))
    limits = [1 / (1 / sql + 1 / wire) for sql, wire, _, _ in in_turn]
    return Beside(
        {name: (median(of), min(of), max(of)) for name, of in rates.items()},
        median(limits),
        median(product / limit for (_, _, product, _), limit in zip(in_turn, limits, strict=True)),
        median(product / plain for _, _, product, plain in in_turn),
        median(product / sql for sql, _, product, _ in in_turn),
        {name: quantile(sorted(by[name].every_step_s()), _TAIL) * 1000 for name in FRONTS},
        {step: quantile(sorted(by["product"].took_s[step]), _TAIL) * 1000 for step in STEPS},
    )


def told(outcome: Outcome) -> str:
    """Return the outcome as people read it: a line for every front and number of clients."""
    heads = ("visits a second", "median", "least", "most", "of the limit", "step p99 ms")
    rows = [row for clients, one in compared(outcome).items() for row in _rows(clients, one)]
    return table(heads, rows)


def figures(outcome: Outcome, prefix: str) -> Figures:
    """Return the outcome under flat names."""
    flat = Figures()
    for clients, one in compared(outcome).items():
        name = f"{prefix}_c{clients}"
        flat |= {f"{name}_vs_limit": round(one.vs_limit, 4), f"{name}_vs_plain": round(one.vs_plain, 3)}
        flat |= {f"{name}_vs_sql": round(one.vs_sql, 4), f"{name}_limit_per_s": round(one.limit, 2)}
        flat |= {f"{name}_step_p99_vs_limit": round(one.p99_vs_limit, 3)}
        flat |= {f"{name}_worst_step_p99_vs_limit": round(one.worst_step[1], 3)}
        for front, (middle, least, most) in one.rates.items():
            flat |= {f"{name}_{front}_per_s": round(middle, 2), f"{name}_{front}_p99_ms": round(one.p99_ms[front], 2)}
            flat |= {f"{name}_{front}_least_per_s": round(least, 2), f"{name}_{front}_most_per_s": round(most, 2)}
    return flat


def compared(outcome: Outcome) -> Mapping[int, Beside]:
    """Return the comparison at each number of clients."""
    clients = outcome.by["product"]
    return {count: beside({name: outcome.by[name][count] for name in FRONTS}) for count in clients}


def _rows(clients: int, one: Beside) -> list[tuple[str, ...]]:
    rows = [
        (
            f"{clients} at once: {name}",
            *(f"{rate:.1f}" for rate in one.rates[name]),
            f"{one.vs_limit:.0%}" if name == "product" else "",
            f"{one.p99_ms[name]:.1f}",
        )
        for name in FRONTS
    ]
    step, times = one.worst_step
    rows.append(
        (f"  the limit of sql and wire; {one.vs_plain:.1f} times plain", f"{one.limit:.1f}", "", "", "100%", "")
    )
    rows.append(
        (f"  p99 is {one.p99_vs_limit:.1f} times theirs; the longest step, {step}, {times:.1f} times", *[""] * 5)
    )
    return rows
