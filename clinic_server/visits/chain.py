"""Visits of one stay: each follows the one before it, and only the last that had a dose is watched.

Whoever is watched may ask for a further vaccine. It has a visit of its own, with every gate; at its needle the watch
goes over to it, so that one person is watched once, and by the latest time of all.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Connection, Exists, bindparam, exists, or_, select

from clinic_server.visits.tables import IS_BEFORE_NEEDLE, dose, visit_follows, visit_now

_followed = select(visit_follows.c.follows_visit_id).where(visit_follows.c.visit_id == bindparam("visit_id"))
_took_over = (
    select(visit_follows.c.visit_id)
    .join(dose, dose.c.visit_id == visit_follows.c.visit_id)
    .where(visit_follows.c.follows_visit_id == bindparam("visit_id"))
)
_before_needle = (
    select(visit_follows.c.visit_id)
    .join(visit_now, visit_now.c.visit_id == visit_follows.c.visit_id)
    .where(visit_follows.c.follows_visit_id == bindparam("visit_id"), IS_BEFORE_NEEDLE)
)
_any_followed: BindParameter[Any] = bindparam("visit_ids", expanding=True)
_before = select(visit_follows.c.visit_id, visit_follows.c.follows_visit_id).where(
    visit_follows.c.visit_id.in_(_any_followed)
)
_has_dose = select(exists().where(dose.c.visit_id == bindparam("visit_id")))


def followed_by(connection: Connection, visit_id: UUID) -> UUID | None:
    """Return the visit that a visit follows."""
    found: UUID | None = connection.execute(_followed, {"visit_id": visit_id}).scalar()
    return found


def further_visit(connection: Connection, visit_id: UUID) -> UUID | None:
    """Return the visit of the further vaccine that was asked for on a visit, while it is before its needle."""
    found: UUID | None = connection.execute(_before_needle, {"visit_id": visit_id}).scalar()
    return found


def waiting_for_more(connection: Connection) -> Mapping[UUID, int]:
    """Return the ticket under which each watched person waits for a further vaccine, by the visit that is watched."""
    rows = connection.execute(
        select(visit_follows.c.follows_visit_id, visit_now.c.ticket_number)
        .join(visit_now, visit_now.c.visit_id == visit_follows.c.visit_id)
        .where(IS_BEFORE_NEEDLE)
    )
    return {row.follows_visit_id: row.ticket_number for row in rows}


def visit_that_counts(connection: Connection, visit_id: UUID) -> UUID:
    """Return the visit on which the person of a visit is watched, or left: of one stay, the last that had a dose."""
    before = followed_by(connection, visit_id)
    if before is not None and not connection.execute(_has_dose, {"visit_id": visit_id}).scalar_one():
        return visit_that_counts(connection, before)
    later = connection.execute(_took_over, {"visit_id": visit_id}).scalar()
    return visit_id if later is None else visit_that_counts(connection, later)


def is_further(visit_id: ColumnElement[UUID]) -> Exists:
    """Say of a visit's id that the visit is of a further vaccine."""
    return exists().where(visit_follows.c.visit_id == visit_id)


def counts_its_person() -> ColumnElement[bool]:
    """Say of a row of ``visit_now`` that its person is counted on it: of the visits of one stay, on one alone.

    That is the one that waits for its needle, else the last that had a dose, else the first.
    """
    later = visit_now.alias()
    had_dose, later_had_dose = (exists().where(dose.c.visit_id == one.c.visit_id) for one in (visit_now, later))
    goes_on = exists().where(
        visit_follows.c.follows_visit_id == visit_now.c.visit_id,
        later.c.visit_id == visit_follows.c.visit_id,
        or_(later.c.is_open, later_had_dose),
    )
    came_to_nothing = is_further(visit_now.c.visit_id) & ~visit_now.c.is_open & ~had_dose
    return ~goes_on & ~came_to_nothing


def stays(connection: Connection, visit_ids: Collection[UUID]) -> Mapping[UUID, Sequence[UUID]]:
    """Return of each visit the visits of its stay up to it, itself the first, the one it follows the second."""
    found = {visit_id: [visit_id] for visit_id in visit_ids}
    pending = set(visit_ids)
    while pending:
        rows = connection.execute(_before, {"visit_ids": list(pending)})
        before = {row.visit_id: row.follows_visit_id for row in rows}
        for stay in found.values():
            if stay[-1] in before:
                stay.append(before[stay[-1]])
        pending = set(before.values())
    return found


def stay_of(connection: Connection, visit_id: UUID) -> Sequence[UUID]:
    """Return the visits of a visit's stay up to it, itself the first."""
    return stays(connection, [visit_id])[visit_id]
