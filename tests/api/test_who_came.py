"""A card or slip shown at a bench is compared with who is called there; another person stops everything."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_server.device_hub.scanned import scan_content
from clinic_server.injection.tables import identity_checked
from clinic_server.kit.call import House
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import CardFacts, CardFault, CardHolder
from clinic_server.staff.rules import Role
from clinic_server.stock.scans import VisitScan
from tests.api.callers import AsRole, SignedIn
from tests.api.test_exit import passport_of
from tests.api.test_injection import CODE, a_consented_visit, findings_of, given, permitted
from tests.api.test_slip_codes import code_of
from tests.api.visitors import a_lot, a_product, a_visit, an_open_site, rows_in
from tests.conftest import ManualClock

HX = {"hx-request": "true"}


def card(number: str) -> CardFacts:
    document = Document.of(DocumentKind.PASSPORT, number, "CHN")
    return CardFacts(document, "王小明", Sex.MALE, date(1980, 5, 1), "", "")


@pytest.fixture(name="bench")
async def _bench(as_role: AsRole, house: House) -> SignedIn:
    an_open_site(house.db)
    a_product(house.db)
    return await as_role(Role.VACCINATOR, station="bench-1")


def chair_of(visit_id: UUID) -> str:
    return f"/visits/{visit_id}/injection"


async def test_the_card_or_slip_of_the_one_who_is_called_is_said_to_be_theirs(bench: SignedIn, house: House) -> None:
    visit_id = a_consented_visit(house.db)
    chair = chair_of(visit_id)
    assert (await bench.post(f"{chair}/came")).status_code == 204
    for kind, content in (
        ("card", card(passport_of(house, visit_id))),
        ("scan", VisitScan(code_of(house.db, visit_id))),
    ):
        house.inbox.put(bench.station, kind, content)
        said = await bench.post(f"{chair}/came", headers=HX)
        assert ("hx-redirect" in said.headers, "notice good" in said.text) == (False, True)
        assert (await bench.post(f"{chair}/came")).status_code == 204, "a card is answered once"


@pytest.mark.parametrize("kind", ["card", "scan"])
async def test_another_persons_takes_the_chair_away_and_tells_where_they_should_be(
    bench: SignedIn, house: House, clock: ManualClock, kind: str
) -> None:
    visit_id, other_id = a_consented_visit(house.db), a_visit(house.db, name="欧阳静")
    shown = card(passport_of(house, other_id)) if kind == "card" else VisitScan(code_of(house.db, other_id))
    chair = chair_of(visit_id)
    await bench.get(chair)
    house.inbox.put(bench.station, kind, shown)
    assert (await bench.get(f"{chair}/scan")).text.count("<form") == 0, "a slip is no vial"
    said = await bench.post(f"{chair}/came", headers=HX)
    assert said.headers["hx-redirect"] == f"{chair}/another"
    assert (await bench.post(f"{chair}/came")).status_code == 204, "a card is answered once"
    clock.pass_time(minutes=2)  # what the reader said has perished, and what became of it is a record
    page = (await bench.get(f"{chair}/another")).text
    assert 'class="permit notice stop"' in page
    assert "002" in page, "where they are waited for"
    assert "欧阳静" not in page
    assert 'name="trace_code"' not in (await bench.get(chair)).text, "no vial is asked for"


async def test_somebody_nobody_knows_stops_everything_too(bench: SignedIn, house: House) -> None:
    chair = chair_of(a_consented_visit(house.db))
    for content in (card("X0000001"), VisitScan("V1-260302-047-AAAAAAAA")):
        house.inbox.put(bench.station, "scan" if isinstance(content, VisitScan) else "card", content)
        said = await bench.post(f"{chair}/came", headers=HX)
        assert said.headers["hx-redirect"] == f"{chair}/another"
        assert "nobody who is here" in (await bench.get(f"{chair}/another")).text
        await bench.get(chair)


async def test_what_was_shown_before_the_chair_was_opened_is_not_held_against_its_person(
    bench: SignedIn, house: House
) -> None:
    visit_id, before_id = a_consented_visit(house.db), a_visit(house.db)
    house.inbox.put(bench.station, "card", card(passport_of(house, before_id)))
    await bench.get(chair_of(visit_id))
    assert (await bench.post(f"{chair_of(visit_id)}/came")).status_code == 204


async def test_a_card_that_tells_nothing_is_nobodys_word(bench: SignedIn, house: House) -> None:
    chair = chair_of(a_consented_visit(house.db))
    for content, words in (
        (CardFault("card_mute"), "The card does not answer."),
        (CardHolder(DocumentKind.PASSPORT, "A. Nother"), "tells no number"),
    ):
        house.inbox.put(bench.station, "card", content)
        said = await bench.post(f"{chair}/came", headers=HX)
        assert ("hx-redirect" in said.headers, "notice warn" in said.text) == (False, True)
        assert words in said.text
        assert (await bench.post(f"{chair}/came")).status_code == 204, "the next scan does not say it again"


async def test_a_card_laid_on_the_benchs_reader_brings_its_person_to_the_chair(bench: SignedIn, house: House) -> None:
    visit_id = a_consented_visit(house.db)
    house.inbox.put(bench.station, "card", card(passport_of(house, visit_id)))
    assert (await bench.post("/bench/came", headers=HX)).headers["hx-redirect"] == chair_of(visit_id)
    assert (await bench.post("/bench/came")).status_code == 204
    house.inbox.put(bench.station, "card", card("X0000001"))
    assert (await bench.post("/bench/came")).status_code == 404


async def test_a_slip_typed_into_the_field_for_vials_is_compared_and_is_no_vial(bench: SignedIn, house: House) -> None:
    visit_id, other_id = a_consented_visit(house.db), a_visit(house.db)
    path = f"/visits/{visit_id}/unit"
    theirs = await bench.post(path, data={"trace_code": code_of(house.db, visit_id)}, headers=HX)
    assert "notice good" in theirs.text
    another = await bench.post(path, data={"trace_code": code_of(house.db, other_id)}, headers=HX)
    assert another.headers["hx-redirect"] == f"{chair_of(visit_id)}/another"


async def test_a_card_that_still_lies_there_swallows_no_vial(bench: SignedIn, house: House) -> None:
    chair = chair_of(a_consented_visit(house.db))
    house.inbox.put(bench.station, "card", CardFault("card_mute"))
    await bench.post(f"{chair}/came")
    house.inbox.put(bench.station, "scan", scan_content("83450000000000000009", None))
    assert (await bench.get(f"{chair}/scan")).text.count("<form") == 1


def checks_of(house: House, visit_id: UUID) -> list[Any]:
    """What is recorded of who sat at the benches of a visit, the first first."""
    of_visit = select(identity_checked).where(identity_checked.c.visit_id == visit_id)
    return house.db.read_now(lambda connection: list(connection.execute(of_visit.order_by("journal_seq"))))


async def shows(bench: SignedIn, house: House, visit_id: UUID, shown: CardFacts) -> None:
    """Lay a card on the bench's reader, of which the open page of a chair asks at once."""
    house.inbox.put(bench.station, "card", shown)
    await bench.post(f"{chair_of(visit_id)}/came", headers=HX)


async def test_nothing_is_permitted_after_anothers_card_until_the_right_one_is_shown(
    bench: SignedIn, house: House
) -> None:
    a_lot(house.db, CODE)
    visit_id, other_id = a_consented_visit(house.db), a_visit(house.db)
    await shows(bench, house, visit_id, card(passport_of(house, other_id)))
    rows = rows_in(house.db)
    refused = await permitted(bench, visit_id)
    assert (refused.status_code, findings_of(refused)) == (422, ["another_came"])
    looked_at = await bench.post(f"/visits/{visit_id}/unit", data={"trace_code": CODE})
    assert (looked_at.status_code, rows_in(house.db)) == (422, rows)
    await shows(bench, house, visit_id, card(passport_of(house, visit_id)))
    assert (await permitted(bench, visit_id)).status_code == 201
    said = [(one.how, one.is_called, one.shown_visit_id) for one in checks_of(house, visit_id)]
    assert said == [("card", False, other_id), ("card", True, visit_id)]
    assert {(one.checked_by, one.station) for one in checks_of(house, visit_id)} == {(bench.staff_id, "bench-1")}


async def test_the_vaccinator_may_say_how_else_it_was_found_out_who_sits_there(bench: SignedIn, house: House) -> None:
    a_lot(house.db, CODE)
    visit_id = a_consented_visit(house.db)
    await shows(bench, house, visit_id, card("X0000001"))
    by_itself = await bench.post(f"/api/v1/visits/{visit_id}/identity", json={"how": "card"})
    assert by_itself.status_code == 400, "only a reader says that a card was read"
    named = await bench.post(f"{chair_of(visit_id)}/identity", data={"how": "told_birth_date"}, headers=HX)
    assert named.headers["hx-redirect"] == chair_of(visit_id)
    assert (await bench.get(f"{chair_of(visit_id)}/another")).headers["location"] == chair_of(visit_id)
    assert (await permitted(bench, visit_id)).status_code == 201
    assert checks_of(house, visit_id)[-1].checked_by == bench.staff_id
    waiting_id = a_visit(house.db)
    too_soon = await bench.post(f"/api/v1/visits/{waiting_id}/identity", json={"how": "document_by_eye"})
    assert (too_soon.status_code, checks_of(house, waiting_id)) == (409, [])


async def test_a_permit_dies_with_anothers_card_and_stays_dead_when_the_right_one_is_shown(
    bench: SignedIn, house: House
) -> None:
    a_lot(house.db, CODE)
    visit_id, other_id = a_consented_visit(house.db), a_visit(house.db)
    permit_id = (await permitted(bench, visit_id)).json()["permit_id"]
    again = f"{chair_of(visit_id)}/permit?permit={permit_id}"
    assert (await bench.get(again, headers=HX)).status_code == 204
    await shows(bench, house, visit_id, card(passport_of(house, other_id)))
    assert "hx-redirect" in (await bench.get(again, headers=HX)).headers, "the green goes off the screen"
    assert findings_of(await given(bench, permit_id)) == ["another_came"]
    await shows(bench, house, visit_id, card(passport_of(house, visit_id)))
    assert findings_of(await given(bench, permit_id)) == ["another_came"]
    anew = (await permitted(bench, visit_id)).json()["permit_id"]
    assert (await given(bench, anew)).status_code == 201


async def test_a_card_that_no_page_asked_about_yet_is_compared_before_the_permit(bench: SignedIn, house: House) -> None:
    a_lot(house.db, CODE)
    visit_id, other_id = a_consented_visit(house.db), a_visit(house.db)
    house.inbox.put(bench.station, "card", card(passport_of(house, other_id)))
    assert findings_of(await permitted(bench, visit_id)) == ["another_came"]


async def test_what_was_shown_before_somebody_was_called_is_not_held_against_them(
    bench: SignedIn, house: House
) -> None:
    a_lot(house.db, CODE)
    visit_id, before_id = a_consented_visit(house.db), a_visit(house.db)
    house.inbox.put(bench.station, "card", card(passport_of(house, before_id)))
    await bench.post(f"/api/v1/visits/{visit_id}/call")
    assert (await permitted(bench, visit_id)).status_code == 201


async def test_anothers_card_bars_the_bench_at_which_it_was_shown(
    bench: SignedIn, house: House, as_role: AsRole
) -> None:
    other_code = "81000001000000000002"
    a_lot(house.db, other_code, number="L2", bench="bench-2")
    visit_id = a_consented_visit(house.db)
    await shows(bench, house, visit_id, card("X0000001"))
    elsewhere = await as_role(Role.VACCINATOR, station="bench-2")
    assert (await permitted(elsewhere, visit_id, other_code)).status_code == 201


async def test_the_right_card_shown_on_the_benchs_page_lifts_what_stood_against_them(
    bench: SignedIn, house: House
) -> None:
    a_lot(house.db, CODE)
    visit_id = a_consented_visit(house.db)
    await shows(bench, house, visit_id, card("X0000001"))
    house.inbox.put(bench.station, "card", card(passport_of(house, visit_id)))
    assert (await bench.post("/bench/came", headers=HX)).headers["hx-redirect"] == chair_of(visit_id)
    assert (await permitted(bench, visit_id)).status_code == 201


async def test_one_card_asked_about_by_two_pages_is_recorded_once(bench: SignedIn, house: House) -> None:
    visit_id = a_consented_visit(house.db)
    house.inbox.put(bench.station, "card", card("X0000001"))
    await asyncio.gather(*(bench.post(f"{chair_of(visit_id)}/came", headers=HX) for _ in range(5)))
    assert len(checks_of(house, visit_id)) == 1


async def test_a_card_shown_while_the_page_goes_on_to_the_confirmations_is_still_asked_about(
    bench: SignedIn, house: House
) -> None:
    a_lot(house.db, CODE)
    visit_id = a_consented_visit(house.db)
    looked_at = await bench.post(f"/visits/{visit_id}/unit", data={"trace_code": CODE}, headers=HX)
    house.inbox.put(bench.station, "card", card("X0000001"))
    await bench.get(looked_at.headers["hx-redirect"])
    said = await bench.post(f"{chair_of(visit_id)}/came", headers=HX)
    assert said.headers["hx-redirect"] == f"{chair_of(visit_id)}/another"
