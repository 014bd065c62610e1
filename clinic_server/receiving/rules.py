"""Whether a delivery may come in, what its packing list stands for, what differs: pure questions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from clinic_server.cold_chain.rules import Limits
from clinic_server.kit.errors import Conflict, NotFound, Refused


class TransportRecordKind(StrEnum):
    """What shows the temperature on the way."""

    LOGGER_PRINT = "logger_print"
    DISPLAY_READING = "display_reading"
    PAPER = "paper"


class RefusalReason(StrEnum):
    """Why a delivery does not come in."""

    NO_TEMPERATURE_RECORD = "no_temperature_record"
    TOO_COLD_ON_THE_WAY = "too_cold_on_the_way"
    TOO_WARM_ON_THE_WAY = "too_warm_on_the_way"
    PACKAGE_DAMAGED = "package_damaged"
    NOT_ORDERED = "not_ordered"
    ENTERED_WRONGLY = "entered_wrongly"

    @property
    def is_told_by_people(self) -> bool:
        """Whether somebody has to see it; the others follow from the temperature record."""
        return self in {RefusalReason.PACKAGE_DAMAGED, RefusalReason.NOT_ORDERED, RefusalReason.ENTERED_WRONGLY}

    @property
    def is_reported(self) -> bool:
        """Whether whoever sent the delivery, and the county, have to hear of it."""
        return self is not RefusalReason.ENTERED_WRONGLY


class DeliveryDifference(StrEnum):
    """Why fewer or more units of a line are here than the delivery's papers say."""

    SHORT = "short"
    BROKEN = "broken"
    SURPLUS = "surplus"


class DeliveryState(StrEnum):
    """What has become of a delivery."""

    OPEN = "open"
    REFUSED = "refused"
    FINISHED = "finished"


class PackageLevel(StrEnum):
    """What a code of a packing list stands on."""

    UNIT = "unit"
    PACK = "pack"
    CARTON = "carton"


class ArrivalFinding(StrEnum):
    """What a scanned code says that its line does not."""

    LOT_DIFFERS = "lot_differs"
    EXPIRY_DIFFERS = "expiry_differs"


class DeliveryUnknown(NotFound):
    """No delivery has this id."""

    code = "delivery_unknown"


class LineUnknown(NotFound):
    """The delivery has no such line."""

    code = "line_unknown"


class DeliveryNotOpen(Conflict):
    """The delivery was refused or finished before."""

    code = "delivery_not_open"


class NothingToReport(Conflict):
    """The delivery was not refused, or was reported before."""

    code = "nothing_to_report"


class RefusalNotJudged(Refused):
    """What the temperature record says is judged by the server, not told by people."""

    code = "refusal_not_judged"


class TransportRecordImpossible(Refused):
    """Nothing arrives before it departs or after now, and no lowest temperature is above the highest."""

    code = "transport_record_impossible"


class TransportRecordIncomplete(Refused):
    """A temperature record has both times and both temperatures; without them there is none."""

    code = "transport_record_incomplete"


class LineTwice(Conflict):
    """The delivery has a line of this lot."""

    code = "line_twice"


class LotExpiryDiffers(Refused):
    """The lot is known here with another expiry date."""

    code = "lot_expiry_differs"


class PackingListContradicts(Refused):
    """A code of the packing list stands in two packages, or on two levels."""

    code = "packing_list_contradicts"


class CodeOfOtherProduct(Refused):
    """The code belongs to another product than the line's, as was learnt here."""

    code = "code_of_other_product"


class ScanContradictsLine(Refused):
    """The scanned code itself says another lot or expiry date than the line; the findings name which."""

    code = "scan_contradicts_line"


class UnitNotListed(Refused):
    """The packing list of the line does not have this code."""

    code = "unit_not_listed"


class PackageNotListed(Refused):
    """The code stands on a carton or pack, and no packing list says what is in it."""

    code = "package_not_listed"


class UnitScannedTwice(Conflict):
    """Nothing of what was scanned is new."""

    code = "unit_scanned_twice"


class DifferenceUnexplained(Refused):
    """Units of a line are missing or too many, and nobody said why."""

    code = "difference_unexplained"


class NothingArrived(Refused):
    """Not one unit was scanned; a delivery of nothing is refused, not finished."""

    code = "nothing_arrived"


class PlaceTooFull(Refused):
    """The place holds fewer units than would stand in it; a reason lets them in."""

    code = "place_too_full"


class PapersNotMissing(Conflict):
    """The line has its batch release number."""

    code = "papers_not_missing"


class ArticleUnknown(NotFound):
    """Nothing was learnt of this article number yet."""

    code = "article_unknown"


@dataclass(frozen=True, slots=True)
class TransportRecord:
    """The temperature on the way, lowest and highest; ``reference`` is where the record itself is kept."""

    kind: TransportRecordKind
    reference: str
    departed_at: datetime
    arrived_at: datetime
    low_milli_celsius: int
    high_milli_celsius: int


@dataclass(frozen=True, slots=True)
class ListedPackage:
    """One code of a packing list; ``parent`` is the code of what it is packed in."""

    code: str
    level: PackageLevel
    parent: str | None


@dataclass(frozen=True, slots=True)
class ArrivedUnit:
    """A unit as its own code tells of it; what the code does not say is None.

    ``article`` is the maker's number of product and packing: a GTIN, or the first seven digits of a trace code.
    """

    code: str
    article: str | None = None
    lot: str | None = None
    expires_on: date | None = None


def refuse_impossible(record: TransportRecord, now: datetime) -> None:
    """Raise unless a temperature record can be meant."""
    is_in_order = record.departed_at <= record.arrived_at <= now
    if not is_in_order or record.low_milli_celsius > record.high_milli_celsius:
        raise TransportRecordImpossible


def refusal_for(record: TransportRecord | None, limits: Iterable[Limits]) -> RefusalReason | None:
    """Return why a delivery may not come in, from its temperature record and the limits of what is in it.

    收货: 无温度记录或超出规定温度的，不得收货。 Both limits are still in range.
    """
    if record is None:
        return RefusalReason.NO_TEMPERATURE_RECORD
    for one in limits:
        if record.low_milli_celsius < one.low_milli_celsius:
            return RefusalReason.TOO_COLD_ON_THE_WAY
        if record.high_milli_celsius > one.high_milli_celsius:
            return RefusalReason.TOO_WARM_ON_THE_WAY
    return None


def listed_packages(rows: Iterable[Sequence[str]]) -> Sequence[ListedPackage]:
    """Return what a packing list names; each row leads from the outermost one to a unit.

    Raises PackingListContradicts.
    """
    found: dict[str, ListedPackage] = {}
    for row in rows:
        levels = list(PackageLevel)[: len(row)][::-1]
        if len(row) > len(levels):
            raise PackingListContradicts(trace_code=row[0])
        for code, level, parent in zip(row, levels, (None, *row), strict=False):
            package = ListedPackage(code, level, parent)
            is_unit_twice = level is PackageLevel.UNIT and code in found
            if is_unit_twice or found.setdefault(code, package) != package:
                raise PackingListContradicts(trace_code=code)
    return list(found.values())


def contents_of(packages: Iterable[ListedPackage]) -> Mapping[str, Sequence[str]]:
    """Return the units each code of a packing list stands for: itself, or everything packed in it."""
    listed = list(packages)
    parents = {one.code: one.parent for one in listed}
    contents: dict[str, list[str]] = {}
    for one in listed:
        code: str | None = one.code if one.level is PackageLevel.UNIT else None
        while code is not None:
            contents.setdefault(code, []).append(one.code)
            code = parents[code]
    return contents


def findings_for_arrival(unit: ArrivedUnit, lot_number: str, expires_on: date) -> tuple[ArrivalFinding, ...]:
    """Return what a unit's own code says against its line; what it does not say contradicts nothing."""
    reasons = (
        (unit.lot is not None and unit.lot != lot_number, ArrivalFinding.LOT_DIFFERS),
        (unit.expires_on is not None and unit.expires_on != expires_on, ArrivalFinding.EXPIRY_DIFFERS),
    )
    return tuple(finding for applies, finding in reasons if applies)


def unexplained_units(expected: int, arrived: int, differences: Mapping[DeliveryDifference, int]) -> int:
    """Return how many units nobody has explained yet: negative where too few arrived, positive where too many."""
    missing = sum(differences.get(reason, 0) for reason in (DeliveryDifference.SHORT, DeliveryDifference.BROKEN))
    return arrived + missing - differences.get(DeliveryDifference.SURPLUS, 0) - expected
