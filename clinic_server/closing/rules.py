"""Whether a clinic day may be closed: its figures in, everything that does not agree out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from clinic_server.kit.errors import Conflict, Refused


class DayFinding(StrEnum):
    """What stands in the way of closing a day."""

    PEOPLE_OBSERVED = "people_observed"
    PEOPLE_UNDER_CARE = "people_under_care"
    PEOPLE_LEFT_UNSEEN = "people_left_unseen"
    PEOPLE_ON_THEIR_WAY = "people_on_their_way"
    VIALS_OPEN = "vials_open"
    UNITS_AT_BENCH = "units_at_bench"
    DRAWN_NOT_GIVEN = "drawn_not_given"
    SUMS_DIFFER = "sums_differ"
    INCIDENTS_OPEN = "incidents_open"
    COUNT_DIFFERS = "count_differs"


NEVER_SIGNED_FOR = frozenset({DayFinding.PEOPLE_OBSERVED, DayFinding.PEOPLE_UNDER_CARE, DayFinding.VIALS_OPEN})


class DayBlocked(Refused):
    """Something still stands in the way of closing the day; the findings say what."""

    code = "day_blocked"


class DayClosedBefore(Conflict):
    """The day is closed; what changes later is shown beside its figures and never in them."""

    code = "day_closed_before"


class DayNotOver(Refused):
    """A day that has not begun cannot be closed."""

    code = "day_not_over"


@dataclass(frozen=True, slots=True)
class BenchLot:
    """What became of one lot at one bench on one day, in doses."""

    station: str
    product_code: str
    lot_number: str
    brought: int
    drawn: int
    given: int
    wasted: int
    taken_back: int
    left: int

    @property
    def drawn_not_given(self) -> int:
        """Doses drawn that no standing record of a needle explains."""
        return self.drawn - self.given


@dataclass(frozen=True, slots=True)
class ProductSums:
    """三数一致: what the ledger says was used, the doses that stand, the consents they used."""

    product_code: str
    ledger: int
    doses: int
    consents: int

    @property
    def agree(self) -> bool:
        """Whether the three are one number."""
        return self.ledger == self.doses == self.consents


@dataclass(frozen=True, slots=True)
class DayFacts:
    """Everything the close of a day rests on; counts of what is still open, and the sums."""

    observed: int
    under_care: int
    left_unseen: int
    on_their_way: int
    open_vials: Mapping[str, int]
    units_at_bench: Mapping[str, int]
    incidents: int
    differences: int
    lots: tuple[BenchLot, ...]
    sums: tuple[ProductSums, ...]


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing in the way: ``subject`` is the bench, lot or product it is about, empty for the whole site."""

    finding: DayFinding
    subject: str
    count: int

    @property
    def may_be_signed(self) -> bool:
        """Whether the site lead may close the day all the same, with a reason."""
        return self.finding not in NEVER_SIGNED_FOR


@dataclass(frozen=True, slots=True)
class Signed:
    """Why a day is closed although something differs: a named blocker with its count, and the reason."""

    finding: DayFinding
    subject: str
    count: int
    reason: str


def blockers(facts: DayFacts) -> tuple[Blocker, ...]:
    """Return everything in the way of closing the day (invariants 25 and 34); none means the day balances."""
    found = [
        Blocker(DayFinding.PEOPLE_OBSERVED, "", facts.observed),
        Blocker(DayFinding.PEOPLE_UNDER_CARE, "", facts.under_care),
        Blocker(DayFinding.PEOPLE_LEFT_UNSEEN, "", facts.left_unseen),
        Blocker(DayFinding.PEOPLE_ON_THEIR_WAY, "", facts.on_their_way),
        *(Blocker(DayFinding.VIALS_OPEN, place, count) for place, count in facts.open_vials.items()),
        *(Blocker(DayFinding.UNITS_AT_BENCH, place, count) for place, count in facts.units_at_bench.items()),
        *(Blocker(DayFinding.DRAWN_NOT_GIVEN, _lot_at(one), one.drawn_not_given) for one in facts.lots),
        *(Blocker(DayFinding.SUMS_DIFFER, one.product_code, _spread(one)) for one in facts.sums),
        Blocker(DayFinding.INCIDENTS_OPEN, "", facts.incidents),
        Blocker(DayFinding.COUNT_DIFFERS, "", facts.differences),
    ]
    return tuple(one for one in found if one.count)


def unsigned(found: Iterable[Blocker], signed: Iterable[Signed]) -> tuple[Blocker, ...]:
    """Return the blockers nobody may or did sign for; a signature counts only for the very count it names."""
    told = {(one.finding, one.subject, one.count) for one in signed if one.reason.strip()}
    return tuple(one for one in found if not one.may_be_signed or (one.finding, one.subject, one.count) not in told)


def _lot_at(one: BenchLot) -> str:
    return f"{one.station} {one.product_code}/{one.lot_number}"


def _spread(one: ProductSums) -> int:
    return max(one.ledger, one.doses, one.consents) - min(one.ledger, one.doses, one.consents)
