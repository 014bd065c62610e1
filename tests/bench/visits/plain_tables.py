"""What ``plain`` keeps."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import registry
from sqlmodel import JSON, Column, Field, SQLModel


class Row(SQLModel, registry=registry()):
    """What every table has."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class User(Row, table=True):
    """Somebody who may call."""

    token: str = Field(index=True)


class UserRole(Row, table=True):
    """What somebody may do."""

    user_id: UUID = Field(foreign_key="user.id", index=True)
    role: str


class Answered(Row, table=True):
    """A key and what was answered to it."""

    key: str = Field(unique=True)
    answer: dict[str, Any] = Field(sa_column=Column(JSON))


class Audit(Row, table=True):
    """Who did what."""

    user_id: UUID = Field(foreign_key="user.id")
    kind: str
    ref: UUID


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


class Step(Row, table=True):
    """A stage that a visit came to."""

    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    stage: str


class Act(Row, table=True):
    """What was done on a visit: answers, a decision, a consent, its signature, a permit, its checks, the leaving."""

    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    kind: str
    content: dict[str, Any] = Field(sa_column=Column(JSON))


class Lot(Row, table=True):
    """Vials made together."""

    number: str
    expires_on: date
    is_stopped: bool = False


class Unit(Row, table=True):
    """A vial."""

    trace_code: str = Field(index=True)
    lot_id: UUID = Field(foreign_key="lot.id")
    doses_left: int
    is_held: bool = False


class Movement(Row, table=True):
    """Doses that left a vial."""

    unit_id: UUID = Field(foreign_key="unit.id", index=True)
    doses: int


class Dose(Row, table=True):
    """What somebody was given."""

    person_id: UUID = Field(foreign_key="person.id", index=True)
    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    unit_id: UUID = Field(foreign_key="unit.id")
    permit_id: UUID = Field(foreign_key="act.id", unique=True)
    body_site: str
    observe_until: datetime
