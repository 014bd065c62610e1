"""A real browser before the real server; whatever a page complains of fails the test that opened it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright, expect

from tests.pages.site import PageSite, furnish

PICTURES = bool(os.environ.get("CLINIC_PICTURES"))  # half a thousand of them take a minute
SCREENSHOTS = Path(__file__).parent / "screenshots"
ANSWERS_WITHIN_S = 2
WITHIN_S = 90  # for what will happen, however busy the machine; how soon is not asked
# The scripts of a page are the same in every language; its words, in the page that stands, are as wide as they are.
WRITTEN_ANEW = """source => {
  const anew = new DOMParser().parseFromString(source, "text/html");
  document.documentElement.lang = anew.documentElement.lang;
  document.body.replaceWith(document.adoptNode(anew.body));
}"""
BETWEEN_PAGES = ("context was destroyed", "Cannot read properties of null")


@dataclass
class Complaints:
    """What a page said against itself: console errors, script errors, requests to other hosts."""

    said: list[str] = field(default_factory=list)

    def listen_to(self, page: Page, origin: str) -> None:
        """Collect from now on."""
        page.on("console", lambda message: self._note(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("request", lambda request: self._check(request.url, origin))

    def _check(self, url: str, origin: str) -> None:
        if not url.startswith((origin, "data:")):
            self._note(f"asked a foreign host: {url}")

    def _note(self, words: str) -> None:
        self.said.append(words)


@dataclass
class Screens:
    """Opens pages as the signed-in person or as anybody, in a language, at a size."""

    browser: Browser
    site: PageSite
    complaints: Complaints = field(default_factory=Complaints)

    @asynccontextmanager
    async def opened(  # noqa: PLR0913  # each is one thing about a screen
        self,
        path: str,
        *,
        language: str = "zh-CN",
        width: int = 1366,
        height: int = 768,
        signed_in: bool = True,
        scripts: bool = True,
    ) -> AsyncIterator[Page]:
        """Open one page in a browser profile of its own."""
        context = await self.browser.new_context(
            locale=language,
            viewport={"width": width, "height": height},
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        await self._equip(context, language, signed_in=signed_in)
        context.set_default_timeout(WITHIN_S * 1_000)
        page = await context.new_page()
        self.complaints.listen_to(page, self.site.url)
        try:
            await page.goto(self.site.url + path)
            yield page
        finally:
            await context.close()

    async def turn(self, page: Page, path: str, *, language: str, signed_in: bool) -> str:
        """Lead a window that is open already to a page, as somebody else; return the page as it was sent."""
        await page.goto("about:blank")  # the page before, signed out, would go its own way
        await page.context.clear_cookies()
        await self._equip(page.context, language, signed_in=signed_in)
        answer = await page.goto(self.site.url + path)
        assert answer is not None
        return await answer.text()

    async def write_anew(self, page: Page, path: str, *, language: str, signed_in: bool) -> str:
        """Put a page's words of another language into the page that stands, without loading it; see ``turn``."""
        await self._equip(page.context, language, signed_in=signed_in)
        source = await (await page.request.get(self.site.url + path)).text()
        await page.evaluate(WRITTEN_ANEW, source)
        return source

    async def _equip(self, context: BrowserContext, language: str, *, signed_in: bool) -> None:
        cookies = {"clinic_language": language} | ({"clinic_session": self.site.session} if signed_in else {})
        url = self.site.url
        await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])


async def photograph(page: Page, name: str, *, is_whole: bool = False) -> None:
    """Keep a picture of a page, of all of it or of what the window shows; only where CLINIC_PICTURES asks for them.

    The caret stays: hiding it writes into `style`, and a page that brings itself up to date meanwhile copies that
    attribute, which its content security policy forbids.
    """
    if PICTURES:
        await page.screenshot(path=SCREENSHOTS / f"{name}.png", caret="initial", full_page=is_whole)


@pytest.fixture(name="browser", scope="session")
async def _browser(chromium: Path) -> AsyncIterator[Browser]:
    expect.set_options(timeout=WITHIN_S * 1_000)
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        await browser.close()


@pytest.fixture(name="furnished", scope="session")
async def _furnished(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PageSite]:
    site = await furnish(tmp_path_factory.mktemp("page-site"))
    yield site
    if site.process is not None and site.process.poll() is None:
        site.send(signal.SIGTERM)


@pytest.fixture(name="page_site")
def _page_site(furnished: PageSite) -> PageSite:
    """The site with its server running, whatever the test before did to it."""
    furnished.keep_running()
    return furnished


@pytest.fixture(name="screens")
def _screens(browser: Browser, page_site: PageSite) -> Screens:
    return Screens(browser, page_site)


async def _holds(page: Page, expression: str) -> bool:
    """Ask once. A page on its way to another one breaks the question off, has nothing yet, or never answers."""
    try:
        return bool(await asyncio.wait_for(page.evaluate(expression), ANSWERS_WITHIN_S))
    except TimeoutError:
        return False
    except Error as error:
        if any(words in error.message for words in BETWEEN_PAGES):
            return False
        raise


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Awaitable[None]]:
    """Wait until a page's expression holds, or fail with it."""

    async def eventually(page: Page, expression: str) -> None:
        deadline = time.monotonic() + WITHIN_S  # the browser's own waiting needs an eval that our pages forbid
        while not await _holds(page, expression):
            assert time.monotonic() < deadline, f"not within {WITHIN_S} s: {expression}"
            await asyncio.sleep(0.05)

    return eventually
