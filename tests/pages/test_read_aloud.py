"""The consent read aloud: part by part in its own language, marked while it is read, until somebody says stop."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page

from tests.pages.conftest import Screens, photograph

Eventually = Callable[..., Awaitable[None]]
PARTS = 6
A_VOICE = """
  window.heard = [];
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
  Object.defineProperty(window, 'speechSynthesis', { value: {
    getVoices: () => ['zh-CN', 'zh-TW', 'en-GB'].map(lang => ({ lang })),
    speak: said => { window.heard.push(said); window.ends = () => said.onend(); },
    cancel: () => window.ends?.(),
  }});
"""
CLIPS = """
  window.played = [];
  Audio.prototype.play = function () { window.played.push(this.src); return Promise.resolve(); };
  Audio.prototype.pause = function () { this.onpause?.(); };
  window.Audio = new Proxy(Audio, { construct: (kind, told) => (window.clip = new kind(...told)) });
"""
READ = "[...document.querySelectorAll('.is-read')].map(one => one.dataset.read).join()"


async def opened_with(page: Page, script: str) -> None:
    await page.add_init_script(script)
    await page.reload()
    await page.locator("#read-start").wait_for()


@pytest.mark.parametrize(("language", "voice"), [("zh-CN", "zh-CN"), ("zh-TW", "zh-TW"), ("en", "en-GB")])
async def test_each_part_is_read_and_marked_in_the_language_of_the_text(
    screens: Screens, eventually: Eventually, language: str, voice: str
) -> None:
    path = "/visits/{consent}/consent?language={language}".format(**screens.site.visits, language=language)
    async with screens.opened(path, language="en") as page:
        await opened_with(page, A_VOICE)
        await page.keyboard.press("F3")
        for part in range(PARTS):
            await eventually(page, f"{READ} === '{part}' && window.heard.length === {part + 1}")
            if part == 1:
                await photograph(page, f"consent-read-aloud.{language}")
            said, shown = await page.evaluate(
                "[window.heard.at(-1).text, document.querySelector('.is-read').innerText]"
            )
            assert said == shown
            assert await page.evaluate("[window.heard.at(-1).lang, window.heard.at(-1).voice.lang].join()") == (
                f"{language},{voice}"
            )
            await page.evaluate("window.ends()")
        await eventually(page, f"{READ} === ''")
    assert screens.complaints.said == []


async def test_stop_is_heard_at_once_and_reading_begins_anew(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/visits/{consent}/consent".format(**screens.site.visits)) as page:
        await opened_with(page, A_VOICE)
        await page.keyboard.press("F3")
        await eventually(page, f"{READ} === '0'")
        await page.evaluate("window.ends()")
        await eventually(page, f"{READ} === '1'")
        await page.keyboard.press("Escape")
        await eventually(page, f"{READ} === ''")
        assert await page.evaluate("window.heard.length") == 2
        await page.keyboard.press("F3")
        await eventually(page, f"{READ} === '0' && window.heard.length === 3")


async def test_a_browser_without_a_voice_plays_the_servers(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/visits/{consent}/consent?language=en".format(**screens.site.visits)) as page:
        await opened_with(page, CLIPS)
        await page.keyboard.press("F3")
        await eventually(page, "window.played.length === 1")
        await page.evaluate("window.clip.onended()")
        await eventually(page, f"{READ} === '1' && window.played.length === 2")
        for number, address in enumerate(await page.evaluate("window.played")):
            assert address.endswith(f"/consent/texts/any/en/1/{number}")
            clip = await page.context.request.get(address)
            assert clip.headers["content-type"] == "audio/wav"
            assert len(await clip.body()) > 100_000  # seconds of it
        unknown = await page.context.request.get(address.replace("/1/1", "/2/1"))
        assert unknown.status == 404
    assert screens.complaints.said == []
