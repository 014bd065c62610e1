"""The bar of pages: where somebody with certain roles may go from everywhere, in one line."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clinic_server.staff.rules import Role

MOST_IN_LINE: Final = 9  # so many words stand beside each other at 1024 pixels, in any language
MOST_DESKS_IN_LINE: Final = 5
_EVERYBODY: Final = frozenset(Role)


class Group(StrEnum):
    """What a page is about; a group folds where the line would not hold its links."""

    START = "start"
    CLINIC_DAY = "clinic_day"
    VACCINE = "vaccine"
    SITE = "site"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class Link:
    """A page that may be gone to, and by whom; ``code`` is its label."""

    path: str
    code: str
    roles: frozenset[Role] = _EVERYBODY


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in the line: one link, or a group's links folded under its name."""

    links: Sequence[Link]
    group: Group | None = None


def _link(path: str, code: str, *roles: Role) -> Link:
    return Link(path, code, frozenset(roles) or _EVERYBODY)


PAGES: Final = {
    Group.START: (_link("/", "today"), _link("/alerts", "alerts")),
    Group.CLINIC_DAY: (
        _link("/check-in", "check_in", Role.REGISTRAR),
        _link("/screening", "screening", Role.REGISTRAR, Role.PHYSICIAN),
        _link("/consent", "consent", Role.REGISTRAR, Role.PHYSICIAN),
        _link("/bench", "injection", Role.VACCINATOR),
        _link("/queue", "queue", Role.REGISTRAR, Role.ORDER_KEEPER, Role.SITE_LEAD),
        _link("/observation", "observation", Role.OBSERVER, Role.PHYSICIAN),
        _link("/observation/exits", "exits", Role.OBSERVER, Role.PHYSICIAN, Role.SITE_LEAD),
        _link("/adverse-events", "adverse_events", Role.OBSERVER, Role.VACCINATOR, Role.PHYSICIAN, Role.SITE_LEAD),
        _link("/corrections", "corrections", Role.VACCINATOR, Role.PHYSICIAN, Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD),
    ),
    Group.VACCINE: (
        _link("/stock", "stock"),
        _link("/receiving", "receiving", Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD),
        _link("/counts", "counts", Role.VACCINATOR, Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD, Role.AUDITOR),
        _link("/demand", "demand", Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD, Role.AUDITOR),
        _link("/recalls", "recalls", Role.VACCINATOR, Role.PHYSICIAN, Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD),
        _link("/exchange", "exchange", Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD),
        _link("/cold-chain", "cold_chain"),
    ),
    Group.SITE: (
        _link("/opening", "opening", Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN, Role.OBSERVER),
        _link("/health", "health", Role.OWNER, Role.SITE_LEAD),
        _link("/devices", "devices"),
        _link("/paging", "paging", Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER),
    ),
    Group.LEAD: (
        _link("/floor", "floor", Role.OWNER, Role.SITE_LEAD),
        _link("/closing", "closing", Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD, Role.AUDITOR),
        _link("/reports/day", "day_report", Role.SITE_LEAD, Role.PHYSICIAN),
        _link("/audit", "audit", Role.OWNER, Role.AUDITOR),
        _link("/setting-up", "setting_up", Role.OWNER, Role.SITE_LEAD),
        _link("/staff", "staff", Role.OWNER, Role.SITE_LEAD),
        _link("/rule-sets", "rule_sets", Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN),
    ),
}


def bar(roles: frozenset[str]) -> Sequence[Entry]:
    """Return the line for somebody with these roles: their links, folded by group only where they are many."""
    open_to = {group: [link for link in links if link.roles & roles] for group, links in PAGES.items()}
    fits = sum(map(len, open_to.values())) <= MOST_IN_LINE
    entries: list[Entry] = []
    for group, links in open_to.items():
        if fits or len(links) <= _most_in_line(group):
            entries += [Entry([link]) for link in links]
        else:
            entries.append(Entry(links, group))
    return entries


def link_to(here: str) -> str | None:
    """Return the path of the link under which a page stands: its own, or that of the page it belongs to."""
    link = _above(here)
    return link.path if link else None


def is_open_to(path: str, roles: frozenset[str]) -> bool:
    """Tell whether somebody with these roles finds the link under which a page stands."""
    link = _above(path)
    return link is not None and bool(link.roles & roles)


def _above(here: str) -> Link | None:
    above = (link for links in PAGES.values() for link in links if f"{here}/".startswith(f"{link.path}/"))
    return max(above, key=lambda link: len(link.path), default=None)


def _most_in_line(group: Group) -> int:
    return {Group.START: len(PAGES[Group.START]), Group.CLINIC_DAY: MOST_DESKS_IN_LINE}.get(group, 1)
