"""A changed answer voids decision, consent and permit, from every stage before the needle, over HTTP."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from clinic_server.kit.call import House
from clinic_server.screening.actions import decide, latest_screening_id
from clinic_server.screening.rules import DecisionOutcome, Proposal
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import Role
from clinic_server.visits.orders import Order, standing_order
from tests.api.callers import AsRole, Client
from tests.api.test_injection import CODE, LEFT_ARM, a_consented_visit
from tests.api.visitors import (
    CHECKED,
    PRODUCT,
    a_lot,
    a_physician,
    a_product,
    a_screening,
    a_visit,
    an_open_site,
    answers,
)

STAGES = ("waiting_for_screening", "waiting_for_decision", "waiting_for_consent", "waiting_for_injection")


def brought_to(house: House, stage: str) -> UUID:
    """Somebody at one of the stages before the needle."""
    if stage == "waiting_for_injection":
        return a_consented_visit(house.db)
    visit_id = a_visit(house.db)
    if stage == "waiting_for_screening":
        return visit_id
    screening_id = a_screening(house.db, visit_id)
    if stage == "waiting_for_consent":
        proposal = Proposal(DecisionOutcome.RECOMMENDED, PRODUCT)
        house.db.write_now(
            lambda tx: decide(tx, SiteSettings(), visit_id, screening_id, proposal), a_physician(house.db)
        )
    return visit_id


def order_of(house: House, visit_id: UUID) -> Order | None:
    return house.db.read_now(lambda connection: standing_order(connection, visit_id))


async def by_desk(desk: Any, _client: Client, house: House, visit_id: UUID) -> Any:
    given = {code: said.value for code, said in answers(house.db, visit_id).items()}
    return await desk.post(f"/api/v1/visits/{visit_id}/screening", json={"answers": given | {"acute_illness": "yes"}})


async def by_link(desk: Any, client: Client, house: House, visit_id: UUID) -> Any:
    issued = (await desk.post(f"/api/v1/visits/{visit_id}/answer-links")).json()
    link = (await desk.get(f"/api/v1/answer-links/{issued['link_id']}")).json()
    form = {f"answer-{code}": said.value for code, said in answers(house.db, visit_id).items()}
    return await client.post(link["path"], data=form | {"answer-acute_illness": "yes"})


@pytest.fixture(name="stocked")
def _stocked(house: House) -> None:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE)


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("way", [by_desk, by_link])
@pytest.mark.parametrize("stage", STAGES)
async def test_answers_given_again_lead_back_to_the_physician_from_every_stage(
    as_role: AsRole, client: Client, house: House, stage: str, way: Any
) -> None:
    visit_id = await asyncio.to_thread(brought_to, house, stage)
    desk, physician = await as_role(Role.REGISTRAR), await as_role(Role.PHYSICIAN)
    answer = await way(desk, client, house, visit_id)
    assert answer.status_code in {201, 303}, answer.text
    seen = (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()
    assert (seen["advice"], order_of(house, visit_id)) == ("against", None)
    assert (await desk.get(f"/api/v1/visits/{visit_id}")).json()["visit"]["stage"] == "waiting_for_decision"
    assert (await desk.get(f"/api/v1/visits/{visit_id}/consent")).status_code == 409


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("way", [by_desk, by_link])
async def test_the_old_permit_gives_no_dose(as_role: AsRole, client: Client, house: House, way: Any) -> None:
    visit_id = await asyncio.to_thread(a_consented_visit, house.db)
    desk, bench = await as_role(Role.REGISTRAR), await as_role(Role.VACCINATOR)
    permit = await bench.post(f"/api/v1/visits/{visit_id}/permits", json={"trace_code": CODE, **CHECKED})
    assert permit.status_code == 201, permit.text
    await way(desk, client, house, visit_id)
    dose = {"permit_id": permit.json()["permit_id"], "body_site": LEFT_ARM}
    refused = await bench.post("/api/v1/doses", json=dose)
    assert refused.status_code in {409, 422}, refused.text
    again = await bench.post(f"/api/v1/visits/{visit_id}/permits", json={"trace_code": CODE, **CHECKED})
    assert again.status_code in {409, 422}, again.text


@pytest.mark.usefixtures("stocked")
async def test_the_old_permit_stays_dead_when_everything_was_decided_and_signed_anew(
    as_role: AsRole, house: House
) -> None:
    """A permit is for the order it was granted on, not for whichever stands."""
    visit_id = await asyncio.to_thread(a_consented_visit, house.db)
    desk, bench, physician = [await as_role(role) for role in (Role.REGISTRAR, Role.VACCINATOR, Role.PHYSICIAN)]
    permit = await bench.post(f"/api/v1/visits/{visit_id}/permits", json={"trace_code": CODE, **CHECKED})
    given = {code: said.value for code, said in answers(house.db, visit_id).items()}
    await desk.post(f"/api/v1/visits/{visit_id}/screening", json={"answers": given})
    screening_id = await house.db.read(lambda connection: latest_screening_id(connection, visit_id))
    choice = {"screening_id": str(screening_id), "outcome": "recommended", "product_code": PRODUCT}
    made = await physician.post(f"/api/v1/visits/{visit_id}/decision", json=choice)
    assert made.json()["stage"] == "waiting_for_consent"
    dose = {"permit_id": permit.json()["permit_id"], "body_site": LEFT_ARM}
    assert (await bench.post("/api/v1/doses", json=dose)).status_code in {409, 422}


async def test_after_the_needle_no_answer_changes_anything(as_role: AsRole, house: House, stocked: None) -> None:  # noqa: ARG001
    visit_id = await asyncio.to_thread(a_consented_visit, house.db)
    desk, bench = await as_role(Role.REGISTRAR), await as_role(Role.VACCINATOR)
    permit = await bench.post(f"/api/v1/visits/{visit_id}/permits", json={"trace_code": CODE, **CHECKED})
    dose = {"permit_id": permit.json()["permit_id"], "body_site": LEFT_ARM}
    assert (await bench.post("/api/v1/doses", json=dose)).status_code == 201
    given = {code: said.value for code, said in answers(house.db, visit_id).items()}
    refused = await desk.post(f"/api/v1/visits/{visit_id}/screening", json={"answers": given})
    assert (refused.status_code, refused.json()["code"]) == (409, "step_out_of_order")
    refused = await desk.post(f"/api/v1/visits/{visit_id}/answer-links")
    assert (refused.status_code, refused.json()["code"]) == (409, "step_out_of_order")
