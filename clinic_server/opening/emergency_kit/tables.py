"""What was put into the emergency kit, used from it and taken out of it, and its counts."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, table_of, text
from clinic_server.opening.emergency_kit.rules import KitThing


class KitItemAdded(Record, table=True):
    """So many of one lot put into the kit; they stay over the days until they are used or taken out."""

    __tablename__ = "kit_item"
    __table_args__ = (CheckConstraint("quantity >= 1", name="quantity"),)

    thing: KitThing = one_of(KitThing)
    lot_number: str = text(40)
    quantity: int
    expires_on: date | None
    added_at: datetime = instant()


class KitItemRemoved(Record, table=True):
    """What was left of a lot taken out of the kit."""

    __tablename__ = "kit_item_removed"

    kit_item_id: UUID = Field(foreign_key="kit_item.id", unique=True)
    removed_at: datetime = instant()


class KitUse(Record, table=True):
    """So many of a lot used on the person of an adverse event."""

    __tablename__ = "kit_use"
    __table_args__ = (CheckConstraint("quantity >= 1", name="quantity"),)

    kit_item_id: UUID = Field(foreign_key="kit_item.id", index=True)
    event_id: UUID = Field(foreign_key="adverse_event.id", index=True)
    quantity: int
    used_at: datetime = instant()


class KitCheck(Record, table=True):
    """Somebody counted the whole kit."""

    __tablename__ = "kit_check"

    checked_by: UUID = Field(foreign_key="staff.id")
    checked_at: datetime = instant()


class KitCount(Record, table=True):
    """What a check found of one lot, beside what the records said."""

    __tablename__ = "kit_count"
    __table_args__ = (
        UniqueConstraint("kit_check_id", "kit_item_id"),
        CheckConstraint("counted >= 0 AND expected >= 0", name="quantities"),
    )

    kit_check_id: UUID = Field(foreign_key="kit_check.id")
    kit_item_id: UUID = Field(foreign_key="kit_item.id", index=True)
    counted: int
    expected: int


kit_item = table_of(KitItemAdded)
kit_item_removed = table_of(KitItemRemoved)
kit_use = table_of(KitUse)
kit_check = table_of(KitCheck)
kit_count = table_of(KitCount)
