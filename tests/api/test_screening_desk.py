"""The screening desk over HTTP: its calls and its pages."""

import asyncio
from datetime import date
from uuid import UUID

import httpx2
import pytest

from clinic_server.kit.call import House
from clinic_server.people.documents import Sex
from clinic_server.screening.actions import latest_screening
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from tests.api.callers import AsRole
from tests.api.visitors import (
    PRODUCT,
    a_product,
    a_visit,
)


async def a_waiting_visit(house: House) -> UUID:
    return await asyncio.to_thread(a_visit, house.db, date(1990, 1, 1), Sex.FEMALE)


async def all_no(client: httpx2.AsyncClient, visit_id: UUID) -> dict[str, str]:
    asked = (await client.get(f"/api/v1/visits/{visit_id}/questions")).json()
    return {question["code"]: "no" for question in asked["questions"]}


async def test_the_active_rule_set_can_be_read(as_role: AsRole) -> None:
    registrar = await as_role(Role.REGISTRAR)
    seen = (await registrar.get("/api/v1/questions")).json()
    assert (seen["rule_set_code"], seen["rule_set_version"], len(seen["questions"])) == ("national-2021", 1, 8)
    assert "sign-off" in seen["sign_off"]


async def test_from_answers_to_decision_over_http(as_role: AsRole, house: House) -> None:
    visit_id = await a_waiting_visit(house)
    await asyncio.to_thread(a_product, house.db)
    registrar, physician = await as_role(Role.REGISTRAR), await as_role(Role.PHYSICIAN)
    body = {"answers": await all_no(registrar, visit_id), "milli_celsius": 36_600}
    answered = await registrar.post(f"/api/v1/visits/{visit_id}/screening", json=body)
    assert (answered.status_code, answered.json()["stage"]) == (201, "waiting_for_decision")
    seen = (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()
    assert (seen["advice"], seen["findings"], seen["measurements"]) == ("clear", [], {"milli_celsius": 36_600})
    choice = {"screening_id": seen["screening_id"], "outcome": "recommended", "product_code": PRODUCT}
    made = await physician.post(f"/api/v1/visits/{visit_id}/decision", json=choice)
    assert (made.status_code, made.json()["stage"]) == (201, "waiting_for_consent")


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.VACCINATOR, Role.OBSERVER, Role.VOLUNTEER, Role.SITE_LEAD])
async def test_answers_and_decisions_are_the_physicians_alone(as_role: AsRole, role: Role) -> None:
    somebody = await as_role(role)
    address = f"/api/v1/visits/{UUID(int=1)}"
    assert (await somebody.get(f"{address}/screening")).status_code == 403
    assert (await somebody.post(f"{address}/decision", json={})).status_code == 403
    assert (await somebody.get(f"/visits/{UUID(int=1)}/decision")).status_code == 403


async def test_a_physician_without_certificate_is_refused_over_http(as_role: AsRole, house: House) -> None:
    visit_id = await a_waiting_visit(house)
    unqualified = await as_role(Role.PHYSICIAN, certified=False)
    body = {"answers": await all_no(unqualified, visit_id)}
    screening_id = (await unqualified.post(f"/api/v1/visits/{visit_id}/screening", json=body)).json()["screening_id"]
    choice = {"screening_id": screening_id, "outcome": "unsuitable", "reason": "why"}
    answer = await unqualified.post(f"/api/v1/visits/{visit_id}/decision", json=choice)
    assert (answer.status_code, answer.json()["code"]) == (403, "qualification_missing")


async def test_a_missing_answer_is_named_and_not_what_was_answered(as_role: AsRole, house: House) -> None:
    visit_id = await a_waiting_visit(house)
    registrar = await as_role(Role.REGISTRAR)
    answer = await registrar.post(f"/api/v1/visits/{visit_id}/screening", json={"answers": {"pregnancy": "yes"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "answers_incomplete")
    assert "pregnancy" not in answer.text
    assert "yes" not in answer.json()["findings"]


@pytest.mark.each_engine
async def test_the_same_key_again_gets_the_first_answer(as_role: AsRole, house: House) -> None:
    visit_id = await a_waiting_visit(house)
    registrar = await as_role(Role.REGISTRAR)
    body, key = {"answers": await all_no(registrar, visit_id)}, {"idempotency-key": "once"}
    first = await registrar.post(f"/api/v1/visits/{visit_id}/screening", json=body, headers=key)
    again = await registrar.post(f"/api/v1/visits/{visit_id}/screening", json=body, headers=key)
    assert again.content == first.content
    other = {"answers": body["answers"] | {"pregnancy": "dont_know"}}
    reused = await registrar.post(f"/api/v1/visits/{visit_id}/screening", json=other, headers=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


async def test_the_desks_pages_lead_from_the_queue_to_the_decision(as_role: AsRole, house: House) -> None:
    visit_id = await a_waiting_visit(house)
    await asyncio.to_thread(a_product, house.db)
    physician = await as_role(Role.PHYSICIAN)
    assert "001" in (await physician.get("/screening")).text
    called = await physician.post("/screening/next")
    assert called.headers["location"] == f"/visits/{visit_id}/screening"
    page = (await physician.get(called.headers["location"])).text
    assert "Are you pregnant?" in page
    said = {f"answer-{code}": answer for code, answer in (await all_no(physician, visit_id)).items()}
    said["answer-neurological_disease"] = "dont_know"
    form = said | {"celsius": "36.65", "systolic_mmhg": "120", "diastolic_mmhg": "80"}
    answered = await physician.post(f"/visits/{visit_id}/screening", data=form)
    assert answered.headers["location"] == f"/visits/{visit_id}/decision"
    page = (await physician.get(f"/visits/{visit_id}/decision")).text
    for words in ("Not known: find out", "36.65 °C", "120/80 mmHg", "use with caution", "Vaccine A"):
        assert words in page, words
    screening_id = await house.db.read(
        lambda connection: latest_screening(connection, house.db.keyring, visit_id).screening_id
    )
    choice = {
        "screening_id": str(screening_id),
        "outcome": "recommended",
        "product_code": PRODUCT,
        "deferred_until": "",
    }
    refused = await physician.post(f"/visits/{visit_id}/decision", data=choice | {"reason": ""})
    assert (refused.status_code, "needs a reason" in refused.text) == (422, True)
    made = await physician.post(f"/visits/{visit_id}/decision", data=choice | {"reason": "seen the records"})
    assert made.headers["location"] == "/screening"
    assert (await house.db.read(lambda connection: standing(connection, visit_id))).stage is Stage.WAITING_FOR_CONSENT
    assert "001" not in (await physician.get("/screening/queue")).text


async def test_a_registrar_asks_and_goes_back_to_the_queue(as_role: AsRole, house: House) -> None:
    visit_id = await a_waiting_visit(house)
    registrar = await as_role(Role.REGISTRAR)
    form = {f"answer-{code}": answer for code, answer in (await all_no(registrar, visit_id)).items()}
    answered = await registrar.post(f"/visits/{visit_id}/screening", data=form)
    assert answered.headers["location"] == "/screening"
    page = (await registrar.get("/screening")).text
    assert "Waiting for the physician" in page
    assert "/decision" not in page


async def test_the_decision_page_of_an_unasked_visit_says_so(as_role: AsRole, house: House) -> None:
    visit_id = await a_waiting_visit(house)
    physician = await as_role(Role.PHYSICIAN)
    answer = await physician.get(f"/visits/{visit_id}/decision")
    assert (answer.status_code, "Nobody asked" in answer.text) == (404, True)
