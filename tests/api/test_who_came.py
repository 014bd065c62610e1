"""A card or slip shown at a bench is compared with who is called there; another person stops everything."""

from datetime import date
from uuid import UUID

import pytest

from clinic_server.device_hub.scanned import scan_content
from clinic_server.kit.call import House
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import CardFacts, CardFault, CardHolder
from clinic_server.staff.rules import Role
from clinic_server.stock.scans import VisitScan
from tests.api.callers import AsRole, SignedIn
from tests.api.test_exit import passport_of
from tests.api.test_injection import a_consented_visit
from tests.api.test_slip_codes import code_of
from tests.api.visitors import a_product, a_visit, an_open_site

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
    assert (await bench.get(f"{chair}/came")).status_code == 204
    for kind, content in (
        ("card", card(passport_of(house, visit_id))),
        ("scan", VisitScan(code_of(house.db, visit_id))),
    ):
        house.inbox.put(bench.station, kind, content)
        said = await bench.get(f"{chair}/came", headers=HX)
        assert ("hx-redirect" in said.headers, "notice good" in said.text) == (False, True)
        assert (await bench.get(f"{chair}/came")).status_code == 204, "a card is answered once"


@pytest.mark.parametrize("kind", ["card", "scan"])
async def test_another_persons_takes_the_chair_away_and_tells_where_they_should_be(
    bench: SignedIn, house: House, kind: str
) -> None:
    visit_id, other_id = a_consented_visit(house.db), a_visit(house.db, name="欧阳静")
    shown = card(passport_of(house, other_id)) if kind == "card" else VisitScan(code_of(house.db, other_id))
    chair = chair_of(visit_id)
    await bench.get(chair)
    house.inbox.put(bench.station, kind, shown)
    assert (await bench.get(f"{chair}/scan")).text.count("<form") == 0, "a slip is no vial"
    said = await bench.get(f"{chair}/came", headers=HX)
    assert said.headers["hx-redirect"] == f"{chair}/another"
    page = (await bench.get(f"{chair}/another")).text
    assert 'class="permit notice stop"' in page
    assert "002" in page, "where they are waited for"
    assert "欧阳静" not in page
    await bench.get(chair)  # back to the chair: what was shown is forgotten
    assert (await bench.get(f"{chair}/came")).status_code == 204


async def test_somebody_nobody_knows_stops_everything_too(bench: SignedIn, house: House) -> None:
    chair = chair_of(a_consented_visit(house.db))
    for content in (card("X0000001"), VisitScan("V1-260302-047-AAAAAAAA")):
        house.inbox.put(bench.station, "scan" if isinstance(content, VisitScan) else "card", content)
        said = await bench.get(f"{chair}/came", headers=HX)
        assert said.headers["hx-redirect"] == f"{chair}/another"
        assert "nobody who is here" in (await bench.get(f"{chair}/another")).text
        await bench.get(chair)


async def test_what_was_shown_before_the_chair_was_opened_is_not_held_against_its_person(
    bench: SignedIn, house: House
) -> None:
    visit_id, before_id = a_consented_visit(house.db), a_visit(house.db)
    house.inbox.put(bench.station, "card", card(passport_of(house, before_id)))
    await bench.get(chair_of(visit_id))
    assert (await bench.get(f"{chair_of(visit_id)}/came")).status_code == 204


async def test_a_card_that_tells_nothing_is_nobodys_word(bench: SignedIn, house: House) -> None:
    chair = chair_of(a_consented_visit(house.db))
    for content, words in (
        (CardFault("card_mute"), "The card does not answer."),
        (CardHolder(DocumentKind.PASSPORT, "A. Nother"), "tells no number"),
    ):
        house.inbox.put(bench.station, "card", content)
        said = await bench.get(f"{chair}/came", headers=HX)
        assert ("hx-redirect" in said.headers, "notice warn" in said.text) == (False, True)
        assert words in said.text


async def test_a_card_laid_on_the_benchs_reader_brings_its_person_to_the_chair(bench: SignedIn, house: House) -> None:
    visit_id = a_consented_visit(house.db)
    house.inbox.put(bench.station, "card", card(passport_of(house, visit_id)))
    assert (await bench.get("/bench/came", headers=HX)).headers["hx-redirect"] == chair_of(visit_id)
    assert (await bench.get("/bench/came")).status_code == 204
    house.inbox.put(bench.station, "card", card("X0000001"))
    assert (await bench.get("/bench/came")).status_code == 404


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
    await bench.get(f"{chair}/came")
    house.inbox.put(bench.station, "scan", scan_content("83450000000000000009", None))
    assert (await bench.get(f"{chair}/scan")).text.count("<form") == 1
