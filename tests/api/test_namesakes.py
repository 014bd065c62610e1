"""Two people of one name, one sex and one birth date, side by side: whatever is done is done to one of them."""

from uuid import UUID

import pytest

from clinic_server.adverse_events.lookup import suspect_doses, under_care
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.observation.area import area
from clinic_server.observation.handover.lookup import handover_list
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.visits.doses import doses_given
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import Standing, standing
from tests.api.callers import AsRole, SignedIn
from tests.api.test_corrections import a_dose
from tests.api.test_injection import CODE
from tests.api.test_reaction import measured_visit, pressed
from tests.api.visitors import a_colleague, a_lot, a_product, an_open_site

NAME = "王小明"
VIALS = (CODE, f"{CODE}2")


@pytest.fixture(name="vaccinator")
def _vaccinator(house: House) -> Actor:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, *VIALS, bench="desk-1")
    return a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR)


@pytest.fixture(name="namesakes")
def _namesakes(house: House, vaccinator: Actor) -> tuple[UUID, UUID]:
    """Both under observation, two minutes after their doses of one lot."""
    one, other = measured_visit(house), measured_visit(house)
    for visit_id, vial in zip((one, other), VIALS, strict=True):
        a_dose(house.db, visit_id, vaccinator, vial)
    house.db.clock.pass_time(minutes=2)  # type: ignore[attr-defined]
    return one, other


def stands(house: House, visit_id: UUID) -> Standing:
    return house.db.read_now(lambda connection: standing(connection, visit_id))


async def done(who: SignedIn, path: str, **body: object) -> None:
    answer = await who.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 201, answer.text


async def test_namesakes_sit_on_two_seats_and_stand_on_two_lines_of_every_list(
    as_role: AsRole, house: House, namesakes: tuple[UUID, UUID]
) -> None:
    lead, nurse = await as_role(Role.SITE_LEAD), await as_role(Role.OBSERVER)
    for code, visit_id in zip(("a1", "a2"), namesakes, strict=True):
        await done(lead, f"/seats/{code}", zone="hall")
        await done(nurse, f"/visits/{visit_id}/placements", seat_code=code)
    seen = house.db.read_now(lambda connection: area(connection, house.db.keyring))
    assert [one.person.name for one in seen.people] == [NAME, NAME]
    assert {one.watched.visit_id: one.place and one.place.seat_code for one in seen.people} == dict(
        zip(namesakes, ("a1", "a2"), strict=True)
    )
    listed = (await nurse.get("/observation/handover")).text
    assert [f"/visits/{visit_id}/observation" in listed for visit_id in namesakes] == [True, True]
    assert listed.count(NAME) == 2
    assert len({stands(house, visit_id).ticket_number for visit_id in namesakes}) == 2


async def test_the_reaction_of_one_is_not_the_others(
    as_role: AsRole, house: House, namesakes: tuple[UUID, UUID]
) -> None:
    nurse, (one, other) = await as_role(Role.OBSERVER), namesakes
    number = await pressed(nurse, one, "a1")
    event, none = (house.db.read_now(lambda c, v=visit_id: under_care(c, v)) for visit_id in namesakes)
    assert event is not None
    assert (event.number, event.visit_id, none) == (number, one, None)
    own = house.db.read_now(lambda c: doses_given(c, stands(house, one).person_id))
    assert house.db.read_now(lambda c: suspect_doses(c, event.event_id)) == [dose.dose_id for dose in own]
    house.db.clock.pass_time(minutes=30)  # type: ignore[attr-defined]
    kept = await nurse.post(f"/api/v1/visits/{one}/leave", json={})
    assert kept.json()["code"] == "still_under_care"
    await done(nurse, f"/visits/{other}/leave")
    assert [stands(house, visit_id).stage for visit_id in namesakes] == [Stage.OBSERVED, Stage.COMPLETED]


async def test_one_who_is_gone_is_looked_for_and_the_other_sits_on(
    as_role: AsRole, house: House, namesakes: tuple[UUID, UUID]
) -> None:
    nurse, (one, other) = await as_role(Role.OBSERVER), namesakes
    await done(nurse, f"/visits/{one}/left-unseen")
    listed = house.db.read_now(lambda connection: handover_list(connection, house.db.keyring))
    assert [gone.unseen.visit_id for gone in listed.gone] == [one]
    assert [seated.watched.visit_id for seated in listed.watched] == [other]
    await done(nurse, f"/visits/{one}/follow-ups", outcome="reached_unwell")
    assert house.db.read_now(lambda c: under_care(c, other)) is None
    events = (await nurse.get("/api/v1/adverse-events")).json()
    assert len(events) == 1
    told = (await nurse.get(f"/api/v1/adverse-events/{events[0]['number']}")).json()
    assert told["event"]["person_id"] == str(stands(house, one).person_id)
