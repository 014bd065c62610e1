"""The bar of pages: everyone finds what they may open, nothing they may not, and it fits one line."""

import pytest

from clinic_server.navigation import PAGES, Link, bar, link_to
from clinic_server.staff.rules import Role
from tests.guards.test_routes import TABLE

LINKS = [link for links in PAGES.values() for link in links]
OPEN_TO = dict(line.removeprefix("GET ").split(": ") for line in TABLE.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.path)
def test_a_link_is_shown_to_those_and_only_those_who_may_open_its_page(link: Link) -> None:
    allowed = OPEN_TO[link.path]
    assert set(Role if allowed == "signed_in" else allowed.split()) == link.roles


@pytest.mark.parametrize("role", Role)
def test_each_role_finds_every_page_of_its_own_once(role: Role) -> None:
    shown = [link for entry in bar(frozenset({role})) for link in entry.links]
    assert shown == [link for link in LINKS if role in link.roles]


def test_few_links_stand_in_the_line_and_many_fold() -> None:
    assert not any(entry.group for entry in bar(frozenset({Role.VOLUNTEER})))
    everybody = bar(frozenset(Role))
    assert len(everybody) < 8
    assert sum(len(entry.links) for entry in everybody) == len(LINKS)


@pytest.mark.parametrize(
    ("here", "link"),
    [
        ("/", "/"),
        ("/stock/products", "/stock"),
        ("/observation/exits", "/observation/exits"),
        ("/observationally", None),
        ("/visits/1", None),
    ],
)
def test_a_page_stands_under_the_link_it_belongs_to(here: str, link: str | None) -> None:
    assert link_to(here) == link
