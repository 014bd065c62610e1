"""The consent desk over HTTP: its calls and its pages."""

import asyncio
import json
from datetime import date
from uuid import UUID

import pytest

from clinic_server.consent.rules import (
    InformedItem,
)
from clinic_server.kit.call import House
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import standing_order
from tests.api.callers import AsRole
from tests.api.test_consent import BORN_AT_TEN, a_recommended_visit
from tests.api.visitors import (
    a_product,
)
from tests.rules.test_consent import PNG

A_SIGNATURE = {
    "signer": "recipient",
    "relationship": "self",
    "image": PNG,
    "strokes": [[{"x": 1.5, "y": 1, "time": 1700000000000, "pressure": 0.5}, {"x": 9, "y": 9}]],
}


async def a_visit_to_consent(house: House, born_on: date = date(1980, 5, 1)) -> UUID:
    def make() -> UUID:
        a_product(house.db)
        return a_recommended_visit(house.db, born_on)

    return await asyncio.to_thread(make)


async def test_from_the_sheet_to_the_consent_over_http(as_role: AsRole, house: House) -> None:
    visit_id = await a_visit_to_consent(house)
    registrar = await as_role(Role.REGISTRAR)
    sheet = (await registrar.get(f"/api/v1/visits/{visit_id}/consent?language=zh-TW")).json()
    assert (sheet["text_language"], sheet["signers"], len(sheet["informed"])) == ("zh-TW", ["recipient"], 5)
    body = {key: sheet[key] for key in ("decision_id", "text_language", "text_version", "informed")}
    made = await registrar.post(f"/api/v1/visits/{visit_id}/consent", json=body | {"signatures": [A_SIGNATURE]})
    assert (made.status_code, made.json()["stage"]) == (201, "waiting_for_injection")
    consent = f"/api/v1/visits/{visit_id}/consent"
    taken = {"consent_id": made.json()["consent_id"], "reason": "the wrong text was read out"}
    again = await registrar.post(f"{consent}/invalidation", json=taken)
    assert (again.status_code, again.json()["stage"]) == (201, "waiting_for_consent")
    second = await registrar.post(consent, json=body | {"signatures": [A_SIGNATURE], "asked": "May I work tomorrow?"})
    withdrawal = {"withdrawn_by": "recipient", "reason": "changed my mind"}
    stale = await registrar.post(f"{consent}/withdrawal", json=withdrawal | {"consent_id": taken["consent_id"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "consent_not_standing")
    standing = second.json()["consent_id"]
    withdrawn = await registrar.post(f"{consent}/withdrawal", json=withdrawal | {"consent_id": standing})
    assert (withdrawn.status_code, withdrawn.json()["stage"]) == (201, "refused")


async def test_a_dispute_is_settled_by_a_physician_alone(as_role: AsRole, house: House) -> None:
    visit_id = await a_visit_to_consent(house, BORN_AT_TEN)
    registrar, physician = await as_role(Role.REGISTRAR), await as_role(Role.PHYSICIAN)
    disputed = await registrar.post(f"/visits/{visit_id}/consent/dispute", data={"reason": "the father does not agree"})
    assert disputed.status_code == 303
    for somebody, is_asked in ((physician, True), (registrar, False)):
        page = (await somebody.get(f"/visits/{visit_id}/consent", headers={"accept-language": "zh-CN"})).text
        assert ("应同意者意见不一致" in page, "settlement-reason" in page) == (True, is_asked)
    told = {"reason": "both agreed after talking to the physician"}
    assert (await registrar.post(f"/visits/{visit_id}/consent/settlement", data=told)).status_code == 403
    settled = await physician.post(f"/visits/{visit_id}/consent/settlement", data=told)
    assert settled.headers["location"] == f"/visits/{visit_id}/consent"
    assert "signature_png" in (await registrar.get(f"/visits/{visit_id}/consent")).text


async def test_a_body_that_is_not_understood_tells_nothing_of_itself(as_role: AsRole) -> None:
    registrar = await as_role(Role.REGISTRAR)
    body = {"signatures": [A_SIGNATURE | {"name": "canary", "relationship": "canary"}]}
    answer = await registrar.post(f"/api/v1/visits/{UUID(int=1)}/consent", json=body)
    assert answer.status_code == 400
    assert "canary" not in answer.text


@pytest.mark.parametrize("role", [Role.OBSERVER, Role.VOLUNTEER, Role.VACCINATOR])
async def test_consent_is_taken_by_registrars_and_physicians(as_role: AsRole, role: Role) -> None:
    somebody = await as_role(role)
    assert (await somebody.get("/consent")).status_code == 403
    assert (await somebody.post(f"/api/v1/visits/{UUID(int=1)}/consent", json={})).status_code == 403


async def test_the_desks_pages_lead_from_the_queue_to_the_consent(as_role: AsRole, house: House) -> None:
    visit_id = await a_visit_to_consent(house, BORN_AT_TEN)
    registrar = await as_role(Role.REGISTRAR)
    assert "001" in (await registrar.get("/consent")).text
    called = await registrar.post("/consent/next")
    assert called.headers["location"] == f"/visits/{visit_id}/consent"
    page = (await registrar.get(f"/visits/{visit_id}/consent?language=zh-CN")).text
    for words in (
        "预防接种知情同意书",
        "Vaccine A",
        "child_signature_png",
        'name="told-effect"',
        "data-signature-strokes",
    ):
        assert words in page, words
    order = await house.db.read(lambda connection: standing_order(connection, visit_id))
    assert order is not None
    strokes = json.dumps(A_SIGNATURE["strokes"])
    form = {f"told-{item}": "yes" for item in InformedItem} | {
        "decision_id": str(order.decision_id),
        "text_language": "zh-CN",
        "text_version": "1",
        "signer": "guardian",
        "relationship": "mother",
        "signer_name": "Li Hua",
        "signature_png": f"data:image/png;base64,{PNG}",
        "signature_strokes": strokes,
    }
    refused = await registrar.post(f"/visits/{visit_id}/consent", data=form)
    assert (refused.status_code, "A signature is missing" in refused.text) == (422, True)
    garbled = await registrar.post(f"/visits/{visit_id}/consent", data=form | {"signature_strokes": "[[{"})
    assert (garbled.status_code, "no usable signature" in garbled.text) == (422, True)
    made = await registrar.post(f"/visits/{visit_id}/consent", data=form | {"child_paper_reason": "shy of screens"})
    assert made.headers["location"] == "/consent"
    order = await house.db.read(lambda connection: standing_order(connection, visit_id))
    assert order is not None
    assert order.consent_id is not None


async def test_an_adults_sheet_asks_for_one_signature(as_role: AsRole, house: House) -> None:
    visit_id = await a_visit_to_consent(house)
    registrar = await as_role(Role.REGISTRAR)
    page = (await registrar.get(f"/visits/{visit_id}/consent")).text
    assert "child_signature_png" not in page
    assert "Informed consent to vaccination" in page


async def test_a_refusal_from_the_page_ends_the_visit(as_role: AsRole, house: House) -> None:
    visit_id = await a_visit_to_consent(house)
    registrar = await as_role(Role.REGISTRAR)
    answer = await registrar.post(
        f"/visits/{visit_id}/refusal", data={"refused_by": "staff", "reason": "child resists"}
    )
    assert answer.headers["location"] == f"/visits/{visit_id}"
    assert (await house.db.read(lambda connection: standing(connection, visit_id))).stage is Stage.REFUSED
