"""The demand over HTTP: who is due by their past, who walked in, what was lost, what the stock covers."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from clinic_server.corrections.actions import deny_dose
from clinic_server.demand.actions import keep_due
from clinic_server.demand.counts import Ledger, due_by_day, ledger_since, walk_ins_by_day
from clinic_server.demand.following import DosesDue
from clinic_server.demand.reckoning import reckoned
from clinic_server.demand.tables import dose_due, due_reckoning
from clinic_server.immunisations.actions import note_dose_elsewhere, note_reaction
from clinic_server.immunisations.history import NewDoseElsewhere, NewReaction, PartialDate, Proof
from clinic_server.injection.actions import PermitAsked, give_dose, grant_permit
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.stock.rules import BodySite
from clinic_server.stock.units import return_draw, unit_by_code, waste_doses
from clinic_server.stock.whereabouts import WasteReason
from clinic_server.visits.flow import Outcome
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import open_visit, take_step
from clinic_server.visits.tables import dose
from tests.api.test_injection import a_consented_visit, consent_to
from tests.api.visitors import CHECKED, SYSTEM, TODAY, a_colleague, a_lot, a_product, an_open_site
from tests.conftest import ManualClock

VACCINE = "covid19-bbibp-corv"
CODES = [f"8100000300000000{n:04d}" for n in range(8)]
SECOND_ON = TODAY + timedelta(days=21)


@pytest.fixture(name="vaccinator")
def _vaccinator(house: House) -> Actor:
    """A bench with units, at an open site."""
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, *CODES, bench="desk-1")
    return a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR)


def a_dose(db: Database, vaccinator: Actor, code: str, visit_id: UUID | None = None) -> tuple[UUID, UUID]:
    """Give the unit on a visit, or to somebody new; return the dose and the person."""
    visit_id = visit_id or a_consented_visit(db)
    asked = PermitAsked(code, str(CHECKED["check_list"]), frozenset(CHECKED["confirmed"]))
    permit = db.write_now(lambda tx: grant_permit(tx, SiteSettings(), visit_id, asked), vaccinator)
    side = BodySite.LEFT_UPPER_ARM
    given = db.write_now(lambda tx: give_dose(tx, SiteSettings(), permit.permit_id, side), vaccinator)
    return given.dose_id, db.read_now(lambda connection: standing(connection, visit_id).person_id)


def came_again(db: Database, visit_id: UUID, on: date) -> UUID:
    """The person of a visit that ended, consented on another."""

    def open_another(tx: Tx) -> UUID:
        take_step(tx, visit_id, Outcome.LEFT)
        another = open_visit(tx, standing(tx.connection, visit_id).person_id, on).visit_id
        tx.journal("checked_in", another)
        return another

    another = db.write_now(open_another, SYSTEM)
    consent_to(db, another)
    return another


def due(house: House, first: date = TODAY, last: date = TODAY + timedelta(days=400)) -> Any:
    return house.db.read_now(lambda connection: due_by_day(connection, first, last))


def count(house: House, table: Any) -> int:
    return house.db.read_now(
        lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()
    )


async def test_whoever_had_a_first_dose_is_due_on_the_day_their_schedule_recommends(
    house: House, vaccinator: Actor
) -> None:
    for code in CODES[:2]:
        a_dose(house.db, vaccinator, code)
    assert due(house) == {}
    await DosesDue(house).catch_up()
    assert due(house) == {VACCINE: {SECOND_ON: 2}}
    assert due(house, SECOND_ON + timedelta(days=1)) == {}


async def test_the_journal_is_followed_once_and_not_again(house: House, vaccinator: Actor) -> None:
    a_dose(house.db, vaccinator, CODES[0])
    for _ in range(3):
        await DosesDue(house).catch_up()
    assert (count(house, dose_due), count(house, due_reckoning)) == (1, 1)


async def test_it_goes_on_where_it_stopped(house: House, vaccinator: Actor) -> None:
    people = [a_dose(house.db, vaccinator, code)[1] for code in CODES[:3]]
    zone = house.settings.site.zone
    found = []
    while one := house.db.read_now(lambda connection: reckoned(connection, house.db.keyring, zone, TODAY, most=2)):
        house.db.write_now(lambda tx, one=one: keep_due(tx, one), SYSTEM)  # type: ignore[misc]  # bound now
        found.append([change.person_id for change in one.changes])
    assert found == [people[:2], people[2:]]


async def test_a_dose_that_no_needle_gave_makes_nobody_due(house: House, vaccinator: Actor) -> None:
    dose_id, _ = a_dose(house.db, vaccinator, CODES[0])
    await DosesDue(house).catch_up()
    house.db.write_now(lambda tx: deny_dose(tx, dose_id, "wrong scan"), vaccinator)
    await DosesDue(house).catch_up()
    assert due(house) == {}
    assert count(house, dose_due) == 2


async def test_what_is_noted_from_elsewhere_moves_the_day_and_a_severe_reaction_takes_it_away(
    house: House, vaccinator: Actor
) -> None:
    _, person_id = a_dose(house.db, vaccinator, CODES[0])
    await DosesDue(house).catch_up()
    new = NewDoseElsewhere(PartialDate.parse("2026-01-05"), Proof.VACCINATION_BOOK, VACCINE)
    house.db.write_now(lambda tx: note_dose_elsewhere(tx, person_id, new), SYSTEM)
    await DosesDue(house).catch_up()
    assert SECOND_ON not in due(house).get(VACCINE, {})
    reaction = NewReaction(TODAY, "seen here", vaccine_code=VACCINE)
    house.db.write_now(lambda tx: note_reaction(tx, person_id, reaction), SYSTEM)
    await DosesDue(house).catch_up()
    assert due(house).get(VACCINE, {}) == {}


async def test_who_was_only_vaccinated_elsewhere_is_expected_by_nobody(house: House, vaccinator: Actor) -> None:
    visit_id = a_consented_visit(house.db)
    person_id = house.db.read_now(lambda connection: standing(connection, visit_id).person_id)
    new = NewDoseElsewhere(PartialDate.parse("2026-02-20"), Proof.VACCINATION_BOOK, VACCINE)
    house.db.write_now(lambda tx: note_dose_elsewhere(tx, person_id, new), SYSTEM)
    await DosesDue(house).catch_up()
    assert due(house) == {}
    assert vaccinator


async def test_only_who_was_not_foreseen_is_a_walk_in(house: House, vaccinator: Actor) -> None:
    first, _ = a_dose(house.db, vaccinator, CODES[0])
    a_dose(house.db, vaccinator, CODES[1])
    house.db.write_now(lambda tx: deny_dose(tx, first, "wrong scan"), vaccinator)
    walked_in = house.db.read_now(lambda connection: walk_ins_by_day(connection, TODAY))
    assert walked_in == {VACCINE: {TODAY: 1}}
    assert house.db.read_now(lambda connection: walk_ins_by_day(connection, TODAY + timedelta(days=1))) == {}


async def test_who_comes_for_the_second_dose_was_foreseen_and_is_due_no_more(
    house: House, vaccinator: Actor, clock: ManualClock
) -> None:
    visit_id = a_consented_visit(house.db)
    a_dose(house.db, vaccinator, CODES[0], visit_id)
    await DosesDue(house).catch_up()
    clock.pass_time(days=21)
    an_open_site(house.db)
    a_dose(house.db, vaccinator, CODES[1], came_again(house.db, visit_id, SECOND_ON))
    await DosesDue(house).catch_up()
    assert house.db.read_now(lambda connection: walk_ins_by_day(connection, TODAY)) == {VACCINE: {TODAY: 1}}
    assert SECOND_ON not in due(house)[VACCINE]  # the booster is due now, months later


async def test_the_figures_of_the_page_rest_on_one_another(
    as_role: Any, house: House, vaccinator: Actor, clock: ManualClock
) -> None:
    for code in CODES[:4]:
        a_dose(house.db, vaccinator, code)

    def break_one(tx: Tx) -> None:
        unit = unit_by_code(tx.connection, CODES[4])
        assert unit
        waste_doses(tx, unit, 1, WasteReason.BROKEN)
        tx.journal("broken", unit.unit_id)

    house.db.write_now(break_one, vaccinator)
    await DosesDue(house).catch_up()
    clock.pass_time(days=14)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    told = (await keeper.get("/api/v1/demand")).json()
    (ahead,) = told["vaccines"]
    assert (ahead["usable"], ahead["written_off"], ahead["given"], ahead["loss"]) == (3, 1, 4, "0.250")
    today = TODAY + timedelta(days=14)
    needs = {day["need"]["on"]: day for day in ahead["days"]}
    assert len(needs) == 14
    assert needs[str(today)]["need"] == {"on": str(today), "due": 0, "walk_ins": "2.0", "doses": 3}  # 2 × 1.25
    assert (needs[str(today)]["usable"], needs[str(today)]["short"]) == (3, 0)
    assert needs[str(SECOND_ON)]["need"] == {"on": str(SECOND_ON), "due": 4, "walk_ins": "2.0", "doses": 8}
    assert (needs[str(SECOND_ON)]["usable"], needs[str(SECOND_ON)]["short"]) == (0, 8)
    assert ahead["days_of_cover"] == 7
    assert ahead["late"] == 0
    clock.pass_time(days=10)
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    assert (await keeper.get("/api/v1/demand")).json()["vaccines"][0]["late"] == 4


async def test_what_expires_soon_is_listed_with_its_places_and_what_will_not_be_needed(
    as_role: Any, house: House, vaccinator: Actor
) -> None:
    soon, later = TODAY + timedelta(days=30), TODAY + timedelta(days=31)
    a_lot(house.db, "81000003000000009001", "81000003000000009002", number="SOON", expires_on=soon, bench=None)
    a_lot(house.db, "81000003000000009003", number="SOON", expires_on=soon, bench="bench-2")
    a_lot(house.db, "81000003000000009004", number="LATER", expires_on=later, bench=None)
    lead = await as_role(Role.SITE_LEAD)
    (told,) = (await lead.get("/api/v1/demand")).json()["expiring"]
    assert (told["lot_number"], told["expires_on"], told["doses"], told["left_over"]) == ("SOON", str(soon), 3, 3)
    assert told["places"] == [
        {"place_code": "bench-2-box", "units": 1, "doses": 1},
        {"place_code": "fridge-1", "units": 2, "doses": 2},
    ]
    page = (await lead.get("/demand")).text
    assert "SOON" in page
    assert "LATER" not in page
    assert vaccinator


async def test_the_need_of_every_day_before_the_expiry_uses_a_lot_up(
    as_role: Any, house: House, vaccinator: Actor, clock: ManualClock
) -> None:
    for code in CODES[:4]:
        a_dose(house.db, vaccinator, code)
    clock.pass_time(days=7)
    soon = TODAY + timedelta(days=7 + 30)
    codes = [f"8100000300000008{place:04d}" for place in range(40)]
    a_lot(house.db, *codes, number="SOON", expires_on=soon, bench=None)
    lead = await as_role(Role.SITE_LEAD)
    (told,) = (await lead.get("/api/v1/demand")).json()["expiring"]
    assert told["left_over"] == 40 - 5 * 4  # four walk in on each of five Mondays, the last of them 28 days ahead


async def test_a_draw_that_was_returned_was_not_given(house: House, vaccinator: Actor) -> None:
    for code in CODES[:2]:
        a_dose(house.db, vaccinator, code)

    def back(tx: Tx) -> None:
        assert vaccinator.staff_id
        draw_id = tx.execute(select(dose.c.draw_id).limit(1)).scalar_one()
        tx.journal("unit_returned", return_draw(tx, draw_id, vaccinator.staff_id))

    house.db.write_now(back, vaccinator)
    now = house.db.clock.now()
    assert house.db.read_now(lambda connection: ledger_since(connection, now)) == {VACCINE: Ledger(0, 1)}
    later = now + timedelta(seconds=1)
    assert house.db.read_now(lambda connection: ledger_since(connection, later)) == {}


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.VACCINATOR, Role.VOLUNTEER])
async def test_who_does_not_plan_does_not_see_it(as_role: Any, role: Role) -> None:
    assert (await (await as_role(role)).get("/api/v1/demand")).status_code == 403
