"""What may be drawn from which unit: pure questions about vials."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from clinic_server.kit.errors import Conflict, NotFound, Refused

_PRINTABLE = re.compile(r"[!-~]{4,50}")


class Platform(StrEnum):
    """How a vaccine works; rules about mixing products speak of it."""

    INACTIVATED = "inactivated"
    LIVE = "live"
    VECTOR = "vector"
    SUBUNIT = "subunit"
    MRNA = "mrna"


class Route(StrEnum):
    """How a dose enters the body."""

    INTRAMUSCULAR = "intramuscular"
    SUBCUTANEOUS = "subcutaneous"
    INTRADERMAL = "intradermal"
    ORAL = "oral"
    INHALED = "inhaled"


class BodySite(StrEnum):
    """Where on the body a dose is given."""

    LEFT_UPPER_ARM = "left_upper_arm"
    RIGHT_UPPER_ARM = "right_upper_arm"
    LEFT_THIGH = "left_thigh"
    RIGHT_THIGH = "right_thigh"
    MOUTH = "mouth"


class UnitFinding(StrEnum):
    """Why a unit may not be used."""

    UNIT_UNKNOWN = "unit_unknown"
    UNIT_USED_UP = "unit_used_up"
    LOT_EXPIRED = "lot_expired"
    OTHER_PRODUCT = "other_product"
    UNIT_ELSEWHERE = "unit_elsewhere"
    UNIT_OPEN_TOO_LONG = "unit_open_too_long"
    UNIT_ON_HOLD = "unit_on_hold"
    OPEN_VIAL_FIRST = "open_vial_first"


class Doubt(StrEnum):
    """Why a scanned code may be a counterfeit or a double."""

    UNKNOWN = "unknown"
    USED_UP = "used_up"
    LEFT_BEFORE = "left_before"
    RECEIVED_BEFORE = "received_before"


class StopScope(StrEnum):
    """What a stop order is about."""

    UNIT = "unit"
    LOT = "lot"
    PRODUCT = "product"
    BENCH = "bench"
    SITE = "site"


class StopFinding(StrEnum):
    """A stop order stands in the way of the needle; the order itself says why."""

    UNIT_STOPPED = "unit_stopped"
    LOT_STOPPED = "lot_stopped"
    PRODUCT_STOPPED = "product_stopped"
    BENCH_STOPPED = "bench_stopped"
    SITE_STOPPED = "site_stopped"


class ProductFinding(StrEnum):
    """What a product is said to be that its vaccine is not."""

    OTHER_PLATFORM = "other_platform"
    OTHER_ROUTE = "other_route"
    OTHER_VOLUME = "other_volume"


class StopUnknown(NotFound):
    """No stop order has this id."""

    code = "stop_unknown"


class StopTargetUnknown(NotFound):
    """Nothing here has the code that is to be stopped."""

    code = "stop_target_unknown"


class StopIsLifted(Conflict):
    """The stop order no longer stands."""

    code = "stop_is_lifted"


class StopLiftNotProposed(Conflict):
    """Nobody proposed to lift this stop order, so that nobody can confirm it."""

    code = "stop_lift_not_proposed"


class SecondPersonNeeded(Refused):
    """Who proposed to lift a stop order does not confirm it as well."""

    code = "second_person_needed"


class ProductUnknown(NotFound):
    """No product has this code."""

    code = "product_unknown"


class VaccineUnknown(Refused):
    """The catalogue has no vaccine of this code."""

    code = "vaccine_unknown"


class ProductContradictsVaccine(Refused):
    """The catalogue says otherwise of this vaccine; the findings name what."""

    code = "product_contradicts_vaccine"


class ProductWithdrawn(Refused):
    """This site no longer uses the product."""

    code = "product_withdrawn"


class OpenVialMinutesTooLong(Refused):
    """A site may shorten the minutes of an opened vial, not lengthen them."""

    code = "open_vial_minutes_too_long"


class NoOpenVialMinutes(Refused):
    """The catalogue says nothing of opened vials of this vaccine, so that the site has nothing to shorten."""

    code = "no_open_vial_minutes"


class ProductCodeTaken(Conflict):
    """Another product has this code."""

    code = "product_code_taken"


class SuspectUnknown(NotFound):
    """No doubtful code was kept under this id."""

    code = "suspect_unknown"


class SuspectAssessedBefore(Conflict):
    """Somebody has said already what became of this doubtful code."""

    code = "suspect_assessed_before"


class UnitCodeInvalid(Refused):
    """A trace code has 4 to 50 printable characters without blanks."""

    code = "unit_code_invalid"


class UnitAlreadyReceived(Conflict):
    """A trace code was received before; one code is one unit, for ever."""

    code = "unit_already_received"


class NothingLeftToGain(Refused):
    """Only an opened vial that is empty and still good can hold one dose more than it says."""

    code = "nothing_left_to_gain"


class LotReceivedExpired(Refused):
    """A lot past its expiry date is not received."""

    code = "lot_received_expired"


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop order that stands; ``target`` is the code of what it stops, empty for the whole site."""

    stop_id: UUID
    scope: StopScope
    target: str
    reason: str
    placed_at: datetime
    placed_by: UUID
    lift_proposed_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """A unit (a vial or a syringe) as it stands now; ``volume_ul`` is one dose in microlitres.

    ``place_code`` is None once it left the site's places; ``station`` is the bench in whose box it stands.
    ``open_until`` is when an opened unit of several doses is no longer good.
    """

    unit_id: UUID
    lot_id: UUID
    lot_number: str
    expires_on: date
    product_code: str
    product_name: str
    doses_per_unit: int
    doses_used: int
    volume_ul: int
    route: Route
    vaccine_code: str
    trace_code: str
    doses_left: int
    opened_at: datetime | None = None
    open_until: datetime | None = None
    place_id: UUID | None = None
    place_code: str | None = None
    station: str | None = None
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class AtBench:
    """Where and when a unit is to be drawn from; ``today`` is the site's calendar date at ``now``."""

    station: str | None
    now: datetime
    today: date


def normalised_code(scanned: str) -> str:
    """Return a trace code as it is stored, or raise UnitCodeInvalid."""
    code = scanned.strip()
    if not _PRINTABLE.fullmatch(code):
        raise UnitCodeInvalid
    return code


def findings_for_unit(unit: UnitFacts | None, wanted_product: str, at: AtBench) -> tuple[UnitFinding, ...]:
    """Return every reason against drawing a dose of the wanted product from this unit at a bench.

    A unit is good through the end of its printed day of expiry, and an open one to the last instant of its minutes.
    """
    if unit is None:
        return (UnitFinding.UNIT_UNKNOWN,)
    reasons = (
        (unit.product_code != wanted_product, UnitFinding.OTHER_PRODUCT),
        (unit.expires_on < at.today, UnitFinding.LOT_EXPIRED),
        (unit.doses_left <= 0, UnitFinding.UNIT_USED_UP),
        (unit.station is None or unit.station != at.station, UnitFinding.UNIT_ELSEWHERE),
        (unit.open_until is not None and at.now > unit.open_until, UnitFinding.UNIT_OPEN_TOO_LONG),
        (unit.is_held, UnitFinding.UNIT_ON_HOLD),
    )
    return tuple(finding for applies, finding in reasons if applies)


def doubt_about(unit: UnitFacts | None, *, arriving: bool) -> Doubt | None:
    """Return why a code that was just scanned is doubtful; one that arrives must be new, any other known and left."""
    if arriving:
        return Doubt.RECEIVED_BEFORE if unit else None
    if unit is None:
        return Doubt.UNKNOWN
    if unit.place_code is None:
        return Doubt.LEFT_BEFORE
    return None if unit.doses_left else Doubt.USED_UP


def passed_over(chosen: Iterable[UnitFacts], standing: Iterable[UnitFacts], today: date) -> UnitFacts | None:
    """Return a usable unit that should go out before one of the chosen: of its product and place, expiring earlier.

    近效期先出: what expires first is issued first.
    """
    latest: dict[tuple[str, UUID | None], date] = {}
    taken = set()
    for unit in chosen:
        taken.add(unit.unit_id)
        kind = (unit.product_code, unit.place_id)
        latest[kind] = max(unit.expires_on, latest.get(kind, unit.expires_on))
    for unit in standing:
        is_usable = unit.doses_left > 0 and not unit.is_held and unit.expires_on >= today
        going = latest.get((unit.product_code, unit.place_id))
        if is_usable and going and unit.expires_on < going and unit.unit_id not in taken:
            return unit
    return None


def stops_on(unit: UnitFacts | None, stops: Iterable[Stop], bench: str | None = None) -> tuple[Stop, ...]:
    """Return the standing stop orders that forbid a dose of this unit at this bench.

    Without a unit, those of the bench and of the whole site; without a bench, those that hold at any.
    """
    codes = {StopScope.SITE: ""}
    if bench is not None:
        codes[StopScope.BENCH] = bench
    if unit is not None:
        codes |= {StopScope.UNIT: unit.trace_code, StopScope.PRODUCT: unit.product_code}
        codes |= {StopScope.LOT: lot_code(unit.product_code, unit.lot_number)}
    return tuple(stop for stop in stops if codes.get(stop.scope) == stop.target)


def stops_shown_at(bench: str, stops: Iterable[Stop]) -> tuple[Stop, ...]:
    """Return the standing stop orders that a bench's page shows: all but those of other benches."""
    return tuple(stop for stop in stops if stop.scope is not StopScope.BENCH or stop.target == bench)


def lot_code(product_code: str, lot_number: str) -> str:
    """Return the one word for a lot: makers' numbers repeat between products."""
    return f"{product_code}/{lot_number}"


def stop_findings(stops: Iterable[Stop]) -> tuple[StopFinding, ...]:
    """Return what stop orders say against the needle, each scope once."""
    return tuple(dict.fromkeys(StopFinding(f"{stop.scope.value}_stopped") for stop in stops))


def refuse_lift(stop: Stop, confirmed_by: UUID) -> None:
    """Raise unless someone else proposed to lift the stop order."""
    if stop.lift_proposed_by is None:
        raise StopLiftNotProposed
    if stop.lift_proposed_by == confirmed_by:
        raise SecondPersonNeeded
