"""The comparison itself: what is missing, doubled or halved is reported; what nobody answered may be there or not."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_stubs.rehearsal.ledger import Ledger, Outcome, Write
from firmware_stubs.rehearsal.proof import Verdict, prove
from firmware_stubs.rehearsal.testimony import Closing, Opening, VisitTold

OPENING = Opening(head_seq=10, doses=frozenset(), visits=0, drawn=0, received=0)
VISIT = "visit-1"
STEPS = ("checked_in", "answered", "recommended", "consented", "dose_given", "left")
ACTED = [  # kind, reference, station, step
    ("checked_in", VISIT, "desk-1", "checked_in"),
    ("questions_answered", "screening-9", "screening-1", "answered"),
    ("decision_made", "decision-9", "screening-1", "recommended"),
    ("consent_signed", "consent-9", "consent-1", "consented"),
    ("permit_granted", VISIT, "bench-1", None),
    ("dose_given", "dose-9", "bench-1", "dose_given"),
    ("person_left", VISIT, "observation-1", "left"),
]
DOSE = {"dose_id": "dose-9", "visit_id": VISIT, "person_id": "person-1", "trace_code": "8001"}


def acted(ledger: Ledger, *deeds: tuple[str, str, str, str | None]) -> Ledger:
    """Note deeds as the server acknowledged them."""
    for number, (kind, ref, station, step) in enumerate(deeds):
        vial = "8001" if kind == "dose_given" else ""
        write = Write(f"key-{number}", station, kind, "/", 1, VISIT, step, ref, vial, Outcome.ACCEPTED, 201)
        ledger.begin(write)
        ledger.settle(write)
    return ledger


def unanswered(ledger: Ledger, kind: str, station: str, step: str, visit_id: str = VISIT) -> Ledger:
    """Note a deed nobody ever answered."""
    ledger.begin(Write("key-open", station, kind, "/", 2, visit_id, step))
    return ledger


def told() -> Closing:
    """What a server says that recorded exactly what was acted."""
    return Closing(
        visits={VISIT: VisitTold("completed", STEPS)},
        lines=Counter({(kind, ref, station): 1 for kind, ref, station, _ in ACTED}),
        doses=[DOSE],
        visit_count=1,
        drawn=1,
        received=0,
        doses_per_unit=1,
        chain_faults=[],
        readings={("fridge-1", 5): [0, 1, 2]},
    )


@pytest.fixture(name="ledger")
def _ledger() -> Ledger:
    ledger = acted(Ledger(), *ACTED)
    ledger.note_measured("fridge-1", 5, 3, 4_500)
    return ledger


def verdicts(ledger: Ledger, closing: Closing) -> set[Verdict]:
    return {difference.verdict for difference in prove(ledger, OPENING, closing).differences}


def without(line: tuple[str, str, str]) -> Callable[[Closing], Closing]:
    return lambda closing: replace(closing, lines=closing.lines - Counter([line]))


def with_line(line: tuple[str, str, str]) -> Callable[[Closing], Closing]:
    return lambda closing: replace(closing, lines=closing.lines + Counter([line]))


def with_visit(visit_id: str, visit: VisitTold) -> Callable[[Closing], Closing]:
    return lambda closing: replace(closing, visits={**closing.visits, visit_id: visit})


def with_(**changed: object) -> Callable[[Closing], Closing]:
    return lambda closing: replace(closing, **changed)  # type: ignore[arg-type]  # one field each, of its own type


def test_books_that_agree_show_no_difference(ledger: Ledger) -> None:
    assert verdicts(ledger, told()) == set()


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (without(("decision_made", "decision-9", "screening-1")), Verdict.LOST),
        (without(("permit_granted", VISIT, "bench-1")), Verdict.LOST),
        (with_line(("dose_given", "dose-9", "bench-1")), Verdict.DOUBLED),
        (with_line(("dose_given", "dose-10", "bench-1")), Verdict.DOUBLED),
        (with_line(("person_left", VISIT, "observation-1")), Verdict.DOUBLED),
        (with_visit(VISIT, VisitTold("waiting_for_consent", STEPS[:3])), Verdict.LOST),
        (with_visit(VISIT, VisitTold("absent", ())), Verdict.LOST),
        (with_visit(VISIT, VisitTold("completed", (*STEPS, "left"))), Verdict.DOUBLED),
        (with_visit(VISIT, VisitTold("observed", STEPS)), Verdict.HALF),
        (with_visit("visit-2", VisitTold("waiting_for_screening", ("checked_in",))), Verdict.DOUBLED),
        (with_(visit_count=2), Verdict.HALF),
        (with_(doses=[]), Verdict.LOST),
        (with_(doses=[DOSE, {**DOSE, "dose_id": "dose-10"}], drawn=2), Verdict.DOUBLED),
        (with_(doses=[{**DOSE, "trace_code": "8002"}]), Verdict.HALF),
        (with_(drawn=2), Verdict.HALF),
        (with_(drawn=0), Verdict.HALF),
        (with_(received=100), Verdict.DOUBLED),
        (with_(readings={("fridge-1", 5): [0, 2]}), Verdict.LOST),
        (with_(readings={("fridge-1", 5): [0, 1, 1, 2]}), Verdict.DOUBLED),
        (with_(chain_faults=["line 4 was altered"]), Verdict.UNPROVEN),
    ],
)
def test_whatever_the_server_tells_differently_is_reported(
    ledger: Ledger, change: Callable[[Closing], Closing], verdict: Verdict
) -> None:
    assert verdict in verdicts(ledger, change(told()))


WARM = 9_400
EXCURSION = {"probe_id": "fridge-2", "place_code": "fridge-2", "max_milli_celsius": WARM, "is_withdrawn": False}
ALERT = {"facts": {"place_code": "fridge-2"}, "pages": [{"is_reached": True}]}


@pytest.fixture(name="warm")
def _warm(ledger: Ledger) -> Ledger:
    """Books of a day on which a fridge failed for hours, and a pager said so."""
    for seq in range(130):
        ledger.note_measured("fridge-2", 5, seq + 1, WARM)
    ledger.note_paged("示范接种点: 呼叫\n#7 报警 · fridge-2 温度过高 · +9.4C 12MIN · 03-01 03:00")
    return ledger


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set()),
        ({"excursions": []}, {Verdict.LOST}),
        ({"excursions": [{**EXCURSION, "max_milli_celsius": WARM - 1}]}, {Verdict.LOST}),
        ({"excursions": [{**EXCURSION, "is_withdrawn": True}]}, {Verdict.LOST}),
        ({"excursions": [EXCURSION, {**EXCURSION, "probe_id": "fridge-1"}]}, {Verdict.DOUBLED}),
        ({"alerts": {7: {**ALERT, "facts": {"place_code": "fridge-1"}}}}, {Verdict.LOST}),
        ({"alerts": {7: ALERT, 8: ALERT}}, {Verdict.LOST}),
        ({"alerts": {7: {**ALERT, "pages": [{"is_reached": False}]}}}, {Verdict.LOST}),
        ({"alerts": {7: {**ALERT, "pages": []}}}, {Verdict.DOUBLED, Verdict.LOST}),
        ({"alerts": {7: None}}, {Verdict.DOUBLED, Verdict.LOST}),
    ],
)
def test_a_fridge_that_failed_has_its_excursion_and_woke_somebody(
    warm: Ledger, changed: dict[str, object], expected: set[Verdict]
) -> None:
    readings = {("fridge-1", 5): [0, 1, 2], ("fridge-2", 5): list(range(130))}
    agreed = with_(readings=readings, excursions=[EXCURSION], alerts={7: ALERT})(told())
    assert verdicts(warm, with_(**changed)(agreed)) == expected


def test_a_write_nobody_answered_may_be_wholly_there_or_wholly_absent() -> None:
    ledger = unanswered(acted(Ledger(), *ACTED[:-1]), "person_left", "observation-1", "left")
    assert verdicts(ledger, told()) == set()
    absent = without(("person_left", VISIT, "observation-1"))(told())
    assert verdicts(ledger, with_visit(VISIT, VisitTold("observed", STEPS[:-1]))(absent)) == set()


def test_a_write_nobody_answered_may_not_be_there_by_half() -> None:
    ledger = unanswered(acted(Ledger(), *ACTED[:-1]), "person_left", "observation-1", "left")
    absent = without(("person_left", VISIT, "observation-1"))(told())
    assert Verdict.HALF in verdicts(ledger, absent)
    assert Verdict.HALF in verdicts(ledger, with_visit(VISIT, VisitTold("observed", STEPS[:-1]))(told()))


def test_a_check_in_nobody_answered_explains_one_visit_and_no_more() -> None:
    ledger = unanswered(acted(Ledger(), *ACTED), "checked_in", "desk-2", "checked_in", visit_id="")
    waiting = VisitTold("waiting_for_screening", ("checked_in",))
    one = with_line(("checked_in", "visit-2", "desk-2"))(with_visit("visit-2", waiting)(told()))
    assert verdicts(ledger, replace(one, visit_count=2)) == set()
    two = with_line(("checked_in", "visit-3", "desk-2"))(with_visit("visit-3", waiting)(one))
    assert Verdict.DOUBLED in verdicts(ledger, replace(two, visit_count=3))


def test_the_books_on_paper_are_the_books(tmp_path: Path) -> None:
    paper = tmp_path / "ledger.jsonl"
    ledger = unanswered(acted(Ledger(paper), *ACTED), "person_left", "observation-1", "left")
    ledger.close()
    assert Ledger.read(paper).writes == ledger.writes
