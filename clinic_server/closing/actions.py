"""Closing a clinic day: nothing in the way, or signed for; its figures kept as they are now."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

import msgspec

from clinic_server.closing.lookup import closed_day, day_facts
from clinic_server.closing.rules import DayBlocked, DayClosedBefore, DayNotOver, Signed, blockers, unsigned
from clinic_server.closing.tables import DaySigned
from clinic_server.kit.clock import business_date
from clinic_server.kit.tx import Tx
from clinic_server.opening.pausing import OPENING
from clinic_server.opening.tables import DayClosed
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.whereabouts import STOCK


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """Which day was closed, and how many differences were signed for."""

    day_id: UUID
    business_on: date
    signed: int


def close_day(tx: Tx, site: SiteSettings, business_on: date, signed: Sequence[Signed]) -> ClosedDay:
    """Close a clinic day, or raise DayBlocked with everything that is neither settled nor signed for."""
    closed_by = require_signed_in(tx)
    if business_on > business_date(tx.now, site.zone, site.day_starts_at):
        raise DayNotOver
    if closed_day(tx.connection, business_on) is not None:
        raise DayClosedBefore
    facts = day_facts(tx.connection, site, business_on)
    found = blockers(facts)
    if left := unsigned(found, signed):
        raise DayBlocked(findings=tuple(dict.fromkeys(one.finding for one in left)))
    figures = {"lots": [asdict(one) for one in facts.lots], "sums": [asdict(one) for one in facts.sums]}
    day_id = tx.append(
        DayClosed,
        business_on=business_on,
        figures=msgspec.json.encode(figures),
        closed_by=closed_by,
        closed_at=tx.now,
    )
    reasons = {(one.finding, one.subject): one.reason.strip() for one in signed}
    for one in found:
        reason = reasons[one.finding, one.subject]
        tx.append(DaySigned, day_id=day_id, finding=one.finding, subject=one.subject, count=one.count, reason=reason)
    tx.journal("day_closed", day_id, OPENING, STOCK)
    return ClosedDay(day_id, business_on, len(found))
