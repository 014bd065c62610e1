"""Pages that are due, for whoever sends them: claimed under a lease, so that a crash repeats one and loses none."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, outerjoin, select, update

from clinic_server.alerts.contacts import Address, ContactFacts, contacts
from clinic_server.alerts.ladder import CLOCK_IS_BACK, short_words
from clinic_server.alerts.lookup import alerts_where
from clinic_server.alerts.rules import ALERTS, SEVEREST_FIRST, AlertFacts, DueKind, DueState, Severity
from clinic_server.alerts.tables import alert_now, page_due
from clinic_server.kit.tx import Tx


@dataclass(frozen=True, slots=True)
class DuePage:
    """One page to send: to one contact, about every alert that is due to them at once (none for a test).

    ``number`` stays the same when a page has to be repeated; ``tries`` counts how often it was taken to be sent.
    """

    due_id: UUID
    kind: DueKind
    number: str
    contact_id: UUID
    language: str
    addresses: tuple[Address, ...]
    alerts: tuple[AlertFacts, ...]
    tries: int
    due_at: datetime

    @property
    def is_urgent(self) -> bool:
        """Tell whether somebody may be woken for it."""
        return self.kind is not DueKind.TEST and any(one.severity is not Severity.WARNING for one in self.alerts)

    @property
    def short(self) -> str:
        """Say it in at most 80 signs of ASCII."""
        return short_words(self.kind, self.alerts)


def claim(tx: Tx, most: int, lease_for: timedelta, in_hand: Collection[UUID] = ()) -> Sequence[DuePage]:
    """Take what is due to at most ``most`` contacts; unless finished or put back, it is due again after the lease.

    Whom the worst is due to comes first, then who waits the longest; what only tells of an end, or tests, comes last.
    Pages that the caller is still sending, ``in_hand``, are not taken from it, whatever the clock says. The caller
    commits before it sends.
    """
    is_due = _is_due(tx.now, lease_for, in_hand)
    told_of = outerjoin(page_due, alert_now, alert_now.c.alert_id == page_due.c.alert_id)
    first = select(page_due.c.contact_id).select_from(told_of).where(is_due).group_by(page_due.c.contact_id)
    whom = first.order_by(func.min(_RANK), func.min(page_due.c.due_at), page_due.c.contact_id).limit(most)
    which = select(page_due.c.id).where(is_due, page_due.c.contact_id.in_(whom)).with_for_update(skip_locked=True)
    taken = (
        update(page_due)
        .where(page_due.c.id.in_(which))
        .values(state=DueState.LEASED, lease_until=tx.now + lease_for, tries=page_due.c.tries + 1)
        .returning(*page_due.c)
    )
    return _bundled(tx, [dict(row) for row in tx.execute(taken).mappings()])


def finish(tx: Tx, due_id: UUID, *, is_reached: bool) -> None:
    """Say that a page was sent as far as it went; the ladder goes on until somebody answers."""
    _settle(tx, due_id, state=DueState.DONE, is_reached=is_reached, lease_until=None)


def put_back(tx: Tx, due_id: UUID, after_s: float) -> None:
    """Make a page due again later; what was answered or is over in the meantime stays dropped."""
    _settle(tx, due_id, state=DueState.WAITING, due_at=tx.now + timedelta(seconds=after_s), asked_at=tx.now)


def next_due_at(connection: Connection) -> datetime | None:
    """Return when a page is due next, or a lease runs out."""
    waiting = select(func.min(page_due.c.due_at)).where(page_due.c.state == DueState.WAITING)
    leased = select(func.min(page_due.c.lease_until)).where(page_due.c.state == DueState.LEASED)
    found = [connection.execute(question).scalar() for question in (waiting, leased)]
    return min((at for at in found if at is not None), default=None)


_RANK = case(
    *(
        ((page_due.c.kind == DueKind.PAGE) & (alert_now.c.severity == severity), rank)
        for rank, severity in enumerate(SEVEREST_FIRST)
    ),
    else_=len(SEVEREST_FIRST),
)


def _is_due(now: datetime, lease_for: timedelta, in_hand: Collection[UUID]) -> ColumnElement[bool]:
    """Tell what to send now. What was asked for or leased in the future was so before the clock was set back."""
    columns = page_due.c
    its_time = or_(columns.due_at <= now, columns.asked_at > now + CLOCK_IS_BACK)
    ran_out = or_(columns.lease_until <= now, columns.lease_until > now + lease_for + CLOCK_IS_BACK)
    return or_(
        and_(columns.state == DueState.WAITING, its_time),
        and_(columns.state == DueState.LEASED, ran_out, columns.lead_id.not_in(in_hand)),
    )


def _bundled(tx: Tx, rows: list[dict[str, Any]]) -> Sequence[DuePage]:
    if not rows:
        return []
    alert_ids = {row["alert_id"] for row in rows}
    facts = {one.alert_id: one for one in alerts_where(tx.connection, alert_now.c.alert_id.in_(alert_ids))}
    known = {one.contact_id: one for one in contacts(tx.connection, tx.keyring)}
    whose_and_what = itemgetter("contact_id", "kind")
    rows.sort(key=lambda row: (*map(str, whose_and_what(row)), -row["tries"], row["due_at"], str(row["id"])))
    pages = []
    for (contact_id, _), together in groupby(rows, key=whose_and_what):
        page = _page(tx, list(together), facts, known.get(contact_id))
        if page is not None:
            pages.append(page)
    return pages


def _page(
    tx: Tx, rows: Sequence[Mapping[str, Any]], facts: Mapping[UUID, AlertFacts], whom: ContactFacts | None
) -> DuePage | None:
    """Tie rows into one page; for a contact who was ended since they are dropped."""
    ids, lead = [row["id"] for row in rows], rows[0]
    together = update(page_due).where(page_due.c.id.in_(ids))
    if whom is None:
        tx.execute(together.values(state=DueState.DROPPED))
        return None
    tx.execute(together.values(lead_id=lead["id"]))
    about = {row["alert_id"]: facts[row["alert_id"]] for row in rows if row["alert_id"] in facts}
    alerts = tuple(sorted(about.values(), key=lambda one: (SEVEREST_FIRST.index(one.severity), one.number)))
    number = f"{facts[lead['alert_id']].number if alerts else 0}-{lead['round']}.{lead['step']}"
    return DuePage(
        due_id=lead["id"],
        kind=lead["kind"],
        number=number,
        contact_id=whom.contact_id,
        language=whom.language,
        addresses=whom.addresses,
        alerts=alerts,
        tries=lead["tries"],
        due_at=lead["due_at"],
    )


def _settle(tx: Tx, due_id: UUID, **values: Any) -> None:
    tied = (page_due.c.lead_id == due_id) & (page_due.c.state == DueState.LEASED)
    tx.execute(update(page_due).where(tied).values(**values))
    tx.signal(ALERTS)
