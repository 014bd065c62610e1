"""What a page offers, whoever looks at it may do: no link, form or live part that would be refused."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx2
import pytest

from clinic_server.staff.rules import Role
from tests.guards.test_routes import TABLE
from tests.pages.site import STATION, PageSite
from tests.pages.test_every_page import PAGES

# Of the ten, those whose pages overlap least; every one of them takes three times as long.
ROLES = (Role.AUDITOR, Role.COLD_CHAIN_KEEPER, Role.VACCINATOR, Role.SITE_LEAD)


class Offers(HTMLParser):
    """The calls that a page leads to, as method and address."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        offered = [
            ("GET", given.get("href") if tag == "a" else None),
            ((given.get("method") or "get").upper(), given.get("action")),
            ("GET", given.get("hx-get")),
            ("POST", given.get("hx-post")),
        ]
        self.found |= {(method, address) for method, address in offered if address and address.startswith("/")}


def _callers() -> Iterator[tuple[str, re.Pattern[str], frozenset[str]]]:
    """Every route of the committed table; those without a gap in their address come first."""
    lines = sorted(TABLE.read_text().splitlines(), key=lambda line: "{" in line)
    for call, allowed in (line.split(": ") for line in lines):
        method, address = call.split(" ")
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(address))
        yield method, re.compile(pattern), frozenset(allowed.split(" "))


def _sign_in(site: PageSite, role: Role) -> str:
    """Let somebody new with this role alone sign in."""
    number, pin = f"77{ROLES.index(role)}", "918273"
    site.post("staff", number=number, name="丁戊己", pin=pin, roles=[role.value])
    return str(site.post("session", number=number, pin=pin, station=STATION)["token"])


@pytest.mark.parametrize("role", ROLES)
def test_no_page_offers_what_its_reader_may_not_do(page_site: PageSite, role: Role) -> None:
    callers, may = list(_callers()), {"anyone", "signed_in", role.value}
    refused, pages = set(), 0
    with httpx2.Client(base_url=page_site.url, cookies={"clinic_session": _sign_in(page_site, role)}) as client:
        for name, path in PAGES.items():
            answer = client.get(path.format(**page_site.visits))
            pages += answer.status_code == 200
            offers = Offers()
            offers.feed(answer.text)
            for method, offered in offers.found:
                address = re.split("[?#]", offered)[0]
                known = (who for verb, pattern, who in callers if verb == method and pattern.fullmatch(address))
                if not may & next(known, frozenset({"anyone"})):
                    refused.add(f"{name}: {method} {address}")
    assert pages > 20, "hardly a page was looked at"
    assert refused == set()
