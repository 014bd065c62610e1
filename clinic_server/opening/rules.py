"""Whether injections may go on: the four safeguards, the kit, and who is here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from uuid import UUID

from clinic_server.kit.errors import Conflict, Refused
from clinic_server.opening.emergency_kit.rules import KitItem, KitThing, expired_since, shortages
from clinic_server.staff.rules import QualificationKind, Stay


class Variant(StrEnum):
    """For whom the site is prepared."""

    ADULT = "adult"
    PAEDIATRIC = "paediatric"


class Safeguard(StrEnum):
    """What a site must have before it opens: 四有."""

    EMERGENCY_STAFF = "emergency_staff"
    EMERGENCY_EQUIPMENT = "emergency_equipment"
    AMBULANCE = "ambulance"
    GREEN_CHANNEL = "green_channel"


class Named(StrEnum):
    """What a checklist asks to be named."""

    HOSPITAL = "hospital"
    PERSON = "person"
    PHONE = "phone"
    VEHICLE_PLATE = "vehicle_plate"
    EQUIPMENT = "equipment"
    PAEDIATRIC_PERSON = "paediatric_person"
    PAEDIATRIC_EQUIPMENT = "paediatric_equipment"


class Lapse(StrEnum):
    """Why no new injection may begin."""

    NOT_OPENED = "site_not_opened"
    CLOSED = "site_closed"
    OPENED_ON_ANOTHER_DAY = "site_opened_on_another_day"
    EMERGENCY_STAFF_GONE = "emergency_staff_gone"
    EMERGENCY_EQUIPMENT_GONE = "emergency_equipment_gone"
    AMBULANCE_GONE = "ambulance_gone"
    GREEN_CHANNEL_GONE = "green_channel_gone"
    TOO_FEW_PHYSICIANS = "too_few_physicians"
    NOBODY_FOR_EMERGENCIES = "nobody_for_emergencies"
    KIT_EMPTY = "emergency_kit_empty"
    KIT_EXPIRED = "emergency_kit_expired"
    KIT_SHORT = "emergency_kit_short"
    RECORDS_MISSING = "records_missing"


NOT_OPEN = frozenset({Lapse.NOT_OPENED, Lapse.CLOSED, Lapse.OPENED_ON_ANOTHER_DAY})
GONE: Mapping[Safeguard, Lapse] = {
    Safeguard.EMERGENCY_STAFF: Lapse.EMERGENCY_STAFF_GONE,
    Safeguard.EMERGENCY_EQUIPMENT: Lapse.EMERGENCY_EQUIPMENT_GONE,
    Safeguard.AMBULANCE: Lapse.AMBULANCE_GONE,
    Safeguard.GREEN_CHANNEL: Lapse.GREEN_CHANNEL_GONE,
}


class NotReadyToOpen(Refused):
    """The site may not open; the findings say why, all of them."""

    code = "not_ready_to_open"


class ChecklistIncomplete(Refused):
    """A safeguard lacks a name it needs; the findings name the fields."""

    code = "checklist_incomplete"


class SiteAlreadyOpen(Conflict):
    """The site is open today."""

    code = "site_already_open"


class EarlierDayNotClosed(Refused):
    """The clinic day ``day`` was opened and never closed; the site opens after its close, or with a reason."""

    code = "earlier_day_not_closed"


class SiteNotOpen(Conflict):
    """The act belongs to an open site, and this one is not."""

    code = "site_not_open"


class StillObserving(Conflict):
    """The site cannot close while ``count`` people are under observation."""

    code = "still_observing"


class StillHelping(Conflict):
    """The site cannot close while the emergency team is called to somebody."""

    code = "still_helping"


class SafeguardStands(Conflict):
    """The safeguard was not withdrawn, so there is nothing to restore."""

    code = "safeguard_stands"


class SafeguardWithdrawn(Conflict):
    """The safeguard was withdrawn already."""

    code = "safeguard_withdrawn"


@dataclass(frozen=True, slots=True)
class Opened:
    """The latest opening and the terms it was opened under; it ends with its clinic day at ``ends_at``."""

    opening_id: UUID
    business_on: date
    variant: Variant
    opened_at: datetime
    ends_at: datetime
    minimum_physicians: int
    absent_after: timedelta
    closed_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Tell whether it is the opening of the running day and was not closed."""
        return self.closed_at is None and now < self.ends_at


@dataclass(frozen=True, slots=True)
class Statement:
    """What was last said about one safeguard."""

    statement_id: UUID
    safeguard: Safeguard
    stands: bool
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides whether injections may go on; ``kit_least`` is what the kit must hold.

    ``records_missing_since`` is when a witness told that records were lost and nobody has said yet what is done: a dose
    may be among them, and its person at the bench again.
    """

    opened: Opened | None
    statements: tuple[Statement, ...] = ()
    kit: tuple[KitItem, ...] = ()
    kit_least: Mapping[KitThing, int] = field(default_factory=dict)
    stays: tuple[Stay, ...] = field(default=(), repr=False)
    records_missing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lapsed:
    """One reason why injections pause, and since when, where that is known."""

    lapse: Lapse
    since: datetime | None = None


def lapses(facts: Facts, now: datetime, zone: tzinfo) -> tuple[Lapsed, ...]:
    """Return every reason against a new injection (invariant 33); none means they may go on."""
    opened = facts.opened
    if opened is None:
        return (Lapsed(Lapse.NOT_OPENED),)
    if opened.closed_at is not None:
        return (Lapsed(Lapse.CLOSED, opened.closed_at),)
    if not opened.is_open(now):
        return (Lapsed(Lapse.OPENED_ON_ANOTHER_DAY, opened.ends_at),)
    return _withdrawn(facts.statements) + shortcomings(facts, opened.minimum_physicians, now, zone)


def shortcomings(facts: Facts, minimum_physicians: int, now: datetime, zone: tzinfo) -> tuple[Lapsed, ...]:
    """Return what is missing of people, kit and records, whether or not the site is open."""
    found = (
        Lapsed(Lapse.RECORDS_MISSING, facts.records_missing_since) if facts.records_missing_since else None,
        _too_few(facts.stays, QualificationKind.PHYSICIAN, minimum_physicians, Lapse.TOO_FEW_PHYSICIANS, now),
        _too_few(facts.stays, QualificationKind.EMERGENCY, 1, Lapse.NOBODY_FOR_EMERGENCIES, now),
        *_kit_lapses(facts, now, zone),
    )
    return tuple(lapse for lapse in found if lapse is not None)


def present(stays: Iterable[Stay], kind: QualificationKind, at: datetime) -> frozenset[UUID]:
    """Return who of a kind is here at an instant; one person at two stations is one."""
    return frozenset(stay.staff_id for stay in stays if stay.kind is kind and stay.began_at <= at < stay.over_at)


def missing_names(
    asked: Mapping[Safeguard, Sequence[Named]], said: Mapping[Safeguard, Mapping[Named, str]]
) -> tuple[str, ...]:
    """Return each name a checklist asks for and nobody gave, as ``safeguard-name``."""
    return tuple(
        f"{safeguard}-{name}"
        for safeguard, names in asked.items()
        for name in names
        if not said.get(safeguard, {}).get(name, "").strip()
    )


def _withdrawn(statements: Sequence[Statement]) -> tuple[Lapsed, ...]:
    """Return the safeguards that do not stand, given what was last said about each."""
    latest = {statement.safeguard: statement for statement in statements}
    return tuple(_gone(safeguard, latest.get(safeguard)) for safeguard in Safeguard if not _stands(safeguard, latest))


def _stands(safeguard: Safeguard, latest: Mapping[Safeguard, Statement]) -> bool:
    return safeguard in latest and latest[safeguard].stands


def _gone(safeguard: Safeguard, statement: Statement | None) -> Lapsed:
    return Lapsed(GONE[safeguard], statement.stated_at if statement else None)


def _too_few(stays: Sequence[Stay], kind: QualificationKind, least: int, lapse: Lapse, now: datetime) -> Lapsed | None:
    if len(present(stays, kind, now)) >= least:
        return None
    return Lapsed(lapse, _since(stays, kind, least, now))


def _since(stays: Sequence[Stay], kind: QualificationKind, least: int, now: datetime) -> datetime | None:
    """Return when somebody went and left too few behind, None when there never were enough."""
    gone = sorted({stay.over_at for stay in stays if stay.kind is kind and stay.over_at <= now}, reverse=True)
    for at in gone:
        before = {stay.staff_id for stay in stays if stay.kind is kind and stay.began_at < at <= stay.over_at}
        if len(before) >= least:
            return at
    return None


def _kit_lapses(facts: Facts, now: datetime, zone: tzinfo) -> tuple[Lapsed | None, ...]:
    if not facts.kit:
        return (Lapsed(Lapse.KIT_EMPTY),)
    since = expired_since(facts.kit, now, zone)
    is_short = shortages(facts.kit, facts.kit_least, now.astimezone(zone).date())
    return (
        Lapsed(Lapse.KIT_EXPIRED, since) if since else None,
        Lapsed(Lapse.KIT_SHORT) if is_short else None,
    )
