"""More than anybody can serve: strangers are told to come again, and whoever works here is served."""

import asyncio
from typing import Any

import pytest

from clinic_server.kit.shedding import MOST_AT_ONCE, MOST_STRANGERS_AT_ONCE, MOST_STRANGERS_WAITING, MOST_WAITING
from clinic_server.staff.rules import Role

SERVED_AT_LEAST = MOST_STRANGERS_AT_ONCE + MOST_STRANGERS_WAITING
FLOOD = SERVED_AT_LEAST + 200
DESKS = 20
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], scope="session")


async def test_a_flood_is_shed_and_a_desk_goes_on(client: Any, as_role: Any) -> None:
    desk = await as_role(Role.REGISTRAR)
    flood = asyncio.gather(*(client.get("/sign-in") for _ in range(FLOOD)))
    served = await asyncio.gather(*(desk.get("/api/v1/visits") for _ in range(DESKS)))
    answers = await flood
    assert {answer.status_code for answer in served} == {200}
    shed = [answer for answer in answers if answer.status_code == 503]
    assert len(answers) - len(shed) >= SERVED_AT_LEAST
    assert len(shed) > 0
    assert {answer.headers["retry-after"] for answer in shed} == {"2"}
    assert all(answer.headers["content-security-policy"] for answer in shed)
    assert (await client.get("/sign-in")).status_code != 503  # and afterwards as before


async def test_too_many_of_those_who_work_here_are_shed_too_in_words(as_role: Any) -> None:
    desk = await as_role(Role.REGISTRAR)
    answers = await asyncio.gather(*(desk.get("/api/v1/visits") for _ in range(MOST_AT_ONCE + MOST_WAITING + 100)))
    shed = [answer for answer in answers if answer.status_code == 503]
    assert 0 < len(shed) <= 100
    assert {answer.json()["code"] for answer in shed} == {"busy"}


async def test_five_hundred_displays_that_ask_at_once_are_all_served(client: Any) -> None:
    answers = await asyncio.gather(*(client.get("/sign-in") for _ in range(500)))
    assert 503 not in {answer.status_code for answer in answers}
