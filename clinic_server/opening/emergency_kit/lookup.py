"""What the emergency kit holds, and who counted it last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, func, select

from clinic_server.opening.emergency_kit.rules import KitItem, KitThing
from clinic_server.opening.emergency_kit.tables import kit_check, kit_count, kit_item, kit_item_removed, kit_use


@dataclass(frozen=True, slots=True)
class Difference:
    """A count that was not what the records said."""

    thing: KitThing
    lot_number: str
    counted: int
    expected: int


@dataclass(frozen=True, slots=True)
class KitChecked:
    """The latest check: who, when, and what differed."""

    checked_by: UUID
    checked_at: datetime
    differences: Sequence[Difference]


def kit_items(connection: Connection) -> tuple[KitItem, ...]:
    """Return every lot that was not taken out, used up or not, the first to expire first; the undated last."""
    rows = connection.execute(_items)
    return tuple(KitItem(row.id, row.thing, row.lot_number, row.expires_on, max(row.left, 0)) for row in rows)


def standing_kit(connection: Connection) -> tuple[KitItem, ...]:
    """Return what is in the kit now."""
    return tuple(item for item in kit_items(connection) if item.quantity)


def last_check(connection: Connection) -> KitChecked | None:
    """Return the latest check of the kit."""
    latest = connection.execute(select(kit_check).order_by(kit_check.c.journal_seq.desc()).limit(1)).first()
    if latest is None:
        return None
    count = kit_count.c
    rows = connection.execute(
        select(kit_item.c.thing, kit_item.c.lot_number, count.counted, count.expected)
        .join_from(kit_count, kit_item, kit_item.c.id == count.kit_item_id)
        .where(count.kit_check_id == latest.id, count.counted != count.expected)
        .order_by(kit_item.c.thing, kit_item.c.lot_number)
    )
    return KitChecked(latest.checked_by, latest.checked_at, [Difference(*row) for row in rows])


def _counted() -> ColumnElement[int]:
    """Return the latest count of a lot; before the first, what was put in."""
    return func.coalesce(_of_last_count(kit_count.c.counted), kit_item.c.quantity)


def _used_since() -> ColumnElement[int]:
    """Return how many of a lot were used since it was counted last."""
    counted_seq = func.coalesce(_of_last_count(kit_count.c.journal_seq), 0)
    used = select(func.coalesce(func.sum(kit_use.c.quantity), 0))
    return used.where(kit_use.c.kit_item_id == kit_item.c.id, kit_use.c.journal_seq > counted_seq).scalar_subquery()


def _of_last_count(column: ColumnElement[Any]) -> ColumnElement[Any]:
    of_lot = select(column).where(kit_count.c.kit_item_id == kit_item.c.id)
    return of_lot.order_by(kit_count.c.journal_seq.desc()).limit(1).correlate(kit_item).scalar_subquery()


_items = (
    select(
        kit_item.c.id,
        kit_item.c.thing,
        kit_item.c.lot_number,
        kit_item.c.expires_on,
        (_counted() - _used_since()).label("left"),
    )
    .where(~exists().where(kit_item_removed.c.kit_item_id == kit_item.c.id))
    .order_by(
        kit_item.c.expires_on.is_(None),
        kit_item.c.expires_on,
        kit_item.c.thing,
        kit_item.c.journal_seq,
        kit_item.c.id,
    )
)
