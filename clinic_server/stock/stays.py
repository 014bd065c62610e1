"""Where units stood and when: each move into a place until the unit's next move."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, or_, select

from clinic_server.kit.turns import moment_of
from clinic_server.stock.tables import place, unit_move


@dataclass(frozen=True, slots=True)
class Stay:
    """A unit stood in a place; ``until_at`` is None while it still does."""

    unit_id: UUID
    place_code: str
    from_at: datetime
    until_at: datetime | None


def stays_in(connection: Connection, place_id: UUID, since: datetime, until: datetime) -> Sequence[Stay]:
    """Return every stay in a place between two instants.

    One that began later than now was dated by a clock that was set back since: it counts, too.
    """
    moved_on, now = _moved_on.c.moved_at, moment_of(connection).at
    return _stays(
        connection,
        unit_move.c.to_place_id == place_id,
        or_(unit_move.c.moved_at <= until, unit_move.c.moved_at > now),
        or_(moved_on.is_(None), moved_on > since),
    )


def stays_of(connection: Connection, unit_ids: Iterable[UUID]) -> Sequence[Stay]:
    """Return where units stood over their lives, in order."""
    return _stays(connection, unit_move.c.unit_id.in_(list(unit_ids)))


_moved_on = unit_move.alias("moved_on")


def _stays(connection: Connection, *conditions: Any) -> Sequence[Stay]:
    next_move = and_(_moved_on.c.unit_id == unit_move.c.unit_id, _moved_on.c.number == unit_move.c.number + 1)
    rows = connection.execute(
        select(unit_move.c.unit_id, place.c.code, unit_move.c.moved_at, _moved_on.c.moved_at)
        .join(place, place.c.id == unit_move.c.to_place_id)
        .outerjoin(_moved_on, next_move)
        .where(*conditions)
        .order_by(unit_move.c.unit_id, unit_move.c.number)
    )
    return [Stay(*row) for row in rows]
