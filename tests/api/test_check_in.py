"""The registration desk over HTTP: by card, by scan, typed; once, and with nothing personal left behind."""

import asyncio
import json
import logging
import re
from datetime import UTC, date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from clinic_server.check_in.tables import check_in
from clinic_server.kit.call import House
from clinic_server.kit.idempotency import first_answer
from clinic_server.kit.inbox import PERISHES_AFTER_S
from clinic_server.kit.journal import journal, verify
from clinic_server.people.documents import DocumentKind, Sex
from clinic_server.people.rules import CardFacts, CardFault, CardHolder, card_from
from clinic_server.people.tables import person
from clinic_server.staff.rules import Role
from clinic_server.stock.scans import ScanFacts

SECRETS = ("王小明", "王", "WANG", "110105", "19491231", "1949-12-31", "002X")
TYPED = {
    "typed_reason": "no_card",
    "document_kind": "resident_id",
    "number": "11010519491231002X",
    "name": "王小明",
    "latin_name": "WANG XIAOMING",
}
PASSPORT = {
    "typed_reason": "foreign_document",
    "document_kind": "passport",
    "number": "L898902C3",
    "issuing_country": "UTO",
    "name": "ERIKSSON ANNA MARIA",
    "sex": "female",
    "born_on": "1974-08-12",
}


def card(name: str = "王小明", valid_until: date | None = None) -> CardFacts:
    return card_from(
        number="11010519491231002X",
        name=name,
        latin_name="WANG XIAOMING",
        gbt_2261_sex="2",
        born_on=date(1949, 12, 31),
        valid_until=valid_until,
    )


def lay(house: House, content: object, station: str = "desk-1", kind: str = "card") -> dict[str, str]:
    return {"delivery_id": str(house.inbox.put(station, kind, content).id)}


def stored(house: House, table: Any) -> list[Any]:
    return list(house.db.read_now(lambda connection: connection.execute(select(table)).mappings().all()))


async def test_a_typed_person_gets_the_first_ticket_of_the_day(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    answer = await desk.post("/api/v1/visits", json=TYPED)
    assert answer.status_code == 201
    told = answer.json()
    assert told.keys() == {"visit_id", "ticket_number", "is_new", "possible_duplicates", "findings"}
    assert (told["ticket_number"], told["is_new"], told["possible_duplicates"], told["findings"]) == (1, True, 0, [])
    (record,) = stored(house, check_in)
    assert (record["how"], record["typed_reason"], record["station"]) == ("typed", "no_card", "desk-1")


async def test_a_card_on_the_own_reader_is_enough(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    lying = lay(house, card())
    seen = (await desk.get("/api/v1/station/card")).json()
    assert (seen["delivery_id"], seen["is_known"], seen["fault"]) == (lying["delivery_id"], False, None)
    assert seen["person"]["masked_number"] == "110105********002X"
    answer = await desk.post("/api/v1/visits", json=lying)
    assert (answer.status_code, answer.json()["is_new"]) == (201, True)
    assert (await desk.get("/api/v1/station/card")).json() is None


async def test_a_card_of_another_desk_is_nobody_elses(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR, station="desk-2")
    lying = lay(house, card(), station="desk-1")
    assert (await desk.get("/api/v1/station/card")).json() is None
    answer = await desk.post("/api/v1/visits", json=lying)
    assert (answer.status_code, answer.json()["code"]) == (409, "card_perished")


async def test_a_card_read_too_long_ago_is_refused_and_leaves_nothing(as_role: Any, house: House, clock: Any) -> None:
    desk = await as_role(Role.REGISTRAR)
    lying = lay(house, card())
    clock.pass_time(seconds=PERISHES_AFTER_S + 1)
    answer = await desk.post("/api/v1/visits", json=lying)
    assert (answer.status_code, answer.json()["code"]) == (409, "card_perished")
    assert stored(house, person) == []


async def test_a_card_is_used_once(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    lying = lay(house, card())
    first = await desk.post("/api/v1/visits", json=lying)
    await desk.post(f"/api/v1/visits/{first.json()['visit_id']}/abandonment")
    second = await desk.post("/api/v1/visits", json=lying)
    assert (second.status_code, second.json()["code"]) == (409, "card_perished")


async def test_a_double_click_on_a_used_card_gets_the_first_answer(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    lying, key = lay(house, card()), {"idempotency-key": uuid4().hex}
    first = await desk.post("/api/v1/visits", json=lying, headers=key)
    second = await desk.post("/api/v1/visits", json=lying, headers=key)
    assert (first.status_code, second.status_code, first.json()) == (201, 201, second.json())


@pytest.mark.each_engine
async def test_the_same_key_with_another_body_is_refused(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    key = {"idempotency-key": uuid4().hex}
    await desk.post("/api/v1/visits", json=TYPED, headers=key)
    answer = await desk.post("/api/v1/visits", json=PASSPORT, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert len(stored(house, person)) == 1


async def test_a_second_check_in_is_refused_with_the_ticket(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    await desk.post("/api/v1/visits", json=PASSPORT)
    await desk.post("/api/v1/visits", json=TYPED)
    lying = lay(house, card())
    seen = (await desk.get("/api/v1/station/card")).json()
    assert (seen["is_known"], seen["fault"], seen["fault_facts"]) == (True, "visit_already_open", {"ticket": 2})
    answer = await desk.post("/api/v1/visits", json=lying)
    assert (answer.status_code, answer.json()["code"], answer.json()["facts"]) == (
        409,
        "visit_already_open",
        {"ticket": 2},
    )


@pytest.mark.each_engine
async def test_two_desks_at_one_instant_open_one_visit(as_role: Any, house: House) -> None:
    desks = [await as_role(Role.REGISTRAR, station=f"desk-{number}") for number in (1, 2, 3, 4)]
    answers = await asyncio.gather(*(desk.post("/api/v1/visits", json=TYPED) for desk in desks))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len(stored(house, person)) == len(stored(house, check_in)) == 1


@pytest.mark.each_engine
async def test_two_desks_at_one_instant_never_give_one_ticket_twice(as_role: Any) -> None:
    desks = [await as_role(Role.REGISTRAR, station=f"desk-{number}") for number in (1, 2)]
    answers = await asyncio.gather(
        *(desks[n % 2].post("/api/v1/visits", json={**PASSPORT, "number": f"L00000{n:02d}"}) for n in range(12))
    )
    assert sorted(answer.json()["ticket_number"] for answer in answers) == list(range(1, 13))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": "440308199901101513"}, "number_check_digit"),
        ({"number": "11010119900230123X"}, "number_date"),
        ({"number": "310104196712322X"}, "number_length"),
        ({"number": "hello world"}, "number_kind_unknown"),
        ({"number": "810000199408230021"}, "number_kind_differs"),
        ({"born_on": "1949-12-30"}, "birth_date_contradicted"),
        ({"document_kind": "passport"}, "issuing_country_missing"),
        ({**PASSPORT, "born_on": None}, "identity_incomplete"),
        ({**PASSPORT, "born_on": "2024-03-03"}, "under_age"),
        ({**PASSPORT, "born_on": "2026-03-03"}, "born_in_future"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_code(
    as_role: Any, house: House, change: dict[str, Any], code: str
) -> None:
    desk = await as_role(Role.REGISTRAR)
    lines = len(stored(house, journal))
    answer = await desk.post("/api/v1/visits", json={**TYPED, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["message"]
    assert (len(stored(house, journal)), stored(house, person), stored(house, first_answer)) == (lines, [], [])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"typed_reason": None}, "typed_reason"),
        ({"typed_reason": "because"}, "typed_reason"),
        ({"name": "王" * 101}, "name"),
        ({"born_on": "31/12/1949"}, "born_on"),
        ({"surprise": 1}, "surprise"),
        ({"delivery_id": str(uuid4())}, "number"),
    ],
)
async def test_a_malformed_body_is_refused_naming_the_field(as_role: Any, change: dict[str, Any], field: str) -> None:
    desk = await as_role(Role.REGISTRAR)
    answer = await desk.post("/api/v1/visits", json={**TYPED, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert field in [name.split(".")[-1] for name in answer.json()["fields"]]


@pytest.mark.parametrize("name", ["\ud800明", "王\x00明", "\x00", " "])
async def test_letters_no_name_has_are_never_stored(as_role: Any, name: str) -> None:
    desk = await as_role(Role.REGISTRAR)
    body = json.dumps({**TYPED, "latin_name": "", "name": name})
    answer = await desk.post("/api/v1/visits", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {201, 400, 422}
    held = (await desk.get("/api/v1/visits")).json()
    assert [visit["person"]["name"] for visit in held] in ([], ["王 明"])


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        ("number_check_digit", "number_check_digit"),
        ("select_failed", "card_unreadable"),
        ("card_pulled", "card_pulled"),
    ],
)
async def test_a_fault_of_the_card_is_shown_and_checks_nobody_in(
    as_role: Any, house: House, fault: str, shown: str
) -> None:
    desk = await as_role(Role.REGISTRAR)
    lying = lay(house, CardFault(fault))
    seen = (await desk.get("/api/v1/station/card")).json()
    assert (seen["fault"], seen["person"]) == (shown, None)
    answer = await desk.post("/api/v1/visits", json=lying)
    assert (answer.status_code, answer.json()["code"]) == (422, "card_unreadable")


HOLDER = CardHolder(DocumentKind.TRAVEL_PERMIT_TAIWAN, "王小明", Sex.FEMALE, date(1949, 12, 31), "WANG XIAOMING", "TWN")


async def test_a_card_nobody_is_registered_by_is_shown_and_checks_nobody_in(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    lying = lay(house, HOLDER)
    seen = (await desk.get("/api/v1/station/card")).json()
    assert (seen["fault"], seen["person"]["name"], seen["person"]["document_kind"]) == (
        "document_needed",
        "王小明",
        None,
    )
    fragment = (await desk.get("/check-in/card")).text
    assert "王小明" in fragment
    assert "nobody is registered by it" in fragment
    assert "<form" not in fragment
    answer = await desk.post("/api/v1/visits", json=lying)
    assert (answer.status_code, answer.json()["code"]) == (422, "document_needed")
    assert stored(house, person) == []


async def test_the_form_is_filled_in_with_what_such_a_card_names(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    lay(house, HOLDER)
    page = (await desk.get("/check-in/typed")).text
    filled = dict(re.findall(r'<input id="(\w+)"[^>]* value="([^"]*)"', page))
    chosen = set(re.findall(r'<option value="(\w+)" selected', page))
    assert (filled["name"], filled["latin_name"], filled["born_on"]) == ("王小明", "WANG XIAOMING", "1949-12-31")
    assert (filled["nationality"], filled["issuing_country"], filled["number"]) == ("TWN", "", "")
    assert chosen == {"foreign_document", "travel_permit_taiwan", "female"}
    form = {**filled, "typed_reason": "foreign_document", "document_kind": "travel_permit_taiwan", "sex": "female"}
    answer = await desk.post("/check-in/typed", data={**form, "number": "12345678"})
    assert answer.headers["location"].startswith("/check-in?issued=")
    assert house.inbox.latest("desk-1", "card") is None
    assert 'id="name" name="name" type="text" value=""' in (await desk.get("/check-in/typed")).text


async def test_another_desks_card_fills_in_nothing(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    lay(house, HOLDER, station="desk-2")
    assert "王小明" not in (await desk.get("/check-in/typed")).text


async def test_a_passport_that_was_read_checks_in_and_is_known_again(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    read = card_from(
        number="C01X00T47",
        name="",
        latin_name="MUSTERMANN, ERIKA",
        gbt_2261_sex="2",
        born_on=date(1964, 8, 12),
        nationality="D",
        kind=DocumentKind.PASSPORT,
        issuing_country="D",
    )
    first = await desk.post("/api/v1/visits", json=lay(house, read))
    assert (first.status_code, first.json()["is_new"], first.json()["findings"]) == (201, True, [])
    await desk.post(f"/api/v1/visits/{first.json()['visit_id']}/abandonment")
    typed = {**PASSPORT, "number": "C01X00T47", "issuing_country": "DEU", "name": "Erika Mustermann"}
    again = await desk.post("/api/v1/visits", json={**typed, "born_on": "1964-08-12"})
    assert (again.status_code, again.json()["is_new"]) == (201, False)


async def test_a_card_that_needs_another_document_says_so_on_the_page(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    lay(house, CardFault("social_security_3_needs_other_document"))
    shown = (await desk.get("/check-in/card")).text
    assert "Take the identity card or the QR code of the health insurance." in shown


async def test_a_page_that_shows_one_card_never_checks_in_the_next(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    shown = lay(house, card())
    lay(house, card_from(number="440308199901101512", name="李明"))
    answer = await desk.post("/api/v1/visits", json=shown)
    assert (answer.status_code, answer.json()["code"]) == (409, "card_perished")
    assert stored(house, person) == []


async def test_a_refused_card_still_lies_there_for_the_next_try(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    first = (await desk.post("/api/v1/visits", json=TYPED)).json()
    lying = lay(house, card())
    assert (await desk.post("/api/v1/visits", json=lying)).status_code == 409
    await desk.post(f"/api/v1/visits/{first['visit_id']}/abandonment")
    assert (await desk.post("/api/v1/visits", json=lying)).status_code == 201


async def test_a_scanned_number_speaks_only_for_a_person_we_know(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    scan = ScanFacts("11010519491231002x", "]Q3")
    unknown = await desk.post("/api/v1/visits", json=lay(house, scan, kind="scan"))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "person_unknown")
    first = await desk.post("/api/v1/visits", json=TYPED)
    await desk.post(f"/api/v1/visits/{first.json()['visit_id']}/abandonment")
    known = await desk.post("/api/v1/visits", json=lay(house, scan, kind="scan"))
    assert (known.status_code, known.json()["is_new"], known.json()["findings"]) == (201, False, [])
    assert [record["how"] for record in stored(house, check_in)] == ["typed", "scan"]


async def test_what_a_card_says_differently_is_found_and_taken_only_on_request(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    first = (await desk.post("/api/v1/visits", json={**TYPED, "name": "王晓明"})).json()
    await desk.post(f"/api/v1/visits/{first['visit_id']}/abandonment")
    lying = lay(house, card())
    assert (await desk.get("/api/v1/station/card")).json()["findings"] == ["held_details_differ"]
    second = (await desk.post("/api/v1/visits", json=lying)).json()
    assert second["findings"] == ["held_details_differ"]
    seen = (await desk.get(f"/api/v1/visits/{second['visit_id']}")).json()
    assert seen["visit"]["person"]["name"] == "王晓明"
    await desk.post(f"/api/v1/visits/{second['visit_id']}/abandonment")
    third = (await desk.post("/api/v1/visits", json={**lay(house, card()), "take_stated": True})).json()
    assert third["findings"] == []
    assert (await desk.get(f"/api/v1/visits/{third['visit_id']}")).json()["visit"]["person"]["name"] == "王小明"


async def test_an_expired_card_checks_in_with_a_finding(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    answer = await desk.post("/api/v1/visits", json=lay(house, card(valid_until=date(2026, 3, 1))))
    assert (answer.status_code, answer.json()["findings"]) == (201, ["card_expired"])


async def test_a_visit_tells_its_steps_and_ends_when_the_person_goes_away(as_role: Any) -> None:
    desk = await as_role(Role.REGISTRAR)
    visit_id = (await desk.post("/api/v1/visits", json=TYPED)).json()["visit_id"]
    seen = (await desk.get(f"/api/v1/visits/{visit_id}")).json()
    assert (seen["visit"]["stage"], seen["visit"]["is_open"]) == ("waiting_for_screening", True)
    closed = await desk.post(f"/api/v1/visits/{visit_id}/abandonment")
    assert closed.json() == {"visit_id": visit_id, "stage": "abandoned"}
    seen = (await desk.get(f"/api/v1/visits/{visit_id}")).json()
    assert [step["outcome"] for step in seen["steps"]] == ["checked_in", "abandoned"]
    again = await desk.post(f"/api/v1/visits/{visit_id}/abandonment")
    assert (again.status_code, again.json()["code"]) == (409, "step_out_of_order")


async def test_an_unknown_visit_is_not_found(as_role: Any) -> None:
    desk = await as_role(Role.REGISTRAR)
    for answer in (
        await desk.get(f"/api/v1/visits/{uuid4()}"),
        await desk.post(f"/api/v1/visits/{uuid4()}/abandonment"),
        await desk.get("/check-in", params={"issued": str(uuid4())}),
    ):
        assert answer.status_code == 404


async def test_visits_are_listed_by_stage_in_ticket_order(as_role: Any) -> None:
    desk = await as_role(Role.REGISTRAR)
    for body in (TYPED, PASSPORT):
        await desk.post("/api/v1/visits", json=body)
    waiting = (await desk.get("/api/v1/visits", params={"stage": "waiting_for_screening"})).json()
    assert [(visit["ticket_number"], visit["person"]["name"]) for visit in waiting] == [
        (1, "王小明"),
        (2, "ERIKSSON ANNA MARIA"),
    ]
    assert (await desk.get("/api/v1/visits", params={"stage": "observed"})).json() == []
    assert len((await desk.get("/api/v1/visits")).json()) == 2


@pytest.mark.parametrize("role", [Role.VOLUNTEER, Role.ORDER_KEEPER])
async def test_a_role_that_needs_no_names_sees_masked_ones(as_role: Any, role: Role) -> None:
    desk, other = await as_role(Role.REGISTRAR), await as_role(role)
    visit_id = (await desk.post("/api/v1/visits", json=TYPED)).json()["visit_id"]
    for address in (
        f"/api/v1/visits/{visit_id}",
        "/api/v1/visits",
        f"/visits/{visit_id}",
        f"/visits/{visit_id}/standing",
        "/",
    ):
        answer = await other.get(address)
        assert answer.status_code == 200
        assert not [secret for secret in SECRETS if secret != "王" and secret in answer.text]
    assert (await other.get(f"/api/v1/visits/{visit_id}")).json()["visit"]["person"]["name"] == "王*明"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.REGISTRAR])
async def test_only_a_registrar_checks_in_or_sees_the_card(as_role: Any, house: House, role: Role) -> None:
    other = await as_role(role, station="desk-1")
    lying = lay(house, card())
    for answer in (
        await other.post("/api/v1/visits", json=lying),
        await other.post("/api/v1/visits", json=TYPED),
        await other.post("/check-in", data=lying),
        await other.get("/api/v1/station/card"),
        await other.get("/check-in/card"),
    ):
        assert answer.status_code == 403
        assert "王" not in answer.text


async def test_the_ticket_belongs_to_the_clinic_day_and_not_to_the_calendar(as_role: Any, clock: Any) -> None:
    """Work after midnight still belongs to the evening before; numbers begin again with the next clinic day."""
    desk = await as_role(Role.REGISTRAR)
    clock.step(hours=(16 - clock.now().astimezone(UTC).hour), minutes=30)  # 00:30 in Shanghai
    evening = await as_role(Role.REGISTRAR)
    first = (await evening.post("/api/v1/visits", json=TYPED)).json()["ticket_number"]
    clock.step(hours=5)
    morning = await as_role(Role.REGISTRAR)
    second = (await morning.post("/api/v1/visits", json=PASSPORT)).json()["ticket_number"]
    assert (first, second, desk.station) == (1, 1, "desk-1")


async def test_no_name_and_no_number_stays_in_journal_answers_errors_or_logs(
    as_role: Any, house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    desk = await as_role(Role.REGISTRAR)
    told = [
        await desk.post("/api/v1/visits", json={**TYPED, "number": "110105194912310021"}),
        await desk.post("/api/v1/visits", json={**TYPED, "surprise": "王小明"}),
        await desk.post("/api/v1/visits", json={**TYPED, "born_on": "1949-12-30"}),
        await desk.post("/check-in/typed", data={**TYPED, "number": "110105194912310021"}),
        await desk.post("/api/v1/visits", json=TYPED),
        await desk.post("/api/v1/visits", json=lay(house, card())),
        await desk.post("/check-in", data=lay(house, card())),
    ]
    rows = [*stored(house, journal), *stored(house, first_answer), *stored(house, check_in)]
    left = "".join(answer.text + str(answer.headers) for answer in told) + caplog.text
    left += "".join(capsys.readouterr()) + "".join(str(dict(row)) for row in rows)
    assert not [secret for secret in SECRETS if secret in left or str(secret.encode())[2:-1] in left]


async def test_the_chain_holds_after_check_ins_and_refusals(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    for body in (TYPED, TYPED, PASSPORT, {**PASSPORT, "number": "L11", "born_on": "2025-01-01"}):
        await desk.post("/api/v1/visits", json=body)
    seen = house.db.read_now(lambda connection: verify(connection, house.db.keyring.journal_key))
    assert seen.faults == []
    assert [line["kind"] for line in stored(house, journal) if line["kind"] == "checked_in"] == ["checked_in"] * 2


async def test_the_desk_page_takes_a_person_from_the_card_to_the_ticket(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    assert "Lay the card on the reader." in (await desk.get("/check-in")).text
    lying = lay(house, card())
    fragment = (await desk.get("/check-in/card")).text
    assert "王小明" in fragment
    assert lying["delivery_id"] in fragment
    assert "11010519491231002X" not in fragment
    answer = await desk.post(
        "/check-in", data={**lying, "idempotency_key": uuid4().hex}, headers={"hx-request": "true"}
    )
    address = answer.headers["hx-redirect"]
    assert UUID(address.removeprefix("/check-in?issued="))
    page = (await desk.get(address)).text
    assert "001" in page
    assert "Lay the card on the reader." in page
    assert "王小明" not in page


async def test_the_typed_page_works_without_javascript(as_role: Any) -> None:
    desk = await as_role(Role.REGISTRAR)
    assert "Residence permit, Taiwan" in (await desk.get("/check-in/typed")).text
    form = {**TYPED, "issuing_country": "", "born_on": "", "nationality": "", "sex": "unknown"}
    answer = await desk.post("/check-in/typed", data=form)
    assert (answer.status_code, answer.headers["location"][:17]) == (303, "/check-in?issued=")
    visit_id = answer.headers["location"][17:]
    page = (await desk.get(f"/visits/{visit_id}")).text
    assert "王小明" in page
    assert "110105********002X" in page


async def test_the_ticket_stays_until_the_next_person_lies_on_the_reader(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    issued = {"issued": (await desk.post("/api/v1/visits", json=PASSPORT)).json()["visit_id"]}
    lay(house, CardFault("no_answer"))
    assert "001" in (await desk.get("/check-in/card", params=issued)).text
    lay(house, card())
    fragment = (await desk.get("/check-in/card", params=issued)).text
    assert "001" not in fragment
    assert "王小明" in fragment


async def test_the_desk_shows_why_a_card_gives_no_ticket(as_role: Any, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    lay(house, CardFault("no_answer"))
    fragment = (await desk.get("/check-in/card")).text
    assert "The card cannot be read." in fragment
    assert "<form" not in fragment
    await desk.post("/api/v1/visits", json=TYPED)
    lay(house, card())
    fragment = (await desk.get("/check-in/card")).text
    assert "This person is already here, with ticket 1." in fragment
    assert "Find ticket 1 in the queue." in fragment


async def test_the_start_page_counts_and_leads_only_to_ones_own_work(as_role: Any) -> None:
    desk, bench = await as_role(Role.REGISTRAR), await as_role(Role.VACCINATOR)
    await desk.post("/api/v1/visits", json=TYPED)
    assert 'href="/screening"' in (await desk.get("/board")).text
    page = (await bench.get("/")).text
    assert 'href="/bench"' in page
    assert 'href="/screening"' not in page


async def test_a_card_read_while_its_person_was_typed_does_not_wait_for_the_next_person(
    as_role: Any, house: House
) -> None:
    desk = await as_role(Role.REGISTRAR)
    lay(house, card())
    elsewhere = lay(house, card(), station="desk-2")
    refused = await desk.post("/api/v1/visits", json=TYPED | {"number": "11010519491231002"})
    assert (refused.status_code, (await desk.get("/api/v1/station/card")).json() is None) == (422, False)
    assert (await desk.post("/api/v1/visits", json=TYPED)).status_code == 201
    assert (await desk.get("/api/v1/station/card")).json() is None
    assert house.inbox.latest("desk-2", "card").id == UUID(elsewhere["delivery_id"])  # type: ignore[union-attr]
