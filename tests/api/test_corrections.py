"""The correction desk over HTTP."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from clinic_server.injection.actions import PermitAsked, give_dose, grant_permit
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.journal import verify
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.stock.actions import balances
from clinic_server.stock.rules import BodySite
from clinic_server.stock.tables import draw
from clinic_server.visits.doses import doses_given
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from tests.api.callers import AsRole
from tests.api.test_injection import CODE, a_consented_visit
from tests.api.visitors import CHECKED, a_colleague, a_lot, a_product, an_open_site, rows_in


def a_dose(db: Database, visit_id: UUID, vaccinator: Actor, code: str = CODE) -> UUID:
    asked = PermitAsked(code, CHECKED["check_list"], frozenset(CHECKED["confirmed"]))
    permit = db.write_now(lambda tx: grant_permit(tx, SiteSettings(), visit_id, asked), vaccinator)
    return db.write_now(
        lambda tx: give_dose(tx, SiteSettings(), permit.permit_id, BodySite.LEFT_UPPER_ARM), vaccinator
    ).dose_id


@pytest.fixture(name="vaccinator")
def _vaccinator(house: House) -> Actor:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE, bench="desk-1")
    return a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR)


def doses_left(db: Database) -> int:
    return db.read_now(balances)[0].doses_left


async def test_a_dose_no_needle_gave_no_longer_counts_and_opens_an_incident(
    as_role: AsRole, house: House, vaccinator: Actor
) -> None:
    visit_id = a_consented_visit(house.db)
    dose_id = a_dose(house.db, visit_id, vaccinator)
    nurse, lead = await as_role(Role.VACCINATOR), await as_role(Role.SITE_LEAD)
    denied = await nurse.post(f"/api/v1/doses/{dose_id}/denial", json={"reason": "canary-wrong-person"})
    assert denied.status_code == 201
    visit = house.db.read_now(lambda connection: standing(connection, visit_id))
    assert house.db.read_now(lambda connection: doses_given(connection, visit.person_id)) == []
    assert visit.stage is Stage.OBSERVED
    incidents = (await lead.get("/api/v1/incidents")).json()
    assert [(one["kind"], one["dose_id"]) for one in incidents] == [("dose_denied", str(dose_id))]
    before = rows_in(house.db)
    again = await nurse.post(f"/api/v1/doses/{dose_id}/denial", json={"reason": "again"})
    assert (again.status_code, again.json()["code"], rows_in(house.db)) == (409, "dose_denied", before)
    closed = await lead.post(f"/api/v1/incidents/{incidents[0]['incident_id']}/assessment", json={"reason": "misread"})
    assert closed.status_code == 201
    assert (await lead.get("/api/v1/incidents")).json() == []
    twice = await lead.post(f"/api/v1/incidents/{incidents[0]['incident_id']}/assessment", json={"reason": "misread"})
    assert twice.json()["code"] == "incident_assessed_before"
    assert house.db.read_now(lambda connection: verify(connection, house.db.keyring.journal_key)).faults == []


async def test_an_untouched_unit_goes_back_once_and_is_used_again(
    as_role: AsRole, house: House, vaccinator: Actor
) -> None:
    dose_id = a_dose(house.db, a_consented_visit(house.db), vaccinator)
    nurse, colleague = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR)
    assert doses_left(house.db) == 0
    early = await colleague.post(f"/api/v1/doses/{dose_id}/unit-return")
    assert early.json()["code"] == "dose_stands"
    await nurse.post(f"/api/v1/doses/{dose_id}/denial", json={"reason": "another visit"})
    page = (await nurse.get(f"/doses/{dose_id}/correction", headers={"accept-language": "en"})).text
    assert page.count("Put the unit back into stock") == 2, "the button and the key that presses it"
    assert "Record the correction" not in page
    own = await nurse.post(f"/api/v1/doses/{dose_id}/unit-return")
    assert own.json()["code"] == "return_unwitnessed"
    assert doses_left(house.db) == 0
    returned = await colleague.post(f"/api/v1/doses/{dose_id}/unit-return")
    assert (returned.status_code, doses_left(house.db)) == (201, 1)
    assert (await colleague.post(f"/api/v1/doses/{dose_id}/unit-return")).json()["code"] == "unit_returned_before"
    second = a_dose(house.db, a_consented_visit(house.db), vaccinator)
    assert (second != dose_id, doses_left(house.db)) == (True, 0)
    draws = house.db.read_now(lambda connection: connection.execute(select(draw).order_by(draw.c.journal_seq)).all())
    assert [one.after_return_id for one in draws] == [None, UUID(returned.json()["correction_id"])]


@pytest.mark.each_engine
async def test_the_database_itself_lets_one_return_be_followed_by_one_draw(
    as_role: AsRole, house: House, vaccinator: Actor
) -> None:
    dose_id = a_dose(house.db, a_consented_visit(house.db), vaccinator)
    nurse, colleague = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR)
    await nurse.post(f"/api/v1/doses/{dose_id}/denial", json={"reason": "another visit"})
    await colleague.post(f"/api/v1/doses/{dose_id}/unit-return")
    a_dose(house.db, a_consented_visit(house.db), vaccinator)
    rows: list[Any] = list(house.db.read_now(lambda connection: connection.execute(select(draw)).all()))
    for row in rows:
        copy = dict(row._mapping) | {"id": UUID(int=9), "journal_seq": 999}
        with pytest.raises(Exception, match=r"(?i)unique"):
            house.db.write_now(lambda tx, copy=copy: tx.execute(insert(draw).values(**copy)), vaccinator)


async def test_the_body_site_is_corrected_from_what_the_screen_said(
    as_role: AsRole, house: House, vaccinator: Actor
) -> None:
    dose_id = a_dose(house.db, a_consented_visit(house.db), vaccinator)
    nurse = await as_role(Role.VACCINATOR)
    page = await nurse.get(f"/doses/{dose_id}/correction")
    assert page.status_code == 200
    said = {"was": "left_upper_arm", "should_be": "right_upper_arm", "reason": "plaster on the left"}
    done = await nurse.post(f"/doses/{dose_id}/body-site", data=said)
    assert done.headers["location"] == "/corrections"
    stale = await nurse.post(f"/api/v1/doses/{dose_id}/body-site", json=said)
    assert stale.json()["code"] == "correction_stale"
    lines = (await nurse.get("/api/v1/days/2026-03-02/correctable-doses")).json()
    assert [line["body_site"] for line in lines] == ["right_upper_arm"]


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.OBSERVER, Role.VOLUNTEER])
async def test_corrections_are_for_those_who_inject_and_those_in_charge(as_role: AsRole, role: Role) -> None:
    somebody = await as_role(role)
    for address in ("/corrections", f"/doses/{UUID(int=1)}/correction", "/api/v1/incidents"):
        assert (await somebody.get(address)).status_code == 403
