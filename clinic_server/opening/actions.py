"""Opening and closing the site, withdrawing and restating a safeguard."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertKind
from clinic_server.kit.clock import business_date, business_date_ends
from clinic_server.kit.tx import Tx
from clinic_server.opening import checklists
from clinic_server.opening.lookup import (
    Terms,
    seal_context,
    shortcomings_now,
    standing_opening,
    standing_statements,
    unclosed_before,
)
from clinic_server.opening.pausing import OPENING, tell_pauses
from clinic_server.opening.rules import (
    ChecklistIncomplete,
    EarlierDayNotClosed,
    Named,
    NotReadyToOpen,
    Opened,
    Safeguard,
    SafeguardStands,
    SafeguardWithdrawn,
    SiteAlreadyOpen,
    SiteNotOpen,
    StillHelping,
    StillObserving,
    Variant,
    missing_names,
)
from clinic_server.opening.tables import (
    Closing,
    OpenedRegardless,
    Opening,
    SafeguardStatement,
    opening,
)
from clinic_server.settings import Settings
from clinic_server.staff.actions import require_signed_in
from clinic_server.visits.watch import watched

Names = Mapping[Named, str]


@dataclass(frozen=True, slots=True)
class NewOpening:
    """For whom the site opens, and the names behind each safeguard.

    ``unclosed_reason`` is why it opens although an earlier day was never closed.
    """

    variant: Variant
    named: Mapping[Safeguard, Names] = field(repr=False)
    unclosed_reason: str = ""


@dataclass(frozen=True, slots=True)
class OpeningRef:
    """Which opening an action was about."""

    opening_id: UUID
    business_on: date


def terms_of(settings: Settings, variant: Variant = Variant.ADULT) -> Terms:
    """Return what a site's settings ask of an opening for these people."""
    absent_after = timedelta(minutes=settings.security.idle_minutes)
    return Terms(settings.site.zone, variant, settings.site.minimum_physicians, absent_after)


def open_site(tx: Tx, settings: Settings, new: NewOpening) -> OpeningRef:
    """Open the site for the running clinic day, or raise NotReadyToOpen with everything that is missing."""
    staff_id = require_signed_in(tx)
    if standing_opening(tx.connection, tx.now):
        raise SiteAlreadyOpen
    checklist = checklists.shipped()[new.variant]
    if missing := missing_names(checklist.asked, new.named):
        raise ChecklistIncomplete(findings=missing)
    terms = terms_of(settings, new.variant)
    if lapsed := shortcomings_now(tx.connection, tx.now, terms):
        raise NotReadyToOpen(findings=tuple(one.lapse for one in lapsed))
    site = settings.site
    business_on = business_date(tx.now, site.zone, site.day_starts_at)
    unclosed_on = unclosed_before(tx.connection, business_on)
    if unclosed_on and not new.unclosed_reason.strip():
        raise EarlierDayNotClosed(day=unclosed_on.isoformat())
    opening_id = tx.append(
        Opening,
        business_on=business_on,
        number=_next_number(tx, business_on),
        variant=new.variant,
        checklist_code=checklist.code,
        checklist_version=checklist.version,
        minimum_physicians=terms.minimum_physicians,
        absent_after_minutes=settings.security.idle_minutes,
        opened_by=staff_id,
        opened_at=tx.now,
        ends_at=business_date_ends(business_on, site.zone, site.day_starts_at),
    )
    for safeguard, names in checklist.asked.items():
        append_statement(tx, opening_id, safeguard, only_asked(names, new.named[safeguard]))
    if unclosed_on:
        about = {"unclosed_on": unclosed_on, "reason": new.unclosed_reason.strip()}
        tx.append(OpenedRegardless, opening_id=opening_id, **about)
    tell_pauses(tx)
    tx.journal("site_opened", opening_id, OPENING)
    return OpeningRef(opening_id, business_on)


def close_site(tx: Tx) -> OpeningRef:
    """Close the site before its day is over; refused while anyone is observed or being helped (invariant 34)."""
    staff_id = require_signed_in(tx)
    opened = require_open(tx)
    if observed := len(watched(tx.connection)):
        raise StillObserving(count=observed)
    if any(one.kind is AlertKind.ADVERSE_EVENT for one in open_alerts(tx.connection)):
        raise StillHelping
    tx.append(Closing, opening_id=opened.opening_id, closed_by=staff_id, closed_at=tx.now)
    tell_pauses(tx)
    tx.journal("site_closed", opened.opening_id, OPENING)
    return OpeningRef(opened.opening_id, opened.business_on)


def withdraw_safeguard(tx: Tx, safeguard: Safeguard, reason: str) -> OpeningRef:
    """Record that a safeguard is gone; injections pause with it."""
    require_signed_in(tx)
    opened = require_open(tx)
    if not standing_statements(tx.connection)[safeguard].stands:
        raise SafeguardWithdrawn
    append_statement(tx, opened.opening_id, safeguard, reason)
    tell_pauses(tx)
    tx.journal("safeguard_withdrawn", safeguard, OPENING)
    return OpeningRef(opened.opening_id, opened.business_on)


def restore_safeguard(tx: Tx, safeguard: Safeguard, named: Names) -> OpeningRef:
    """State a withdrawn safeguard again, with its names of now."""
    require_signed_in(tx)
    opened = require_open(tx)
    if standing_statements(tx.connection)[safeguard].stands:
        raise SafeguardStands
    asked = checklists.shipped()[opened.variant].asked[safeguard]
    if missing := missing_names({safeguard: asked}, {safeguard: named}):
        raise ChecklistIncomplete(findings=missing)
    append_statement(tx, opened.opening_id, safeguard, only_asked(asked, named))
    tell_pauses(tx)
    tx.journal("safeguard_restored", safeguard, OPENING)
    return OpeningRef(opened.opening_id, opened.business_on)


def require_open(tx: Tx) -> Opened:
    """Return the opening that stands, or raise SiteNotOpen."""
    opened = standing_opening(tx.connection, tx.now)
    if opened is None:
        raise SiteNotOpen
    return opened


def _next_number(tx: Tx, business_on: date) -> int:
    last = tx.execute(select(func.max(opening.c.number)).where(opening.c.business_on == business_on)).scalar()
    return (last or 0) + 1


def append_statement(tx: Tx, opening_id: UUID, safeguard: Safeguard, said: Names | str) -> UUID:
    """Append what is said about a safeguard: its names while it stands, why it is gone when it does not."""
    statement_id, stands = tx.new_id(), not isinstance(said, str)
    words = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    return tx.append(
        SafeguardStatement,
        id=statement_id,
        opening_id=opening_id,
        safeguard=safeguard,
        stands=stands,
        said_sealed=tx.keyring.seal(words, seal_context(statement_id)),
        stated_at=tx.now,
    )


def only_asked(asked: tuple[Named, ...], said: Names) -> dict[Named, str]:
    """Return the names a checklist asks for, and no others."""
    return {name: said[name].strip() for name in asked}
