"""The figures every run tells, under the same names for ever: measured, or nothing and why."""

from collections.abc import Mapping
from typing import Final

from tests.bench.figures import Figures

HOW: Final[Mapping[str, str]] = {
    "visits_c1_vs_limit": "--only visits",
    "visits_c8_vs_limit": "--only visits",
    "visits_c32_vs_limit": "--only visits",
    "visits_c32_vs_plain": "--only visits",
    "visits_c32_step_p99_vs_limit": "--only visits",
    "visits_slow_disk_vs_sql": "--only slow-disk",
    "readings_vs_subscriber": "--only readings",
    "reading_to_page_p99_ms": "--only page",
    "card_to_desk_over_wire_p99_ms": "--only card",
    "wall_500_p99_ms": "--only streams",
    "growth_step_p99_1e7_over_1e3": "--only growth --past 1000 10000000",
    "recall_1e6_ms": "--only recall --doses 1000000",
    "chart_5y_ms": "--only chart --years 5 --probes 39",
    "cold_start_ms": "--only growth",
    "rss_start_mb": "--only growth",
    "rss_day_mb": "--only day --coming 12000",
}


def completed(figures: Figures) -> Figures:
    """Return the figures with every promised name; beside one that is nothing stands how to have it measured."""
    whole = Figures(figures)
    for name, how in HOW.items():
        if name not in figures:
            whole |= {name: None, f"{name}_why": f"not of this run; python3 run.py bench {how}"}
    return whole
