"""Newborns at the desk: admitted by words that somebody signed, known by their birth, and never taken for a twin."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from clinic_server.check_in.tables import check_in
from clinic_server.kit.call import House
from clinic_server.people.tables import identifier
from clinic_server.staff.rules import Role
from tests.api.callers import AsRole, SignedIn
from tests.api.test_audit import kept
from tests.api.test_check_in import TYPED, stored
from tests.api.test_rule_sets import adopted, relied_on_other_words
from tests.api.visitors import TODAY, rows_in

NEWBORNS = ("routine-sample-2021", 2)
MOTHER = "110105198001010024"
BABY = {
    "mother_number": MOTHER,
    "name": "李女之子",
    "sex": "male",
    "born_on": str(TODAY),
    "guardian_name": "李女",
    "relationship": "mother",
}
CERTIFICATE = {
    **{key: value for key, value in BABY.items() if key != "mother_number"},
    "certificate_number": "T110012345",
}


async def given(desk: SignedIn, **said: Any) -> dict[str, Any]:
    answer = await desk.post("/api/v1/newborns", json=BABY | said)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def refusal(desk: SignedIn, body: dict[str, Any]) -> str:
    answer = await desk.post("/api/v1/newborns", json=body)
    assert answer.status_code in {409, 422}, answer.text
    return str(answer.json()["code"])


async def test_whoever_is_younger_than_what_was_signed_and_adopted_gets_no_ticket_on_any_way(
    as_role: AsRole, house: House
) -> None:
    desk = await as_role(Role.REGISTRAR)
    young = TYPED | {
        "document_kind": "passport",
        "number": "E7654321",
        "issuing_country": "CHN",
        "born_on": "2026-01-05",
    }
    group = {"label": "G", "typed_reason": "no_card", "listed": "李小 H12345678 2026-01-05"}
    before = rows_in(house.db)
    assert await refusal(desk, BABY) == "under_age"
    assert (await desk.post("/api/v1/visits", json=young)).json()["code"] == "under_age"
    assert (await desk.post("/api/v1/groups", json=group)).json()["code"] == "group_line_refused"
    assert rows_in(house.db) == before
    adopted(house.db, *NEWBORNS)
    newborn = await given(desk)
    assert (await desk.post("/api/v1/visits", json=young)).status_code == 201
    assert (await desk.post("/api/v1/groups", json=group)).status_code == 201
    assert {row["admission_version"] for row in stored(house, check_in)} == {"routine-sample-2021/2"}
    assert newborn["findings"] == []
    found = (await desk.post("/api/v1/people/seek", json={"name": BABY["name"]})).json()
    assert found[0]["came_with"] == {"name": "李女", "relationship": "mother"}


async def test_a_set_whose_words_changed_admits_nobody_younger(as_role: AsRole, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    relied_on_other_words(house.db, *NEWBORNS, "routine")
    assert await refusal(desk, BABY) == "under_age"


@pytest.mark.each_engine
async def test_twins_are_two_whatever_their_names_and_each_is_found_again(as_role: AsRole, house: House) -> None:
    adopted(house.db, *NEWBORNS)
    desk = await as_role(Role.REGISTRAR)
    first = await given(desk)
    second = await given(desk, order=2)
    assert [one["is_new"] for one in (first, second)] == [True, True]
    assert "twin_on_record" in second["findings"]
    for visit in (first, second):
        assert (await desk.post(f"/api/v1/visits/{visit['visit_id']}/abandonment")).status_code == 201
    again = await given(desk, order=2, name="李安")
    assert (again["is_new"], "held_details_differ" in again["findings"]) == (False, True)
    people = {UUID(str(row["person_id"])) for row in stored(house, identifier)}
    assert len(people) == 2
    assert [row["person_id"] for row in stored(house, check_in)].count(stored(house, check_in)[-1]["person_id"]) == 2


async def test_a_child_of_the_other_sex_is_not_this_one_and_nothing_is_written(as_role: AsRole, house: House) -> None:
    adopted(house.db, *NEWBORNS)
    desk = await as_role(Role.REGISTRAR)
    visit = await given(desk)
    await desk.post(f"/api/v1/visits/{visit['visit_id']}/abandonment")
    before = rows_in(house.db)
    assert await refusal(desk, BABY | {"sex": "female"}) == "birth_order_taken"
    assert rows_in(house.db) == before
    assert (await given(desk, sex="female", order=2))["is_new"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"certificate_number": "T110012345"}, "certificate_or_mother"),
        ({"mother_number": ""}, "certificate_or_mother"),
        ({"guardian_name": " "}, "guardian_missing"),
        ({"relationship": "self"}, "guardian_missing"),
        ({"sex": "unknown"}, "identity_incomplete"),
        ({"mother_number": "110105198001010020"}, "number_check_digit"),
        ({"mother_kind": "birth_certificate", "mother_number": "T110012345"}, "not_a_mothers_document"),
        ({"born_on": "2026-03-03"}, "born_in_future"),
    ],
)
async def test_a_newborn_that_is_not_told_whole_is_refused(
    as_role: AsRole, house: House, said: dict[str, str], code: str
) -> None:
    adopted(house.db, *NEWBORNS)
    desk = await as_role(Role.REGISTRAR)
    before = rows_in(house.db)
    assert await refusal(desk, BABY | said) == code
    assert rows_in(house.db) == before


async def test_the_page_leads_from_the_desk_to_the_ticket_and_shows_no_number(
    app: FastAPI, as_role: AsRole, house: House
) -> None:
    adopted(house.db, *NEWBORNS)
    desk = await as_role(Role.REGISTRAR)
    assert 'href="/check-in/newborn" data-key="F7"' in (await desk.get("/check-in")).text
    page = (await desk.get("/check-in/newborn")).text
    assert "Which child of this birth" in page
    answer = await desk.post("/check-in/newborn", data=CERTIFICATE)
    assert answer.headers["location"].startswith("/check-in?issued=")
    visit_id = (await given(desk))["visit_id"]
    seen = (await desk.get(f"/api/v1/visits/{visit_id}")).json()["visit"]["person"]
    assert (seen["document_kind"], seen["masked_number"]) == ("mothers_document", "110105********0024 / 1")
    assert MOTHER not in str(await kept(app))
    assert (await (await as_role(Role.VOLUNTEER)).get("/check-in/newborn")).status_code == 403
