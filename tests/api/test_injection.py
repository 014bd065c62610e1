"""The bench and the way out, over HTTP: no needle without a permit, no dose twice, nobody out too early."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from clinic_server.consent.actions import NewConsent, sheet_of_visit, sign_consent
from clinic_server.consent.rules import InformedItem
from clinic_server.injection.tables import permit
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.journal import verify
from clinic_server.people.signatures import Relationship, Signature, Signer
from clinic_server.screening.actions import decide
from clinic_server.screening.rules import DecisionOutcome, Proposal
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import Role
from clinic_server.stock.tables import draw
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from clinic_server.visits.tables import dose
from tests.api.visitors import (
    CHECKED,
    LEAVES_EARLY,
    PRODUCT,
    SYSTEM,
    TODAY,
    a_lot,
    a_physician,
    a_product,
    a_screening,
    a_shift,
    a_visit,
    an_open_site,
    rows_in,
)
from tests.conftest import ManualClock

CODE = "81000001000000000001"
LEFT_ARM = "left_upper_arm"
_RELATIONSHIP = {Signer.RECIPIENT: Relationship.SELF, Signer.GUARDIAN: Relationship.MOTHER}


def a_consented_visit(db: Database, product: str = PRODUCT, physician: Actor | None = None) -> UUID:
    """Somebody cleared by a physician, consented on paper, waiting for the needle."""
    visit_id = a_visit(db)
    consent_to(db, visit_id, a_screening(db, visit_id), product, physician)
    return visit_id


def consent_to(
    db: Database,
    visit_id: UUID,
    screening_id: UUID | None = None,
    product: str = PRODUCT,
    physician: Actor | None = None,
) -> None:
    """Recommend the product over the latest answers, and consent to it on paper."""
    screening_id = screening_id or a_screening(db, visit_id)
    proposal = Proposal(DecisionOutcome.RECOMMENDED, product)
    by = physician or a_physician(db)
    db.write_now(lambda tx: decide(tx, SiteSettings(), visit_id, screening_id, proposal), by)
    sheet = db.read_now(lambda connection: sheet_of_visit(connection, db.keyring, visit_id, "en", TODAY))
    signatures = [
        Signature(signer, _RELATIONSHIP[signer], "Guardian", paper_reason="pad broken") for signer in sheet.signers
    ]
    signed = NewConsent(sheet.decision_id, sheet.text.language, sheet.text.version, frozenset(InformedItem), signatures)
    db.write_now(lambda tx: sign_consent(tx, visit_id, signed), SYSTEM)


@pytest.fixture(name="ready")
def _ready(house: House) -> UUID:
    """An open site, a product and one unit in stock, and a person ready for the needle."""
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE)
    return a_consented_visit(house.db)


def count(house: House, table: Any) -> int:
    found: int = house.db.read_now(
        lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()
    )
    return found


def stage_of(house: House, visit_id: UUID) -> Stage:
    return house.db.read_now(lambda connection: standing(connection, visit_id).stage)


async def permitted(bench: Any, visit_id: UUID, code: str = CODE) -> Any:
    return await bench.post(f"/api/v1/visits/{visit_id}/permits", json={"trace_code": code, **CHECKED})


async def given(bench: Any, permit_id: str, **headers: str) -> Any:
    return await bench.post("/api/v1/doses", json={"permit_id": permit_id, "body_site": LEFT_ARM}, headers=headers)


def findings_of(answer: Any) -> list[str]:
    return [finding["code"] for finding in answer.json()["findings"]]


async def test_a_permit_then_the_dose_then_thirty_minutes(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_answer = await permitted(bench, ready)
    assert (permit_answer.status_code, permit_answer.json()["product_code"]) == (201, PRODUCT)
    dose_answer = await given(bench, permit_answer.json()["permit_id"])
    assert dose_answer.status_code == 201
    assert dose_answer.json()["observe_until"] == "2026-03-02T01:30:00Z"
    assert stage_of(house, ready) is Stage.OBSERVED
    assert house.db.read_now(lambda connection: verify(connection, house.db.keyring.journal_key)).faults == []


async def test_a_dose_sent_twice_is_given_once_and_answered_the_same(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    key = {"idempotency-key": uuid4().hex}
    first, again = await given(bench, permit_id, **key), await given(bench, permit_id, **key)
    assert (first.content, count(house, dose)) == (again.content, 1)
    other_key = await given(bench, permit_id)
    assert (other_key.status_code, other_key.json()["code"]) == (409, "permit_used")


@pytest.mark.parametrize(
    ("scanned", "finding"),
    [
        ("89999999999999999999", "unit_unknown"),
        ("82000000000000000002", "other_product"),
        ("8300expired", "lot_expired"),
    ],
)
async def test_a_wrong_unit_is_refused_with_the_reason_and_nothing_written(
    as_role: Any, house: House, ready: UUID, scanned: str, finding: str
) -> None:
    a_product(house.db, "vaccine-b")
    a_lot(house.db, "82000000000000000002", product="vaccine-b")
    a_lot(house.db, "8300expired", expires_on=TODAY)
    house.db.clock.pass_time(hours=16)  # type: ignore[attr-defined]  # past midnight at the site: the lot's day is over
    a_shift(house.db)
    bench = await as_role(Role.VACCINATOR)
    before = rows_in(house.db)
    answer = await permitted(bench, ready, scanned)
    assert (answer.status_code, answer.json()["code"], findings_of(answer)) == (422, "permit_refused", [finding])
    assert rows_in(house.db) == before


async def test_a_used_unit_is_refused_at_every_other_person(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    await given(bench, (await permitted(bench, ready)).json()["permit_id"])
    answer = await permitted(bench, a_consented_visit(house.db))
    assert findings_of(answer) == ["unit_used_up"]


@pytest.mark.each_engine
async def test_two_permits_for_one_unit_give_one_dose(as_role: Any, house: House, ready: UUID) -> None:
    one, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR)
    permits = [await permitted(one, ready), await permitted(other, a_consented_visit(house.db))]
    first, second = (answer.json()["permit_id"] for answer in permits)
    answers = await asyncio.gather(given(one, first), given(other, second))
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert (count(house, dose), count(house, draw)) == (1, 1)


async def test_a_permit_is_worth_nothing_at_another_bench_or_after_its_minutes(
    as_role: Any, ready: UUID, clock: ManualClock
) -> None:
    bench, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR, station="bench-2")
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    assert (await given(other, permit_id)).json()["code"] == "permit_of_another"
    clock.pass_time(minutes=5, seconds=1)
    assert (await given(bench, permit_id)).json()["code"] == "permit_expired"


@pytest.mark.parametrize("what_happens", ["time", "answers", "dose", "another bench"])
async def test_the_screen_is_green_only_while_a_dose_would_be_taken(
    as_role: Any, house: House, ready: UUID, clock: ManualClock, what_happens: str
) -> None:
    bench, other = await as_role(Role.VACCINATOR), await as_role(Role.VACCINATOR, station="bench-2")
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    chair, still = (
        f"/visits/{ready}/injection?permit={permit_id}",
        f"/visits/{ready}/injection/permit?permit={permit_id}",
    )
    assert "PERMITTED" in (await bench.get(chair)).text
    assert (await bench.get(still)).status_code == 204
    if what_happens == "time":
        clock.pass_time(minutes=5, seconds=1)
    elif what_happens == "answers":
        a_screening(house.db, ready)
    elif what_happens == "dose":
        await given(bench, permit_id)
    looking = other if what_happens == "another bench" else bench
    answer = await looking.get(still, headers={"hx-request": "true"})
    assert answer.headers.get("hx-redirect") == (None if what_happens == "dose" else chair)
    page = (await looking.get(chair)).text
    assert ("PERMITTED" in page, "DO NOT INJECT." in page) == (False, True)


async def test_an_answer_given_again_kills_the_permit(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    a_screening(house.db, ready)
    answer = await given(bench, permit_id)
    assert (answer.status_code, answer.json()["code"], count(house, dose)) == (409, "step_out_of_order", 0)


async def test_consented_again_the_old_permit_stays_dead(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    consent_to(house.db, ready)
    answer = await given(bench, permit_id)
    assert (answer.json()["code"], findings_of(answer)) == ("permit_refused", ["no_standing_decision"])


async def test_nobody_gets_a_permit_without_consent(as_role: Any, house: House, ready: UUID) -> None:
    visit_id = a_visit(house.db)
    bench = await as_role(Role.VACCINATOR)
    assert (await permitted(bench, visit_id)).json()["code"] == "step_out_of_order"
    assert stage_of(house, ready) is Stage.WAITING_FOR_INJECTION


async def test_an_unqualified_vaccinator_gets_no_permit(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR, certified=False)
    answer = await permitted(bench, ready)
    assert (answer.status_code, answer.json()["code"]) == (403, "qualification_missing")
    assert count(house, permit) == 0


async def test_a_registrar_may_not_ask_for_a_permit(as_role: Any, ready: UUID) -> None:
    desk = await as_role(Role.REGISTRAR)
    assert (await permitted(desk, ready)).json()["code"] == "not_permitted"


async def test_leaving_too_soon_is_refused_with_the_minutes_still_to_wait(
    as_role: Any, house: House, ready: UUID, clock: ManualClock
) -> None:
    bench, observer = await as_role(Role.VACCINATOR), await as_role(Role.OBSERVER)
    await given(bench, (await permitted(bench, ready)).json()["permit_id"])
    clock.pass_time(minutes=29, seconds=1)
    early = await observer.post(f"/api/v1/visits/{ready}/leave")
    assert (early.status_code, early.json()["code"], early.json()["facts"]) == (422, "too_early", {"minutes": 1})
    clock.pass_time(seconds=59)
    assert (await observer.post(f"/api/v1/visits/{ready}/leave")).status_code == 201
    assert stage_of(house, ready) is Stage.COMPLETED


async def test_an_early_leave_needs_a_reason_and_is_none_once_the_time_is_over(
    as_role: Any, ready: UUID, clock: ManualClock
) -> None:
    bench, observer = await as_role(Role.VACCINATOR), await as_role(Role.OBSERVER)
    await given(bench, (await permitted(bench, ready)).json()["permit_id"])
    clock.pass_time(minutes=10)
    no_reason = await observer.post(f"/api/v1/visits/{ready}/early-leave", json={})
    assert (no_reason.status_code, no_reason.json()["fields"]) == (400, ["reason"])
    clock.pass_time(minutes=20)
    late = await observer.post(f"/api/v1/visits/{ready}/early-leave", json=LEAVES_EARLY)
    assert late.json()["code"] == "not_early"


async def test_who_leaves_early_with_a_reason_has_left(
    as_role: Any, house: House, ready: UUID, clock: ManualClock
) -> None:
    bench, observer = await as_role(Role.VACCINATOR), await as_role(Role.OBSERVER)
    await given(bench, (await permitted(bench, ready)).json()["permit_id"])
    clock.pass_time(minutes=15)
    left = await observer.post(f"/api/v1/visits/{ready}/early-leave", json=LEAVES_EARLY)
    assert (left.status_code, stage_of(house, ready)) == (201, Stage.LEFT_EARLY)


async def test_sent_back_from_the_bench_everything_is_asked_again(as_role: Any, house: House, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, ready)).json()["permit_id"]
    answer = await bench.post(f"/api/v1/visits/{ready}/sent-back", json={"reason": "unwell"})
    assert (answer.status_code, stage_of(house, ready)) == (201, Stage.WAITING_FOR_SCREENING)
    assert (await given(bench, permit_id)).json()["code"] == "step_out_of_order"


async def test_the_next_ticket_is_called_once(as_role: Any, ready: UUID) -> None:
    bench = await as_role(Role.VACCINATOR)
    first = await bench.post("/bench/next", headers={"sec-fetch-site": "same-origin"})
    assert (first.status_code, first.headers["location"]) == (303, f"/visits/{ready}/injection")
    second = await bench.post("/bench/next", headers={"sec-fetch-site": "same-origin"})
    assert second.status_code == 409
