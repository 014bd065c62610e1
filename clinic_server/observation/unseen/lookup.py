"""Who left unseen, who of them was not reached yet, and who came back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, exists, func, select, union_all

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.moments import Due
from clinic_server.kit.turns import moment_of, turns_after
from clinic_server.observation.checks.tables import observation_check
from clinic_server.observation.seats.tables import placement
from clinic_server.observation.unseen.rules import CameBack, FollowUp, Try, Unseen
from clinic_server.observation.unseen.tables import follow_up_tried, left_unseen, taken_back
from clinic_server.visits.tables import visit, watch
from clinic_server.visits.watch import Seen

_IS_REACHED = exists().where(
    follow_up_tried.c.visit_id == left_unseen.c.visit_id,
    follow_up_tried.c.journal_seq > left_unseen.c.journal_seq,
    follow_up_tried.c.outcome != FollowUp.NOT_REACHED,
)
_IS_BACK = exists().where(taken_back.c.left_unseen_id == left_unseen.c.id)
_IS_NOT_REACHED = ~(_IS_REACHED | _IS_BACK)


@dataclass(frozen=True, slots=True)
class LeftLast:
    """The last time somebody left unseen, and the clinic day of their visit."""

    left_unseen_id: UUID
    business_on: date


def not_reached(connection: Connection, keyring: Keyring) -> Sequence[Unseen]:
    """Return everybody of any day who left unseen and was not reached, the longest gone first."""
    return _unseen_where(connection, keyring, _IS_NOT_REACHED)


def unseen_of(connection: Connection, keyring: Keyring, visit_id: UUID) -> Unseen | None:
    """Return how somebody left unseen the last time and was followed up, None of whoever did not."""
    return next(reversed(all_unseen_of(connection, keyring, visit_id)), None)


def all_unseen_of(connection: Connection, keyring: Keyring, visit_id: UUID) -> Sequence[Unseen]:
    """Return every time that somebody left unseen, the first first."""
    return _unseen_where(connection, keyring, left_unseen.c.visit_id == visit_id)


def came_back(connection: Connection, visit_ids: Collection[UUID]) -> Mapping[UUID, CameBack]:
    """Return who of these came back after they had left unseen, the last time of each."""
    rows = connection.execute(
        select(left_unseen.c.visit_id, taken_back)
        .join(taken_back, taken_back.c.left_unseen_id == left_unseen.c.id)
        .where(left_unseen.c.visit_id.in_(visit_ids))
        .order_by(taken_back.c.journal_seq)
    )
    return {row.visit_id: _as_back(row) for row in rows}


def left_last(connection: Connection, visit_id: UUID) -> LeftLast:
    """Return the last time that somebody left unseen who did."""
    rows = connection.execute(
        select(left_unseen.c.id, visit.c.business_on)
        .join(visit, visit.c.id == left_unseen.c.visit_id)
        .where(left_unseen.c.visit_id == visit_id)
        .order_by(left_unseen.c.journal_seq)
    ).all()
    return LeftLast(*rows[-1])


def seen_last(connection: Connection, visit_id: UUID) -> Seen:
    """Return when somebody who had a dose was seen last on record: at it, on coming to a seat, or at a check."""
    at_dose = select(func.min(watch.c.journal_seq).label("seq"), watch.c.given_at.label("at"))
    sights = union_all(
        at_dose.where(watch.c.visit_id == visit_id).group_by(watch.c.given_at),
        select(placement.c.journal_seq, placement.c.placed_at).where(placement.c.visit_id == visit_id),
        select(observation_check.c.journal_seq, observation_check.c.checked_at).where(
            observation_check.c.visit_id == visit_id
        ),
    ).subquery()
    return Seen(*connection.execute(select(sights).order_by(sights.c.seq)).all()[-1])


def minutes_since(connection: Connection, seen: Seen) -> int:
    """Return the full minutes since somebody was seen, whatever happened to the clock."""
    moment = moment_of(connection)
    turns = turns_after(connection, min(seen.seq, moment.seq))
    at = Due(seen.at, seen.at).carried(seen.seq, moment.seq, turns).at
    return max(0, (moment.at - at) // timedelta(minutes=1))


def count_not_reached(connection: Connection, business_on: date) -> int:
    """Return how many left unseen up to a clinic day and were not reached."""
    wanted = (_IS_NOT_REACHED, visit.c.business_on <= business_on)
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
    tries, returns = _tries(connection, keyring, rows), _returns(connection, [row.id for row in rows])
    return [
        Unseen(
            visit_id=row.visit_id,
            person_id=row.person_id,
            ticket_number=row.ticket_number,
            minutes_short=row.minutes_short,
            noted_by=row.noted_by,
            noted_at=row.noted_at,
            words=keyring.open(row.words_sealed, noted_context(row.id)),
            tries=tries[row.id],
            came_back=returns.get(row.id),
        )
        for row in rows
    ]


def _tries(connection: Connection, keyring: Keyring, left: Sequence[Row[Any]]) -> Mapping[UUID, Sequence[Try]]:
    """Return the tries since each of these times somebody left, in the order of the journal."""
    wanted = select(follow_up_tried).where(follow_up_tried.c.visit_id.in_({row.visit_id for row in left}))
    found: dict[UUID, list[Try]] = {row.id: [] for row in left}
    for row in connection.execute(wanted.order_by(follow_up_tried.c.journal_seq)):
        words = keyring.open(row.words_sealed, tried_context(row.id))
        before = [one for one in left if one.visit_id == row.visit_id and one.journal_seq < row.journal_seq]
        if before:
            found[before[-1].id].append(Try(row.outcome, row.tried_by, row.tried_at, words))
    return found


def _returns(connection: Connection, left_ids: Collection[UUID]) -> Mapping[UUID, CameBack]:
    rows = connection.execute(select(taken_back).where(taken_back.c.left_unseen_id.in_(left_ids)))
    return {row.left_unseen_id: _as_back(row) for row in rows}


def _as_back(row: Row[Any]) -> CameBack:
    return CameBack(row.minutes_unseen, row.taken_by, row.taken_at)
