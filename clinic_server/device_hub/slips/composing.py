"""What stands on a slip, in the current language: the words are the catalogues', the masked name is all of a person."""

from datetime import datetime

from clinic_server.device_hub.slips.lookup import Observation, Ticket
from clinic_server.kit.i18n import say as _
from clinic_server.settings import SiteSettings
from devices.words import Align, Pair, Picture, Qr, Rule, Size, Slip, Text

Line = Text | Pair | Rule | Qr | Picture


def compose(contents: Ticket | Observation, site: SiteSettings, copied_at: datetime | None = None) -> Slip:
    """Return a slip; a copy says so, and when it was made, before everything else."""
    body = _ticket(contents, site) if isinstance(contents, Ticket) else _observation(contents, site)
    return Slip((*_head(site, copied_at), *body, *_foot(site)))


def _ticket(ticket: Ticket, site: SiteSettings) -> tuple[Line, ...]:
    return (
        _centred(site.name),
        _centred(_("Queue number"), Size.LARGE),
        _centred(f"{ticket.number:03d}", Size.HUGE),
        Pair(_("Name"), ticket.masked_name),
        Pair(_("Checked in at"), _moment(ticket.checked_in_at, site)),
        Rule(),
        Text(_("Please wait until your number is called.")),
        Qr(ticket.code),
    )


def _observation(slip: Observation, site: SiteSettings) -> tuple[Line, ...]:
    return (
        _centred(_("Observation slip"), Size.LARGE),
        _centred(site.name),
        Pair(_("Queue number"), f"{slip.number:03d}"),
        Pair(_("Name"), slip.masked_name),
        Pair(_("Vaccine"), slip.product_name),
        *((Pair(_("Dose number"), f"{slip.dose_number}"),) if slip.dose_number else ()),
        Pair(_("Dose"), f"{slip.volume_ul / 1000:.2f} ml"),
        Pair(_("Lot"), slip.lot_number),
        Pair(_("Injected at"), _moment(slip.given_at, site)),
        Rule(),
        _centred(_("Do not leave before"), Size.LARGE),
        *_leave_at(slip, site),
        Rule(),
        Text(_("If you feel unwell, tell the staff at once.")),
        Qr(slip.code),
    )


def _leave_at(slip: Observation, site: SiteSettings) -> tuple[Line, ...]:
    """Set the time so that it is read from afar; the day with it once midnight lies between."""
    given, leave = slip.given_at.astimezone(site.zone), slip.leave_at.astimezone(site.zone)
    day = () if given.date() == leave.date() else (_centred(leave.date().isoformat(), Size.LARGE),)
    return (*day, _centred(f"{leave:%H:%M}", Size.HUGE))


def _head(site: SiteSettings, copied_at: datetime | None) -> tuple[Line, ...]:
    if copied_at is None:
        return ()
    word = _("COPY")
    return (_centred(f"{word} {_moment(copied_at, site)}", Size.TALL), Rule())


def _foot(site: SiteSettings) -> tuple[Line, ...]:
    return (Pair(_("Hotline"), site.hotline),) if site.hotline else ()


def _centred(text: str, size: Size = Size.NORMAL) -> Text:
    return Text(text, size, Align.CENTER)


def _moment(at: datetime, site: SiteSettings) -> str:
    return f"{at.astimezone(site.zone):%Y-%m-%d %H:%M}"
