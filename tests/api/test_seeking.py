"""Somebody without a card, found by name or telephone: never merged, known by birth date; who looked is kept."""

import logging
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from clinic_server.check_in.tables import check_in
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.people.actions import note_phone
from clinic_server.people.rules import MOST_FOUND
from clinic_server.people.tables import Contact
from clinic_server.settings import Settings
from clinic_server.staff.rules import Role
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import abandon
from tests.api.callers import AsRole, SignedIn, running, someone
from tests.api.test_audit import kept
from tests.api.test_check_in import TYPED, stored
from tests.api.test_consent import MOTHERS, OWN, a_consent, a_recommended_visit, signed
from tests.api.visitors import SYSTEM, a_product, a_visit, rows_in
from tests.conftest import ManualClock

NAME, PHONE = "查金丝雀", "138-0013 8000"
BORN, OTHERS_BORN = date(1980, 5, 1), date(1991, 7, 2)
FOUND = {"born_on": str(BORN), "typed_reason": "no_card"}


def somebody(house: House, born_on: date = BORN, phone: str = "", name: str = NAME) -> UUID:
    """Somebody who was here and went away."""
    visit_id = a_visit(house.db, born_on, name=name)
    person_id = house.db.read_now(lambda connection: standing(connection, visit_id)).person_id

    def leave(tx: Tx) -> None:
        abandon(tx, visit_id)
        tx.journal("abandoned", visit_id)

    house.db.write_now(leave, SYSTEM)
    if phone:
        house.db.write_now(lambda tx: note_phone(tx, person_id, phone), SYSTEM)
    return person_id


async def sought(desk: SignedIn, **by: str) -> list[Any]:
    answer = await desk.post("/api/v1/people/seek", json=by)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


@pytest.mark.each_engine
async def test_people_of_one_name_stand_apart_and_everything_typed_narrows_them(as_role: AsRole, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    one, twin, younger = (
        somebody(house, phone=PHONE),
        somebody(house),
        somebody(house, OTHERS_BORN, phone="13900000000"),
    )
    somebody(house, name="另一人")
    found = await sought(desk, name=f" {NAME[:1]} {NAME[1:]} ")
    assert [one["person_id"] for one in found] == [str(younger), str(twin), str(one)]
    assert len({card["person"]["masked_number"] for card in found}) == 3
    assert all("*" in card["person"]["masked_number"] for card in found)
    for phone in (PHONE, "+86 13800138000", "008613800138000", "13800138000"):
        assert [card["person_id"] for card in await sought(desk, phone=phone)] == [str(one)]
    assert [card["person_id"] for card in await sought(desk, name=NAME, phone="13900000000")] == [str(younger)]
    assert {card["person_id"] for card in await sought(desk, name=NAME, born_on=str(BORN))} == {str(one), str(twin)}
    assert await sought(desk, name="另一人", phone=PHONE) == []
    sister = somebody(house, OTHERS_BORN, phone=PHONE, name="查小妹")  # a family has one number
    assert {card["person_id"] for card in await sought(desk, phone=PHONE)} == {str(one), str(sister)}
    assert [card["person_id"] for card in await sought(desk, phone=PHONE, born_on=str(OTHERS_BORN))] == [str(sister)]


async def test_the_birth_date_told_gives_the_ticket_and_another_gives_none(as_role: AsRole, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    person_id, twin = somebody(house), somebody(house)
    before, path = rows_in(house.db), f"/api/v1/people/{person_id}/visits"
    refused = await desk.post(path, json=FOUND | {"born_on": str(OTHERS_BORN)})
    assert (refused.status_code, refused.json()["code"]) == (422, "birth_date_not_theirs")
    assert str(BORN) not in refused.text
    assert rows_in(house.db) == before
    given = await desk.post(path, json=FOUND)
    assert (given.status_code, given.json()["findings"]) == (201, ["document_not_seen"])
    (record,) = stored(house, check_in)
    assert (record["person_id"], record["how"], record["typed_reason"]) == (person_id, "typed", "no_card")
    assert (await desk.post(path, json=FOUND)).json()["code"] == "visit_already_open"
    found = {one["person_id"]: one["last_visit"]["is_open"] for one in await sought(desk, name=NAME)}
    assert found == {str(person_id): True, str(twin): False}
    assert (await desk.post(f"/api/v1/people/{given.json()['visit_id']}/visits", json=FOUND)).status_code == 404


async def test_every_search_and_whom_it_showed_is_among_who_looked(app: FastAPI, house: House, as_role: AsRole) -> None:
    desk = await as_role(Role.REGISTRAR)
    shown = {somebody(house, phone=PHONE), somebody(house)}
    for _ in range(MOST_FOUND + 1):
        somebody(house, name="王伟")
    assert len(await sought(desk, name=NAME)) == 2
    assert await sought(desk, name="nobody") == []
    assert (await desk.post("/check-in/seek", data={"name": "王伟"})).status_code == 422
    await desk.get(f"/people/{min(shown)}/check-in")
    looks = await kept(app)
    assert [(one.subject, one.page) for one in looks if one.subject == "search"] == [
        ("search", "/api/v1/people/seek"),
        ("search", "/api/v1/people/seek"),
        ("search", "/check-in/seek"),
    ]
    assert {one.person_id for one in looks if one.page == "/api/v1/people/seek"} == {None, *shown}
    assert [one.person_id for one in looks if one.page == "/people/{person_id}/check-in"] == [min(shown)]
    assert {one.staff_id for one in looks} == {desk.staff_id}
    auditor = await as_role(Role.AUDITOR)
    page = (await auditor.get("/audit/looks")).text
    assert "Search" in page
    assert NAME not in page


async def test_whom_the_search_for_an_event_showed_is_among_who_looked(
    app: FastAPI, house: House, as_role: AsRole
) -> None:
    physician, person_id = await as_role(Role.PHYSICIAN), somebody(house)
    await physician.post("/adverse-events/seek", data={"name": NAME})
    await physician.post("/api/v1/adverse-events/people", json={"name": NAME})
    assert [(one.subject, one.person_id, one.page) for one in await kept(app)] == [
        ("search", None, "/adverse-events/seek"),
        ("person", person_id, "/adverse-events/seek"),
        ("search", None, "/api/v1/adverse-events/people"),
        ("person", person_id, "/api/v1/adverse-events/people"),
    ]


async def test_the_pages_lead_from_the_desk_to_the_ticket(house: House, as_role: AsRole) -> None:
    desk = await as_role(Role.REGISTRAR)
    one, other = somebody(house), somebody(house, OTHERS_BORN)
    assert 'href="/check-in/seek" data-key="F3"' in (await desk.get("/check-in")).text
    assert "Look on record" in (await desk.get("/check-in/seek")).text
    cards = (await desk.post("/check-in/seek", data={"name": NAME, "phone": "", "born_on": ""})).text
    assert [f"/people/{person_id}/check-in" in cards for person_id in (one, other)] == [True, True]
    assert "2 people on record are like this" in cards
    chosen = (await desk.get(f"/people/{one}/check-in")).text
    assert NAME in chosen
    assert "1980" not in chosen
    refused = await desk.post(f"/people/{one}/check-in", data=FOUND | {"born_on": str(OTHERS_BORN)})
    assert "This is not the birth date held" in refused.text
    house.inbox.put(desk.station, "card", object())
    given = await desk.post(f"/people/{one}/check-in", data=FOUND)
    assert given.headers["location"].startswith("/check-in?issued=")
    assert house.inbox.latest(desk.station, "card") is None
    assert "no document was seen" in (await desk.get(given.headers["location"])).text


async def test_whom_nobody_found_is_typed_with_what_was_said(as_role: AsRole) -> None:
    desk = await as_role(Role.REGISTRAR)
    typed = {"name": NAME, "phone": PHONE, "born_on": str(BORN)}
    nobody = (await desk.post("/check-in/seek", data=typed)).text
    assert "Nobody like this is on record." in nobody
    assert all(f'name="{field}" value="{value}"' in nobody for field, value in typed.items())
    begun = (await desk.post("/check-in/typed/begun", data=typed)).text
    assert all(f'value="{value}"' in begun for value in typed.values())
    assert 'value="foreign_document" selected' not in begun
    given = await desk.post("/check-in/typed", data=TYPED | {"name": NAME, "phone": PHONE})
    assert given.status_code == 303
    assert [one["last_visit"]["is_open"] for one in await sought(desk, phone=PHONE)] == [True]


@pytest.mark.parametrize(
    ("typed", "code", "fields"),
    [
        ({}, "nobody_described", ["name", "phone"]),
        ({"name": "·", "phone": "+"}, "malformed", ["phone"]),
        ({"name": "·"}, "nobody_described", ["name", "phone"]),
        ({"phone": "+86"}, "nobody_described", ["name", "phone"]),
        ({"name": NAME, "born_on": "1980-13-01"}, "malformed", ["born_on"]),
    ],
)
async def test_what_cannot_be_sought_is_refused_and_says_which_field(
    as_role: AsRole, typed: dict[str, str], code: str, fields: list[str]
) -> None:
    desk = await as_role(Role.REGISTRAR)
    refused = (await desk.post("/api/v1/people/seek", json=typed)).json()
    assert (refused["code"], refused["fields"]) == (code, fields)


async def test_children_of_one_name_are_told_apart_by_who_signed(house: House, as_role: AsRole) -> None:
    a_product(house.db)
    visit_id = a_recommended_visit(house.db)
    mother = replace(MOTHERS, name="李母亲")
    signed(house.db, visit_id, a_consent(house.db, visit_id, OWN, mother))
    desk = await as_role(Role.REGISTRAR)
    (found,) = await sought(desk, name="Canary Child")
    assert found["guardian"] == {"name": "李母亲", "relationship": "mother"}
    assert "李母亲" in (await desk.post("/check-in/seek", data={"name": "canary-child"})).text


async def test_what_was_typed_stays_in_no_address_log_journal_or_error(
    house: House, as_role: AsRole, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    desk = await as_role(Role.REGISTRAR)
    person_id = somebody(house, phone=PHONE)
    for path in ("/check-in/seek", "/api/v1/people/seek"):
        for typed in ({"name": NAME, "phone": f"{PHONE}x"}, {"name": NAME, "phone": PHONE, "wrong": NAME}):
            refused = await (desk.post(path, json=typed) if "api" in path else desk.post(path, data=typed))
            assert refused.status_code == 400
            assert not [word for word in (NAME, PHONE) if word in refused.text]
    shown = await desk.post("/check-in/seek", data={"name": NAME, "phone": PHONE})
    assert NAME in shown.text
    assert NAME not in str(shown.request.url) + str(shown.headers)
    await desk.post(f"/people/{person_id}/check-in", data=FOUND)
    left = caplog.text + "".join(capsys.readouterr())
    assert not [word for word in (NAME, PHONE, "13800138000") if word in left]


async def test_a_number_noted_before_there_was_an_index_is_found_after_the_next_start(
    settings: Settings, clock: ManualClock
) -> None:
    def note_as_before(tx: Tx) -> None:
        contact_id = tx.new_id()
        sealed = tx.keyring.seal(PHONE, f"contact:phone:{contact_id}")
        tx.append(Contact, id=contact_id, person_id=person_id, phone_sealed=sealed, stated_at=tx.now)
        tx.journal("phone_noted", contact_id)

    async with running(settings, clock) as app:
        person_id = somebody(app.state.house)
        app.state.house.db.write_now(note_as_before, SYSTEM)
    async with running(settings, clock) as again:
        desk = await someone(again, Role.REGISTRAR)
        assert [one["person_id"] for one in await sought(desk, phone=PHONE)] == [str(person_id)]


async def test_only_a_registrar_seeks(as_role: AsRole, house: House) -> None:
    person_id, volunteer = somebody(house), await as_role(Role.VOLUNTEER)
    assert (await volunteer.post("/api/v1/people/seek", json={"name": NAME})).status_code == 403
    assert (await volunteer.post(f"/api/v1/people/{person_id}/visits", json=FOUND)).status_code == 403
