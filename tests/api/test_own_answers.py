"""Answering alone, by a link or a code: once, in time, for one visit, and with nobody signed in."""

import asyncio
import re
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from clinic_server.kit.call import House
from clinic_server.kit.codes import MOST_WRONG_CODES
from clinic_server.screening.own_answers import LINK_LIVES
from clinic_server.screening.rules import Answer
from clinic_server.screening.tables import answer_link, screening
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from tests.api.callers import AsRole, Client
from tests.api.visitors import a_product, a_screening, a_visit, answers, rows_in
from tests.conftest import ManualClock

NAME = "欧阳小明"
MINUTES = LINK_LIVES.total_seconds() / 60


@pytest.fixture(name="visit_id")
def _visit_id(house: House) -> UUID:
    a_product(house.db)
    return a_visit(house.db, name=NAME)


async def a_link(desk: Any, visit_id: UUID) -> dict[str, str]:
    issued = await desk.post(f"/api/v1/visits/{visit_id}/answer-links")
    assert issued.status_code == 201, issued.text
    told: dict[str, str] = (await desk.get(f"/api/v1/answer-links/{issued.json()['link_id']}")).json()
    return told


def said(house: House, visit_id: UUID, **differently: Answer) -> dict[str, str]:
    return {f"answer-{code}": given.value for code, given in answers(house.db, visit_id, **differently).items()}


def rounds(house: House) -> int:
    count = select(func.count()).select_from(screening)
    return house.db.read_now(lambda connection: connection.execute(count).scalar_one())


def stage_of(house: House, visit_id: UUID) -> Stage:
    return house.db.read_now(lambda connection: standing(connection, visit_id).stage)


async def test_what_the_person_answers_goes_to_the_physician_who_sees_where_it_was_answered(
    as_role: AsRole, client: Client, house: House, visit_id: UUID
) -> None:
    desk, physician = await as_role(Role.REGISTRAR), await as_role(Role.PHYSICIAN)
    link = await a_link(desk, visit_id)
    page = (await client.get(link["path"])).text
    assert "severe long-standing illness" in page
    form = said(house, visit_id, severe_chronic_disease=Answer.DONT_KNOW)
    handed_in = await client.post(link["path"], data=form)
    assert (handed_in.status_code, handed_in.headers["location"]) == (303, "/answered/tablet")
    assert "handed in" in (await client.get("/answered/tablet")).text
    seen = (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()
    assert (seen["channel"], seen["advice"]) == ("tablet", "review")
    assert "Answered by the person, on a tablet" in (await physician.get(f"/visits/{visit_id}/decision")).text
    assert stage_of(house, visit_id) is Stage.WAITING_FOR_DECISION
    asked_by = house.db.read_now(lambda connection: connection.execute(select(screening.c.asked_by)).scalar_one())
    assert asked_by is None


async def test_answers_at_the_desk_say_so(as_role: AsRole, house: House, visit_id: UUID) -> None:
    await asyncio.to_thread(a_screening, house.db, visit_id)
    physician = await as_role(Role.PHYSICIAN)
    assert (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()["channel"] == "desk"


async def test_a_used_link_says_so_and_takes_nothing_more(
    as_role: AsRole, client: Client, house: House, visit_id: UUID
) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    await client.post(link["path"], data=said(house, visit_id))
    before = rows_in(house.db)
    again = await client.post(link["path"], data=said(house, visit_id, acute_illness=Answer.YES))
    assert (again.status_code, "answered and handed in" in again.text) == (409, True)
    assert "answered and handed in" in (await client.get(link["path"])).text
    assert rows_in(house.db) == before


async def test_the_button_pressed_twice_is_one_round(
    as_role: AsRole, client: Client, house: House, visit_id: UUID
) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    form, key = said(house, visit_id), {"idempotency-key": "once"}
    first, second = [await client.post(link["path"], data=form, headers=key) for _ in range(2)]
    assert (first.status_code, second.status_code, rounds(house)) == (303, 303, 1)


@pytest.mark.each_engine
async def test_two_tablets_with_one_link_are_one_round(
    as_role: AsRole, client: Client, house: House, visit_id: UUID
) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    form = said(house, visit_id)
    both = await asyncio.gather(*(client.post(link["path"], data=form) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [303, 409]
    assert rounds(house) == 1


async def test_a_link_ends_by_itself(as_role: AsRole, client: Client, clock: ManualClock, visit_id: UUID) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    clock.pass_time(minutes=MINUTES, seconds=-1)
    assert (await client.get(link["path"])).status_code == 200
    clock.pass_time(seconds=1)
    ended = await client.get(link["path"])
    assert (ended.status_code, "no longer be answered here" in ended.text) == (409, True)


async def test_an_old_link_takes_no_answers(
    as_role: AsRole, client: Client, house: House, clock: ManualClock, visit_id: UUID
) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    clock.pass_time(minutes=MINUTES)
    before = rows_in(house.db)
    assert (await client.post(link["path"], data=said(house, visit_id))).status_code == 409
    assert rows_in(house.db) == before


async def test_a_newer_link_ends_the_older(as_role: AsRole, client: Client, visit_id: UUID) -> None:
    desk = await as_role(Role.REGISTRAR)
    older, newer = await a_link(desk, visit_id), await a_link(desk, visit_id)
    assert (await client.get(older["path"])).status_code == 409
    assert (await client.get(newer["path"])).status_code == 200


async def test_answers_at_the_desk_end_the_link(as_role: AsRole, client: Client, house: House, visit_id: UUID) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    await asyncio.to_thread(a_screening, house.db, visit_id)
    assert (await client.get(link["path"])).status_code == 409


async def test_nobody_gets_in_by_an_address_that_is_not_ours(
    as_role: AsRole, client: Client, house: House, visit_id: UUID
) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    path, last = link["path"][:-1], link["path"][-1]
    for wrong in (path, f"{path}{'0' if last != '0' else '1'}", "/answers/tablet/x", f"/answers/tablet/{'0' * 64}"):
        seen = await client.get(wrong)
        assert seen.status_code == 404, wrong
        assert "No questions are waiting" in seen.text
    assert (await client.get(link["path"].replace("/tablet/", "/desk/"))).status_code == 400
    stored = house.db.read_now(lambda connection: connection.execute(select(answer_link)).all())
    token = link["path"].rsplit("/", 1)[1]
    assert token not in str(stored)
    assert token[32:] not in str(stored)


async def test_the_pages_tell_no_name_and_no_number(as_role: AsRole, client: Client, visit_id: UUID) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    page = (await client.get(link["path"])).text
    assert "001" in page
    assert NAME not in page
    assert "1980" not in page
    assert not re.search(r"E100\d+", page)


@pytest.mark.parametrize("spelled", [str.lower, lambda code: f" {code[:3]} {code[3:]} "])
async def test_the_desks_code_opens_the_questions_at_the_kiosk(
    as_role: AsRole, client: Client, house: House, visit_id: UUID, spelled: Any
) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    opened = await client.post("/kiosk", data={"code": spelled(link["code"])})
    assert opened.status_code == 303
    await client.post(opened.headers["location"], data=said(house, visit_id))
    physician = await as_role(Role.PHYSICIAN)
    assert (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()["channel"] == "kiosk"
    assert (await client.post("/kiosk", data={"code": link["code"]})).status_code == 409


async def test_codes_are_not_to_be_guessed(as_role: AsRole, client: Client, clock: ManualClock, visit_id: UUID) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    for _ in range(MOST_WRONG_CODES):
        assert (await client.post("/kiosk", data={"code": "WRONG9"})).status_code == 404
    locked = await client.post("/kiosk", data={"code": link["code"]})
    assert (locked.status_code, "Too many wrong codes" in locked.text) == (429, True)
    clock.pass_time(seconds=61)
    assert (await client.post("/kiosk", data={"code": link["code"]})).status_code == 303


async def test_the_person_answers_even_where_somebody_is_signed_in(
    as_role: AsRole, house: House, visit_id: UUID
) -> None:
    """A tablet on which a registrar forgot to sign out makes the registrar answer nothing."""
    desk = await as_role(Role.REGISTRAR)
    link = await a_link(desk, visit_id)
    page = (await desk.get(link["path"])).text
    assert "Sign out" not in page
    assert (await desk.post(link["path"], data=said(house, visit_id))).status_code == 303
    asked_by = house.db.read_now(lambda connection: connection.execute(select(screening.c.asked_by)).scalar_one())
    assert asked_by is None


async def test_the_language_is_chosen_on_the_page_itself(as_role: AsRole, client: Client, visit_id: UUID) -> None:
    link = await a_link(await as_role(Role.REGISTRAR), visit_id)
    chosen = await client.post("/language", data={"language": "zh-TW", "back": link["path"]})
    assert chosen.headers["location"] == link["path"]
    assert f'name="back" value="{link["path"]}"' in (await client.get(link["path"])).text
    assert "請逐題回答" in (await client.get(link["path"])).text


async def test_nobody_answers_for_a_visit_that_ended(as_role: AsRole, visit_id: UUID) -> None:
    desk = await as_role(Role.REGISTRAR)
    await desk.post(f"/api/v1/visits/{visit_id}/abandonment")
    refused = await desk.post(f"/api/v1/visits/{visit_id}/answer-links")
    assert (refused.status_code, refused.json()["code"]) == (409, "step_out_of_order")


async def test_the_desks_page_shows_code_and_address(as_role: AsRole, visit_id: UUID) -> None:
    desk = await as_role(Role.REGISTRAR)
    shown = await desk.post(f"/visits/{visit_id}/answer-links")
    page = (await desk.get(shown.headers["location"])).text
    link = (await desk.get(f"/api/v1/answer-links/{shown.headers['location'].rsplit('/', 1)[1]}")).json()
    assert link["code"] in page
    assert link["path"] in page
