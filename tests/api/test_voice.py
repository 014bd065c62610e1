"""The page that speaks: what it is told, for how long, and what it can hear."""

import re
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi import FastAPI

from clinic_server.kit.call import House
from clinic_server.kit.clock import Clock
from clinic_server.kit.tx import Tx
from clinic_server.queue.actions import form_group, join_group
from clinic_server.settings import Settings, WallSettings
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import Role, StationKind
from clinic_server.visits.steps import call_visit
from tests.api.callers import Client, running
from tests.api.visitors import SYSTEM, TODAY, a_colleague, a_screening, a_visit
from tests.conftest import ManualClock

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], scope="session")
AT = "token=of-the-tests"


@pytest.fixture(name="settings")
def _settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"wall": WallSettings(token="of-the-tests")})


@pytest_asyncio.fixture(name="app")
async def _app(settings: Settings, clock: Clock) -> AsyncIterator[FastAPI]:
    async with running(settings, clock) as app:
        yield app


@pytest.fixture(name="called")
def _called(house: House) -> UUID:
    """Ticket 1, called to screening-2."""
    visit_id = a_visit(house.db, name="欧阳静")
    house.db.write_now(lambda tx: add_station(tx, "screening-2", StationKind.SCREENING), SYSTEM)
    house.db.write_now(lambda tx: call_visit(tx, visit_id, "screening-2"), SYSTEM)
    return visit_id


async def page(client: Client) -> str:
    answer = await client.get(f"/wall/voice/calls?{AT}")
    assert answer.status_code == 200
    return answer.text


async def test_a_call_is_told_in_each_language_and_without_a_name(client: Client, called: UUID) -> None:
    words = await page(client)
    assert ">请零零一号到二号预检台。</span></p>" in words
    assert ">Number zero zero one, please go to screening desk two.</span></p>" in words
    assert "欧" not in words
    assert str(called) not in words


async def test_a_group_is_named_before_the_ticket_in_the_voice_of_its_own_letters(
    client: Client, house: House, called: UUID
) -> None:
    def join(tx: Tx) -> None:
        join_group(tx, form_group(tx, "三年二班", TODAY), called)
        tx.journal("group_checked_in", called)

    house.db.write_now(join, a_colleague(house.db, Role.REGISTRAR))
    words = await page(client)
    assert re.findall('<span lang="(.+?)" data-part="(.+?)">(.+?)</span>', words) == [
        ("zh-CN", "group", "三年二班"),
        ("zh-CN", "call", "请零零一号到二号预检台。"),
        ("en", "group_word", "Group"),
        ("zh-CN", "group", "三年二班"),
        ("en", "call", "Number zero zero one, please go to screening desk two."),
    ]
    for part in ("group_word", "group", "call"):
        heard = await client.get(f"/wall/voice/clip?{AT}&ticket=1&language=en&piece={part}")
        assert (heard.status_code, heard.content[:4]) == (200, b"RIFF"), part
    assert (await client.get(f"/wall/voice/clip?{AT}&ticket=1&language=zh-CN&piece=group_word")).status_code == 404


async def test_it_is_news_for_thirty_seconds_and_a_recall_is_news_again(
    client: Client, house: House, called: UUID, clock: ManualClock
) -> None:
    first = await page(client)
    assert "data-announce" in first
    clock.pass_time(seconds=30)
    later = await page(client)
    assert ("data-announce" in later, "预检台" in later) == (False, True)
    house.db.write_now(lambda tx: call_visit(tx, called, "screening-2"), SYSTEM)
    again = await page(client)
    assert "data-announce" in again
    assert re.findall('data-call="([^"]+)"', first) != re.findall('data-call="([^"]+)"', again)


async def test_who_went_on_is_said_no_more(client: Client, house: House, called: UUID) -> None:
    a_screening(house.db, called)
    assert "data-call" not in await page(client)
    assert (await client.get(f"/wall/voice/clip?{AT}&ticket=1&language=en")).status_code == 404


@pytest.mark.usefixtures("called")
async def test_the_server_speaks_for_a_display_without_a_voice(client: Client) -> None:
    for language in ("zh-CN", "en"):
        heard = await client.get(f"/wall/voice/clip?{AT}&ticket=1&language={language}")
        assert (heard.status_code, heard.headers["content-type"]) == (200, "audio/wav")
        assert heard.content.startswith(b"RIFF")
        assert len(heard.content) > 40_000  # more than a second of it
    for other in ("ticket=2&language=en", "ticket=1&language=la"):
        assert (await client.get(f"/wall/voice/clip?{AT}&{other}")).status_code == 404


@pytest.mark.usefixtures("called")
async def test_without_the_wall_s_token_nothing_is_heard(client: Client) -> None:
    for path in ("", "/calls", "/live", "/clip"):
        answer = await client.get(f"/wall/voice{path}?token=wrong&ticket=1&language=en")
        assert answer.status_code == 403, path
