"""What a count found that the records do not say, and which reasons settle it: pure questions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.staff.rules import Role
from clinic_server.stock.rules import UnitFacts

COUNTERS = frozenset({Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD, Role.VACCINATOR})
SETTLERS = frozenset({Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD})


class DifferenceKind(StrEnum):
    """How a unit differs from the records."""

    MISSING = "missing"
    ELSEWHERE = "elsewhere"
    GONE = "gone"
    EMPTY = "empty"
    UNKNOWN = "unknown"


class DifferenceReason(StrEnum):
    """Why a unit differs; each fits some kinds of difference (``REASONS``)."""

    LOST = "lost"
    BROKEN_UNRECORDED = "broken_unrecorded"
    MOVED_UNRECORDED = "moved_unrecorded"
    FOUND_AGAIN = "found_again"
    NOT_TAKEN_AWAY = "not_taken_away"
    EMPTY_VIAL = "empty_vial"
    NEVER_RECEIVED = "never_received"
    COUNTED_WRONG = "counted_wrong"


REASONS: Mapping[DifferenceKind, tuple[DifferenceReason, ...]] = {
    DifferenceKind.MISSING: (
        DifferenceReason.LOST,
        DifferenceReason.BROKEN_UNRECORDED,
        DifferenceReason.COUNTED_WRONG,
    ),
    DifferenceKind.ELSEWHERE: (DifferenceReason.MOVED_UNRECORDED, DifferenceReason.COUNTED_WRONG),
    DifferenceKind.GONE: (
        DifferenceReason.FOUND_AGAIN,
        DifferenceReason.NOT_TAKEN_AWAY,
        DifferenceReason.COUNTED_WRONG,
    ),
    DifferenceKind.EMPTY: (DifferenceReason.EMPTY_VIAL, DifferenceReason.COUNTED_WRONG),
    DifferenceKind.UNKNOWN: (DifferenceReason.NEVER_RECEIVED, DifferenceReason.COUNTED_WRONG),
}


class CountUnknown(NotFound):
    """No count has this id."""

    code = "count_unknown"


class DifferenceUnknown(NotFound):
    """No count found a difference with this id."""

    code = "difference_unknown"


class DifferenceSettledBefore(Conflict):
    """Two people have settled this difference already."""

    code = "difference_settled_before"


class ReasonDoesNotFit(Refused):
    """This reason explains differences of another kind."""

    code = "reason_does_not_fit"


class NothingToConfirm(Refused):
    """No difference of this count waits for a second person."""

    code = "nothing_to_confirm"


class CountNeedsSecond(Refused):
    """Who explained a difference does not confirm it as well."""

    code = "count_needs_second"


@dataclass(frozen=True, slots=True)
class Difference:
    """A unit that is not as the records say; ``recorded_place`` is where they have it, None for nowhere."""

    kind: DifferenceKind
    trace_code: str
    unit_id: UUID | None = None
    recorded_place: str | None = None


def differences(
    recorded: Iterable[UnitFacts], scanned: Mapping[str, UnitFacts | None], place_code: str
) -> tuple[Difference, ...]:
    """Return what a count of a place found: ``recorded`` stands there by the records, ``scanned`` lies there."""
    found = [
        Difference(DifferenceKind.MISSING, unit.trace_code, unit.unit_id, place_code)
        for unit in recorded
        if unit.trace_code not in scanned
    ]
    for code, unit in scanned.items():
        if unit is None:
            found.append(Difference(DifferenceKind.UNKNOWN, code))
        elif (kind := _surplus(unit, place_code)) is not None:
            found.append(Difference(kind, code, unit.unit_id, unit.place_code))
    return tuple(found)


def _surplus(unit: UnitFacts, place_code: str) -> DifferenceKind | None:
    if unit.place_code is None:
        return DifferenceKind.GONE
    if unit.doses_left == 0:
        return DifferenceKind.EMPTY
    return None if unit.place_code == place_code else DifferenceKind.ELSEWHERE
