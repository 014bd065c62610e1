"""Opening a visit, taking its steps, calling it to a station. The stages' actions stand on these."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from clinic_server.kit.errors import Conflict, NotFound
from clinic_server.kit.tx import Tx
from clinic_server.visits.flow import FIRST_STEP, Outcome, Stage, StepOutOfOrder, advance
from clinic_server.visits.rules import CallEnd
from clinic_server.visits.tables import IS_OPEN, Call, CallEnded, Visit, VisitNow, VisitStep, visit, visit_now

VISITS = "visits"  # the topic of every page that shows who stands where
_open_visits_of = select(visit_now.c.visit_id, visit_now.c.ticket_number).where(
    visit_now.c.person_id == bindparam("person_id"), IS_OPEN
)
_stage_of = select(visit_now.c.stage).where(visit_now.c.visit_id == bindparam("visit_id"))
_last_ticket = select(func.max(visit.c.ticket_number)).where(visit.c.business_on == bindparam("business_on"))
_move = update(visit_now).where(visit_now.c.visit_id == bindparam("of_visit"))


class VisitAlreadyOpen(Conflict):
    """The person is already on the way through the site; ``ticket`` says under which number."""

    code = "visit_already_open"


class VisitUnknown(NotFound):
    """No visit has this id."""

    code = "visit_unknown"


@dataclass(frozen=True, slots=True)
class OpenedVisit:
    """A new visit and its ticket."""

    visit_id: UUID
    ticket_number: int


def open_visit(
    tx: Tx, person_id: UUID, business_on: date, record_id: UUID | None = None, *, beside: UUID | None = None
) -> OpenedVisit:
    """Give a person a visit and the day's next ticket number; raise VisitAlreadyOpen when one is open.

    Only ``beside`` may be: the visit on which they are watched, and which the new one follows.
    """
    _refuse_open(tx, person_id, beside)
    ticket_number = _next_ticket(tx, business_on)
    visit_id = tx.append(
        Visit, person_id=person_id, business_on=business_on, ticket_number=ticket_number, opened_at=tx.now
    )
    outcome, stage = FIRST_STEP
    _append_step(tx, visit_id, outcome, stage, record_id)
    tx.insert(
        VisitNow,
        visit_id=visit_id,
        person_id=person_id,
        business_on=business_on,
        ticket_number=ticket_number,
        stage=stage,
        is_open=True,
        since_at=tx.now,
        since_seq=tx.seq,
    )
    return OpenedVisit(visit_id, ticket_number)


def take_step(tx: Tx, visit_id: UUID, outcome: Outcome, record_id: UUID | None = None) -> Stage:
    """Move a visit along the flow, or raise StepOutOfOrder and change nothing.

    VisitAlreadyOpen where the step opens again what was over, and the person is on another visit by now.
    """
    before = stage_of(tx, visit_id)
    stage = advance(before, outcome)
    if stage.is_open and not before.is_open:
        _refuse_another(tx, visit_id)
    _append_step(tx, visit_id, outcome, stage, record_id)
    now = {"stage": stage, "is_open": stage.is_open, "since_at": tx.now, "since_seq": tx.seq}
    tx.execute(_move, {"of_visit": visit_id, **now})
    return stage


def stage_of(tx: Tx, visit_id: UUID) -> Stage:
    """Return where a visit stands, or raise VisitUnknown."""
    found = tx.execute(_stage_of, {"visit_id": visit_id}).scalar()
    if found is None:
        raise VisitUnknown
    return Stage(found)


def require_stage(tx: Tx, visit_id: UUID, stage: Stage, outcome: Outcome) -> None:
    """Refuse an act that belongs to another stage before anything is written."""
    standing = stage_of(tx, visit_id)
    if standing is not stage:
        raise StepOutOfOrder(stage=standing.value, outcome=outcome.value)


def call_visit(tx: Tx, visit_id: UUID, station: str) -> None:
    """Call an open visit's ticket to a station."""
    standing = stage_of(tx, visit_id)
    if not standing.is_open:
        raise StepOutOfOrder(stage=standing.value, outcome="called")
    tx.append(Call, visit_id=visit_id, station=station, called_at=tx.now)
    tx.journal("visit_called", visit_id, VISITS)


def end_call(tx: Tx, visit_id: UUID, how: CallEnd, stands_from_at: datetime | None = None) -> None:
    """End the call of a visit that stands at no station any more; the caller knows that it was called."""
    tx.append(CallEnded, visit_id=visit_id, how=how, stands_from_at=stands_from_at, ended_at=tx.now)
    tx.journal(f"visit_{how}", visit_id, VISITS)


def abandon(tx: Tx, visit_id: UUID) -> Stage:
    """Close the visit of someone who went away before the needle."""
    stage = take_step(tx, visit_id, Outcome.ABANDONED)
    tx.journal("visit_abandoned", visit_id, VISITS)
    return stage


def end_visits_begun_since(tx: Tx, visit_id: UUID) -> None:
    """End what somebody began while a visit was thought to be over, where no needle was; the caller journals."""
    person_id = tx.execute(select(visit.c.person_id).where(visit.c.id == visit_id)).scalar_one()
    for standing in tx.execute(_open_visits_of, {"person_id": person_id}).all():
        if standing.visit_id != visit_id and stage_of(tx, standing.visit_id) is not Stage.OBSERVED:
            take_step(tx, standing.visit_id, Outcome.ABANDONED)


def _refuse_open(tx: Tx, person_id: UUID, beside: UUID | None = None) -> None:
    for standing in tx.execute(_open_visits_of, {"person_id": person_id}):
        if standing.visit_id != beside:
            raise VisitAlreadyOpen(ticket=standing.ticket_number)


def _refuse_another(tx: Tx, visit_id: UUID) -> None:
    _refuse_open(tx, tx.execute(select(visit.c.person_id).where(visit.c.id == visit_id)).scalar_one())


def _append_step(tx: Tx, visit_id: UUID, outcome: Outcome, stage: Stage, record_id: UUID | None) -> None:
    tx.append(VisitStep, visit_id=visit_id, outcome=outcome, stage=stage, record_id=record_id, taken_at=tx.now)


def _next_ticket(tx: Tx, business_on: date) -> int:
    return (tx.execute(_last_ticket, {"business_on": business_on}).scalar() or 0) + 1
