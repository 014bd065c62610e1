"""The questions before a real browser: on a tablet in somebody's own hands, and filled in live by a device."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import httpx2
import pytest

from devices.agent.messages import MEASURED, Measured
from tests.pages.conftest import Screens, photograph
from tests.pages.site import STATION, PageSite

Eventually = Callable[..., Awaitable[None]]
CONNECTED = "document.getElementById('live')._htmx?.sse?.status === 200"
TABLET = {"width": 800, "height": 1280, "signed_in": False}


@pytest.fixture(name="visit_id")
def _visit_id(page_site: PageSite) -> str:
    """Somebody new who waits for the questions."""
    body = {
        "typed_reason": "foreign_document",
        "document_kind": "passport",
        "number": f"Q{uuid4().int % 10**7:07d}",
        "issuing_country": "UTO",
        "name": "何小新",
        "sex": "female",
        "born_on": "1991-02-03",
    }
    return str(page_site.post("visits", **body)["visit_id"])


def a_link(site: PageSite, visit_id: str) -> dict[str, str]:
    issued = site.post(f"visits/{visit_id}/answer-links")
    headers = {"authorization": f"Bearer {site.session}"}
    told: dict[str, str] = httpx2.get(f"{site.url}/api/v1/answer-links/{issued['link_id']}", headers=headers).json()
    return told


async def test_a_tablet_takes_the_answers_and_says_when_they_were_taken_already(
    screens: Screens, visit_id: str
) -> None:
    path = a_link(screens.site, visit_id)["path"]
    async with screens.opened(path, language="en", **TABLET) as page:
        for question in await page.locator("fieldset.answers:not(.follow-up)").all():
            await question.locator("[value=no]").check()
        await photograph(page, "own-answers-tablet", is_whole=True)
        await page.get_by_role("button", name="Hand in my answers").click()
        await page.wait_for_url("**/answered/tablet")
        assert "handed in" in await page.locator("h1").inner_text()
        await page.goto(screens.site.url + path)
        assert "answered and handed in" in await page.locator("h1").inner_text()
    assert [said for said in screens.complaints.said if "status of 409" not in said] == []


async def test_an_open_question_is_not_handed_in(screens: Screens, visit_id: str) -> None:
    path = a_link(screens.site, visit_id)["path"]
    async with screens.opened(path, language="en", **TABLET) as page:
        await page.get_by_role("button", name="Hand in my answers").click()
        assert await page.evaluate("document.querySelectorAll('fieldset.answers input:invalid').length") > 0
        assert page.url.endswith(path)
    assert screens.complaints.said == []


async def test_a_code_leads_from_the_kiosk_to_the_questions(screens: Screens, visit_id: str) -> None:
    code = a_link(screens.site, visit_id)["code"]
    async with screens.opened("/kiosk", language="en", **TABLET) as page:
        await page.locator("[name=code]").fill("WRONG9")
        await page.get_by_role("button", name="Go to the questions").click()
        assert "No questions are waiting" in await page.locator("#notice p").first.inner_text()
        await page.locator("[name=code]").fill(code.lower())
        await page.get_by_role("button", name="Go to the questions").click()
        await page.wait_for_url("**/answers/kiosk/*")
        assert await page.locator("h1").inner_text() != ""
    assert [said for said in screens.complaints.said if "status of 404" not in said] == []


async def test_what_a_device_measures_appears_in_the_form(
    screens: Screens, eventually: Eventually, visit_id: str
) -> None:
    token = a_desk_pc(screens.site)
    async with screens.opened(f"/visits/{visit_id}/screening") as page:
        await eventually(page, CONNECTED)
        measured = Measured(id=uuid4().hex, age_ms=0, device="血压计 1", systolic_mmhg=121, diastolic_mmhg=79)
        sent = httpx2.post(
            f"{screens.site.url}/api/v1/agents/measurements",
            content=MEASURED.encode(measured),
            headers={"authorization": f"Bearer {token}"},
        )
        assert sent.status_code == 204, sent.text
        await eventually(page, "document.querySelector('[name=systolic_mmhg]').value === '121'")
        assert "血压计 1" in await page.locator("#measured").inner_text()
        assert UUID(await page.locator("#measured [name=delivery_id]").input_value())
    assert screens.complaints.said == []


def a_desk_pc(site: PageSite) -> str:
    """Pair a desk PC at the station of whoever is signed in; return its credential."""
    begun = httpx2.post(f"{site.url}/api/v1/agents/pairings").json()
    site.post("agents", code=begun["code"], name="Front desk", station=STATION)
    poll = f"{site.url}/api/v1/agents/pairings/{begun['pairing_id']}/poll"
    token: str = httpx2.post(poll, json={"secret": begun["secret"]}).json()["token"]
    return token
