"""Many displays at one instant: one board is made for those that ask for the same, and never an old one is shown."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event

from clinic_server.kit.call import House
from clinic_server.settings import Settings, WallSettings
from clinic_server.visits.steps import call_visit
from clinic_server.wall.shared import SharedBoards
from tests.api.callers import Client
from tests.api.observed import an_observed
from tests.api.visitors import SYSTEM, a_visit
from tests.conftest import ManualClock

BOARD = "/wall/board?token=of-the-tests"
DISPLAYS = 40
TURN_S = 15


@pytest.fixture(name="settings")
def _settings(settings: Settings) -> Settings:
    wall = WallSettings(token="of-the-tests", languages=("zh-CN", "en"), language_turns_after_s=TURN_S)
    return settings.model_copy(update={"wall": wall})


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what is asked of the database meanwhile."""
    asked: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", heard)


async def test_forty_displays_at_once_ask_the_database_once(app: FastAPI, house: House) -> None:
    visit_id = a_visit(house.db)
    async with Client(app) as display:
        await display.get(BOARD)
        with statements() as of_one:
            house.db.write_now(lambda tx: call_visit(tx, visit_id, "desk-2"), SYSTEM)
            await display.get(BOARD)
        with statements() as of_forty:
            house.db.write_now(lambda tx: call_visit(tx, visit_id, "desk-3"), SYSTEM)
            boards = await asyncio.gather(*(display.get(BOARD) for _ in range(DISPLAYS)))
    assert 0 < len(of_forty) < 2 * len(of_one)
    assert len({board.text for board in boards}) == 1
    assert "desk-3" in boards[0].text


async def test_displays_that_ask_for_something_else_are_shown_it(app: FastAPI, clock: ManualClock) -> None:
    async with Client(app) as display:
        for also, lang, part in (
            ("", "zh-CN", "all"),
            ("&part=observed", "zh-CN", "observed"),
            ("&language=zh-TW", "zh-TW", "all"),
        ):
            assert f'lang="{lang}" data-part="{part}"' in (await display.get(BOARD + also)).text
        clock.pass_time(seconds=TURN_S)
        assert 'lang="en" data-part="all"' in (await display.get(BOARD)).text


async def test_minutes_pass_on_a_board_though_nothing_is_recorded(
    app: FastAPI, house: House, clock: ManualClock
) -> None:
    an_observed(house.db)
    async with Client(app) as display:
        shown = [(await display.get(f"{BOARD}&language=en")).text]
        clock.pass_time(seconds=60)
        shown.append((await display.get(f"{BOARD}&language=en")).text)
    assert ["<b>30</b> min" in board for board in shown] == [True, False]
    assert ["<b>29</b> min" in board for board in shown] == [False, True]


async def test_a_display_that_goes_away_takes_nobodys_board_with_it(house: House) -> None:
    boards, may_be_made = SharedBoards(house.db), asyncio.Event()

    async def made() -> str:
        await may_be_made.wait()
        return "the board"

    goes, stays = (asyncio.create_task(boards.board(("", "en"), made)) for _ in range(2))
    await asyncio.sleep(0)
    goes.cancel()
    may_be_made.set()
    assert await stays == "the board"
