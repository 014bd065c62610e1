"""How long after a stop order is sent the last of many benches, each with a permit in hand, is refused."""

import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from clinic_server.rehearsal import Plan, prepare
from firmware_stubs.rehearsal import cast as players
from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.deeds import Deed
from firmware_stubs.rehearsal.ledger import Ledger
from firmware_stubs.rehearsal.seat import Seat
from tests.faults.forked import ForkedVictim
from tests.peers import free_port


@dataclass(frozen=True, slots=True)
class Stopped:
    """Seconds from sending the order to its answer, and to the last bench's refusal; ``given`` must be none."""

    benches: int
    answered_s: float
    last_refused_s: float
    given: int


def measure(benches: int) -> Stopped:
    """Let every bench hold a permit, stop the product, and let all of them press "given" at once."""
    with tempfile.TemporaryDirectory(prefix="clinic-stops-") as folder, ExitStack() as stack:
        made = prepare(Plan(Path(folder), free_port(), benches=benches, units=10 * benches))
        server = stack.enter_context(ForkedVictim(made))
        server.start()
        cast, ledger, end = players.Cast.load(Path(folder) / "cast.json"), Ledger(), Event()
        seats = {one.station: Seat(cast, one, ledger, end, waits_s=30) for one in cast.staff}
        for seat in seats.values():
            stack.callback(seat.close)
        stack.callback(end.set)
        for station in ("screening-1", "screening-2", "observation-1"):
            seats[station].ask("/api/v1/stations")
        seats["office"].do(deeds.open_site())
        pressing = [_with_permit(cast, seats, f"bench-{n + 1}", n) for n in range(benches)]
        order = {"scope": "product", "target": cast.product_code, "reason": "bench"}
        began_at = time.perf_counter()
        placed = seats["bench-1"].do(Deed("/api/v1/stops", "stop_placed", order, ref_field="stop_id"))
        answered_s = time.perf_counter() - began_at
        if not placed.is_accepted:
            raise AssertionError(f"the stop order was refused: {placed.code}")
        given = _all_at_once(seats, pressing)
        return Stopped(benches, answered_s, time.perf_counter() - began_at, given)


def _with_permit(cast: players.Cast, seats: dict[str, Seat], bench: str, number: int) -> tuple[str, Deed]:
    person = {"typed_reason": "no_card", "document_kind": "passport", "number": f"E{20_000_000 + number}"}
    person |= {"issuing_country": "CHN", "name": "演示来客", "sex": "female", "born_on": "1980-05-01"}
    visit_id = seats["desk-1"].do(deeds.check_in_typed(person)).ref
    physician, desk = seats["screening-1"], seats["consent-1"]
    asked: Any = physician.ask(f"/api/v1/visits/{visit_id}/questions")
    answers = {question["code"]: "no" for question in asked["questions"]}
    screening = physician.do(deeds.answer_questions(visit_id, answers, {}))
    decided = {"screening_id": screening.ref, "outcome": "recommended", "product_code": cast.product_code}
    physician.do(deeds.decide(visit_id, decided))
    sheet = desk.ask(f"/api/v1/visits/{visit_id}/consent?language=zh-CN")
    desk.do(deeds.consent(visit_id, sheet, [deeds.signature("recipient", "self")]))
    vial = cast.trays[bench][0]
    permit = seats[bench].do(deeds.ask_for_permit(visit_id, vial, seats[bench].ask("/api/v1/check-list")))
    if not permit.is_accepted:
        raise AssertionError(f"{bench} got no permit: {permit.findings}")
    return bench, deeds.give_dose(visit_id, permit.answer["permit_id"], "left_upper_arm", vial)


def _all_at_once(seats: dict[str, Seat], pressing: list[tuple[str, Deed]]) -> int:
    """Return how many benches were let through."""
    through: list[str] = []

    def press(bench: str, deed: Deed) -> None:
        if seats[bench].do(deed).is_accepted:
            through.append(bench)

    threads = [threading.Thread(target=press, args=one) for one in pressing]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(through)
