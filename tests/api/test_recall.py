"""Recalls, exposure in a place, units set apart, destruction: over HTTP and against a brute-force scan."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from clinic_server.injection.actions import PermitAsked, give_dose, grant_permit
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.recall.actions import NewRecall, begin_recall
from clinic_server.recall.lookup import exposed, given_to, remaining_of, require_recall
from clinic_server.recall.tables import Destruction, DestructionConfirmed
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.stock.distribution import NewTransfer, transfer
from clinic_server.stock.ledger import balance_of
from clinic_server.stock.places import require_place
from clinic_server.stock.rules import BodySite, StopScope
from clinic_server.stock.tables import unit, unit_move, unit_now
from clinic_server.stock.units import unit_by_code
from clinic_server.stock.whereabouts import Outside
from clinic_server.visits.lookup import standing
from clinic_server.visits.tables import dose
from tests.api.test_injection import a_consented_visit, findings_of, permitted
from tests.api.visitors import (
    CHECKED,
    PRODUCT,
    SYSTEM,
    a_colleague,
    a_lot,
    a_place,
    a_product,
    an_open_site,
    rows_in,
)
from tests.conftest import ManualClock

CODES = [f"8100000100000000{n:04d}" for n in range(12)]
LOT = f"{PRODUCT}/L-A"
RECALL = {"scope": "lot", "target": LOT, "reason": "county recall", "next_step": "come back if feverish"}


def a_dose_of(db: Database, vaccinator: Actor, code: str) -> tuple[UUID, UUID]:
    """Give the unit to somebody; return the dose and the person."""
    visit_id = a_consented_visit(db)
    asked = PermitAsked(code, str(CHECKED["check_list"]), frozenset(CHECKED["confirmed"]))
    permit = db.write_now(lambda tx: grant_permit(tx, SiteSettings(), visit_id, asked), vaccinator)
    given = db.write_now(
        lambda tx: give_dose(tx, SiteSettings(), permit.permit_id, BodySite.LEFT_UPPER_ARM), vaccinator
    )
    return given.dose_id, db.read_now(lambda connection: standing(connection, visit_id).person_id)


@pytest.fixture(name="vaccinator")
def _vaccinator(db: Database) -> Actor:
    an_open_site(db)
    a_product(db)
    return a_colleague(db, Role.VACCINATOR, QualificationKind.VACCINATOR)


@pytest.fixture(name="served")
def _served(house: House) -> Database:
    """Six units of one lot and six of another in the box of the desk, three and two of them given."""
    db = house.db
    an_open_site(db)
    a_product(db)
    a_lot(db, *CODES[:6], number="L-A", bench="desk-1")
    a_lot(db, *CODES[6:], number="L-B", bench="desk-1")
    nurse = a_colleague(db, Role.VACCINATOR, QualificationKind.VACCINATOR)
    for code in (*CODES[:3], *CODES[6:8]):
        a_dose_of(db, nurse, code)
    return db


async def test_a_recall_stops_the_lot_sets_apart_what_is_left_and_lists_who_got_it(
    as_role: Any, served: Database
) -> None:
    db = served
    lead, registrar = await as_role(Role.SITE_LEAD), await as_role(Role.REGISTRAR)
    begun = await lead.post("/api/v1/recalls", json=RECALL)
    assert (begun.status_code, begun.json()["units_held"]) == (201, 3)
    path = f"/api/v1/recalls/{begun.json()['recall_id']}"
    people = (await registrar.get(f"{path}/people")).json()
    assert (len(people), {one["name"] for one in people}) == (3, {"王小明"})
    left = (await lead.get(f"{path}/units")).json()
    assert sorted(one["trace_code"] for one in left) == CODES[3:6]
    assert {one["is_held"] for one in left} == {True}
    refused = await (await as_role(Role.VACCINATOR, station="desk-1")).post(
        f"/api/v1/visits/{a_consented_visit(db)}/permits", json={"trace_code": CODES[3], **CHECKED}
    )
    assert set(findings_of(refused)) == {"unit_on_hold", "lot_stopped"}
    assert (await lead.post("/api/v1/recalls", json=RECALL)).json()["code"] == "already_recalled"
    nobody = await lead.post("/api/v1/recalls", json=RECALL | {"target": f"{PRODUCT}/none"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "stop_target_unknown")
    site = await lead.post("/api/v1/recalls", json=RECALL | {"scope": "site", "target": "x"})
    assert site.json()["code"] == "recall_is_of_units"


async def test_a_dose_entered_in_error_and_another_lot_are_not_recalled(as_role: Any, served: Database) -> None:
    db = served
    bench, lead = await as_role(Role.VACCINATOR), await as_role(Role.SITE_LEAD)
    first = db.read_now(lambda c: c.execute(select(dose.c.id).order_by(dose.c.journal_seq)).scalars().first())
    await bench.post(f"/api/v1/doses/{first}/denial", json={"reason": "wrong person"})
    recall_id = (await lead.post("/api/v1/recalls", json=RECALL)).json()["recall_id"]
    assert len((await lead.get(f"/api/v1/recalls/{recall_id}/people")).json()) == 2


async def test_calls_are_noted_and_the_latest_counts(as_role: Any, served: Database) -> None:
    db = served
    lead, registrar = await as_role(Role.SITE_LEAD), await as_role(Role.REGISTRAR)
    path = f"/api/v1/recalls/{(await lead.post('/api/v1/recalls', json=RECALL)).json()['recall_id']}"
    people = (await registrar.get(f"{path}/people")).json()
    person_id = people[0]["person_id"]
    phone = await registrar.post(f"/api/v1/people/{person_id}/phone", json={"phone": "138 0000 0000"})
    assert phone.status_code == 201
    for outcome in ("not_reached", "reached"):
        noted = await registrar.post(
            f"{path}/people/{person_id}/calls", json={"outcome": outcome, "note": "canary-note"}
        )
        assert noted.status_code == 201
        assert "canary-note" not in noted.text
    told = {one["person_id"]: (one["outcome"], one["phone"]) for one in (await registrar.get(f"{path}/people")).json()}
    assert told[person_id] == ("reached", "138 0000 0000")
    before = rows_in(db)
    stranger = db.read_now(
        lambda c: c.execute(select(dose.c.person_id).order_by(dose.c.journal_seq.desc())).scalars().first()
    )
    refused = await registrar.post(f"{path}/people/{stranger}/calls", json={"outcome": "reached"})
    assert (refused.json()["code"], rows_in(db)) == ("person_not_in_recall", before)
    page = (await registrar.get(f"/recalls/{path.rpartition('/')[2]}")).status_code
    assert page == 403
    seen = (await lead.get(f"/recalls/{path.rpartition('/')[2]}")).text
    assert ("1 of 3 people who got it are told." in seen, "138 0000 0000" in seen) == (True, True)


@pytest.mark.parametrize("role", [Role.VOLUNTEER, Role.OBSERVER, Role.VACCINATOR, Role.COLD_CHAIN_KEEPER])
@pytest.mark.usefixtures("served")
async def test_who_got_it_is_told_only_to_those_who_call(as_role: Any, role: Role) -> None:
    lead, somebody = await as_role(Role.SITE_LEAD), await as_role(role)
    recall_id = (await lead.post("/api/v1/recalls", json=RECALL)).json()["recall_id"]
    assert (await somebody.get(f"/api/v1/recalls/{recall_id}/people")).status_code == 403
    assert "王小明" not in (await somebody.get(f"/recalls/{recall_id}")).text


async def test_a_held_unit_comes_back_only_by_a_named_release(as_role: Any, served: Database) -> None:
    db = served
    bench, keeper = await as_role(Role.VACCINATOR, station="desk-1"), await as_role(Role.COLD_CHAIN_KEEPER)
    held = await bench.post("/api/v1/holds", json={"reason": "doubted", "trace_codes": [CODES[8], CODES[9]]})
    assert held.json() == {"units": 2}
    one, other = (db.read_now(lambda c, code=code: unit_by_code(c, code)) for code in (CODES[8], CODES[9]))
    assert one
    assert other
    visit_id = a_consented_visit(db)
    decision = f"/api/v1/units/{one.unit_id}/hold/decision"
    assert (await bench.post(decision, json={"end": "released", "note": "looks well"})).status_code == 403
    assert findings_of(await permitted(bench, visit_id, CODES[8])) == ["unit_on_hold"]
    assert (await keeper.post(decision, json={"end": "released", "note": "maker says so"})).status_code == 201
    assert (await permitted(bench, visit_id, CODES[8])).status_code == 201
    again = await keeper.post(decision, json={"end": "released", "note": "twice"})
    assert again.json()["code"] == "unit_not_held"
    doomed = f"/api/v1/units/{other.unit_id}/hold/decision"
    assert (await keeper.post(doomed, json={"end": "destroyed", "note": "frozen"})).status_code == 201
    assert findings_of(await permitted(bench, visit_id, CODES[9])) == ["unit_on_hold"]
    listed = (await keeper.get("/api/v1/holds")).json()
    assert [(one["unit"]["trace_code"], one["end"]) for one in listed] == [(CODES[9], "destroyed")]


@pytest.mark.usefixtures("served")
async def test_everything_of_a_lot_in_a_place_is_set_apart_at_once(as_role: Any) -> None:
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    body = {"reason": "temperature", "place_code": "desk-1-box", "lot_number": "L-B"}
    assert (await keeper.post("/api/v1/holds", json=body)).json() == {"units": 4}
    nothing = await keeper.post("/api/v1/holds", json={"reason": "doubted", "trace_codes": [CODES[0]]})
    assert (nothing.status_code, nothing.json()["code"]) == (422, "nothing_to_hold")


async def test_a_destruction_takes_two_signatures_and_a_witness(as_role: Any, served: Database) -> None:
    db = served
    keeper, lead = await as_role(Role.COLD_CHAIN_KEEPER), await as_role(Role.SITE_LEAD)
    body = {"trace_codes": CODES[8:10], "end": "destroyed", "reason": "frozen", "witness": "canary-witness"}
    before = rows_in(db)
    good = await keeper.post("/api/v1/destructions", json=body)
    assert (good.json()["code"], rows_in(db)) == ("unit_still_good", before)
    await keeper.post("/api/v1/holds", json={"reason": "doubted", "trace_codes": CODES[8:10]})
    made = await keeper.post("/api/v1/destructions", json=body)
    path = f"/api/v1/destructions/{made.json()['destruction_id']}/confirmation"
    assert (await keeper.post(path)).json()["code"] == "destruction_needs_second"
    assert (await lead.post(path)).status_code == 201
    assert (await lead.post(path)).json()["code"] == "destruction_done"
    one = db.read_now(lambda connection: unit_by_code(connection, CODES[8]))
    assert one is not None
    assert (one.place_code, one.doses_left) == (None, 0)
    destroyed = db.read_now(lambda connection: balance_of(connection, Outside.DESTROYED, one.lot_id))
    assert destroyed == 2
    assert (await keeper.get("/api/v1/holds")).json() == []
    sheet = (await lead.get(f"/destructions/{made.json()['destruction_id']}")).text
    assert ("canary-witness" in sheet, CODES[8] in sheet, "these units are gone" in sheet) == (True, True, True)
    gone = await keeper.post("/api/v1/destructions", json=body)
    assert gone.json()["code"] == "unit_not_here"


@pytest.mark.each_engine
def test_the_database_itself_wants_two_people_for_a_destruction(served: Database) -> None:
    db = served
    somebody = a_colleague(db, Role.SITE_LEAD)

    def sign_twice(tx: Any) -> None:
        staff_id = somebody.staff_id
        about = {"end": "destroyed", "reason": "x", "witness_sealed": b"x", "proposed_by": staff_id}
        destruction_id = tx.append(Destruction, **about, proposed_at=tx.now)
        both = {"proposed_by": staff_id, "confirmed_by": staff_id, "confirmed_at": tx.now}
        tx.append(DestructionConfirmed, destruction_id=destruction_id, **both)
        tx.journal("signed_twice")

    with pytest.raises(Exception, match="two_people"):
        db.write_now(sign_twice, SYSTEM)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.each_engine
def test_the_lists_are_what_a_scan_of_every_row_finds(
    db: Database, vaccinator: Actor, clock: ManualClock, data: st.DataObject
) -> None:
    """Invariant 23, and who was reached by a place: set equality with a brute-force scan."""
    places = [a_place(db, "fridge-1"), a_place(db, "fridge-2"), a_place(db, "desk-1-box", "desk-1")]
    tag = f"{rows_in(db):06d}"
    codes = [f"8{tag}{n:013d}" for n in range(4)]
    for lot, pair in (("A", codes[:2]), ("B", codes[2:])):
        a_lot(db, *pair, number=f"{tag}{lot}", bench=None, expires_on=date(2027, 1, 1))
    began_at = clock.now()
    for _ in range(data.draw(st.integers(1, 8))):
        clock.pass_time(minutes=1)
        code, place = data.draw(st.sampled_from(codes)), data.draw(st.sampled_from(places))
        _try(db, vaccinator, code, place, is_given=data.draw(st.booleans()))
    since, until = sorted(data.draw(st.integers(-1, 10)) for _ in range(2))
    span = (began_at + timedelta(minutes=since), began_at + timedelta(minutes=until))
    place_id = db.read_now(lambda c: require_place(c, data.draw(st.sampled_from(places)))).place_id
    seen = db.read_now(lambda c: exposed(c, place_id, *span))
    assert {one.dose_id for one in seen.given} == db.read_now(lambda c: _doses_by_scan(c, place_id, *span))
    assert {one.unit_id for one in seen.remaining} == db.read_now(lambda c: _units_by_scan(c, place_id, *span))
    target = f"{PRODUCT}/{tag}A"
    begun = db.write_now(lambda tx: begin_recall(tx, NewRecall(StopScope.LOT, target, "r", "n")), vaccinator)
    recall = db.read_now(lambda c: require_recall(c, begun.recall_id))
    lot_units = db.read_now(lambda c: {r.id for r in c.execute(select(unit)) if r.trace_code in codes[:2]})
    scanned = db.read_now(lambda c: {r.id for r in c.execute(select(dose)) if r.unit_id in lot_units})
    assert {one.dose_id for one in db.read_now(lambda c: given_to(c, recall))} == scanned
    left = db.read_now(
        lambda c: {r.unit_id for r in c.execute(select(unit_now)) if r.unit_id in lot_units and r.doses_left}
    )
    assert {one.unit_id for one in db.read_now(lambda c: remaining_of(c, recall))} == left
    assert begun.units_held == len(left)


def _try(db: Database, vaccinator: Actor, code: str, place: str, *, is_given: bool) -> None:
    facts = db.read_now(lambda c: unit_by_code(c, code))
    assert facts is not None
    if facts.doses_left == 0:
        return
    if is_given:
        if facts.station is None:
            db.write_now(lambda tx: transfer(tx, NewTransfer("desk-1-box", [code], "any")), vaccinator)
        a_dose_of(db, vaccinator, code)
    elif facts.place_code != place:
        db.write_now(lambda tx: transfer(tx, NewTransfer(place, [code], "any")), vaccinator)


def _stays(connection: Any, place_id: UUID) -> Sequence[tuple[UUID, datetime, datetime | None]]:
    """Walk through every move there ever was, unit by unit."""
    stays = []
    moves = connection.execute(select(unit_move).order_by(unit_move.c.unit_id, unit_move.c.number)).all()
    for place, move in enumerate(moves):
        if move.to_place_id == place_id:
            after = moves[place + 1] if place + 1 < len(moves) else None
            is_same = after is not None and after.unit_id == move.unit_id
            stays.append((move.unit_id, move.moved_at, after.moved_at if after is not None and is_same else None))
    return stays


def _doses_by_scan(connection: Any, place_id: UUID, since: datetime, until: datetime) -> set[UUID]:
    found = set()
    for unit_id, came_at, left_at in _stays(connection, place_id):
        if came_at <= until and (left_at is None or left_at > since):
            for one in connection.execute(select(dose)).all():
                if one.unit_id == unit_id and one.given_at >= max(came_at, since):
                    found.add(one.id)
    return found


def _units_by_scan(connection: Any, place_id: UUID, since: datetime, until: datetime) -> set[UUID]:
    left = {row.unit_id for row in connection.execute(select(unit_now)).all() if row.doses_left}
    stays = _stays(connection, place_id)
    return {one for one, came, gone in stays if came <= until and (gone is None or gone > since)} & left
