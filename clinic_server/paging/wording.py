"""What a page says: which alerts, where, since when, and how to answer; never anything of a patient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from clinic_server.alerts.due import DuePage
from clinic_server.alerts.ladder import short_words
from clinic_server.alerts.links import LinkTarget
from clinic_server.alerts.rules import AlertFacts, DueKind
from clinic_server.alerts.wording import where_words, words_of
from clinic_server.kit.i18n import current_language, say
from clinic_server.kit.labels import label
from devices.pagers.page import Page

REPLY_CODE: Final = "ACK"


@dataclass(frozen=True, slots=True)
class Setting:
    """Where pages come from: the site, its time zone, and the names of its places by their codes."""

    site_name: str
    zone: tzinfo
    places: Mapping[str, str]


def page_of(setting: Setting, due: Sequence[DuePage], link: str = "") -> Page:
    """Return one page for all that is due to one address at once, in the first one's language; ``link`` answers it.

    A pager's short words name a place by its code alone: they are ASCII.
    """
    lead = due[0]
    alerts = list({one.alert_id: one for page in due for one in page.alerts}.values())
    told = current_language.set(lead.language)
    try:
        lines = [
            _heading(setting.site_name, lead.kind),
            *(_line(one, setting) for one in alerts),
            _end(lead, alerts),
            link,
        ]
    finally:
        current_language.reset(told)
    return Page(
        number=f"{lead.number}-{lead.due_id.hex[-4:]}",  # its own: one person's answer is not another's
        short=short_words(lead.kind, alerts),
        text="\n".join(line for line in lines if line),
        is_urgent=any(page.is_urgent for page in due),
        reply_code=REPLY_CODE if lead.kind is not DueKind.RECOVERY else None,
    )


def answered_by(due: Sequence[DuePage]) -> LinkTarget | None:
    """Return what a link in a page answers: its one alert as its one contact; several have none."""
    alert_ids = {one.alert_id for page in due for one in page.alerts}
    contact_ids = {page.contact_id for page in due}
    if due[0].kind is not DueKind.PAGE or len(alert_ids) != 1 or len(contact_ids) != 1:
        return None
    return LinkTarget(alert_ids.pop(), contact_ids.pop())


def trial_page(site_name: str) -> Page:
    """Return the page of a channel's test button, in the presser's language."""
    text = say("%(site)s: a keeper tries this channel. Nothing is wrong.") % {"site": site_name}
    return Page(number="0-0", short="TRIAL OF THIS CHANNEL. NOTHING IS WRONG.", text=text, is_urgent=False)


def _heading(site_name: str, kind: DueKind) -> str:
    return f"{site_name}: {label('due_kind', kind.value).text}"


def _line(one: AlertFacts, setting: Setting) -> str:
    where = where_words(one.place_code, setting.places) if one.place_code else ""
    what = f"{where} {label('alert', one.kind.value).text}".strip()
    since = one.opened_at.astimezone(setting.zone).strftime("%m-%d %H:%M")
    how_bad = label("severity", one.severity.value).text
    return f"#{one.number} {how_bad} · {what} · {words_of(one.told, setting.places)} · {since}"


def _end(lead: DuePage, alerts: Sequence[AlertFacts]) -> str:
    if lead.kind is DueKind.TEST:
        return say("Nothing is wrong. Answer this page, or tell a keeper that you got it.")
    if lead.kind is DueKind.RECOVERY or not alerts:
        return ""
    return say("Acknowledge with a comment on the alerts page.")
