"""What devices measure at a desk fills its form, and the record says what was typed and what was not."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi import FastAPI

from clinic_server.kit.call import House
from clinic_server.kit.inbox import PERISHES_AFTER_S
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import Role, StationKind
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from devices.agent.messages import MEASURED, Measured
from tests.api.callers import CONSOLE, AsRole, Client
from tests.api.test_injection import CODE, a_consented_visit
from tests.api.visitors import a_lot, a_product, a_visit, answers
from tests.conftest import ManualClock

AGENTS = "/api/v1/agents"
STATION = "screening-1"
MONITOR = "Monitor 3"


class DeskPC(Client):
    """A paired desk PC with a blood-pressure monitor."""

    async def measured(self, measured_id: str = "m1", age_s: float = 0, device: str = MONITOR, **told: int) -> Any:
        content = Measured(id=measured_id, age_ms=round(age_s * 1000), device=device, **told)
        return await self.post(f"{AGENTS}/measurements", content=MEASURED.encode(content))


@pytest_asyncio.fixture(name="desk_pc")
async def _desk_pc(app: FastAPI, client: Client, as_role: AsRole, house: House) -> AsyncIterator[DeskPC]:
    await house.db.write(lambda tx: add_station(tx, STATION, StationKind.SCREENING), CONSOLE)
    lead = await as_role(Role.SITE_LEAD, station="office")
    begun = (await client.post(f"{AGENTS}/pairings")).json()
    await lead.post(AGENTS, json={"code": begun["code"], "name": "Front desk", "station": STATION})
    told = await client.post(f"{AGENTS}/pairings/{begun['pairing_id']}/poll", json={"secret": begun["secret"]})
    async with DeskPC(app, authorization=f"Bearer {told.json()['token']}") as desk_pc:
        yield desk_pc


@pytest.fixture(name="visit_id")
def _visit_id(house: House) -> UUID:
    return a_visit(house.db)


async def lying(physician: Any) -> Any:
    return (await physician.get("/api/v1/station/measurement")).json()


def body(house: House, visit_id: UUID, delivery_id: str | None = None, **measured: int) -> dict[str, Any]:
    given = {code: said.value for code, said in answers(house.db, visit_id).items()}
    return {"answers": given, "delivery_id": delivery_id, **measured}


async def seen_by(physician: Any, visit_id: UUID) -> tuple[dict[str, int], dict[str, str]]:
    seen = (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()
    return seen["measurements"], seen["measured_by"]


async def test_a_device_fills_the_desks_form_and_the_record_names_it(
    as_role: AsRole, house: House, desk_pc: DeskPC, visit_id: UUID
) -> None:
    physician = await as_role(Role.PHYSICIAN)
    assert await lying(physician) is None
    sent = await desk_pc.measured(systolic_mmhg=121, diastolic_mmhg=79)
    assert sent.status_code == 204
    told = await lying(physician)
    assert (told["device"], told["measurements"]) == (MONITOR, {"systolic_mmhg": 121, "diastolic_mmhg": 79})
    fragment = (await physician.get("/screening/measured")).text
    assert 'value="121"' in fragment
    assert MONITOR in fragment
    measured = {"milli_celsius": 36_600, "systolic_mmhg": 121, "diastolic_mmhg": 79}
    await physician.post(
        f"/api/v1/visits/{visit_id}/screening", json=body(house, visit_id, told["delivery_id"], **measured)
    )
    by_monitor = {"systolic_mmhg": MONITOR, "diastolic_mmhg": MONITOR}
    assert await seen_by(physician, visit_id) == (measured, by_monitor)
    assert f"{MONITOR}" in (await physician.get(f"/visits/{visit_id}/decision")).text


async def test_what_was_changed_by_hand_counts_as_typed(
    as_role: AsRole, house: House, desk_pc: DeskPC, visit_id: UUID
) -> None:
    physician = await as_role(Role.PHYSICIAN)
    await desk_pc.measured(systolic_mmhg=170, diastolic_mmhg=79)
    delivery_id = (await lying(physician))["delivery_id"]
    changed = body(house, visit_id, delivery_id, systolic_mmhg=120, diastolic_mmhg=79)
    await physician.post(f"/api/v1/visits/{visit_id}/screening", json=changed)
    assert (await seen_by(physician, visit_id))[1] == {"diastolic_mmhg": MONITOR}


async def test_the_form_of_the_page_carries_the_delivery(
    as_role: AsRole, house: House, desk_pc: DeskPC, visit_id: UUID
) -> None:
    physician = await as_role(Role.PHYSICIAN)
    await desk_pc.measured(milli_celsius=36_700)
    delivery_id = (await lying(physician))["delivery_id"]
    page = (await physician.get(f"/visits/{visit_id}/screening")).text
    assert delivery_id in page
    assert 'value="36.7"' in page
    form = {f"answer-{code}": said.value for code, said in answers(house.db, visit_id).items()}
    await physician.post(f"/visits/{visit_id}/screening", data={**form, "celsius": "36.7", "delivery_id": delivery_id})
    assert await seen_by(physician, visit_id) == ({"milli_celsius": 36_700}, {"milli_celsius": MONITOR})
    assert await lying(physician) is None, "what was used lies there for the next person"


async def test_a_measurement_perishes_and_another_stations_is_not_ours(
    as_role: AsRole, house: House, desk_pc: DeskPC, clock: ManualClock, visit_id: UUID
) -> None:
    physician, elsewhere = await as_role(Role.PHYSICIAN), await as_role(Role.PHYSICIAN, station="screening-2")
    await desk_pc.measured(milli_celsius=36_700)
    told = await lying(physician)
    assert await lying(elsewhere) is None
    given = body(house, visit_id, told["delivery_id"], milli_celsius=36_700)
    await elsewhere.post(f"/api/v1/visits/{visit_id}/screening", json=given)
    assert (await seen_by(physician, visit_id))[1] == {}
    clock.pass_time(seconds=PERISHES_AFTER_S + 1)
    assert await lying(physician) is None


@pytest.mark.parametrize(
    ("told", "status"),
    [({"age_s": 31}, 422), ({"age_s": -1}, 422), ({"device": ""}, 400), ({"device": "x" * 41}, 400)],
)
async def test_what_comes_too_late_or_from_nothing_is_refused(
    as_role: AsRole, desk_pc: DeskPC, told: Any, status: int
) -> None:
    refused = await desk_pc.measured(milli_celsius=36_700, **told)
    assert refused.status_code == status
    assert await lying(await as_role(Role.PHYSICIAN)) is None


async def test_the_same_message_again_changes_nothing(as_role: AsRole, desk_pc: DeskPC) -> None:
    physician = await as_role(Role.PHYSICIAN)
    await desk_pc.measured("m1", milli_celsius=36_700)
    first = await lying(physician)
    await desk_pc.measured("m1", milli_celsius=36_700)
    assert await lying(physician) == first


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.PHYSICIAN])
async def test_nobody_but_a_desk_pc_fills_in(as_role: AsRole, role: Role) -> None:
    somebody = await as_role(role)
    content = MEASURED.encode(Measured(id="m1", age_ms=0, device=MONITOR, milli_celsius=36_700))
    assert (await somebody.post(f"{AGENTS}/measurements", content=content)).status_code == 403


async def test_measuring_after_the_answers_keeps_them_and_voids_the_decision(
    as_role: AsRole, house: House, desk_pc: DeskPC
) -> None:
    a_product(house.db)
    a_lot(house.db, CODE)
    visit_id = a_consented_visit(house.db)
    registrar, physician = await as_role(Role.REGISTRAR, station=STATION), await as_role(Role.PHYSICIAN)
    before = (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()
    await desk_pc.measured(systolic_mmhg=165, diastolic_mmhg=79)
    told = await lying(physician)
    again = {"screening_id": before["screening_id"], "delivery_id": told["delivery_id"], **told["measurements"]}
    answer = await registrar.post(f"/api/v1/visits/{visit_id}/measurements", json=again)
    assert (answer.status_code, answer.json()["stage"]) == (201, "waiting_for_decision")
    seen = (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()
    assert (seen["answers"], seen["advice"]) == (before["answers"], "defer")
    stale = await registrar.post(f"/api/v1/visits/{visit_id}/measurements", json=again)
    assert (stale.status_code, stale.json()["code"]) == (409, "screening_changed")
    assert (await house.db.read(lambda connection: standing(connection, visit_id))).stage is Stage.WAITING_FOR_DECISION


async def test_what_was_measured_before_stays_with_its_device(
    as_role: AsRole, house: House, desk_pc: DeskPC, client: Client, visit_id: UUID
) -> None:
    registrar, physician = await as_role(Role.REGISTRAR, station=STATION), await as_role(Role.PHYSICIAN)
    issued = (await registrar.post(f"/api/v1/visits/{visit_id}/answer-links")).json()
    path = (await registrar.get(f"/api/v1/answer-links/{issued['link_id']}")).json()["path"]
    form = {f"answer-{code}": said.value for code, said in answers(house.db, visit_id).items()}
    await client.post(path, data=form)
    for number, told in enumerate(({"milli_celsius": 36_700}, {"systolic_mmhg": 121, "diastolic_mmhg": 79})):
        await desk_pc.measured(f"m{number}", device=f"Device {number}", **told)
        page = await registrar.get(f"/visits/{visit_id}/measurements")
        screening_id = page.text.split('name="screening_id" value="')[1].split('"')[0]
        delivery_id = (await lying(physician))["delivery_id"]
        typed = {"celsius": "36.7"} if number == 0 else {"systolic_mmhg": "121", "diastolic_mmhg": "79"}
        fields = {"screening_id": screening_id, "delivery_id": delivery_id, **typed}
        assert (await registrar.post(f"/visits/{visit_id}/measurements", data=fields)).status_code == 303
    seen = (await physician.get(f"/api/v1/visits/{visit_id}/screening")).json()
    assert seen["channel"] == "tablet", "the answers are still the person's own"
    assert seen["measurements"] == {"milli_celsius": 36_700, "systolic_mmhg": 121, "diastolic_mmhg": 79}
    assert seen["measured_by"] == {
        "milli_celsius": "Device 0",
        "systolic_mmhg": "Device 1",
        "diastolic_mmhg": "Device 1",
    }


async def test_a_measurement_that_was_replaced_is_not_credited_to_its_successor(
    as_role: AsRole, house: House, desk_pc: DeskPC, visit_id: UUID
) -> None:
    physician = await as_role(Role.PHYSICIAN)
    await desk_pc.measured("m1", milli_celsius=36_700)
    replaced = (await lying(physician))["delivery_id"]
    await desk_pc.measured("m2", device="Another", milli_celsius=36_700)
    await physician.post(
        f"/api/v1/visits/{visit_id}/screening", json=body(house, visit_id, replaced, milli_celsius=36_700)
    )
    assert (await seen_by(physician, visit_id))[1] == {}
