"""Who left unseen, and who of them was not reached yet."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, func, select

from clinic_server.kit.crypto import Keyring
from clinic_server.observation.unseen.rules import FollowUp, Try, Unseen
from clinic_server.observation.unseen.tables import follow_up_tried, left_unseen
from clinic_server.visits.tables import visit

_IS_REACHED = exists().where(
    follow_up_tried.c.visit_id == left_unseen.c.visit_id, follow_up_tried.c.outcome != FollowUp.NOT_REACHED
)


def not_reached(connection: Connection, keyring: Keyring) -> Sequence[Unseen]:
    """Return everybody of any day who left unseen and was not reached, the longest gone first."""
    return _unseen_where(connection, keyring, ~_IS_REACHED)


def unseen_of(connection: Connection, keyring: Keyring, visit_id: UUID) -> Unseen | None:
    """Return how somebody left unseen and was followed up, None of whoever did not."""
    return next(iter(_unseen_where(connection, keyring, left_unseen.c.visit_id == visit_id)), None)


def count_not_reached(connection: Connection, business_on: date) -> int:
    """Return how many left unseen up to a clinic day and were not reached."""
    wanted = (~_IS_REACHED, visit.c.business_on <= business_on)
    counted = select(func.count()).select_from(left_unseen).join(visit, visit.c.id == left_unseen.c.visit_id)
    return connection.execute(counted.where(*wanted)).scalar_one()


def noted_context(row_id: UUID) -> str:
    """Return under what is sealed what a nurse noted of somebody who is gone."""
    return f"left_unseen:words:{row_id}"


def tried_context(row_id: UUID) -> str:
    """Return under what is sealed what was said at a try."""
    return f"follow_up_tried:words:{row_id}"


def _unseen_where(connection: Connection, keyring: Keyring, condition: ColumnElement[bool]) -> Sequence[Unseen]:
    rows = connection.execute(
        select(left_unseen, visit.c.person_id, visit.c.ticket_number)
        .join(visit, visit.c.id == left_unseen.c.visit_id)
        .where(condition)
        .order_by(left_unseen.c.journal_seq)
    ).all()
    tries = _tries(connection, keyring, [row.visit_id for row in rows])
    return [
        Unseen(
            visit_id=row.visit_id,
            person_id=row.person_id,
            ticket_number=row.ticket_number,
            minutes_short=row.minutes_short,
            noted_by=row.noted_by,
            noted_at=row.noted_at,
            words=keyring.open(row.words_sealed, noted_context(row.id)),
            tries=tries[row.visit_id],
        )
        for row in rows
    ]


def _tries(connection: Connection, keyring: Keyring, visit_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Try]]:
    wanted = select(follow_up_tried).where(follow_up_tried.c.visit_id.in_(visit_ids))
    found: dict[UUID, list[Try]] = defaultdict(list)
    for row in connection.execute(wanted.order_by(follow_up_tried.c.journal_seq)):
        words = keyring.open(row.words_sealed, tried_context(row.id))
        found[row.visit_id].append(Try(row.outcome, row.tried_by, row.tried_at, words))
    return found
