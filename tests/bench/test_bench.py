"""The benchmark measures what it says; how fast this machine is decides nothing."""

import json
import os
import pickle
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from devices.fridge_probe import wire as probe_wire
from tests.bench import __main__ as bench
from tests.bench import (
    card_to_page,
    chart,
    codecs,
    decisions,
    first_paint,
    pages,
    promised,
    reactions,
    readings,
    recall,
    stops,
    walls,
)
from tests.bench.figures import Spread, quantile, table
from tests.bench.reader import CARD_ANSWER, WIRE_S, Desk
from tests.bench.tap import PUBACK, PUBLISH, Packets
from tests.bench.visits import growth, report, streams
from tests.bench.visits import measure as visits
from tests.bench.visits.course import STEPS
from tests.bench.visits.slow_disk import slow_disk
from tests.bench.visits.statements import Recorder

ROOT = Path(__file__).parents[2]


async def test_every_card_is_followed_from_the_wire_to_the_page() -> None:
    if not card_to_page.is_possible():
        pytest.fail("Chromium is missing; `python3 run.py test` installs it.")
    outcome = await card_to_page.measure(3)
    assert (len(outcome.cards), len(outcome.adapter_s)) == (3, 5)
    assert outcome.fetches >= 3
    for card in outcome.cards:
        moments = [card.sent, card.signal, card.asked, card.answered, card.shown]
        late = [before - after for before, after in pairwise(moments)]
        assert max(late) <= outcome.clock_error_s + 0.002, "the moments come in their order, as far as clocks agree"
    assert all(second >= 0 for second in outcome.adapter_s)
    assert outcome.spreads()["card to page"].count == 3


async def test_every_call_of_the_team_is_followed_from_the_key_to_every_bench() -> None:
    called = await reactions.measure(benches=2, count=2)
    assert (called.benches, len(called.answered_s), len(called.shown_s)) == (2, 2, 2)
    assert min(*called.answered_s, *called.shown_s) > 0
    assert called.spreads()["key to the last bench"].count == 2


async def test_a_call_and_a_return_reach_every_wall_and_the_screen() -> None:
    shown = await walls.measure(displays=3, calls=1)
    assert (shown.displays, len(shown.answered_s), len(shown.painted_s), len(shown.last_display_s)) == (3, 2, 2, 2)
    assert min(*shown.answered_s, *shown.painted_s, *shown.last_display_s) > 0
    assert shown.clock_error_s < 1
    assert {spread.count for spread in shown.spreads().values()} == {2}


async def test_every_page_is_painted_with_the_people_of_the_day_on_it() -> None:
    pages = {name: first_paint.PAGES[name] for name in (first_paint.YARDSTICK, "screening")}
    seen = await first_paint.measure(visits=60, waiting=15, loads=2, pages=pages)
    for one in seen.values():
        assert (len(one.paint_s), len(one.server_s)) == (2, 2)
        assert one.median_s > 0
        assert max(one.server_s) < max(one.paint_s)
    assert seen["screening"].page_bytes > 2 * seen[first_paint.YARDSTICK].page_bytes


def test_a_card_takes_as_long_as_its_wire() -> None:
    desk = Desk()
    with desk.plug as plug:
        begun = time.time()
        plug.put_on_wire(bytes(CARD_ANSWER))
    assert plug.card_sent_at - begun >= WIRE_S - 0.001


def test_every_codec_is_measured_beside_the_yardstick() -> None:
    speeds = {one.name: one for one in codecs.measure(0.2)}
    assert speeds[codecs.YARDSTICK].ratio == 1
    assert all(one.per_second > 0 and one.ratio > 0 for one in speeds.values())
    assert {f"probe: {dialect}" for dialect in probe_wire.DIALECTS} <= set(speeds)
    assert len(codecs.DOCUMENT) == 1024


def test_every_decision_is_measured_beside_the_yardstick() -> None:
    speeds = {one.name: one for one in decisions.measure(0.2)}
    assert speeds[codecs.YARDSTICK].ratio == 1
    assert len(speeds) == 6
    assert all(one.ratio > 0 for one in speeds.values())


def test_years_of_readings_are_charted_as_their_sum_says() -> None:
    seen = chart.measure(1, 2, rounds=2, minutes_a_reading=60)
    assert seen.readings == 2 * 365 * 24
    assert {name: spread.count for name, spread in seen.courses.items()} == {
        "24 hours": 2,
        "30 days": 2,
        "all years": 2,
    }
    assert min(seen.raw_s, seen.rebuild_s) > 0


def test_figures_are_written_where_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "codecs", "--seconds", "0.1", "--json", str(target)])
    assert bench.main() == 0
    figures = json.loads(target.read_text())
    assert figures["ratio_json_loads_of_1_kb"] == 1
    assert "printer: one slip" in capsys.readouterr().out
    assert all(figures[name] is None and how in figures[f"{name}_why"] for name, how in promised.HOW.items())


def test_what_was_measured_is_told_and_what_was_not_says_how_to() -> None:
    told = promised.completed({"recall_1e6_ms": 3.5, "machine": "this one"})
    assert (told["recall_1e6_ms"], told["machine"]) == (3.5, "this one")
    assert "recall_1e6_ms_why" not in told
    assert told["chart_5y_ms"] is None
    assert "--years 5" in told["chart_5y_ms_why"]


def test_a_quantile_is_a_value_that_was_measured() -> None:
    hundred = list(range(1, 101))
    assert [quantile(hundred, share) for share in (0, 0.5, 0.95, 1)] == [1, 50, 95, 100]
    assert quantile([7.0], 0.95) == 7.0
    assert Spread.of([0.003, 0.001, 0.002]) == Spread(3, 2.0, 3.0, 3.0, 3.0)


def test_a_table_lines_up() -> None:
    assert table(("", "n"), [("long name", "1"), ("x", "100")]) == "             n\nlong name    1\nx          100"


def test_a_recall_finds_what_a_scan_finds() -> None:
    seen = recall.measure(doses=300, lots=30)
    assert seen.found == 10
    assert min(seen.recall_s, seen.scan_s) > 0


def test_no_bench_gives_a_dose_after_a_stop_order_was_answered() -> None:
    seen = stops.measure(benches=3)
    assert (seen.benches, seen.given) == (3, 0)
    assert 0 < seen.answered_s < seen.last_refused_s


async def test_a_night_of_readings_is_stored_three_ways() -> None:
    seen = await readings.measure(fridges=6, minutes=60, rounds=2)
    assert (seen.readings, seen.excursions, seen.at_leisure.count) == (360, 2, 12)
    assert min(seen.commits, seen.judged_s, seen.kept_s, seen.inserted_s, seen.heard_s, seen.at_leisure.p50) > 0


async def test_a_page_is_waited_for_from_its_reading_on() -> None:
    seen = await pages.measure(1)
    assert 0 < seen.acknowledged_s[0] < seen.paged_s[0]
    assert seen.bare_s[0] > 0


def test_packets_are_cut_alike_however_they_come() -> None:
    published, acknowledged = bytes((0x32, 0x82, 0x01)) + bytes(130), bytes((0x40, 0x02, 0x00, 0x07))
    packets, stream = Packets(), published + acknowledged
    found = [packet for place in range(len(stream)) for packet in packets.cut(stream[place : place + 1])]
    assert found == list(Packets().cut(stream)) == [(PUBLISH, 2, bytes(130)), (PUBACK, 0, b"\x00\x07")]


async def test_visits_go_through_every_gate_beside_their_yardsticks() -> None:
    size = visits.Size({1: 1, 2: 2}, rounds=1, recorded=2)
    outcome = await visits.measure("sqlite", size)
    assert set(outcome.by) == set(report.FRONTS)
    for clients, came in size.visits.items():
        seen = outcome.by["product"][clients]
        assert {step: len(times) for step, times in seen.took_s.items()} == dict.fromkeys(STEPS, came)
        one = report.compared(outcome)[clients]
        assert one.limit == pytest.approx(1 / (1 / one.rates["sql"][0] + 1 / one.rates["wire"][0]))
        assert one.vs_limit == pytest.approx(one.rates["product"][0] / one.limit)
    assert {"visits_c1_vs_limit", "visits_c2_step_p99_vs_limit"} <= set(report.figures(outcome, "visits"))


def test_a_recording_holds_all_that_came_before_and_then_requests_alone(tmp_path: Path) -> None:
    recorder = Recorder()
    thread = threading.Thread(target=_send_twice, args=(recorder,), name="writer")
    thread.start()
    thread.join()
    _send_to(recorder)  # on a thread that is not the writer's
    recorder.save(tmp_path / "recording")
    before, since = pickle.loads((tmp_path / "recording").read_bytes())  # noqa: S301  # written above
    assert [len(statements) for _, statements in before] == [3, 3]
    own = [(text, ()) for text in ("SAVEPOINT action", "INSERT INTO first_answer ...", "RELEASE SAVEPOINT action")]
    assert since == [([("SELECT the head", ())], own)]


def _send_twice(recorder: Recorder) -> None:
    _send_to(recorder)
    recorder.mark()
    _send_to(recorder)


def _send_to(recorder: Recorder) -> None:
    """Send one action of the server's own and one request, each in a transaction."""
    for text in ("UPDATE something", "INSERT INTO first_answer ..."):
        for sent in ("BEGIN IMMEDIATE", "SELECT the head", "SAVEPOINT action", text, "RELEASE SAVEPOINT action"):
            recorder.heard(None, None, sent, (), None, False)


def test_a_slow_disk_lets_every_flush_take_longer(tmp_path: Path) -> None:
    program = "import os, time; file = os.open('flushed', os.O_CREAT | os.O_WRONLY); began_at = time.monotonic();"
    program += "os.write(file, b'x'); os.fsync(file); os.fdatasync(file); print(time.monotonic() - began_at)"
    command = [sys.executable, "-c", program]
    environment = {**os.environ, **slow_disk(tmp_path, delay_ms=30)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)  # noqa: S603  # our own
    assert float(done.stdout) >= 0.06


async def test_a_past_is_as_long_as_it_should_be_and_people_still_come() -> None:
    grown = await growth.measure([12], visits=growth.CLIENTS, rounds=1)
    one = grown[12]
    assert all(len(times) == growth.CLIENTS for times in one.rounds.took_s.values())
    assert min(*one.pages_s.values(), one.start_s, one.start_cpu_s, one.start_mb, one.end_mb) > 0
    assert one.visits == 12


async def test_a_day_of_visits_is_served_and_the_memory_after_it_is_told() -> None:
    day = await growth.a_day(4, clients=2)
    assert [len(times) for times in day.rounds.took_s.values()] == [4] * len(STEPS)
    assert 0 < day.start_mb < day.end_mb


async def test_every_open_page_is_told_and_none_is_left_of_those_that_went_away() -> None:
    seen = await streams.measure([3, 5], check_ins=2, disconnects=10)
    assert {pages: spread.count for pages, spread in seen.last_told.items()} == {3: 2, 5: 2}
    assert seen.left == 0
