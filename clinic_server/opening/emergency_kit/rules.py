"""What the emergency kit holds, and whether that is enough."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from uuid import UUID

from clinic_server.kit.errors import NotFound, Refused

EXPIRES_SOON = timedelta(days=30)


class KitThing(StrEnum):
    """What belongs into an emergency kit; of drugs, an ampoule or a bag is one."""

    ADRENALINE = "adrenaline"
    PROMETHAZINE = "promethazine"
    DEXAMETHASONE = "dexamethasone"
    HYDROCORTISONE = "hydrocortisone"
    SALBUTAMOL = "salbutamol"
    SALINE = "saline"
    GLUCOSE = "glucose"
    OXYGEN = "oxygen"
    OXYGEN_MASK = "oxygen_mask"
    OXYGEN_MASK_CHILD = "oxygen_mask_child"
    BAG_MASK = "bag_mask"
    BAG_MASK_CHILD = "bag_mask_child"
    AIRWAY = "airway"
    AIRWAY_CHILD = "airway_child"
    SYRINGE = "syringe"
    INFUSION_SET = "infusion_set"
    TOURNIQUET = "tourniquet"
    SPHYGMOMANOMETER = "sphygmomanometer"
    CUFF_CHILD = "cuff_child"
    OXIMETER = "oximeter"
    OXIMETER_PROBE_CHILD = "oximeter_probe_child"
    STETHOSCOPE = "stethoscope"
    THERMOMETER = "thermometer"
    TORCH = "torch"


UNDATED = frozenset(
    {
        KitThing.BAG_MASK,
        KitThing.BAG_MASK_CHILD,
        KitThing.TOURNIQUET,
        KitThing.SPHYGMOMANOMETER,
        KitThing.CUFF_CHILD,
        KitThing.OXIMETER,
        KitThing.OXIMETER_PROBE_CHILD,
        KitThing.STETHOSCOPE,
        KitThing.THERMOMETER,
        KitThing.TORCH,
    }
)  # equipment that may bear no date; everything else must


class KitItemUnknown(NotFound):
    """The emergency kit holds no such item now."""

    code = "kit_item_unknown"


class KitItemExpired(Refused):
    """What has expired is not put into the kit."""

    code = "kit_item_expired"


class KitItemUndated(Refused):
    """A drug or a sterile thing goes into the kit with its date alone."""

    code = "kit_item_undated"


class KitCountIncomplete(Refused):
    """A check counts everything the kit holds, and nothing else."""

    code = "kit_count_incomplete"


@dataclass(frozen=True, slots=True)
class NewKitItem:
    """So many of one lot, to be put into the kit."""

    thing: KitThing
    quantity: int
    expires_on: date | None
    lot_number: str = ""


@dataclass(frozen=True, slots=True)
class KitItem:
    """What the kit holds of one lot, usable to the end of the printed day."""

    item_id: UUID
    thing: KitThing
    lot_number: str
    expires_on: date | None
    quantity: int

    def has_expired(self, on: date) -> bool:
        """Tell whether its printed day is over."""
        return self.expires_on is not None and self.expires_on < on

    def expires_soon(self, on: date) -> bool:
        """Tell whether its last day is near, or behind."""
        return self.expires_on is not None and self.expires_on <= on + EXPIRES_SOON


@dataclass(frozen=True, slots=True)
class Shortage:
    """The kit holds fewer of a thing in date than its list asks for."""

    thing: KitThing
    usable: int
    least: int


def require_fit(new: NewKitItem, on: date) -> None:
    """Refuse what may not go into the kit."""
    if new.expires_on is None:
        if new.thing not in UNDATED:
            raise KitItemUndated
    elif new.expires_on < on:
        raise KitItemExpired


def expired_since(kit: Sequence[KitItem], now: datetime, zone: tzinfo) -> datetime | None:
    """Return since when something in the kit has expired, None while nothing has."""
    first = min((item.expires_on for item in kit if item.expires_on), default=None)
    if first is None:
        return None
    over_at = datetime.combine(first + timedelta(days=1), time.min, zone)
    return over_at if over_at <= now else None


def shortages(kit: Sequence[KitItem], least: Mapping[KitThing, int], on: date) -> tuple[Shortage, ...]:
    """Return what there is too little of, in the list's order; what has expired does not count."""
    usable: Counter[KitThing] = Counter()
    for item in kit:
        if not item.has_expired(on):
            usable[item.thing] += item.quantity
    return tuple(Shortage(thing, usable[thing], asked) for thing, asked in least.items() if usable[thing] < asked)
