"""What a page weighs on the wire when a browser opens it for the first time, with all it loads."""

import re
from functools import cache

import httpx2

from tests.pages.site import PageSite
from tests.pages.test_every_page import OPEN_PAGES, PAGES

MOST_BYTES = 150_000
MOST_STREAMS = 1
ASSETS = re.compile(r'(?:<link rel="(?:stylesheet|icon)" href|<script src)="([^"]+)"')
LOADED_AT_ONCE = re.compile(r'hx-get="([^"]+)" hx-trigger="load')
STREAMS = re.compile(r"hx-sse:connect=")


def test_every_page_is_light_and_holds_one_stream(page_site: PageSite) -> None:
    """A browser opens six connections to a site in HTTP/1.1: with one stream a page, five pages leave one for forms."""
    session = {"clinic_session": page_site.session}
    with httpx2.Client(base_url=page_site.url, cookies=session, headers={"accept-encoding": "gzip"}) as client:

        @cache
        def sent(path: str) -> bytes:
            with client.stream("GET", path) as answer:
                return b"".join(answer.iter_raw())

        weights: dict[str, int] = {}
        for name, path in (PAGES | OPEN_PAGES).items():
            address = path.format(**page_site.visits, language="zh-CN")
            html = sent(address).decode()  # a page is not compressed
            assert len(STREAMS.findall(html)) <= MOST_STREAMS, name
            loaded = [*ASSETS.findall(html), *LOADED_AT_ONCE.findall(html)]
            weights[name] = sum(len(sent(path)) for path in (address, *loaded))
    assert {name: weight for name, weight in weights.items() if weight >= MOST_BYTES} == {}
