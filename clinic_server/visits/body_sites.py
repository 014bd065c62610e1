"""Where on the body a dose is to go, and what speaks against the place where it went. Pure."""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Final

from clinic_server.kit.errors import Refused
from clinic_server.stock.rules import BodySite

MOST_REASON_CHARACTERS: Final = 200


class BodySiteFinding(StrEnum):
    """What speaks against the place of a dose; it is recorded all the same, with a reason."""

    OUTSIDE_VACCINE = "body_site_outside_vaccine"
    USED_TODAY = "body_site_used_today"


class BodySiteDoubted(Refused):
    """A rule speaks against the place: the dose is recorded as given once a reason is told; ``findings`` say what."""

    code = "body_site_doubted"


def sites_left(body_sites: Iterable[BodySite], used: Iterable[BodySite]) -> tuple[BodySite, ...]:
    """Return where a dose may go in on a day on which others did; what is swallowed leaves the mouth free."""
    taken = {*used} - {BodySite.MOUTH}
    return tuple(one for one in body_sites if one not in taken)


def sites_against_rule(body_sites: Collection[BodySite], used: Iterable[BodySite]) -> tuple[BodySite, ...]:
    """Return where else a dose can have gone in, by mouth or not as the vaccine is; nobody proposes it."""
    left = sites_left(body_sites, used)
    is_swallowed = BodySite.MOUTH in body_sites
    return tuple(one for one in BodySite if one not in left and (one is BodySite.MOUTH) is is_swallowed)


def findings_about(
    body_site: BodySite, body_sites: Iterable[BodySite], used: Iterable[BodySite]
) -> tuple[BodySiteFinding, ...]:
    """Return what speaks against where a dose went: a reaction must show which of the day's needles it came from."""
    found = []
    if body_site not in body_sites:
        found.append(BodySiteFinding.OUTSIDE_VACCINE)
    if not sites_left((body_site,), used):
        found.append(BodySiteFinding.USED_TODAY)
    return tuple(found)


def refuse_unexplained(findings: Collection[BodySiteFinding], reason: str) -> None:
    """Raise BodySiteDoubted unless nothing speaks against the place, or somebody says why it was that one."""
    if findings and not 0 < len(reason.strip()) <= MOST_REASON_CHARACTERS:
        raise BodySiteDoubted(findings=tuple(findings))
