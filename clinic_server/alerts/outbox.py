"""Rows of pages that are due: made with the call that wants them, dropped once nobody needs to hear any more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from clinic_server.alerts.rules import DueKind, DueState
from clinic_server.alerts.tables import PageDue, page_due
from clinic_server.kit.tx import Tx


@dataclass(frozen=True, slots=True)
class About:
    """What pages are about: an alert, unless they only test; no contact has two of one round and step."""

    alert_id: UUID | None
    kind: DueKind
    round: int
    step: int = 0


def ask_test_pages(tx: Tx, contact_ids: Iterable[UUID], round_number: int) -> int:
    """Make a test page due to each contact now; the caller journals."""
    return add_due(tx, About(None, DueKind.TEST, round_number), contact_ids, tx.now)


def add_due(tx: Tx, about: About, contact_ids: Iterable[UUID], due_at: datetime) -> int:
    """Make a page due to each contact; return how many."""
    whom = sorted(set(contact_ids))
    for contact_id in whom:
        tx.insert(
            PageDue,
            id=tx.new_id(),
            alert_id=about.alert_id,
            contact_id=contact_id,
            kind=about.kind,
            round=about.round,
            step=about.step,
            state=DueState.WAITING,
            due_at=due_at,
            asked_at=tx.now,
            tries=0,
        )
    return len(whom)


def drop_pages(tx: Tx, alert_id: UUID) -> None:
    """Send nothing more of an alert's calls that wait: somebody answered, or it is over."""
    unsent = page_due.c.state.in_((DueState.WAITING, DueState.LEASED))
    is_call = page_due.c.kind.in_((DueKind.PAGE, DueKind.REHEARSAL))
    tx.execute(update(page_due).where(page_due.c.alert_id == alert_id, is_call, unsent).values(state=DueState.DROPPED))


def people_paged(connection: Connection, alert_id: UUID) -> Sequence[UUID]:
    """Return every contact to whom a page of an alert was sent, or may have been."""
    was_sent = select(page_due.c.contact_id).where(page_due.c.alert_id == alert_id, page_due.c.tries > 0)
    return connection.execute(was_sent.distinct()).scalars().all()
