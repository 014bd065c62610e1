"""The yardstick ``plain``: how FastAPI and SQLModel are commonly written, a session and a commit per request.

It is asked the same questions and keeps the same things: roles, an idempotency key with its first answer, a line of
audit, every step's own record, stock by unit with its movements; a dose is permitted and given by lot, expiry, stops,
holds, decision, consent and earlier doses. It has no encryption, no chain, no questions about the site or the watch.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.bench.visits.plain_tables import (
    Act,
    Answered,
    Audit,
    Dose,
    Lot,
    Movement,
    Person,
    Row,
    Step,
    Unit,
    User,
    UserRole,
    Visit,
)

A_YEAR = timedelta(days=365)
OBSERVED = timedelta(minutes=30)
RowT = TypeVar("RowT", bound=Row)


class Arrival(BaseModel):
    """Somebody at the desk."""

    number: str
    name: str
    sex: str
    born_on: date


class Permitted(BaseModel):
    """A unit for somebody."""

    trace_code: str


class Given(BaseModel):
    """A permit used."""

    permit_id: UUID
    body_site: str


def create_app(engine: Engine) -> FastAPI:
    """Return the application over a database whose tables exist."""
    app = FastAPI()
    app.state.engine = engine
    app.include_router(router)
    return app


def get_session(request: Request) -> Iterator[Session]:
    """Open a session for one request."""
    with Session(request.app.state.engine) as session:
        yield session


Opened = Annotated[Session, Depends(get_session)]


def get_user(session: Opened, authorization: Annotated[str, Header()]) -> User:
    """Return who calls, if they may."""
    user = session.exec(select(User).where(User.token == authorization.removeprefix("Bearer "))).first()
    if user is None:
        raise HTTPException(401)
    if not session.exec(select(UserRole).where(UserRole.user_id == user.id)).all():
        raise HTTPException(403)
    return user


class Desk:
    """One request: its session, who calls, and its key."""

    def __init__(
        self, session: Opened, user: Annotated[User, Depends(get_user)], idempotency_key: Annotated[str, Header()]
    ) -> None:
        self.session = session
        self.user = user
        self._key = idempotency_key

    def once(self, act: Callable[[], tuple[UUID, str, dict[str, Any]]]) -> dict[str, Any]:
        """Run an act unless its key was answered, keep who did it and the answer, and commit."""
        known = self.session.exec(select(Answered).where(Answered.key == self._key)).first()
        if known is not None:
            return known.answer
        ref, kind, answer = act()
        answered = Answered(key=self._key, answer=answer)
        self.session.add_all([Audit(user_id=self.user.id, kind=kind, ref=ref), answered])
        self.session.commit()
        self.session.refresh(answered)
        return answered.answer

    def visit(self, visit_id: UUID, stage: str) -> Visit:
        """Let a visit come to a stage."""
        visit = self.session.get(Visit, visit_id)
        if visit is None:
            raise HTTPException(404)
        visit.stage = stage
        self.session.add_all([visit, Step(visit_id=visit_id, stage=stage)])
        return visit

    def add(self, row: RowT) -> RowT:
        """Keep a row."""
        self.session.add(row)
        self.session.flush()
        return row

    def latest(self, visit_id: UUID, kind: str) -> Act:
        """Return the last thing of a kind that was done on a visit."""
        asked = select(Act).where(Act.visit_id == visit_id, Act.kind == kind).order_by(Act.at.desc())  # type: ignore[attr-defined]  # a column
        found = self.session.exec(asked).first()
        if found is None:
            raise HTTPException(422)
        return found

    def require_fit(self, visit: Visit, unit: Unit | None) -> Unit:
        """Return a unit that may be given to somebody now."""
        lot = self.session.get(Lot, unit.lot_id) if unit else None
        if unit is None or lot is None or unit.doses_left < 1 or unit.is_held or lot.is_stopped:
            raise HTTPException(422)
        decided, signed = self.latest(visit.id, "decision"), self.latest(visit.id, "consent")
        earlier = self.session.exec(select(Dose).where(Dose.person_id == visit.person_id)).all()
        if lot.expires_on < datetime.now(UTC).date() or signed.at < decided.at or len(earlier) > 1:
            raise HTTPException(422)
        return unit


AtDesk = Annotated[Desk, Depends(Desk)]
router = APIRouter(prefix="/api/v1")


@router.post("/visits", status_code=201)
def check_in(body: Arrival, desk: AtDesk) -> dict[str, Any]:
    """Give somebody a visit."""

    def act() -> tuple[UUID, str, dict[str, Any]]:
        person = desk.session.exec(select(Person).where(Person.number == body.number)).first()
        if person is None:
            person = desk.add(Person(**body.model_dump()))
        desk.session.exec(select(Visit).where(Visit.person_id == person.id, Visit.stage != "leave")).all()
        visit = desk.add(Visit(person_id=person.id, stage="checked-in"))
        desk.add(Step(visit_id=visit.id, stage="checked-in"))
        return visit.id, "checked-in", {"visit_id": str(visit.id), "ticket_number": 1}

    return desk.once(act)


@router.post("/visits/{visit_id}/permits", status_code=201)
def permit(visit_id: UUID, body: Permitted, desk: AtDesk) -> dict[str, Any]:
    """Permit a unit to somebody."""

    def act() -> tuple[UUID, str, dict[str, Any]]:
        unit = desk.session.exec(select(Unit).where(Unit.trace_code == body.trace_code)).first()
        unit = desk.require_fit(desk.visit(visit_id, "permits"), unit)
        permitted = desk.add(Act(visit_id=visit_id, kind="permits", content={"unit_id": str(unit.id)}))
        desk.add(Act(visit_id=visit_id, kind="checks", content={"permit_id": str(permitted.id)}))
        return permitted.id, "permitted", {"permit_id": str(permitted.id)}

    return desk.once(act)


@router.post("/doses", status_code=201)
def give(body: Given, desk: AtDesk) -> dict[str, Any]:
    """Take a dose out of the permitted unit."""

    def act() -> tuple[UUID, str, dict[str, Any]]:
        permitted = desk.session.get(Act, body.permit_id)
        if permitted is None:
            raise HTTPException(422)
        visit = desk.visit(permitted.visit_id, "doses")
        unit = desk.require_fit(visit, desk.session.get(Unit, UUID(permitted.content["unit_id"])))
        unit.doses_left -= 1
        desk.session.add_all([unit, Movement(unit_id=unit.id, doses=1)])
        until, ids = datetime.now(UTC) + OBSERVED, {"person_id": visit.person_id, "visit_id": visit.id}
        rest = {"unit_id": unit.id, "permit_id": permitted.id, "body_site": body.body_site, "observe_until": until}
        dose = desk.add(Dose(**ids, **rest))
        return dose.id, "given", {"dose_id": str(dose.id), "observe_until": until.isoformat()}

    return desk.once(act)


@router.post("/visits/{visit_id}/leave", status_code=201)
def leave(visit_id: UUID, desk: AtDesk) -> dict[str, Any]:
    """Let somebody go who was given something."""

    def act() -> tuple[UUID, str, dict[str, Any]]:
        if desk.session.exec(select(Dose).where(Dose.visit_id == visit_id)).first() is None:
            raise HTTPException(422)
        desk.visit(visit_id, "leave")
        left = desk.add(Act(visit_id=visit_id, kind="leave", content={}))
        return left.id, "left", {"left": str(left.id)}

    return desk.once(act)


@router.post("/visits/{visit_id}/{kind}", status_code=201)
def act_on(visit_id: UUID, kind: str, body: dict[str, Any], desk: AtDesk) -> dict[str, Any]:
    """Keep answers, a decision or a consent with its signatures."""

    def act() -> tuple[UUID, str, dict[str, Any]]:
        desk.visit(visit_id, kind)
        done = desk.add(Act(visit_id=visit_id, kind=kind, content=body))
        for signature in body.get("signatures", ()):
            desk.add(Act(visit_id=visit_id, kind="signature", content=signature))
        return done.id, kind, {f"{kind}_id": str(done.id)}

    return desk.once(act)


def fill(engine: Engine, tokens: Iterable[str], trace_codes: Iterable[str]) -> None:
    """Make the tables, and put users, a lot and its units into them."""
    Row.metadata.create_all(engine)
    with Session(engine) as session:
        lot = Lot(number="202603001", expires_on=datetime.now(UTC).date() + A_YEAR)
        users = [User(token=token) for token in tokens]
        session.add_all([lot, *users])
        session.flush()
        session.add_all(UserRole(user_id=user.id, role="staff") for user in users)
        session.add_all(Unit(trace_code=code, lot_id=lot.id, doses_left=1) for code in trace_codes)
        session.commit()
