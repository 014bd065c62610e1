"""Pairs of people at a served server who want the same thing at the same instant: one of each pair gets it."""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Column, Connection, func, select

from clinic_server.kit.engines import reader_engine
from clinic_server.rehearsal import Cast, Plan, prepare
from clinic_server.stock.tables import draw
from clinic_server.visits.tables import dose, visit
from firmware_stubs.rehearsal import cast as players
from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.deeds import Deed
from firmware_stubs.rehearsal.ledger import Ledger, Write
from firmware_stubs.rehearsal.seat import Seat
from tests.faults.forked import ForkedVictim
from tests.peers import free_port

ON_A_TRAY = 10  # as many as stand in each box at the beginning


@dataclass(slots=True)
class Races:
    """What a run came to; ``doubled`` is empty when of each pair exactly one got it."""

    engine: str
    desk_pairs: int = 0
    bench_pairs: int = 0
    seconds: float = 0.0
    doubled: list[str] = field(default_factory=list)

    @property
    def pairs_a_second(self) -> float:
        """How many pairs were raced, with everything that led to them."""
        return (self.desk_pairs + self.bench_pairs) / self.seconds


def race(engine: str, pairs: int, database_url: str | None) -> Races:
    """Race two desks for one person ``pairs`` times, and two vaccinators for one vial half as often."""
    races = Races(engine)
    with tempfile.TemporaryDirectory(prefix="clinic-races-") as folder:
        plan = Plan(Path(folder), free_port(), database_url, units=max(1, pairs // 2), mqtt_url=None)
        made = prepare(plan)
        with ForkedVictim(made) as server, ExitStack() as seats:
            server.start()
            floor = _Floor(made, seats)
            began_at = time.monotonic()
            for number, code in enumerate(made.trace_codes):
                _race_for_a_vial(floor, races, number, code)
            races.seconds = time.monotonic() - began_at
            races.doubled += [str(fault) for fault in floor.ledger.faults]
            if server.stop() not in (0, -15) or server.verify():
                races.doubled.append("the journal does not verify")
        _look_into(made, races)
    return races


class _Floor:
    """The seats of the site, each signed in at its own connection."""

    def __init__(self, made: Cast, stack: ExitStack) -> None:
        cast = players.Cast.load(Path(made.folder) / "cast.json")
        self.cast, self.ledger = cast, Ledger()
        stop = Event()
        self.seats: dict[str, Seat] = {}
        for player in cast.staff:
            seat = self.seats[player.station] = Seat(cast, player, self.ledger, stop, waits_s=30)
            stack.callback(seat.close)
        again = next(player for player in cast.staff if player.station == "bench-2")
        self.seats["bench-1 again"] = Seat(cast, replace(again, station="bench-1"), self.ledger, stop, waits_s=30)
        stack.callback(self.seats["bench-1 again"].close)
        stack.callback(stop.set)
        for station in ("screening-1", "screening-2", "observation-1"):
            self.seats[station].ask("/api/v1/stations")  # whoever asks signs in first: an opening counts who is here
        self.seats["office"].do(deeds.open_site())
        for start in range(0, len(cast.trace_codes), ON_A_TRAY):
            tray = cast.trace_codes[start : start + ON_A_TRAY]
            if set(tray) - set(cast.trays["bench-1"]):
                self.seats["bench-1"].do(deeds.fetch_units("bench-1", tray))
        self.check_list = self.seats["bench-1"].ask("/api/v1/check-list")


def _race_for_a_vial(floor: _Floor, races: Races, number: int, code: str) -> None:
    """Two people, each checked in at two desks at once; then both before one vial, with a vaccinator each."""
    visits = [_raced_check_in(floor, races, 2 * number + place) for place in (0, 1)]
    if not all(visits):
        return
    for visit_id in visits:
        _lead_to_the_bench(floor, visit_id)
    benches = ("bench-1", "bench-1 again")
    permits = [
        floor.seats[bench].do(deeds.ask_for_permit(visit_id, code, floor.check_list))
        for bench, visit_id in zip(benches, visits, strict=True)
    ]
    if not all(permit.is_accepted for permit in permits):
        races.doubled.append(f"vial {number}: no permits, no race: {[permit.findings for permit in permits]}")
        return
    giving = [
        (bench, deeds.give_dose(visit_id, permit.answer["permit_id"], "left_upper_arm", code))
        for bench, visit_id, permit in zip(benches, visits, permits, strict=True)
    ]
    races.bench_pairs += 1
    _expect_one(races, _at_once(floor, giving), f"vial {number}")


def _raced_check_in(floor: _Floor, races: Races, number: int) -> str:
    person = {
        "typed_reason": "no_card",
        "document_kind": "passport",
        "number": f"E{10_000_000 + number}",
        "issuing_country": "CHN",
        "name": "演示来客",
        "sex": "female",
        "born_on": "1980-05-01",
    }
    races.desk_pairs += 1
    writes = _at_once(floor, [(desk, deeds.check_in_typed(person)) for desk in ("desk-1", "desk-2")])
    _expect_one(races, writes, f"person {number}")
    return next((write.ref for write in writes if write.is_accepted), "")


def _lead_to_the_bench(floor: _Floor, visit_id: str) -> None:
    physician, desk = floor.seats["screening-1"], floor.seats["consent-1"]
    asked = physician.ask(f"/api/v1/visits/{visit_id}/questions")
    answers = {question["code"]: "no" for question in asked["questions"]}
    screening = physician.do(deeds.answer_questions(visit_id, answers, {}))
    decided = {"screening_id": screening.ref, "outcome": "recommended", "product_code": floor.cast.product_code}
    physician.do(deeds.decide(visit_id, decided))
    sheet = desk.ask(f"/api/v1/visits/{visit_id}/consent?language=zh-CN")
    desk.do(deeds.consent(visit_id, sheet, [deeds.signature("recipient", "self")]))


def _at_once(floor: _Floor, wanted: Iterable[tuple[str, Deed]]) -> list[Write]:
    """Let each seat do its deed from a thread of its own, all let go at the same instant."""
    acts = list(wanted)
    start, writes = threading.Barrier(len(acts)), [Write("", "", "", "", None, "", None)] * len(acts)

    def go(place: int, seat: Seat, deed: Deed) -> None:
        start.wait()
        writes[place] = seat.do(deed)

    threads = [
        threading.Thread(target=go, args=(place, floor.seats[station], deed))
        for place, (station, deed) in enumerate(acts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return writes


def _expect_one(races: Races, writes: list[Write], what: str) -> None:
    accepted = sum(write.is_accepted for write in writes)
    if accepted != 1:
        races.doubled.append(f"{what}: {accepted} of {len(writes)} got it")


def _look_into(made: Cast, races: Races) -> None:
    """Ask the rows themselves: as many visits, doses and draws as races, none of one person or unit twice."""
    engine = reader_engine(made.database_url)
    counts: list[tuple[str, Callable[[Connection], Iterable[int]], int]] = [
        ("visits of one person", lambda c: _counted(c, visit.c.person_id), races.desk_pairs),
        ("doses of one unit", lambda c: _counted(c, dose.c.unit_id), races.bench_pairs),
        ("draws of one unit", lambda c: _counted(c, draw.c.unit_id), races.bench_pairs),
    ]
    try:
        with engine.connect() as connection:
            for what, question, expected in counts:
                found = Counter(question(connection))
                if found != Counter({1: expected}):
                    races.doubled.append(f"{what}: {dict(found)}, not {expected} times one")
    finally:
        engine.dispose()


def _counted(connection: Connection, column: Column[Any]) -> Iterable[int]:
    return connection.execute(select(func.count(column)).group_by(column)).scalars()
