"""The page that speaks, in a real browser: each call once, in order, in the browser's voice or the server's."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Page

from tests.pages.conftest import Screens, photograph
from tests.pages.site import WALL_TOKEN

Eventually = Callable[..., Awaitable[None]]
VOICE = f"/wall/voice?token={WALL_TOKEN}"
OF_DESK_1 = "window.heard.filter(one => /登记台|registration desk/.test(one.text))"  # others may be called meanwhile
HEARD = f"{OF_DESK_1}.map(one => one.lang + ' ' + one.text)"
CONNECTED = "document.getElementById('live')._htmx?.sse?.status === 200"
A_VOICE = """
  window.heard = [];
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
  Object.defineProperty(window, 'speechSynthesis', { value: {
    getVoices: () => [{ lang: 'zh-CN' }, { lang: 'en-GB' }],
    speak: (said) => { window.heard.push(said); setTimeout(() => said.onend(), 10); },
  }});
"""
SOUNDS = """
  window.played = [];
  const play = Audio.prototype.play;
  Audio.prototype.play = function () {
    const told = new URL(this.src).searchParams;
    window.played.push(`${told.get('language')} ${told.get('piece')}`);
    return play.call(this);
  };
"""


async def listening(page: Page, script: str) -> None:
    """Open the page anew with this script before it, and switch the voice on."""
    await page.add_init_script(script)
    await page.reload()
    await page.click("#voice-on")
    await page.wait_for_function(CONNECTED)


def called(screens: Screens) -> str:
    """Somebody new who is called to desk-1; their visit."""
    return str(screens.site.post("queue/next", stage="waiting_for_screening"))


async def test_a_call_is_spoken_once_in_both_languages_and_a_recall_again(
    screens: Screens, eventually: Eventually
) -> None:
    async with screens.opened(VOICE, signed_in=False) as page:
        await listening(page, A_VOICE)
        visit_id = called(screens)
        await eventually(page, f"{OF_DESK_1}.length === 2")
        zh, en = await page.evaluate(HEARD)
        await photograph(page, "wall-voice-called")
        assert zh.startswith("zh-CN 请")
        assert zh.endswith("号到一号登记台。")
        assert en.endswith("please go to registration desk one.")
        screens.site.post(f"visits/{visit_id}/recall")
        await eventually(page, f"{OF_DESK_1}.length === 4")
        await page.reload()  # what was said before is not said again, though it is news still
        await page.click("#voice-on")
        await page.wait_for_function(CONNECTED)
        await page.wait_for_timeout(1500)
        assert await page.evaluate("window.heard.length") == 0
        screens.site.post(f"visits/{visit_id}/abandonment")
    assert screens.complaints.said == []


async def test_a_browser_without_a_voice_plays_the_servers(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened(VOICE, signed_in=False) as page:
        await listening(page, SOUNDS)
        visit_id = called(screens)
        await eventually(page, "window.played.join() === 'zh-CN call,en call'")
        screens.site.post(f"visits/{visit_id}/abandonment")
    assert screens.complaints.said == []
