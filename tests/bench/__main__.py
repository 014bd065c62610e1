"""`python3 run.py bench`: measures on this machine; nothing here passes or fails by the clock."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from tests.bench import (
    card_to_page,
    chart,
    codecs,
    decisions,
    first_paint,
    pages,
    reactions,
    readings,
    recall,
    stops,
    walls,
)
from tests.bench.figures import Figures, flat_name, quantile, spreads, table
from tests.bench.machine import machine_line
from tests.bench.promised import completed
from tests.bench.reader import CARD_ANSWER, WIRE_S
from tests.bench.visits import growth, report, streams
from tests.bench.visits import measure as visits
from tests.bench.visits.slow_disk import DELAY_MS, slow_disk

PARTS = (
    *("visits", "slow-disk", "growth", "day", "streams", "walls", "card", "codecs", "decisions"),
    *("recall", "stops", "chart", "readings", "page", "paint", "reaction"),
)
LEISURELY_ROUNDS = 10
MOST_BROWSERS = 8  # on one machine
ENGINES = {"sqlite": "visits", "postgresql": "visits_postgresql"}
FULL = visits.Size({1: 30, 8: 120, 32: 320}, rounds=5, recorded=100)
SLOW = visits.Size({1: 10, 8: 40, 32: 160}, rounds=5, recorded=40)
SLOW_QUICK = visits.Size({32: 32}, rounds=2, recorded=16)
QUICK = visits.Size({1: 2, 8: 8, 32: 32}, rounds=5, recorded=8)
MILLION, TEN_MILLION, YEARS_PROMISED, DAY_PROMISED, STREAMS_PROMISED = 10**6, 10**7, 5, 12_000, 500
STREAMS, STREAMS_QUICK = ((20, 100, 500), 200, 1_000), ((20, 100), 10, 100)  # open pages, check-ins, pages that go away
QUICKLY = (
    "--cards=5",
    "--coming=64",
    "--visits=200",
    "--seconds=1",
    "--doses=10000",
    "--benches=4",
    "--probes=1",
    "--fridges=6",
    "--minutes=60",
)


def main() -> int:
    """Measure, tell, and write it down."""
    words = _arguments()
    parts = (words.only,) if words.only else PARTS
    if {"card", "paint", "reaction", "walls"} & set(parts) and not card_to_page.is_possible():
        sys.stderr.write("Chromium is missing; without it: python3 run.py bench --only codecs, or decisions\n")
        return 1
    begun, figures = time.monotonic(), Figures(machine=machine_line())
    _say(figures["machine"])
    measures: Mapping[str, Callable[[], Figures]] = {
        "visits": lambda: _visits(words.engine, QUICK if words.quick else FULL),
        "slow-disk": lambda: _slow_disk(SLOW_QUICK if words.quick else SLOW),
        "growth": lambda: _growth((100, 1_000) if words.quick else words.past, 32 if words.quick else 320),
        "day": lambda: _day(words.coming),
        "streams": lambda: _streams(*(STREAMS_QUICK if words.quick else STREAMS)),
        "walls": lambda: _walls(*((20, 2) if words.quick else (STREAMS_PROMISED, 50))),
        "card": lambda: _card(words.cards),
        "codecs": lambda: _ratios("Codecs", codecs.measure(words.seconds)),
        "decisions": lambda: _ratios("Decisions", decisions.measure(words.seconds / 4)),
        "recall": lambda: _recall(words.doses),
        "stops": lambda: _stops(words.benches),
        "chart": lambda: _chart(words.years, words.probes, 3 if words.quick else 39),
        "readings": lambda: _readings(words.fridges, words.minutes),
        "page": lambda: _page(words.pages),
        "paint": lambda: _paint(words.visits, words.visits // 50, 3 if words.quick else 9),
        "reaction": lambda: _reaction(min(words.benches, MOST_BROWSERS), words.reactions),
    }
    for part in parts:
        figures |= measures[part]()
    _say(f"\n{time.monotonic() - begun:.0f} s in all")
    if words.json:
        words.json.write_text(json.dumps(completed(figures), indent=1) + "\n", encoding="utf-8")
    return 0


def _visits(engines: Sequence[str], size: visits.Size) -> Figures:
    figures = Figures()
    for engine in engines:
        _say(f"\nVisits through all gates on {engine}, {size.rounds} rounds of {size.told}")
        outcome = asyncio.run(visits.measure(engine, size))
        _say(report.told(outcome))
        figures |= report.figures(outcome, ENGINES[engine])
    return figures


def _slow_disk(size: visits.Size) -> Figures:
    _say(f"\nThe same on SQLite with {DELAY_MS} ms added to every flush, {size.rounds} rounds of {size.told}")
    with tempfile.TemporaryDirectory(prefix="clinic-shim-") as folder:
        outcome = asyncio.run(visits.measure("sqlite", size, slow_disk(Path(folder))))
    _say(report.told(outcome))
    vs_sql = report.compared(outcome)[32].vs_sql
    _say(f"at 32 clients {vs_sql:.0%} of sql under the same delay")
    return {"visits_slow_disk_vs_sql": round(vs_sql, 4), **report.figures(outcome, "visits_slow_disk")}


def _growth(counts: Sequence[int], coming: int) -> Figures:
    _say(f"\nSites with {', '.join(f'{count:,}' for count in counts)} visits behind them, {coming} coming by 8 clients")
    grown = asyncio.run(growth.measure(counts, coming, rounds=5))
    least, most = min(counts), max(counts)
    p99_ms = {count: quantile(sorted(one.rounds.every_step_s()), 0.99) * 1000 for count, one in grown.items()}
    rows = {"visits a second": [f"{median(one.rounds.rates):.1f}" for one in grown.values()]}
    rows |= {"step p99, ms": [f"{p99_ms[count]:.1f}" for count in counts]}
    for page in growth.PAGES:
        rows[f"page {page}, ms"] = [f"{one.pages_s[page] * 1000:.1f}" for one in grown.values()]
    rows |= {"start to first answer, ms": [f"{one.start_s * 1000:.0f}" for one in grown.values()]}
    rows |= {"  of the processors, ms": [f"{one.start_cpu_s * 1000:.0f}" for one in grown.values()]}
    rows |= {"memory after the start, MB": [f"{one.start_mb:.0f}" for one in grown.values()]}
    rows |= {"memory after the rounds, MB": [f"{one.end_mb:.0f}" for one in grown.values()]}
    _say(table(("", *(f"{count:,}" for count in counts)), ((name, *cells) for name, cells in rows.items())))
    figures = {f"growth_step_p99_{most}_over_{least}": round(p99_ms[most] / p99_ms[least], 3)}
    figures |= {"cold_start_cpu_ms": round(grown[most].start_cpu_s * 1000)}
    figures |= {"cold_start_ms": round(grown[most].start_s * 1000), "rss_start_mb": round(grown[most].start_mb, 1)}
    if (least, most) == (1_000, TEN_MILLION):
        figures |= {"growth_step_p99_1e7_over_1e3": figures[f"growth_step_p99_{most}_over_{least}"]}
    for page in growth.PAGES:
        figures |= {flat_name(f"growth {page} {count} ms"): grown[count].pages_s[page] * 1000 for count in counts}
    return figures


def _day(coming: int) -> Figures:
    grown = asyncio.run(growth.a_day(coming))
    _say(f"\nA day of {coming:,} visits by {growth.DAY_CLIENTS} clients, {median(grown.rounds.rates):.1f} a second")
    _say(f"memory {grown.start_mb:.0f} MB after the start, {grown.end_mb:.0f} MB after the day")
    named = "rss_day_mb" if coming >= DAY_PROMISED else f"rss_after_{coming}_mb"
    return {named: round(grown.end_mb, 1), "rss_day_start_mb": round(grown.start_mb, 1)}


def _streams(counts: Sequence[int], check_ins: int, gone: int) -> Figures:
    seen = asyncio.run(streams.measure(counts, check_ins, gone))
    _say(f"\nFrom a check-in to the last open page, {check_ins} times")
    _say(spreads({f"{count} pages": spread for count, spread in seen.last_told.items()}))
    _say(f"of {gone:,} pages that went away {seen.left} are left")
    figures = {f"wall_{count}_p99_ms": round(spread.p99, 2) for count, spread in seen.last_told.items()}
    return figures | {"streams_left": seen.left}


def _walls(displays: int, calls: int) -> Figures:
    seen = asyncio.run(walls.measure(displays, calls))
    _say(f"\nFrom a call at a desk to {displays} walls, one of them in Chromium, {calls} calls and returns")
    _say(spreads(seen.spreads()))
    _say(f"the clocks agree to {seen.clock_error_s * 1000:.2f} ms")
    named = {f"wall {displays} {name}": spread for name, spread in seen.spreads().items()}
    return {key: value for name, spread in named.items() for key, value in spread.flat(flat_name(name)).items()}


def _card(count: int) -> Figures:
    _say(f"\nFrom the card to the page: {count} cards, the real server and Chromium")
    outcome = asyncio.run(card_to_page.measure(count))
    named = outcome.spreads()
    _say(spreads(named))
    _say(
        f"{CARD_ANSWER} bytes take {WIRE_S * 1000:.0f} ms on the wire; the median is {outcome.share_of_wire:.0%} of it"
    )
    _say(f"{outcome.fetches / count:.2f} questions a card; the clocks agree to {outcome.clock_error_s * 1000:.2f} ms")
    figures = Figures(share_of_wire=round(outcome.share_of_wire, 4), fetches_per_card=outcome.fetches / count)
    for name, spread in named.items():
        figures |= spread.flat(flat_name(name))
    return figures | {"card_to_desk_over_wire_p99_ms": round(named["card to page"].p99, 2)}


def _recall(doses: int) -> Figures:
    seen = recall.measure(doses, max(1, doses // 100))
    _say(f"\nRecall of one lot among {seen.lots:,}, {seen.doses:,} doses given: {seen.found} found, as by the scan")
    _say(f"{seen.recall_s * 1000:.1f} ms; reading every dose takes {seen.scan_s / seen.recall_s:,.0f} times as long")
    figures = {"recall_ms": round(seen.recall_s * 1000, 3), "recall_scan_ms": round(seen.scan_s * 1000, 3)}
    return figures | ({"recall_1e6_ms": figures["recall_ms"]} if doses == MILLION else {})


def _stops(benches: int) -> Figures:
    seen = stops.measure(benches)
    _say(f"\nA stop order before {seen.benches} benches with permits: {seen.given} doses came through")
    _say(f"answered after {seen.answered_s * 1000:.0f} ms, the last refused after {seen.last_refused_s * 1000:.0f} ms")
    return {
        "stop_answered_ms": round(seen.answered_s * 1000, 1),
        "stop_last_bench_ms": round(seen.last_refused_s * 1000, 1),
        "stop_doses_through": seen.given,
    }


def _chart(years: int, probes: int, rounds: int) -> Figures:
    seen = chart.measure(years, probes, rounds)
    _say(f"\nThe course of each of {probes} fridges, {seen.readings:,} readings, {years} years of one a minute")
    _say(spreads(seen.courses))
    _say(f"load average {seen.load:.1f} on {os.cpu_count()} processors")
    _say(f"one fridge's year from its readings {seen.raw_s:.2f} s; every hour made again {seen.rebuild_s:.1f} s")
    figures = {"chart_year_from_readings_ms": round(seen.raw_s * 1000, 3), "chart_load": round(seen.load, 2)}
    for name, spread in seen.courses.items():
        figures |= spread.flat(flat_name(f"chart {name}"))
    return figures | ({"chart_5y_ms": figures["chart_all_years_p50_ms"]} if years == YEARS_PROMISED else {})


def _readings(fridges: int, minutes: int) -> Figures:
    seen = asyncio.run(readings.measure(fridges, minutes, LEISURELY_ROUNDS))
    _say(f"\nA night of {seen.readings:,} readings of {fridges} fridges, in {seen.commits} commits of the real server")
    took = {"stored and judged": seen.judged_s, "stored, of probes that stand nowhere": seen.kept_s}
    took |= {"a bare loop that inserts": seen.inserted_s, "a bare subscriber": seen.heard_s}
    speeds = {name: seen.readings / seconds for name, seconds in took.items()}
    rows = ((name, f"{speed:,.0f}", f"{took[name] / seen.inserted_s:.2f}") for name, speed in speeds.items())
    _say(table(("", "a second", "times the bare loop"), rows))
    _say(f"{seen.excursions} excursions; after that {fridges} readings a second:")
    _say(spreads({"publication to acknowledgement": seen.at_leisure}))
    figures = {flat_name(f"readings {name} a second"): round(speed) for name, speed in speeds.items()}
    figures |= {"readings_vs_subscriber": round(seen.heard_s / seen.judged_s, 3)}
    return figures | seen.at_leisure.flat("reading_acknowledged")


def _page(count: int) -> Figures:
    named = asyncio.run(pages.measure(count)).spreads()
    _say(f"\nFrom a reading that makes a fridge critical to the page at a gateway, {count} times")
    _say(spreads(named))
    figures = {key: value for name, spread in named.items() for key, value in spread.flat(flat_name(name)).items()}
    return figures | {"reading_to_page_p99_ms": round(named["acknowledgement to page"].p99, 2)}


def _paint(count: int, waiting: int, loads: int) -> Figures:
    seen = asyncio.run(first_paint.measure(count, waiting, loads))
    usual_s = seen[first_paint.YARDSTICK].median_s
    _say(f"\nFirst paint in Chromium with {count:,} visits in the day, {waiting} waiting at each stage, {loads} loads")
    rows = []
    for name, one in seen.items():
        milliseconds = (one.median_s, max(one.paint_s), median(one.server_s))
        figures = (f"{took * 1000:.0f}" for took in milliseconds)
        rows.append((name, *figures, f"{one.page_bytes / 1000:.1f}", f"{one.median_s / usual_s:.2f}"))
    _say(table(("milliseconds", "median", "max", "server", "kB", "times the sign-in"), rows))
    figures = {flat_name(f"paint {name} ms"): round(one.median_s * 1000, 1) for name, one in seen.items()}
    return figures | {flat_name(f"paint {name} ratio"): round(one.median_s / usual_s, 3) for name, one in seen.items()}


def _reaction(benches: int, count: int) -> Figures:
    named = asyncio.run(reactions.measure(benches, count)).spreads()
    _say(f"\nFrom the emergency key to the pages of {benches} benches in Chromium, {count} times")
    _say(spreads(named))
    return {key: value for name, spread in named.items() for key, value in spread.flat(flat_name(name)).items()}


def _ratios(title: str, speeds: list[codecs.Speed]) -> Figures:
    rows = ((one.name, f"{one.per_second:,.0f}", f"{one.ratio:.2f}") for one in speeds)
    _say(f"\n{title}")
    _say(table(("", "a second", f"times {codecs.YARDSTICK}"), rows))
    return {flat_name(f"ratio {one.name}"): round(one.ratio, 3) for one in speeds}


def _say(lines: str) -> None:
    sys.stdout.write(f"{lines}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 run.py bench",
        description="Measures on this machine, in a few minutes unless told otherwise.",
    )
    parser.add_argument("--only", choices=PARTS, help="one part of it")
    parser.add_argument("--quick", action="store_true", help="a look at everything in less than a minute")
    parser.add_argument("--engine", choices=ENGINES, nargs="+", default=list(ENGINES), help="what visits are stored on")
    parser.add_argument(
        "--past", type=int, nargs="+", default=[1_000, 100_000], help="visits behind a site (1000 100000)"
    )
    parser.add_argument("--coming", type=int, default=3_200, help="how many people come in the day (3200)")
    parser.add_argument("--cards", type=int, default=50, help="how many cards are laid down (50)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=8.0,
        help="how long the codecs run altogether, the decisions a quarter of it (8)",
    )
    parser.add_argument("--doses", type=int, default=100_000, help="how many doses a recall looks through (100000)")
    parser.add_argument("--benches", type=int, default=30, help="how many benches a stop order must reach (30)")
    parser.add_argument("--years", type=int, default=1, help="how many years of readings a chart spans (1)")
    parser.add_argument("--probes", type=int, default=2, help="how many probes spoke all that time (2)")
    parser.add_argument("--fridges", type=int, default=30, help="how many fridges the readings are of (30)")
    parser.add_argument("--minutes", type=int, default=400, help="how many minutes each of them spoke (400)")
    parser.add_argument("--pages", type=int, default=30, help="how many pages are waited for (30)")
    parser.add_argument("--visits", type=int, default=5_000, help="visits in the day when pages are opened (5000)")
    parser.add_argument("--reactions", type=int, default=8, help="how often the emergency team is called (8)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, flat")
    given = parser.parse_args()
    return parser.parse_args([*QUICKLY, *sys.argv[1:]]) if given.quick else given


if __name__ == "__main__":
    sys.exit(main())
