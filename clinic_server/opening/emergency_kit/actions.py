"""Putting into the emergency kit, using from it, taking out of it, and counting it."""

from collections.abc import Mapping
from uuid import UUID

from clinic_server.kit.tx import Tx
from clinic_server.opening.emergency_kit.lookup import kit_items, standing_kit
from clinic_server.opening.emergency_kit.rules import (
    KitCountIncomplete,
    KitItem,
    KitItemUnknown,
    KitThing,
    NewKitItem,
    require_fit,
)
from clinic_server.opening.emergency_kit.tables import KitCheck, KitCount, KitItemAdded, KitItemRemoved, KitUse
from clinic_server.opening.pausing import OPENING, tell_pauses
from clinic_server.staff.actions import require_signed_in


def add_to_kit(tx: Tx, *new: NewKitItem) -> tuple[UUID, ...]:
    """Put something into the emergency kit."""
    for item in new:
        require_fit(item, tx.local_date)
    item_ids = tuple(_add(tx, item) for item in new)
    tell_pauses(tx)
    tx.journal("kit_item_added", item_ids[0], OPENING)
    return item_ids


def use_kit_item(tx: Tx, item_id: UUID, quantity: int, event_id: UUID) -> KitThing:
    """Record what of the kit went into somebody, and return what it was; the caller journals.

    Never refused for being more than the records hold: it was given, and the next check counts.
    """
    thing = _require_in_kit(tx, item_id).thing
    tx.append(KitUse, kit_item_id=item_id, event_id=event_id, quantity=quantity, used_at=tx.now)
    tell_pauses(tx)
    tx.signal(OPENING)
    return thing


def remove_from_kit(tx: Tx, item_id: UUID) -> None:
    """Take what is left of a lot out of the emergency kit."""
    _require_in_kit(tx, item_id)
    tx.append(KitItemRemoved, kit_item_id=item_id, removed_at=tx.now)
    tell_pauses(tx)
    tx.journal("kit_item_removed", item_id, OPENING)


def check_kit(tx: Tx, counted: Mapping[UUID, int]) -> UUID:
    """Record a count of everything in the kit; what was counted holds from now on."""
    staff_id = require_signed_in(tx)
    kit = standing_kit(tx.connection)
    if counted.keys() != {item.item_id for item in kit}:
        raise KitCountIncomplete
    check_id = tx.append(KitCheck, checked_by=staff_id, checked_at=tx.now)
    for item in kit:
        found = {"counted": counted[item.item_id], "expected": item.quantity}
        tx.append(KitCount, kit_check_id=check_id, kit_item_id=item.item_id, **found)
    tell_pauses(tx)
    tx.journal("kit_checked", check_id, OPENING)
    return check_id


def _add(tx: Tx, new: NewKitItem) -> UUID:
    return tx.append(
        KitItemAdded,
        thing=new.thing,
        lot_number=new.lot_number.strip(),
        quantity=new.quantity,
        expires_on=new.expires_on,
        added_at=tx.now,
    )


def _require_in_kit(tx: Tx, item_id: UUID) -> KitItem:
    for item in kit_items(tx.connection):
        if item.item_id == item_id:
            return item
    raise KitItemUnknown
