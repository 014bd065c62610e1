"""Checking a group in: everybody of its list or nobody, with tickets in one row of numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from clinic_server.check_in.actions import Arrival, check_in
from clinic_server.check_in.admission import AdmissionOn
from clinic_server.check_in.group.rules import LineFault, members_of, refuse_line
from clinic_server.check_in.rules import BornInFuture, How, TypedReason, UnderAge
from clinic_server.kit.clock import business_date
from clinic_server.kit.tx import Tx
from clinic_server.queue.actions import form_group, join_group, spot_for
from clinic_server.settings import SiteSettings
from clinic_server.visits.steps import VISITS, VisitAlreadyOpen


@dataclass(frozen=True, slots=True)
class GroupCheckedIn:
    """A group as it was checked in: its tickets are all the numbers from the first to the last."""

    group_id: UUID
    people: int
    first_ticket: int
    last_ticket: int


@dataclass(frozen=True, slots=True)
class Group:
    """A group at the desk: its name for the floor, why no cards were read, and its list."""

    label: str
    reason: TypedReason
    listed: str = field(repr=False)


def check_in_group(tx: Tx, site: SiteSettings, new: Group, admission_on: AdmissionOn) -> GroupCheckedIn:
    """Give everybody of a list a ticket in one lane and batch; one line refused refuses the group."""
    members = members_of(new.listed)
    day = business_date(tx.now, site.zone, site.day_starts_at)
    group_id, spot = form_group(tx, new.label, day), spot_for(tx, site, day)
    tickets = []
    for member in members:
        arrival = Arrival(member.stated, How.TYPED, new.reason)
        with _line_refused(member.line):
            checked_in = check_in(tx, site, arrival, admission_on, spot)
        join_group(tx, group_id, checked_in.visit_id)
        tickets.append(checked_in.ticket_number)
    tx.journal("group_checked_in", group_id, VISITS)
    return GroupCheckedIn(group_id, len(tickets), tickets[0], tickets[-1])


@contextmanager
def _line_refused(line: int) -> Iterator[None]:
    """Say which line of the list a refusal is of."""
    try:
        yield
    except (UnderAge, BornInFuture):
        raise refuse_line(line, LineFault.AGE_OUTSIDE) from None
    except VisitAlreadyOpen:
        raise refuse_line(line, LineFault.HERE_ALREADY) from None
