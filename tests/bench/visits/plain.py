"""The yardstick ``plain``: what FastAPI's and SQLModel's own tutorials lead to, a session and a commit per request.

It has no roles, no rules, no journal, no encryption and no idempotency; it checks a token, and that a unit is left.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.orm import registry
from sqlmodel import JSON, Column, Field, Session, SQLModel, select


class Row(SQLModel, registry=registry()):
    """What every table has."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class User(Row, table=True):
    """Somebody who may call."""

    token: str = Field(index=True)


class Person(Row, table=True):
    """Somebody who came."""

    number: str = Field(index=True)
    name: str
    sex: str
    born_on: date


class Visit(Row, table=True):
    """Where somebody stands."""

    person_id: UUID = Field(foreign_key="person.id", index=True)
    stage: str


class Unit(Row, table=True):
    """A vial."""

    trace_code: str = Field(index=True)
    doses_left: int


class Act(Row, table=True):
    """What was done on a visit: answers, a decision, a consent, a permit, a dose, the leaving."""

    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    kind: str
    content: dict[str, Any] = Field(sa_column=Column(JSON))


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
    """Return who calls."""
    user = session.exec(select(User).where(User.token == authorization.removeprefix("Bearer "))).first()
    if user is None:
        raise HTTPException(401)
    return user


router = APIRouter(prefix="/api/v1", dependencies=[Depends(get_user)])


@router.post("/visits", status_code=201)
def check_in(body: Arrival, session: Opened) -> dict[str, Any]:
    """Give somebody a visit."""
    person = session.exec(select(Person).where(Person.number == body.number)).first()
    if person is None:
        person = Person(**body.model_dump())
        session.add(person)
    visit = Visit(person_id=person.id, stage="checked-in")
    session.add(visit)
    session.commit()
    session.refresh(visit)
    return {"visit_id": visit.id, "ticket_number": 1}


@router.post("/visits/{visit_id}/permits", status_code=201)
def permit(visit_id: UUID, body: Permitted, session: Opened) -> dict[str, Any]:
    """Permit a unit that is not empty."""
    unit = session.exec(select(Unit).where(Unit.trace_code == body.trace_code)).first()
    if unit is None or unit.doses_left < 1:
        raise HTTPException(422)
    return {"permit_id": _act(session, visit_id, "permits", {"unit_id": str(unit.id)})}


@router.post("/doses", status_code=201)
def give(body: Given, session: Opened) -> dict[str, Any]:
    """Take a dose out of the permitted unit."""
    permitted = session.get(Act, body.permit_id)
    unit = session.get(Unit, UUID(permitted.content["unit_id"])) if permitted else None
    if permitted is None or unit is None or unit.doses_left < 1:
        raise HTTPException(422)
    unit.doses_left -= 1
    session.add(unit)
    dose_id = _act(session, permitted.visit_id, "doses", {"body_site": body.body_site})
    return {"dose_id": dose_id, "observe_until": datetime.now(UTC) + timedelta(minutes=30)}


@router.post("/visits/{visit_id}/leave", status_code=201)
def leave(visit_id: UUID, session: Opened) -> dict[str, Any]:
    """Let somebody go."""
    return {"left": _act(session, visit_id, "leave", {})}


@router.post("/visits/{visit_id}/{kind}", status_code=201)
def act(visit_id: UUID, kind: str, body: dict[str, Any], session: Opened) -> dict[str, Any]:
    """Store answers, a decision or a consent."""
    return {f"{kind}_id": _act(session, visit_id, kind, body)}


def fill(engine: Engine, tokens: Iterable[str], trace_codes: Iterable[str]) -> None:
    """Make the tables, and put users and the units into them."""
    Row.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(User(token=token) for token in tokens)
        session.add_all(Unit(trace_code=code, doses_left=1) for code in trace_codes)
        session.commit()


def _act(session: Session, visit_id: UUID, kind: str, content: dict[str, Any]) -> UUID:
    visit = session.get(Visit, visit_id)
    if visit is None:
        raise HTTPException(404)
    visit.stage = kind
    done = Act(visit_id=visit_id, kind=kind, content=content)
    session.add(visit)
    session.add(done)
    session.commit()
    session.refresh(done)
    return done.id
