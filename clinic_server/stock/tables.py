"""Products, lots, units, and the doses drawn from them: the database itself counts the draws."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, table_of, text
from clinic_server.stock.rules import Platform, Route, StopScope


class Product(Record, table=True):
    """A vaccine product as the site uses it; ``vaccine_code`` says what it is in the catalogue (``vaccines/``)."""

    __tablename__ = "product"

    code: str = text(40, unique=True)
    name: str = text(80)
    manufacturer: str = text(80)
    vaccine_code: str = text(40)
    platform: Platform = one_of(Platform)
    route: Route = one_of(Route)
    volume_ul: int
    doses_per_unit: int


class Lot(Record, table=True):
    """A lot of a product received here."""

    __tablename__ = "lot"
    __table_args__ = (UniqueConstraint("product_id", "number"),)

    product_id: UUID = Field(foreign_key="product.id")
    number: str = text(40)
    expires_on: date


class Unit(Record, table=True):
    """One vial or syringe, known by its own trace code."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("id", "doses_per_unit"), Index(None, "lot_id"))

    lot_id: UUID = Field(foreign_key="lot.id")
    trace_code: str = text(50, unique=True)
    doses_per_unit: int
    received_at: datetime = instant()


class Draw(Record, table=True):
    """One dose drawn from a unit. No unit has more draws than doses: the constraints say so, not the program.

    A draw that was returned lets one more follow, which names the return in ``after_return_id``: a ``UnitReturn``.
    """

    __tablename__ = "draw"
    __table_args__ = (
        Index(
            "uq_draw_unit_id_draw_number",
            "unit_id",
            "draw_number",
            unique=True,
            sqlite_where=sql("after_return_id IS NULL"),
            postgresql_where=sql("after_return_id IS NULL"),
        ),
        ForeignKeyConstraint(["unit_id", "doses_per_unit"], ["unit.id", "unit.doses_per_unit"]),
        CheckConstraint("draw_number BETWEEN 1 AND doses_per_unit", name="within_unit"),
    )

    unit_id: UUID
    doses_per_unit: int
    draw_number: int
    drawn_at: datetime = instant()
    after_return_id: UUID | None = Field(default=None, unique=True)


class UnitReturn(Record, table=True):
    """A draw that never was: the unit lies closed and untouched in stock again, as somebody saw."""

    __tablename__ = "unit_return"

    draw_id: UUID = Field(foreign_key="draw.id", unique=True)
    confirmed_by: UUID = Field(foreign_key="staff.id")
    returned_at: datetime = instant()


class StopOrder(Record, table=True):
    """An order not to give something; it stands until it is lifted (``stops.py``)."""

    __tablename__ = "stop_order"

    scope: StopScope = one_of(StopScope)
    target: str = text(90)
    reason: str = text(200)
    placed_by: UUID = Field(foreign_key="staff.id")
    placed_at: datetime = instant()


class StopLiftProposed(Record, table=True):
    """The first of the two people whom the lifting of a stop order takes; the latest proposal counts."""

    __tablename__ = "stop_lift_proposed"

    stop_id: UUID = Field(foreign_key="stop_order.id", index=True)
    reason: str = text(200)
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime = instant()


class StopLifted(Record, table=True):
    """The second of the two: from here on the stop order no longer stands."""

    __tablename__ = "stop_lifted"
    __table_args__ = (CheckConstraint("confirmed_by <> proposed_by", name="two_people"),)

    stop_id: UUID = Field(foreign_key="stop_order.id", unique=True)
    proposal_id: UUID = Field(foreign_key="stop_lift_proposed.id", unique=True)
    proposed_by: UUID = Field(foreign_key="staff.id")
    confirmed_by: UUID = Field(foreign_key="staff.id")
    lifted_at: datetime = instant()


product = table_of(Product)
lot = table_of(Lot)
unit = table_of(Unit)
draw = table_of(Draw)
unit_return = table_of(UnitReturn)
stop_order = table_of(StopOrder)
stop_lift_proposed = table_of(StopLiftProposed)
stop_lifted = table_of(StopLifted)
