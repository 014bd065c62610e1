"""The code on a slip: this site's, of this visit, in one spelling; and where it is good for finding the visit."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from clinic_server.device_hub.scanned import scan_content
from clinic_server.kit.call import House
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.staff.rules import Role
from clinic_server.visits.lookup import standing
from clinic_server.visits.slip_code import SlipUnknown, slip_code, visit_of_slip
from tests.api.test_injection import a_consented_visit
from tests.api.visitors import TODAY, a_product, a_visit, an_open_site, rows_in

VISIT = UUID("0195a1b2-0000-7000-8000-000000000047")


def code_of(db: Database, visit_id: UUID) -> str:
    ticket = db.read_now(lambda connection: standing(connection, visit_id).ticket_number)
    return slip_code(db.keyring, visit_id, TODAY, ticket)


def found_by(db: Database, code: str) -> UUID:
    return db.read_now(lambda connection: visit_of_slip(connection, db.keyring, code)).visit_id


@pytest.mark.parametrize(
    ("visit_id", "business_on", "ticket", "code"),
    [
        (VISIT, date(2026, 3, 2), 47, "V1-260302-047-KU6USR22"),
        (VISIT, date(2026, 3, 3), 47, "V1-260303-047-ZRYVE6FH"),
        (UUID(int=0), date(2030, 12, 31), 12_000, "V1-301231-12000-5CP3Q3HV"),
    ],
)
def test_vector(keyring: Keyring, visit_id: UUID, business_on: date, ticket: int, code: str) -> None:
    """HMAC-SHA-256 under the site's index key, over purpose, visit and day; its first five bytes in base32."""
    assert slip_code(keyring, visit_id, business_on, ticket) == code


def test_a_slip_names_its_visit_and_no_other(db: Database) -> None:
    first, second = a_visit(db), a_visit(db)
    assert (found_by(db, code_of(db, first)), found_by(db, code_of(db, second))) == (first, second)


def test_a_slip_of_another_site_is_unknown(db: Database) -> None:
    code = slip_code(Keyring(bytes(32)), a_visit(db), TODAY, 1)
    with pytest.raises(SlipUnknown):
        found_by(db, code)


@pytest.mark.parametrize("place", range(len("V1-260302-001-ABCDEFGH")))
def test_a_slip_with_one_sign_changed_is_unknown(db: Database, place: int) -> None:
    code = code_of(db, a_visit(db))
    other = "B" if code[place] != "B" else "C"
    changed = code[:place] + ("9" if code[place].isdigit() and place < 14 else other) + code[place + 1 :]
    with pytest.raises(SlipUnknown):
        found_by(db, changed)


@pytest.mark.parametrize("respell", [str.lower, lambda code: f" {code}", lambda code: code.replace("-001-", "-0001-")])
def test_a_slip_is_written_in_one_way_only(db: Database, respell: Any) -> None:
    code = code_of(db, a_visit(db))
    with pytest.raises(SlipUnknown):
        found_by(db, respell(code))


@pytest.mark.parametrize("code", ["V1-261332-001-ABCDEFGH", "V1-260302-999-ABCDEFGH", "", "V1----"])
def test_no_text_is_more_than_unknown(db: Database, code: str) -> None:
    with pytest.raises(SlipUnknown):
        found_by(db, code)


def test_yesterdays_ticket_is_not_todays(db: Database) -> None:
    visit_id = a_visit(db)
    with pytest.raises(SlipUnknown):
        found_by(db, slip_code(db.keyring, visit_id, TODAY - timedelta(days=1), 1))


async def test_the_desk_finds_an_open_visit_by_its_slip_and_checks_nobody_in(as_role: Any, house: House) -> None:
    visit_id, desk = a_visit(house.db, name="欧阳静"), await as_role(Role.REGISTRAR)
    delivery = house.inbox.put(desk.station, "scan", scan_content(code_of(house.db, visit_id), "]Q1"))
    page = (await desk.get("/check-in/card")).text
    assert f"/visits/{visit_id}" in page
    assert "欧阳静" in page
    before = rows_in(house.db)
    refused = await desk.post("/check-in", data={"delivery_id": str(delivery.id), "idempotency_key": uuid4().hex})
    assert refused.status_code == 422
    assert rows_in(house.db) == before


async def test_the_slip_of_a_closed_visit_finds_nothing_at_the_desk(as_role: Any, house: House) -> None:
    visit_id, desk = a_visit(house.db, name="欧阳静"), await as_role(Role.REGISTRAR)
    assert (await desk.post(f"/api/v1/visits/{visit_id}/abandonment")).is_success
    house.inbox.put(desk.station, "scan", scan_content(code_of(house.db, visit_id), "]Q1"))
    page = (await desk.get("/check-in/card")).text
    assert "A slip checks nobody in" in page
    assert "欧阳静" not in page


async def test_a_slip_brings_its_person_to_the_chair(as_role: Any, house: House) -> None:
    an_open_site(house.db)
    a_product(house.db)
    visit_id, bench = a_consented_visit(house.db), await as_role(Role.VACCINATOR)
    code = code_of(house.db, visit_id)
    typed = await bench.post("/bench/slip", data={"scanned": f"]Q1{code}"})
    assert (typed.status_code, typed.headers["location"]) == (303, f"/visits/{visit_id}/injection")
    assert (await bench.post("/bench/came")).status_code == 204
    house.inbox.put(bench.station, "scan", scan_content(code, "]Q1"))
    scanned = await bench.post("/bench/came", headers={"hx-request": "true"})
    assert scanned.headers["hx-redirect"] == f"/visits/{visit_id}/injection"
    assert (await bench.post("/bench/came")).status_code == 204
    house.inbox.put(bench.station, "scan", scan_content("83450000000000000009", None))
    assert (await bench.post("/bench/came")).status_code == 204
    wrong = await bench.post("/bench/slip", data={"scanned": "83450000000000000009"})
    assert wrong.status_code == 404
