"""Questions about visits: one of them, or all who stand at a stage."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, exists, func, select

from clinic_server.visits.chain import counts_its_person
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.steps import VisitUnknown
from clinic_server.visits.tables import IS_BEFORE_NEEDLE, IS_OPEN, visit_call, visit_call_ended, visit_now, visit_step


@dataclass(frozen=True, slots=True)
class Standing:
    """One visit as the queues see it; ``called_to`` is where its ticket stands called to at this stage, and since when.

    ``since_seq`` is the journal line of the step that led here.
    """

    visit_id: UUID
    person_id: UUID
    ticket_number: int
    stage: Stage
    since_at: datetime
    called_to: str | None
    called_at: datetime | None
    since_seq: int


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One line of a visit's history."""

    outcome: Outcome
    stage: Stage
    record_id: UUID | None
    taken_at: datetime


def standing(connection: Connection, visit_id: UUID) -> Standing:
    """Return where one visit stands, or raise VisitUnknown."""
    row = connection.execute(_one_standing, {"visit_id": visit_id}).first()
    if row is None:
        raise VisitUnknown
    return _as_standing(row)


def standings(connection: Connection, visit_ids: Collection[UUID]) -> Mapping[UUID, Standing]:
    """Return where these visits stand."""
    rows = connection.execute(_standings().where(visit_now.c.visit_id.in_(visit_ids)))
    return {row.visit_id: _as_standing(row) for row in rows}


def standing_at(connection: Connection, *stages: Stage) -> Sequence[Standing]:
    """Return the open visits at these stages, of any day, in ticket order."""
    wanted = _standings().where(IS_OPEN, visit_now.c.stage.in_(stages))
    rows = connection.execute(wanted.order_by(visit_now.c.business_on, visit_now.c.ticket_number))
    return [_as_standing(row) for row in rows]


def standing_by_ticket(connection: Connection, business_on: date, ticket_number: int) -> Standing | None:
    """Return the visit of a ticket."""
    row = connection.execute(
        _standings().where(visit_now.c.business_on == business_on, visit_now.c.ticket_number == ticket_number)
    ).first()
    return _as_standing(row) if row else None


def called_to(connection: Connection, station: str) -> Sequence[Standing]:
    """Return the visits in hand at a station: called there and not gone on, whoever was called last first."""
    called_here = _standings().where(IS_OPEN, visit_call.c.station == station)
    rows = connection.execute(called_here.order_by(visit_call.c.journal_seq.desc()))
    return [_as_standing(row) for row in rows]


def open_visit_of(connection: Connection, person_id: UUID) -> Standing | None:
    """Return the person's open visit; where they wait for a further vaccine, the one of that."""
    wanted = _standings().where(visit_now.c.person_id == person_id, IS_OPEN)
    row = connection.execute(wanted.order_by(visit_now.c.stage == Stage.OBSERVED).limit(1)).first()
    return _as_standing(row) if row else None


def last_visit_of(connection: Connection, person_id: UUID) -> Standing | None:
    """Return the person's latest visit, open or not."""
    latest = (visit_now.c.business_on.desc(), visit_now.c.ticket_number.desc())
    row = connection.execute(_standings().where(visit_now.c.person_id == person_id).order_by(*latest).limit(1)).first()
    return _as_standing(row) if row else None


def history(connection: Connection, visit_id: UUID) -> Sequence[StepTaken]:
    """Return a visit's steps in the order they were taken."""
    rows = connection.execute(
        select(visit_step.c.outcome, visit_step.c.stage, visit_step.c.record_id, visit_step.c.taken_at)
        .where(visit_step.c.visit_id == visit_id)
        .order_by(visit_step.c.journal_seq)
    )
    return [StepTaken(*row) for row in rows]


def count_by_stage(connection: Connection, business_on: date) -> dict[Stage, int]:
    """Return how many people of a clinic day stand at each stage; of one stay they are counted once."""
    rows = connection.execute(
        select(visit_now.c.stage, func.count())
        .where(visit_now.c.business_on == business_on, counts_its_person())
        .group_by(visit_now.c.stage)
    )
    return {Stage(stage): count for stage, count in rows}


def count_before_needle(connection: Connection) -> int:
    """Return how many open visits, of any day, may still come to a dose."""
    return connection.execute(select(func.count()).select_from(visit_now).where(IS_BEFORE_NEEDLE)).scalar_one()


def _standings() -> Select[Any]:
    later = visit_call.alias()
    last_call = (
        select(func.max(later.c.journal_seq))
        .where(later.c.visit_id == visit_now.c.visit_id, later.c.journal_seq > visit_now.c.since_seq)
        .scalar_subquery()
    )
    came_to_nothing = exists().where(
        visit_call_ended.c.visit_id == visit_now.c.visit_id,
        visit_call_ended.c.journal_seq > visit_call.c.journal_seq,
    )
    return select(
        visit_now.c.visit_id,
        visit_now.c.person_id,
        visit_now.c.ticket_number,
        visit_now.c.stage,
        visit_now.c.since_at,
        visit_call.c.station,
        visit_call.c.called_at,
        visit_now.c.since_seq,
    ).outerjoin_from(
        visit_now,
        visit_call,
        (visit_call.c.visit_id == visit_now.c.visit_id) & (visit_call.c.journal_seq == last_call) & ~came_to_nothing,
    )


def _as_standing(row: Any) -> Standing:
    return Standing(*row)


_one_standing = _standings().where(visit_now.c.visit_id == bindparam("visit_id"))
