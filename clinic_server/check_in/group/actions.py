"""Checking a group in: everybody of its list or nobody, with tickets in one row of numbers."""

from dataclasses import dataclass
from uuid import UUID

from clinic_server.check_in.actions import Arrival, CheckedIn, check_in
from clinic_server.check_in.group.rules import LineFault, Member, members_of, refuse_line
from clinic_server.check_in.rules import BornInFuture, How, TypedReason, UnderAge
from clinic_server.kit.clock import business_date
from clinic_server.kit.tx import Tx
from clinic_server.queue.actions import form_group, join_group, spot_for
from clinic_server.queue.rules import Spot
from clinic_server.settings import SiteSettings
from clinic_server.visits.steps import VISITS, VisitAlreadyOpen


@dataclass(frozen=True, slots=True)
class GroupCheckedIn:
    """A group as it was checked in: its tickets are all the numbers from the first to the last."""

    group_id: UUID
    people: int
    first_ticket: int
    last_ticket: int


def check_in_group(tx: Tx, site: SiteSettings, label: str, reason: TypedReason, listed: str) -> GroupCheckedIn:
    """Give everybody of a list a ticket in one lane and batch; one line refused refuses the group."""
    members = members_of(listed)
    day = business_date(tx.now, site.zone, site.day_starts_at)
    group_id, spot = form_group(tx, label, day), spot_for(tx, site, day)
    tickets = []
    for member in members:
        checked_in = _check_in_member(tx, site, member, reason, spot)
        join_group(tx, group_id, checked_in.visit_id)
        tickets.append(checked_in.ticket_number)
    tx.journal("group_checked_in", group_id, VISITS)
    return GroupCheckedIn(group_id, len(tickets), tickets[0], tickets[-1])


def _check_in_member(tx: Tx, site: SiteSettings, member: Member, reason: TypedReason, spot: Spot | None) -> CheckedIn:
    try:
        return check_in(tx, site, Arrival(member.stated, How.TYPED, reason), spot=spot)
    except (UnderAge, BornInFuture):
        raise refuse_line(member.line, LineFault.AGE_OUTSIDE) from None
    except VisitAlreadyOpen:
        raise refuse_line(member.line, LineFault.HERE_ALREADY) from None
