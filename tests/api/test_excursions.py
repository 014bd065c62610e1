"""Excursions over real readings: found in the same transaction, holding what stood there, decided about by name."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from clinic_server.alerts.contacts import NewContact, add_contact
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertKind, DueKind, Severity
from clinic_server.alerts.tables import alert, page_due
from clinic_server.cold_chain import actions as cold_chain
from clinic_server.cold_chain.excursions import actions, following
from clinic_server.cold_chain.excursions.doubts import say_doubts
from clinic_server.cold_chain.excursions.exposure import exposures_of
from clinic_server.cold_chain.excursions.gaps import GapFacts, gaps_since
from clinic_server.cold_chain.excursions.lookup import ExcursionFacts, excursions, limits_of, units_of, verdicts_of
from clinic_server.cold_chain.excursions.rules import (
    DispositionKind,
    Evaluation,
    EvaluationNeeded,
    EvaluationUnusable,
    NewDisposition,
    NothingToDecide,
    PlaceNotInOrder,
    QaCodeNeeded,
    StillExposed,
    Verdict,
)
from clinic_server.cold_chain.excursions.silence import note_silence
from clinic_server.cold_chain.excursions.tables import excursion_now
from clinic_server.cold_chain.judge import judge
from clinic_server.cold_chain.judging import BreachKind, Point
from clinic_server.cold_chain.profiles import profile_of
from clinic_server.cold_chain.rules import Condition, Fault, Sample
from clinic_server.cold_chain.tables import to_unix_ms
from clinic_server.cold_chain.upkeep.limits import RuleChange, unchanged
from clinic_server.cold_chain.upkeep.site_limits import NewLimits, confirm_limits, propose_limits
from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.journal import verify
from clinic_server.recall.actions import NewDestruction, confirm_destruction, propose_destruction
from clinic_server.staff.rules import Role
from clinic_server.stock import holds
from clinic_server.stock.actions import NewLot, receive_units
from clinic_server.stock.places import require_place
from clinic_server.stock.units import carry_units, move_units, unit_by_code, units_in
from clinic_server.stock.whereabouts import HoldEnd, HoldReason, MovementKind, NeedsDisposition, UnitNotHeld
from tests.api.test_injection import a_consented_visit, findings_of, permitted
from tests.api.test_injection import given as given_dose
from tests.api.visitors import PRODUCT, SYSTEM, a_colleague, a_lot, a_place, a_product, an_open_site, rows_in
from tests.conftest import ManualClock

DEVICES = system_actor("devices")
START = ManualClock().now()
CODES = [f"8100000100000000000{n}" for n in range(1, 7)]
LETTER = Evaluation("QA-2026-17", b"%PDF-1.7 made up")


def said(minute: float, milli_celsius: int | None, probe_id: str = "p1", fault: Fault | None = None) -> Sample:
    """What a probe measured some minutes after the start."""
    return Sample(probe_id, 1, int(minute * 60), START + timedelta(minutes=minute), milli_celsius, fault)


def hears(db: Database, *samples: Sample) -> None:
    """Readings arrive as they are taken, or later where the clock is ahead of them already."""
    ahead = max(sample.measured_at or START for sample in samples) - db.clock.now()
    db.clock.pass_time(seconds=max(0.0, ahead.total_seconds()))  # type: ignore[attr-defined]  # a clock of the tests
    db.write_now(lambda tx: cold_chain.store_readings(tx, samples), DEVICES)


def course(first: int, *milli_celsius: int, probe_id: str = "p1") -> list[Sample]:
    """One reading a minute from a minute on."""
    return [said(first + place, value, probe_id) for place, value in enumerate(milli_celsius)]


def warm(first: int, minutes: int, milli_celsius: int = 9_400) -> list[Sample]:
    """The minutes a probe needs to get there from 5 °C, and then ``minutes`` of it."""
    return course(first, 5_000, 7_000, *[milli_celsius] * (minutes + 1))


def calm(first: int, minutes: int = 8) -> list[Sample]:
    return course(first, 7_000, *[5_000] * minutes)


def stands(db: Database, place_code: str = "fridge-1", *probe_ids: str) -> None:
    a_place(db, place_code)
    for probe_id in probe_ids or ("p1",):
        db.write_now(lambda tx, p=probe_id: cold_chain.assign_probe(tx, p, place_code), DEVICES)  # type: ignore[misc]  # a loop's lambda


def found(db: Database) -> Sequence[ExcursionFacts]:
    return db.read_now(excursions)


def one(db: Database) -> ExcursionFacts:
    (only,) = found(db)
    return only


def is_held(db: Database, code: str) -> bool:
    unit = db.read_now(lambda c: unit_by_code(c, code))
    assert unit
    return unit.is_held


def unit_id(db: Database, code: str) -> UUID:
    unit = db.read_now(lambda c: unit_by_code(c, code))
    assert unit
    return unit.unit_id


def alerts(db: Database) -> dict[AlertKind, tuple[Severity, str]]:
    return {each.kind: (each.severity, each.summary) for each in db.read_now(open_alerts)}


def calls(db: Database) -> int:
    """How many alerts there were."""
    return db.read_now(lambda c: c.execute(select(func.count()).select_from(alert)).scalar_one())


def gaps(db: Database) -> Sequence[GapFacts]:
    return db.read_now(lambda c: gaps_since(c, "fridge-1", START - timedelta(days=1)))


def move(db: Database, code: str, to: str, how: Callable[..., Any] = move_units) -> None:
    def carry(tx: Any) -> None:
        unit = unit_by_code(tx.connection, code)
        assert unit
        how(tx, MovementKind.MOVED, [unit], require_place(tx.connection, to))
        tx.journal("moved")

    db.write_now(carry, SYSTEM)


@pytest.fixture(name="fridge")
def _fridge(db: Database) -> Database:
    """A fridge with a probe and three units in it."""
    a_product(db)
    a_lot(db, *CODES[:3], bench=None)
    stands(db)
    return db


@pytest.fixture(name="keeper")
def _keeper(db: Database) -> Actor:
    return a_colleague(db, Role.COLD_CHAIN_KEEPER)


def test_out_of_range_long_enough_is_an_excursion_and_holds_what_stands_there(
    fridge: Database, clock: ManualClock
) -> None:
    """Invariant 37: within one polling interval of the delay, and in the same transaction."""
    clock.pass_time(minutes=12)
    hears(fridge, *warm(0, 9))
    assert found(fridge) == []
    hears(fridge, said(12, 9_400))
    seen = one(fridge)
    assert (seen.kind, seen.severity, seen.place_code, seen.is_open) == (
        BreachKind.TOO_WARM,
        Severity.ALARM,
        "fridge-1",
        True,
    )
    assert (seen.began_at, seen.max_milli_celsius) == (START + timedelta(minutes=2), 9_400)
    assert all(is_held(fridge, code) for code in CODES[:3])
    assert alerts(fridge) == {AlertKind.TOO_WARM: (Severity.ALARM, "+9.4C 10MIN")}
    assert fridge.read_now(lambda c: verify(c, fridge.keyring.journal_key)).faults == []


def test_a_door_left_open_is_no_excursion_and_exactly_eight_degrees_is_in_range(fridge: Database) -> None:
    hears(fridge, *warm(0, 8), *calm(11), *course(20, *[8_000] * 30))
    assert found(fridge) == []
    assert not is_held(fridge, CODES[0])


def test_what_comes_in_while_it_lasts_is_held_and_what_comes_afterwards_is_not(
    fridge: Database, clock: ManualClock
) -> None:
    a_place(fridge, "fridge-2")
    clock.pass_time(minutes=12)
    hears(fridge, *warm(0, 10))
    fridge.write_now(
        lambda tx: [
            receive_units(tx, NewLot(PRODUCT, "L-9", START.date() + timedelta(days=99), CODES[3:4], "fridge-1")),
            tx.journal("furnished"),
        ],
        SYSTEM,
    )
    assert is_held(fridge, CODES[3])
    clock.pass_time(minutes=9)
    hears(fridge, *calm(13))
    assert not one(fridge).is_open
    fridge.write_now(
        lambda tx: [
            receive_units(tx, NewLot(PRODUCT, "L-10", START.date() + timedelta(days=99), CODES[4:5], "fridge-1")),
            tx.journal("furnished"),
        ],
        SYSTEM,
    )
    assert not is_held(fridge, CODES[4])
    assert is_held(fridge, CODES[3])


def test_what_left_or_came_while_it_was_warm_was_exposed_too(fridge: Database, clock: ManualClock) -> None:
    """A unit carried off in the first minutes is held wherever it stands; one carried off before is not."""
    a_place(fridge, "fridge-2")
    clock.pass_time(minutes=1)
    move(fridge, CODES[0], "fridge-2")  # before the first reading out of range
    clock.pass_time(minutes=5)
    move(fridge, CODES[1], "fridge-2")
    clock.pass_time(minutes=6)
    hears(fridge, *warm(0, 10))
    assert [is_held(fridge, code) for code in CODES[:3]] == [False, True, True]


def test_recovery_ends_the_excursion_and_the_alert_and_holds_stay(fridge: Database, clock: ManualClock) -> None:
    clock.pass_time(minutes=30)
    hears(fridge, *warm(0, 12))
    hears(fridge, *calm(15))
    seen = one(fridge)
    assert seen.ended_at == START + timedelta(minutes=15)
    assert alerts(fridge) == {}
    assert is_held(fridge, CODES[0])
    verdicts = fridge.read_now(lambda c: verdicts_of(c, seen.excursion_id))
    assert [line.verdict for line in verdicts] == [Verdict.OPENED, Verdict.ENDED]


def test_warning_comes_before_alarm_and_holds_nothing(fridge: Database) -> None:
    hears(fridge, *course(0, *[5_000, 7_600], *[7_600] * 11))
    assert alerts(fridge) == {AlertKind.TOO_WARM: (Severity.WARNING, "+7.6C 11MIN")}
    assert found(fridge) == []
    hears(fridge, *calm(13))
    assert alerts(fridge) == {}


def test_it_grows_worse_and_says_so(fridge: Database) -> None:
    hears(fridge, *warm(0, 12))
    hears(fridge, *course(15, 11_000, *[12_500] * 5))
    seen = one(fridge)
    assert seen.severity is Severity.CRITICAL
    assert alerts(fridge)[AlertKind.TOO_WARM][0] is Severity.CRITICAL
    verdicts = fridge.read_now(lambda c: verdicts_of(c, seen.excursion_id))
    assert [line.verdict for line in verdicts] == [Verdict.OPENED, Verdict.WORSE]


def test_late_readings_withdraw_what_never_was_and_the_units_stay_held(fridge: Database, keeper: Actor) -> None:
    """Readings of the minutes between show that the door was opened twice, each time for less than the delay."""
    hot, cool = course(0, 5_000, 7_000, 9_000, 9_000), course(12, 9_000, 9_000)
    hears(fridge, *hot, *course(6, 9_000), *course(8, 9_000), *course(10, 9_000), *cool)
    seen = one(fridge)
    hears(fridge, said(5, 7_000), said(7, 7_000), said(9, 7_000))
    after = one(fridge)
    assert (seen.is_withdrawn, after.is_withdrawn) == (False, True)
    verdicts = fridge.read_now(lambda c: verdicts_of(c, seen.excursion_id))
    assert [(line.verdict, line.is_late) for line in verdicts] == [(Verdict.OPENED, False), (Verdict.WITHDRAWN, True)]
    assert is_held(fridge, CODES[0])
    assert alerts(fridge) == {}
    decide(fridge, keeper, after.excursion_id, CODES[:3], DispositionKind.RELEASED)
    assert not is_held(fridge, CODES[0])


def test_late_readings_show_that_it_began_earlier(fridge: Database, clock: ManualClock) -> None:
    clock.pass_time(hours=2)
    hears(fridge, *course(10, *[9_000] * 12))
    hears(fridge, *course(0, 5_000, 7_500, *[9_000] * 8))
    seen = one(fridge)
    assert seen.began_at == START + timedelta(minutes=2)
    verdicts = fridge.read_now(lambda c: verdicts_of(c, seen.excursion_id))
    assert [(line.verdict, line.is_late) for line in verdicts] == [(Verdict.OPENED, False), (Verdict.REVISED, True)]
    assert verdicts[0].began_at == START + timedelta(minutes=10)


def test_an_excursion_that_came_late_and_is_over_calls_once(fridge: Database, clock: ManualClock) -> None:
    whom = fridge.write_now(lambda tx: add_contact(tx, NewContact("Wang Duty")), SYSTEM).contact_id
    clock.pass_time(hours=8)
    hears(fridge, *warm(0, 14), *calm(17))
    assert is_held(fridge, CODES[0])
    assert alerts(fridge) == {}
    asked = select(page_due.c.contact_id, page_due.c.kind)
    assert fridge.read_now(lambda c: c.execute(asked).all()) == [(whom, DueKind.RECOVERY)]


temperatures = st.lists(
    st.tuples(st.sampled_from([5_000, 7_600, 8_000, 8_001, 9_400, 1_500, -700]), st.integers(1, 14)),
    min_size=1,
    max_size=9,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(temperatures=temperatures, data=st.data())
def test_the_excursions_are_those_of_the_sorted_readings_whatever_their_order(
    db: Database, temperatures: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Invariant 39: duplicates, disorder and delay change nothing about which excursions there are."""
    probe_id = f"p{rows_in(db)}"
    stands(db, "fridge-1", probe_id)
    values = [value for value, minutes in temperatures for _ in range(minutes)]
    first = (db.clock.now() - START) // timedelta(minutes=1) + 1
    samples = [said(first + place, value, probe_id) for place, value in enumerate(values)]
    order = data.draw(st.permutations(samples)) + data.draw(st.lists(st.sampled_from(samples), max_size=5))
    while order:
        size = data.draw(st.integers(1, len(order)))
        hears(db, *order[:size])
        order = order[size:]
    points = [Point(to_unix_ms(START + timedelta(minutes=first + place)), value) for place, value in enumerate(values)]
    wanted = judge(profile_of("cn-clinic-2-8"), points, points[-1].at_unix_ms).breaches
    kept = db.read_now(lambda c: c.execute(select(excursion_now).where(~excursion_now.c.is_withdrawn)).all())
    ids = {seen.excursion_id for seen in found(db) if seen.probe_id == probe_id}
    assert {_figures(row) for row in kept if row.excursion_id in ids} == {_figures(each) for each in wanted}


def _figures(breach: Any) -> tuple[Any, ...]:
    times = ("began_unix_ms", "alarmed_unix_ms", "last_out_unix_ms", "ended_unix_ms")
    told = ("kind", "severity", *times, "min_milli_celsius", "max_milli_celsius", "out_ms", "unknown_ms", "area")
    return tuple(getattr(breach, name) for name in told)


def test_a_late_reading_is_judged_from_an_hour_before_and_not_from_the_beginning(
    fridge: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hears(fridge, *course(0, *[5_000] * 600))
    read: list[int] = []
    points = following.points_after
    monkeypatch.setattr(following, "points_after", lambda *given: read.append(len(found := points(*given))) or found)
    hears(fridge, said(550.5, 5_100))
    assert read
    assert read[0] <= 120


def decide(
    db: Database,
    by: Actor,
    excursion_id: UUID | None,
    codes: Sequence[str],
    *decision: Any,
) -> None:
    """Decide as the maker wrote: the kind of decision, then the evaluation and the QA code, where there are any."""
    kind, *founded = decision
    new = NewDisposition(excursion_id, [unit_id(db, code) for code in codes], kind, "as the maker wrote", *founded)
    db.write_now(lambda tx: actions.decide(tx, new), by)


def test_only_a_written_evaluation_releases(fridge: Database, keeper: Actor) -> None:
    """Invariant 38."""
    hears(fridge, *warm(0, 12))
    hears(fridge, *calm(15))
    excursion_id = one(fridge).excursion_id
    with pytest.raises(EvaluationNeeded):
        decide(fridge, keeper, excursion_id, CODES[:1], DispositionKind.RELEASED)
    with pytest.raises(EvaluationUnusable):
        decide(fridge, keeper, excursion_id, CODES[:1], DispositionKind.RELEASED, Evaluation("1", b"MZ program"))
    assert is_held(fridge, CODES[0])
    decide(fridge, keeper, excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER)
    decide(fridge, keeper, excursion_id, CODES[1:2], DispositionKind.RETURNED)
    decide(fridge, keeper, excursion_id, CODES[2:3], DispositionKind.KEPT)
    assert [is_held(fridge, code) for code in CODES[:3]] == [False, True, True]
    waiting = fridge.read_now(lambda c: units_of(c, excursion_id))
    assert {each.unit.trace_code for each in waiting if each.waits} == {CODES[2]}
    with pytest.raises(NothingToDecide):
        decide(fridge, keeper, excursion_id, CODES[:1], DispositionKind.RETURNED)


def test_nothing_is_released_where_the_temperature_is_still_wrong(fridge: Database, keeper: Actor) -> None:
    """Invariant 38: carried away it is, and what stayed once it is over there; returned it may be at any time."""
    hears(fridge, *warm(0, 12))
    a_place(fridge, "fridge-2")
    excursion_id = one(fridge).excursion_id
    for codes in (CODES[:1], CODES[:2]):
        with pytest.raises(StillExposed):
            decide(fridge, keeper, excursion_id, codes, DispositionKind.RELEASED, LETTER)
    assert is_held(fridge, CODES[0])
    decide(fridge, keeper, excursion_id, CODES[2:3], DispositionKind.RETURNED)
    move(fridge, CODES[0], "fridge-2", carry_units)
    with pytest.raises(StillExposed):
        decide(fridge, keeper, excursion_id, CODES[:2], DispositionKind.RELEASED, LETTER)
    decide(fridge, keeper, excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER)
    hears(fridge, *calm(15))
    decide(fridge, keeper, excursion_id, CODES[1:2], DispositionKind.RELEASED, LETTER)
    assert [is_held(fridge, code) for code in CODES[:3]] == [False, False, True]


def test_what_was_released_is_held_again_once_late_readings_show_that_it_was_worse(
    fridge: Database, keeper: Actor
) -> None:
    """Invariant 38: the letter was about the minutes that were known."""
    hears(fridge, *warm(0, 10, 8_500), *calm(18))
    excursion_id, before = one(fridge).excursion_id, calls(fridge)
    decide(fridge, keeper, excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER)
    decide(fridge, keeper, excursion_id, CODES[1:2], DispositionKind.RETURNED)
    hears(fridge, said(13, 7_900))  # late, and no worse
    assert [is_held(fridge, code) for code in CODES[:2]] == [False, True]
    hears(fridge, *course(13, 12_000, 12_000, 12_000, probe_id="p1")[1:])
    assert is_held(fridge, CODES[0])
    assert calls(fridge) == before + 1
    waiting = fridge.read_now(lambda c: units_of(c, excursion_id))
    assert sorted(each.unit.trace_code for each in waiting if each.waits) == [CODES[0], CODES[2]]
    decide(fridge, keeper, excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER)
    assert not is_held(fridge, CODES[0])


def test_what_was_carried_away_and_released_is_held_again_once_late_readings_show_what_it_stood_in(
    fridge: Database, keeper: Actor
) -> None:
    """Though it lasts where the unit was, and is judged no otherwise than before."""
    hears(fridge, *course(0, 5_000, 7_000), *course(3, *[8_500] * 12))
    a_place(fridge, "fridge-2")
    move(fridge, CODES[0], "fridge-2", carry_units)
    decide(fridge, keeper, one(fridge).excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER)
    hears(fridge, said(7.5, 9_000))
    assert one(fridge).is_open
    assert is_held(fridge, CODES[0])


def test_what_was_carried_away_and_released_is_not_held_by_what_came_after_it(fridge: Database, keeper: Actor) -> None:
    hears(fridge, *warm(0, 12, 8_500))
    a_place(fridge, "fridge-2")
    move(fridge, CODES[0], "fridge-2", carry_units)
    decide(fridge, keeper, one(fridge).excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER)
    hears(fridge, *course(15, *[20_000] * 30))
    hears(fridge, *calm(45))
    assert [is_held(fridge, code) for code in CODES[:2]] == [False, True]


def test_what_froze_is_released_only_with_the_code_of_quality_assurance(fridge: Database, keeper: Actor) -> None:
    """Invariant 38: the product is freeze-sensitive."""
    hears(fridge, *course(0, 4_000, 2_000, 0, *[-1_000] * 13))
    frozen = next(each for each in found(fridge) if each.kind is BreachKind.FROZEN)
    with pytest.raises(QaCodeNeeded):
        decide(fridge, keeper, frozen.excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER)
    cold = next(each for each in found(fridge) if each.kind is BreachKind.TOO_COLD)
    with pytest.raises(QaCodeNeeded):
        decide(fridge, keeper, cold.excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER)
    hears(fridge, *course(16, 1_000, 3_000, *[5_000] * 8))
    decide(fridge, keeper, frozen.excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER, "QA-7")
    assert is_held(fridge, CODES[0])  # the cold excursion holds it as well
    decide(fridge, keeper, cold.excursion_id, CODES[:1], DispositionKind.RELEASED, LETTER, "QA-7")
    assert not is_held(fridge, CODES[0])


def test_no_note_on_the_page_of_holds_releases_what_was_out_of_its_temperature(fridge: Database, keeper: Actor) -> None:
    """Invariant 38: neither by itself nor beside another hold."""
    hears(fridge, *warm(0, 12))
    first = unit_id(fridge, CODES[0])
    with pytest.raises(NeedsDisposition):
        fridge.write_now(lambda tx: holds.decide(tx, first, HoldEnd.RELEASED, "fine"), keeper)
    fridge.write_now(lambda tx: holds.hold(tx, holds.NewHold(HoldReason.DOUBTED, CODES[:1])), keeper)
    fridge.write_now(lambda tx: holds.decide(tx, first, HoldEnd.RELEASED, "fine"), keeper)
    assert is_held(fridge, CODES[0])
    a_lot(fridge, CODES[5], number="L-7")
    with pytest.raises(UnitNotHeld):
        fridge.write_now(lambda tx: holds.decide(tx, unit_id(fridge, CODES[5]), HoldEnd.RELEASED, "?"), keeper)


def test_what_was_held_by_hand_for_its_temperature_is_decided_about_the_same_way(
    fridge: Database, keeper: Actor
) -> None:
    fridge.write_now(lambda tx: holds.hold(tx, holds.NewHold(HoldReason.TEMPERATURE, CODES[:1])), keeper)
    with pytest.raises(EvaluationNeeded):
        decide(fridge, keeper, None, CODES[:1], DispositionKind.RELEASED)
    decide(fridge, keeper, None, CODES[:1], DispositionKind.RELEASED, LETTER)
    assert not is_held(fridge, CODES[0])


def test_nobody_destroys_what_was_out_of_its_temperature_before_it_was_decided_about(
    fridge: Database, keeper: Actor
) -> None:
    """Invariant 38: two signatures are no disposition."""
    hears(fridge, *warm(0, 12))
    leaves = NewDestruction(CODES[:1], HoldEnd.SENT_AWAY, "too warm", "a witness")
    before = rows_in(fridge)
    with pytest.raises(NeedsDisposition):
        fridge.write_now(lambda tx: propose_destruction(tx, leaves), keeper)
    assert rows_in(fridge) == before
    decide(fridge, keeper, one(fridge).excursion_id, CODES[:1], DispositionKind.RETURNED)
    named = fridge.write_now(lambda tx: propose_destruction(tx, leaves), keeper)
    fridge.write_now(lambda tx: holds.hold(tx, holds.NewHold(HoldReason.TEMPERATURE, CODES[:1])), keeper)
    second = a_colleague(fridge, Role.SITE_LEAD)
    with pytest.raises(NeedsDisposition):
        fridge.write_now(lambda tx: confirm_destruction(tx, named.destruction_id), second)
    decide(fridge, keeper, None, CODES[:1], DispositionKind.RETURNED)
    fridge.write_now(lambda tx: confirm_destruction(tx, named.destruction_id), second)
    gone = fridge.read_now(lambda c: unit_by_code(c, CODES[0]))
    assert gone
    assert gone.place_code is None


def test_vaccine_is_carried_to_a_place_in_order_and_stays_held(fridge: Database, keeper: Actor) -> None:
    a_place(fridge, "fridge-2")
    hears(fridge, *warm(0, 12))
    excursion_id = one(fridge).excursion_id
    with pytest.raises(PlaceNotInOrder):
        fridge.write_now(lambda tx: actions.carry_to_safety(tx, excursion_id, "fridge-1"), keeper)
    carried = fridge.write_now(lambda tx: actions.carry_to_safety(tx, excursion_id, "fridge-2"), keeper)
    assert carried.units == 3
    there = fridge.read_now(lambda c: units_in(c, require_place(c, "fridge-2").place_id))
    assert [unit.is_held for unit in there] == [True, True, True]


def test_exposure_adds_up_over_a_units_life_and_travels_with_it(
    fridge: Database, clock: ManualClock, keeper: Actor
) -> None:
    stands(fridge, "fridge-2", "p2")
    clock.pass_time(minutes=20)
    hears(fridge, *warm(0, 10), *calm(13))
    excursion_id = one(fridge).excursion_id
    fridge.write_now(lambda tx: actions.carry_to_safety(tx, excursion_id, "fridge-2"), keeper)
    clock.pass_time(minutes=60)
    hears(fridge, *course(40, 5_000, 7_000, *[9_900] * 16, 7_000, *[5_000] * 7, probe_id="p2"))
    seen = fridge.read_now(lambda c: exposures_of(c, [unit_id(fridge, CODES[0])], clock.now()))
    assert [(each.place_code, each.minutes, each.max_milli_celsius) for each in seen] == [
        ("fridge-1", 10, 9_400),
        ("fridge-2", 15, 9_900),
    ]


async def test_a_permit_asked_before_is_refused_after(as_role: Any, house: House, clock: ManualClock) -> None:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODES[0])
    visit_id = a_consented_visit(house.db)
    stands(house.db, "bench-1-box", "p1")
    bench = await as_role(Role.VACCINATOR)
    permit = await permitted(bench, visit_id, CODES[0])
    assert permit.status_code == 201
    clock.pass_time(minutes=1)
    await house.db.write(lambda tx: cold_chain.store_readings(tx, warm(-12, 11)), DEVICES)
    stands_since_the_start = await house.db.read(excursions)
    assert stands_since_the_start == []  # the probe did not stand there yet
    clock.pass_time(minutes=1)
    await house.db.write(lambda tx: cold_chain.store_readings(tx, course(0, 5_000, 7_000, *[12_600] * 5)), DEVICES)
    answer = await given_dose(bench, permit.json()["permit_id"])
    assert (answer.status_code, findings_of(answer)) == (422, ["unit_on_hold"])


def listens(db: Database) -> None:
    db.write_now(note_silence, system_actor("silent probes"))


def test_silence_raises_an_alarm_and_a_gap_and_data_end_both(fridge: Database, clock: ManualClock) -> None:
    """Invariant 36."""
    hears(fridge, *course(0, 5_000, 5_000))
    clock.pass_time(minutes=10)
    listens(fridge)
    assert alerts(fridge) == {}
    clock.pass_time(minutes=1)
    listens(fridge)
    listens(fridge)
    assert alerts(fridge) == {AlertKind.NO_DATA: (Severity.ALARM, "NO DATA SINCE 09:01")}
    (gap,) = gaps(fridge)
    assert (gap.from_at, gap.until_at) == (START + timedelta(minutes=1), None)
    hears(fridge, said(12, 5_000))
    listens(fridge)
    (gap,) = gaps(fridge)
    assert (gap.until_at, gap.filled_at) == (START + timedelta(minutes=12), None)
    assert alerts(fridge) == {}


def test_readings_kept_back_fill_the_gap_and_its_record_stays(fridge: Database, clock: ManualClock) -> None:
    hears(fridge, *course(0, 5_000, 5_000))
    clock.pass_time(minutes=40)
    listens(fridge)
    hears(fridge, *course(2, *[5_000] * 20))
    assert gaps(fridge)[0].until_at is None  # kept back: the place is still dark now
    hears(fridge, said(40, 5_000))
    assert (gaps(fridge)[0].until_at, gaps(fridge)[0].filled_at) == (START + timedelta(minutes=40), None)
    hears(fridge, *course(22, *[5_000] * 18))
    (gap,) = gaps(fridge)
    assert (gap.until_at, gap.filled_at) == (START + timedelta(minutes=40), clock.now())


def test_a_short_gap_is_a_row_without_an_alarm(fridge: Database) -> None:
    hears(fridge, said(0, 5_000), said(5, 5_000))
    (gap,) = gaps(fridge)
    assert (gap.from_at, gap.until_at) == (START, START + timedelta(minutes=5))


def test_a_probe_that_was_set_up_and_never_spoke_is_silent_too(fridge: Database, clock: ManualClock) -> None:
    clock.pass_time(minutes=11)
    listens(fridge)
    assert alerts(fridge) == {AlertKind.NO_DATA: (Severity.ALARM, "NO DATA SINCE 09:00")}


def test_readings_by_a_clock_set_back_to_before_their_probe_was_placed_are_not_left_unjudged_in_silence(
    fridge: Database, clock: ManualClock
) -> None:
    clock.step(minutes=-10)
    listens(fridge)
    assert alerts(fridge) == {}
    clock.step(minutes=-50)
    for seq in range(15):
        clock.pass_time(minutes=1)
        warm_now = Sample("p1", 1, seq, None, 9_400)
        fridge.write_now(lambda tx, one=warm_now: cold_chain.store_readings(tx, [one]), DEVICES)  # type: ignore[misc]  # a loop's lambda
    assert found(fridge) == []
    listens(fridge)
    listens(fridge)
    assert alerts(fridge) == {AlertKind.NO_DATA: (Severity.ALARM, "NOT JUDGED, CLOCK SET BACK BEFORE 09:00")}
    assert gaps(fridge) == []
    clock.step(minutes=46)
    listens(fridge)
    assert alerts(fridge) == {}


def test_a_probe_that_says_only_what_is_no_temperature_is_to_be_checked(fridge: Database, clock: ManualClock) -> None:
    hears(fridge, said(0, 5_000))
    clock.pass_time(minutes=5)
    hears(fridge, *[said(minute, 85_000, fault=Fault.POWER_ON_VALUE) for minute in range(1, 6)])
    listens(fridge)
    assert alerts(fridge) == {AlertKind.PROBE_FAULT: (Severity.ALARM, "CHECK PROBE, NO DATA SINCE 09:00")}
    hears(fridge, said(6, 5_000))
    listens(fridge)
    assert alerts(fridge) == {}


def test_an_excursion_at_a_probe_that_was_taken_away_ends(fridge: Database, clock: ManualClock) -> None:
    hears(fridge, *warm(0, 12))
    clock.pass_time(minutes=15)
    fridge.write_now(lambda tx: cold_chain.assign_probe(tx, "p1", None), DEVICES)
    listens(fridge)
    assert one(fridge).ended_at == clock.now()
    assert alerts(fridge) == {}
    assert is_held(fridge, CODES[0])


def lived(db: Database, *milli_celsius: int, behind_minutes: int = 0) -> None:
    """A reading every five minutes, each received as it is taken, by a clock that may be behind."""
    for value in milli_celsius:
        db.clock.pass_time(minutes=5)  # type: ignore[attr-defined]  # a clock of the tests
        at = db.clock.now() - timedelta(minutes=behind_minutes)
        sample = Sample("p1", 1, int((db.clock.now() - START).total_seconds()), at, value)
        db.write_now(lambda tx, one=sample: cold_chain.store_readings(tx, [one]), DEVICES)  # type: ignore[misc]  # a loop's lambda
    db.write_now(say_doubts, system_actor("probe doubts"))


def test_a_probe_that_repeats_one_value_for_hours_is_doubted_until_it_moves(fridge: Database) -> None:
    lived(fridge, *[4_500, 5_000] * 20)
    assert alerts(fridge) == {}
    lived(fridge, *[5_100] * 38)
    assert alerts(fridge) == {AlertKind.FLAT_LINE: (Severity.WARNING, "SAME VALUE SINCE 12:25")}
    lived(fridge, 5_000)
    assert alerts(fridge) == {}


def test_a_clock_that_is_behind_is_said_until_it_is_put_right(fridge: Database) -> None:
    fridge.clock.pass_time(minutes=30)  # type: ignore[attr-defined]  # a clock of the tests
    lived(fridge, 5_000, 5_000, 5_000, behind_minutes=30)
    assert alerts(fridge) == {AlertKind.CLOCK_WRONG: (Severity.WARNING, "PROBE CLOCK WRONG")}
    lived(fridge, 5_000, 5_000, 5_000)
    assert alerts(fridge) == {}


def test_leaps_no_fridge_makes_are_called_by_their_name_until_the_probe_is_believed_again(fridge: Database) -> None:
    hears(fridge, *course(0, 5_000, 5_500, 31_000, -9_000, 40_000, -15_000))
    listens(fridge)
    assert alerts(fridge) == {AlertKind.PROBE_FAULT: (Severity.ALARM, "IMPOSSIBLE LEAPS, NO DATA SINCE 09:01")}
    hears(fridge, *course(6, 5_000, 5_000))
    listens(fridge)
    assert alerts(fridge) == {}


def test_two_dead_values_in_a_row_are_a_probe_to_be_checked_at_once(fridge: Database) -> None:
    hears(fridge, said(0, 5_000), said(1, 0), said(2, 0))
    listens(fridge)
    assert alerts(fridge) == {AlertKind.PROBE_FAULT: (Severity.ALARM, "CHECK PROBE, NO DATA SINCE 09:00")}


def two_agree(db: Database) -> None:
    """The site's lead and a second person agree on stricter limits of the fridge, from now on."""
    shipped = unchanged(profile_of("cn-clinic-2-8"))
    stricter = replace(shipped, high_milli_celsius=7_000, rules=tuple(_cooler(rule) for rule in shipped.rules))
    new = NewLimits("fridge-1", "cn-clinic-2-8", db.clock.now().date(), "milder vaccine", stricter)
    lead, keeper = a_colleague(db, Role.SITE_LEAD), a_colleague(db, Role.COLD_CHAIN_KEEPER)
    proposal_id = db.write_now(lambda tx: propose_limits(tx, new), lead).proposal_id
    db.write_now(lambda tx: confirm_limits(tx, proposal_id), keeper)


def _cooler(rule: RuleChange) -> RuleChange:
    is_for_warmth = 7_000 < rule.beyond_milli_celsius <= 8_000
    return replace(rule, beyond_milli_celsius=rule.beyond_milli_celsius - 1_000) if is_for_warmth else rule


def test_stricter_limits_of_the_site_make_the_excursion_that_the_shipped_ones_do_not(fridge: Database) -> None:
    hears(fridge, *course(0, 5_000, *[7_400] * 15))
    assert found(fridge) == []
    two_agree(fridge)
    hears(fridge, *course(16, *[7_400] * 11))
    seen = one(fridge)
    assert (seen.kind, seen.began_at) == (BreachKind.TOO_WARM, START + timedelta(minutes=16))
    assert fridge.read_now(lambda c: limits_of(c, seen.excursion_id)).profile == "own-fridge-1"
    assert is_held(fridge, CODES[0])
    (now,) = fridge.read_now(lambda c: cold_chain.overview(c, fridge.clock.now())).places
    assert now.condition is Condition.TOO_WARM


def test_late_readings_from_before_are_judged_by_the_limits_of_their_own_time(fridge: Database) -> None:
    """What readings of before the agreement say is the same whenever they come."""
    kept_back = course(1, *[7_400] * 15)
    hears(fridge, said(0, 5_000), said(16, 5_000))
    two_agree(fridge)
    hears(fridge, *course(17, 5_000, 5_000))
    hears(fridge, *kept_back)
    assert found(fridge) == []


def test_an_excursion_by_earlier_limits_ends_with_their_last_reading(fridge: Database) -> None:
    hears(fridge, *warm(0, 12))
    two_agree(fridge)
    hears(fridge, *course(15, *[9_400] * 11))
    later, earlier = found(fridge)
    assert (earlier.ended_at, later.began_at) == (START + timedelta(minutes=14), START + timedelta(minutes=15))
    assert (earlier.is_open, later.is_open) == (False, True)
    hears(fridge, *course(26, 5_500))
    hears(fridge, said(20.5, 9_500))
    assert [each.excursion_id for each in found(fridge)] == [later.excursion_id, earlier.excursion_id]


async def test_a_keeper_decides_on_the_page_with_the_letter_attached_and_others_may_not(
    as_role: Any, house: House
) -> None:
    a_product(house.db)
    a_lot(house.db, *CODES[:2], bench=None)
    stands(house.db)
    await house.db.write(lambda tx: cold_chain.store_readings(tx, course(0, 5_000, 7_000, *[12_600] * 4)), DEVICES)
    (listed,) = (await (await as_role(Role.SITE_LEAD)).get("/api/v1/cold-chain/excursions")).json()
    path = f"/cold-chain/excursions/{listed['excursion_id']}"
    told = {"lot": "", "kind": "released", "note": "as the maker wrote", "qa_code": ""}
    bench, keeper = await as_role(Role.VACCINATOR), await as_role(Role.COLD_CHAIN_KEEPER)
    assert (await bench.post(f"{path}/dispositions", data=told)).status_code == 403
    letter = {"evaluation": ("letter.pdf", LETTER.content, "application/pdf")}
    unnumbered = await keeper.post(f"{path}/dispositions", data=told | {"reference": ""}, files=letter)
    assert unnumbered.status_code == 400
    numbered = {"data": told | {"reference": "QA-1"}, "files": letter}
    too_early = await keeper.post(f"{path}/dispositions", **numbered)
    assert (too_early.status_code, is_held(house.db, CODES[0])) == (409, True), "the fridge is too warm still"
    hears(house.db, *course(6, 9_000, 7_000, *[5_000] * 8))
    answer = await keeper.post(f"{path}/dispositions", **numbered)
    assert answer.status_code == 303
    assert not is_held(house.db, CODES[0])
    seen = (await keeper.get(f"/api/v1{path}")).json()
    (made,) = seen["dispositions"]
    handed_out = await keeper.get(f"/cold-chain/dispositions/{made['disposition_id']}/evaluation")
    assert (handed_out.content, handed_out.headers["content-type"]) == (LETTER.content, "application/pdf")


async def test_the_form_counts_thirty_minutes_until_people_have_filled_it_in(
    as_role: Any, house: House, clock: ManualClock
) -> None:
    stands(house.db)
    await house.db.write(lambda tx: cold_chain.store_readings(tx, course(0, 5_000, 7_000, *[12_600] * 4)), DEVICES)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    (listed,) = (await keeper.get("/api/v1/cold-chain/excursions")).json()
    path = f"/cold-chain/excursions/{listed['excursion_id']}"
    for page in (path, f"{path}/form"):
        assert "print it by 09:30: 30 min are left" in (await keeper.get(page)).text
    clock.pass_time(minutes=95)
    for page in (path, f"{path}/form"):
        assert "The form was due by 2026-03-02 09:30, 65 min ago" in (await keeper.get(page)).text
    told = {
        "discovered_at": "2026-03-02T09:05",
        "discovered_by": "Lin Keeper",
        "room_celsius": "24.5",
        "what_happened": "power cut",
        "measures": "moved",
        "moved_to": "fridge 2",
    }
    assert (await keeper.post(f"{path}/form", data=told)).status_code == 303
    assert "The form was due" not in (await keeper.get(path)).text
    form = (await keeper.get(f"{path}/form")).text
    assert all(words in form for words in ("Lin Keeper", "24.5 °C", "power cut"))


async def test_a_page_says_in_words_by_which_limits_and_delays_an_excursion_was_judged(
    as_role: Any, house: House
) -> None:
    stands(house.db)
    await house.db.write(lambda tx: cold_chain.store_readings(tx, course(0, 5_000, 7_000, *[12_600] * 4)), DEVICES)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    (listed,) = (await keeper.get("/api/v1/cold-chain/excursions")).json()
    for page in ("", "/form"):
        shown = (await keeper.get(f"/cold-chain/excursions/{listed['excursion_id']}{page}")).text
        assert "2.0 – 8.0 °C (cn-clinic-2-8 1)" in shown
        assert "above 8.0 °C, for 10 min: Alarm<br>above 12.0 °C, for 3 min: " in shown
        assert "below 2.0 °C" not in shown, "how cold may be is another question"
