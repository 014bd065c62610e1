"""A group at the desk: everybody or nobody, tickets in one row, one lane and batch, one name on the floor."""

from typing import Any
from uuid import UUID

import pytest

from clinic_server.kit.call import House
from clinic_server.settings import Settings, WallSettings
from clinic_server.staff.rules import Role
from clinic_server.visits.steps import call_visit
from firmware_stubs.id_card_reader.cards import synthetic_resident
from tests.api.callers import AsRole, SignedIn
from tests.api.test_check_in import TYPED
from tests.api.test_queue import in_lanes
from tests.api.visitors import SYSTEM, rows_in

SEEDS = (16_500_001, 16_500_002, 16_500_003)
CLASS = "\n".join(f"同学{seed % 10} {synthetic_resident(seed).number}" for seed in SEEDS)


@pytest.fixture(name="settings")
def _settings(settings: Settings) -> Settings:
    in_batches = settings.site.model_copy(update={"batch_size": 2})
    return settings.model_copy(update={"site": in_batches, "wall": WallSettings(token="of-the-tests")})


async def comes(desk: SignedIn, listed: str = CLASS, label: str = "三年二班") -> Any:
    body = {"label": label, "typed_reason": "no_card", "listed": listed}
    return (await desk.post("/api/v1/groups", json=body)).json()


async def test_a_group_has_tickets_in_one_row_and_one_name_in_one_batch_of_one_lane(as_role: AsRole) -> None:
    lead, desk = await as_role(Role.SITE_LEAD), await as_role(Role.REGISTRAR)
    for station in ("desk-2", "desk-3"):
        await as_role(Role.REGISTRAR, station=station)
    await in_lanes(lead, {"desk-2": "A", "desk-3": "B"})  # the desk itself belongs to none
    await desk.post("/api/v1/visits", json=TYPED)
    group = await comes(desk)
    assert (group["people"], group["first_ticket"], group["last_ticket"]) == (3, 2, 4)
    line = (await desk.get("/api/v1/queue")).json()["line"]
    assert {one["ticket_number"]: one["group"] for one in line} == {1: None, **dict.fromkeys((2, 3, 4), "三年二班")}
    assert len({(one["lane"], one["batch"]) for one in line if one["group"]}) == 1
    seen = (await desk.get(f"/api/v1/groups/{group['group_id']}")).json()
    assert (seen["label"], [one["ticket_number"] for one in seen["visits"]]) == ("三年二班", [2, 3, 4])
    assert (await desk.get(f"/api/v1/groups/{seen['visits'][0]['visit_id']}")).json()["code"] == "group_unknown"


async def test_the_wall_says_which_group_a_called_ticket_came_with(as_role: AsRole, house: House) -> None:
    desk = await as_role(Role.REGISTRAR)
    await desk.post("/api/v1/visits", json=TYPED)
    group = await comes(desk)
    seen = (await desk.get(f"/api/v1/groups/{group['group_id']}")).json()["visits"]
    board = "/wall/board?token=of-the-tests&language=zh-CN"
    assert "三年二班" not in (await desk.get(board)).text
    house.db.write_now(lambda tx: call_visit(tx, UUID(seen[1]["visit_id"]), "desk"), SYSTEM)
    told = (await desk.get(board)).text
    assert "<strong>003</strong>" in told
    assert (told.count("· 三年二班"), "同学" in told) == (1, False)


@pytest.mark.each_engine
@pytest.mark.parametrize(
    ("line", "finding"),
    [
        (f"王小明 {TYPED['number']}", "group_here_already"),
        (CLASS.splitlines()[0], "group_here_already"),
        ("小宝 M12345678 2026-02-01", "group_age_outside"),
    ],
    ids=["has a ticket", "stands twice", "too young"],
)
async def test_one_line_refused_refuses_everybody(as_role: AsRole, house: House, line: str, finding: str) -> None:
    desk = await as_role(Role.REGISTRAR)
    await desk.post("/api/v1/visits", json=TYPED)
    before = rows_in(house.db)
    refused = await comes(desk, f"{CLASS}\n{line}")
    assert (refused["code"], refused["facts"]) == ("group_line_refused", {"line": 4})
    assert [one["code"] for one in refused["findings"]] == [finding]
    assert rows_in(house.db) == before
    assert (await comes(desk))["first_ticket"] == 2


async def test_only_a_registrar_checks_a_group_in(as_role: AsRole) -> None:
    assert (await comes(await as_role(Role.VOLUNTEER)))["code"] == "not_permitted"
