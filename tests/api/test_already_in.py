"""A needle that was in when its permit had ended: refused first, then recorded as it was, with all that stood there."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_server.adverse_events.care.actions import call_team
from clinic_server.adverse_events.lookup import under_care
from clinic_server.alerts.answering import acknowledge
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.settling import AnsweredWatch
from clinic_server.certificates.draft import draft_of
from clinic_server.corrections.actions import NewBodySite, correct_body_site
from clinic_server.injection.already_in import record_needle_in
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx
from clinic_server.staff.rules import Role
from clinic_server.stock.box import NewWaste, waste
from clinic_server.stock.holds import NewHold, hold
from clinic_server.stock.rules import BodySite
from clinic_server.stock.tables import draw, movement
from clinic_server.stock.units import require_known
from clinic_server.stock.whereabouts import GainReason, HoldReason, MovementKind, WasteReason
from clinic_server.visits.against import given_against_rule
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.lookup import history, standing
from clinic_server.visits.steps import abandon, open_visit
from clinic_server.visits.tables import dose
from clinic_server.visits.watch import due_at
from tests.api.callers import CONSOLE, SignedIn
from tests.api.further import FLU, RIGHT, SITE, Needles
from tests.api.test_injection import CODE, LEFT_ARM, a_consented_visit, a_lot, count, findings_of, given, permitted
from tests.api.test_permits import stopped
from tests.api.under_permit import (
    Change,
    another_order_takes_its_place,
    answers_change,
    certificate_lapses,
    consent_is_disputed,
    consent_is_withdrawn,
    minutes_pass,
)
from tests.api.visitors import PRODUCT, a_colleague, a_product, an_open_site, rows_in
from tests.conftest import ManualClock
from tests.proof.ledger_invariants import Stock, faults

WHY = "she had injected when the screen turned red"


@pytest.fixture(name="ready")
def _ready(house: House) -> UUID:
    """A product and one unit in stock, and a person ready for the needle."""
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE)
    return a_consented_visit(house.db)


async def already_in(bench: Any, permit_id: str, reason: str = WHY) -> Any:
    body = {"permit_id": permit_id, "body_site": LEFT_ARM, "reason": reason}
    return await bench.post("/api/v1/doses/already-in", json=body)


def checked_in_again(tx: Tx, person_id: UUID) -> UUID:
    opened = open_visit(tx, person_id, tx.local_date)
    tx.journal("checked_in", opened.visit_id)
    return opened.visit_id


def told_of(house: House) -> list[tuple[tuple[str, ...], str | None]]:
    found = house.db.read_now(lambda c: given_against_rule(c, house.db.keyring, with_reasons=True))
    return [(one.findings, one.reason) for one in found]


def stage_and_last_step(db: Database, visit_id: UUID) -> tuple[Stage, Outcome]:
    last = db.read_now(lambda c: history(c, visit_id))[-1]
    return db.read_now(lambda c: standing(c, visit_id)).stage, last.outcome


async def _gone_away(house: House, _bench: SignedIn, visit: UUID, _clock: ManualClock) -> None:
    house.db.write_now(lambda tx: abandon(tx, visit), CONSOLE)


async def _lot_is_stopped(_house: House, bench: SignedIn, _visit: UUID, _clock: ManualClock) -> None:
    assert (await stopped(bench, "lot", f"{PRODUCT}/L-2027-01-01")).status_code == 201


async def _vial_is_held(house: House, _bench: SignedIn, _visit: UUID, _clock: ManualClock) -> None:
    keeper = a_colleague(house.db, Role.COLD_CHAIN_KEEPER)
    house.db.write_now(lambda tx: hold(tx, NewHold(HoldReason.DOUBTED, trace_codes=(CODE,))), keeper)


async def _vial_is_written_off(house: House, _bench: SignedIn, _visit: UUID, _clock: ManualClock) -> None:
    lead = a_colleague(house.db, Role.SITE_LEAD)
    unit_id = house.db.read_now(lambda c: require_known(c, CODE)).unit_id
    house.db.write_now(lambda tx: waste(tx, NewWaste(unit_id, WasteReason.BROKEN)), lead)


@pytest.mark.parametrize(
    ("change", "findings", "vial"),
    [
        (minutes_pass, ["permit_over"], ""),
        (certificate_lapses, ["vaccinator_not_qualified"], ""),
        (answers_change, ["no_standing_decision"], ""),
        (consent_is_withdrawn, ["no_standing_decision"], ""),
        (consent_is_disputed, ["no_consent"], ""),
        (another_order_takes_its_place, ["no_standing_decision"], ""),
        (_gone_away, ["no_standing_decision"], ""),
        (_lot_is_stopped, ["lot_stopped"], "LOT STOPPED"),
        (_vial_is_held, ["unit_on_hold"], "UNIT ON HOLD"),
        (_vial_is_written_off, ["unit_used_up"], "UNIT USED UP"),
    ],
)
async def test_whatever_came_between_the_needle_is_refused_first_and_then_recorded_with_it(  # noqa: PLR0913, PLR0917  # the parts and the case
    as_role: Any, house: House, ready: UUID, clock: ManualClock, change: Change, findings: list[str], vial: str
) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    await change(house, bench, ready, clock)
    before = rows_in(house.db)
    assert (await given(bench, permit_id)).status_code >= 400
    unexplained = await already_in(bench, permit_id, "  ")
    assert (unexplained.json()["code"], findings_of(unexplained)) == ("needle_unexplained", findings)
    assert rows_in(house.db) == before

    answer = await already_in(bench, permit_id)
    assert answer.status_code == 201, answer.json()
    assert told_of(house) == [(tuple(findings), WHY)]
    assert stage_and_last_step(house.db, ready) == (Stage.OBSERVED, Outcome.NEEDLE_WAS_IN)
    assert house.db.read_now(lambda c: due_at(c, ready)) == clock.now() + timedelta(minutes=30)
    assert (count(house, dose), count(house, draw)) == (1, 1)
    assert house.db.read_now(lambda c: faults(Stock(c))) == []
    called = [one for one in house.db.read_now(open_alerts) if one.kind == "barred_vial_given"]
    assert [one.summary for one in called] == ([f"LOT L-2027-01-01 WAS GIVEN, {vial}"] if vial else [])
    again = await already_in(bench, permit_id)
    assert (again.json()["code"], count(house, dose)) == ("permit_used", 1)


async def test_what_stands_against_a_dose_is_on_the_visit_the_certificates_draft_and_the_day(
    as_role: Any, house: House, ready: UUID, clock: ManualClock
) -> None:
    bench, physician = await as_role(Role.VACCINATOR), await as_role(Role.PHYSICIAN)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    await answers_change(house, bench, ready, clock)
    given_dose = (await already_in(bench, permit_id)).json()
    words = "No physician&#39;s recommendation stands for this visit."
    on_day = (await physician.get("/api/v1/days/2026-03-02/doses-against-rule")).json()
    assert [(one["findings"], one["reason"]) for one in on_day] == [(["no_standing_decision"], WHY)]
    assert words in (await bench.get(f"/visits/{ready}")).text
    registrar = (await (await as_role(Role.REGISTRAR)).get(f"/visits/{ready}")).text
    assert ("Given against the rules" in registrar, words in registrar) == (True, False), "it may tell of health"
    local = clock.now().astimezone(house.settings.site.zone)

    def drafted() -> list[tuple[str, ...]]:
        draft = house.db.read_now(lambda c: draft_of(c, house.db.keyring, ready, local))
        return [one.against_rule for one in draft.doses]

    assert drafted() == [("no_standing_decision",)]
    moved = NewBodySite(BodySite.LEFT_UPPER_ARM, BodySite.RIGHT_UPPER_ARM, "the other arm")
    nurse = a_colleague(house.db, Role.SITE_LEAD)
    house.db.write_now(lambda tx: correct_body_site(tx, SITE, UUID(given_dose["dose_id"]), moved), nurse)
    assert drafted() == [("no_standing_decision",)], "a correction of the place moves the place alone"


async def test_a_permit_of_this_bench_and_day_is_what_it_rests_on(
    as_role: Any, house: House, ready: UUID, clock: ManualClock
) -> None:
    bench, elsewhere = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR, station="bench-2")
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    before = rows_in(house.db)
    assert (await already_in(elsewhere, permit_id)).json()["code"] == "permit_of_another"
    assert (await already_in(bench, str(UUID(int=5)))).json()["code"] == "permit_unknown"
    assert rows_in(house.db) == before
    clock.pass_time(hours=20)  # longer than anybody stays signed in
    next_morning = await as_role(Role.VACCINATOR)
    before = rows_in(house.db)
    assert (await already_in(next_morning, permit_id)).json()["code"] == "permit_of_another_day"
    assert rows_in(house.db) == before


async def test_another_of_the_bench_records_it_and_it_stays_the_dose_of_whom_was_permitted(
    as_role: Any, house: House, ready: UUID
) -> None:
    bench, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    assert (await given(other, permit_id)).json()["code"] == "permit_of_another"
    assert (await already_in(other, permit_id)).status_code == 201
    row = house.db.read_now(lambda c: c.execute(select(dose)).one())
    assert (row.vaccinator_id, told_of(house)) == (bench.staff_id, [(("told_by_another",), WHY)])


async def test_what_nothing_stands_against_is_an_ordinary_dose(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    assert (await already_in(bench, permit_id, "")).status_code == 201
    assert told_of(house) == []
    assert stage_and_last_step(house.db, ready) == (Stage.OBSERVED, Outcome.DOSE_GIVEN)


async def test_a_visit_that_has_its_dose_gets_none_by_an_older_permit(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    older = (await permitted(bench, ready)).json()["permit_id"]
    await given(bench, (await permitted(bench, ready)).json()["permit_id"])
    assert (await already_in(bench, older)).json()["code"] == "step_out_of_order"
    assert count(house, dose) == 1


async def test_of_one_vial_for_two_people_both_doses_are_on_record_and_the_ledger_tells_of_one_gained(
    as_role: Any, house: House, ready: UUID
) -> None:
    bench = await as_role(Role.VACCINATOR)
    other = a_consented_visit(house.db)
    permits = [(await permitted(bench, one)).json()["permit_id"] for one in (ready, other)]
    assert (await given(bench, permits[0])).status_code == 201
    assert (await already_in(bench, permits[1])).status_code == 201
    assert told_of(house) == [(("unit_used_up",), WHY)]
    gained = select(movement.c.reason).where(movement.c.kind == MovementKind.GAINED)
    assert house.db.read_now(lambda c: c.execute(gained).scalars().all()) == [GainReason.NEEDLE_WAS_IN]
    assert house.db.read_now(lambda c: faults(Stock(c))) == []


async def test_the_ticket_drawn_since_ends_where_the_first_one_goes_on(
    as_role: Any, house: House, ready: UUID, clock: ManualClock
) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    await _gone_away(house, bench, ready, clock)
    person_id = house.db.read_now(lambda c: standing(c, ready)).person_id
    second = house.db.write_now(lambda tx: checked_in_again(tx, person_id), CONSOLE)
    assert (await already_in(bench, permit_id)).status_code == 201
    assert house.db.read_now(lambda c: standing(c, second)).stage is Stage.ABANDONED


async def test_the_alert_is_over_once_somebody_has_said_what_they_do(
    as_role: Any, house: House, ready: UUID, clock: ManualClock
) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    await _vial_is_held(house, bench, ready, clock)
    await already_in(bench, permit_id)
    (alert,) = house.db.read_now(open_alerts)
    await AnsweredWatch(house).look()
    assert len(house.db.read_now(open_alerts)) == 1
    lead = a_colleague(house.db, Role.SITE_LEAD)
    house.db.write_now(lambda tx: acknowledge(tx, alert.number, "the maker was asked; she is told"), lead)
    await AnsweredWatch(house).look()
    assert house.db.read_now(open_alerts) == []


async def test_the_refused_press_leads_to_the_red_page_with_the_one_truthful_way_out(
    as_role: Any, house: House, ready: UUID, clock: ManualClock
) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    green = f"/visits/{ready}/injection?permit={permit_id}"
    form = {"permit_id": permit_id, "body_site": LEFT_ARM, "reason": WHY, "idempotency_key": "press-1"}
    assert "The needle was already in" not in (await bench.get(green)).text
    assert "was the needle in?" in (await bench.get(f"/visits/{ready}/injection")).text, "found again by itself"
    await _vial_is_held(house, bench, ready, clock)
    refused = await bench.post(f"/visits/{ready}/doses", data=form, follow_redirects=True)
    assert (str(refused.url).endswith(green), count(house, dose)) == (True, 0)
    red = refused.text
    assert all(words in red for words in ("DO NOT INJECT.", "This unit is held", "The needle was already in"))
    said = form | {"idempotency_key": "press-2"}
    done = await bench.post(f"/visits/{ready}/doses/already-in", data=said, follow_redirects=True)
    assert (str(done.url).endswith(f"/visits/{ready}"), count(house, dose)) == (True, 1)
    assert "Given against the rules" in done.text
    assert "was the needle in?" not in (await bench.get(f"/visits/{ready}/injection")).text


def test_a_needle_that_was_in_when_the_first_dose_made_somebody_ill_keeps_them_in_care(
    db: Database, clock: ManualClock
) -> None:
    needles = Needles.at(db)
    first = needles.injected()
    clock.pass_time(minutes=5)
    further = needles.ready_for_more(first)
    granted = needles.permitted(further, FLU)
    db.write_now(lambda tx: call_team(tx, first, "a3"), needles.staff.nurse)
    said = (granted.permit_id, RIGHT, WHY)
    db.write_now(lambda tx: record_needle_in(tx, SITE, *said), needles.staff.vaccinator)
    told = db.read_now(lambda c: given_against_rule(c, db.keyring, with_reasons=False))
    assert [{*one.findings} >= {"under_care", "no_standing_decision"} for one in told] == [True]
    assert [stage_and_last_step(db, one)[0] for one in (first, further)] == [Stage.COMPLETED, Stage.OBSERVED]
    assert db.read_now(lambda c: under_care(c, further)) is not None
