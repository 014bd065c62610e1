"""The draft of a certificate says the doses that stand, and nothing of one that no needle gave."""

from uuid import UUID

from clinic_server.kit.call import House
from clinic_server.staff.rules import QualificationKind, Role
from tests.api.callers import AsRole, Client
from tests.api.test_corrections import a_dose
from tests.api.test_injection import CODE, a_consented_visit
from tests.api.visitors import a_colleague, a_lot, a_product, an_open_site


async def said_to(reader: Client, visit_id: UUID) -> str:
    answer = await reader.get(f"/visits/{visit_id}/certificate")
    assert answer.status_code == 200
    return answer.text


async def test_the_draft_names_the_dose_its_lot_and_who_gave_it_until_it_is_denied(
    as_role: AsRole, house: House
) -> None:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE, number="LOT-1", bench="desk-1")
    vaccinator = a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR)
    visit_id = a_consented_visit(house.db)
    observer, nurse = await as_role(Role.OBSERVER), await as_role(Role.VACCINATOR)
    assert "No dose given here stands" in await said_to(observer, visit_id)
    dose_id = a_dose(house.db, visit_id, vaccinator)
    draft = await said_to(observer, visit_id)
    assert all(words in draft for words in ("Draft", "LOT-1", "Left upper arm", vaccinator.name, "王小明")), draft
    moved = {"was": "left_upper_arm", "should_be": "right_upper_arm", "reason": "misread"}
    await nurse.post(f"/api/v1/doses/{dose_id}/body-site", json=moved)
    draft = await said_to(observer, visit_id)
    assert ("Right upper arm" in draft, "Left upper arm" in draft) == (True, False)
    await nurse.post(f"/api/v1/doses/{dose_id}/denial", json={"reason": "another visit"})
    assert "LOT-1" not in await said_to(observer, visit_id)


async def test_a_volunteer_sees_no_draft(as_role: AsRole, house: House) -> None:
    an_open_site(house.db)
    a_product(house.db)
    visit_id = a_consented_visit(house.db)
    assert (await (await as_role(Role.VOLUNTEER)).get(f"/visits/{visit_id}/certificate")).status_code == 403
