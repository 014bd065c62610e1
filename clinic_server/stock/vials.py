"""Which vial a bench takes next, and what becomes of an open one: pure questions about the units of one box."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from clinic_server.stock.rules import AtBench, Stop, UnitFacts, UnitFinding, findings_for_unit, stops_on

SOON = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class InBox:
    """A unit in a bench's box as the bench sees it; ``minutes_left`` is None while it is closed."""

    unit: UnitFacts
    findings: tuple[str, ...]
    minutes_left: int | None
    is_next: bool

    @property
    def ends_soon(self) -> bool:
        """Whether an open vial's minutes are nearly over."""
        return self.minutes_left is not None and timedelta(minutes=self.minutes_left) < SOON


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one product's vials and the people waiting for it come to, in doses.

    ``left_open`` would be left of the vials that are open already, ``left_of_next`` when the next one is opened too.
    """

    product_code: str
    product_name: str
    waiting: int
    left_open: int
    left_of_next: int


def seen_in_box(
    units: Sequence[UnitFacts], at: AtBench, stops: Sequence[Stop], in_use: Mapping[str, UUID]
) -> Sequence[InBox]:
    """Return a box's units, of each product the one to take next first; ``in_use`` names the lot given last of it.

    What the bench took last of a product goes on being its choice only while it may be given, and never over midnight.
    """
    ordered = sorted(units, key=lambda unit: _rank(unit, in_use))
    seen, chosen = [], set()
    for unit in ordered:
        stopped = (_word(stop) for stop in stops_on(unit, stops, at.station))
        findings = (*findings_for_unit(unit, unit.product_code, at), *stopped)
        is_next = not findings and unit.product_code not in chosen
        if is_next:
            chosen.add(unit.product_code)
        seen.append(InBox(unit, findings, minutes_left(unit, at.now), is_next))
    return seen


def open_vial_first(unit: UnitFacts | None, in_box: Iterable[UnitFacts], at: AtBench) -> tuple[UnitFinding, ...]:
    """Return the finding that a vial of the same product stands open in the box and is to be used first."""
    if unit is None or unit.opened_at is not None:
        return ()
    opened = (one for one in in_box if one.opened_at is not None and one.unit_id != unit.unit_id)
    is_usable = any(not findings_for_unit(one, unit.product_code, at) for one in opened)
    return (UnitFinding.OPEN_VIAL_FIRST,) if is_usable else ()


def outlooks(units: Iterable[UnitFacts], waiting: Mapping[str, int], at: AtBench) -> Sequence[Outlook]:
    """Return, for each product that comes in units of several doses, what would be left of them."""
    names: dict[str, str] = {}
    opened: dict[str, int] = {}
    size: dict[str, int] = {}
    for unit in units:
        if unit.doses_per_unit == 1 or findings_for_unit(unit, unit.product_code, at):
            continue
        names[unit.product_code] = unit.product_name
        if unit.opened_at is not None:
            opened[unit.product_code] = opened.get(unit.product_code, 0) + unit.doses_left
        else:
            size[unit.product_code] = unit.doses_left
    return [
        _outlook(code, name, waiting.get(code, 0), opened.get(code, 0), size.get(code, 0))
        for code, name in names.items()
    ]


def minutes_left(unit: UnitFacts, now: datetime) -> int | None:
    """Return the whole minutes an open unit is still good, None while it is closed."""
    return None if unit.open_until is None else max(0, int((unit.open_until - now) / timedelta(minutes=1)))


def _outlook(code: str, name: str, waiting: int, open_doses: int, of_next: int) -> Outlook:
    beyond_open = max(0, waiting - open_doses)
    left_of_next = of_next - beyond_open if beyond_open and of_next else 0
    return Outlook(code, name, waiting, max(0, open_doses - waiting), max(0, left_of_next))


def _rank(unit: UnitFacts, in_use: Mapping[str, UUID]) -> tuple[object, ...]:
    is_other_lot = in_use.get(unit.product_code) != unit.lot_id
    return (unit.product_name, unit.opened_at is None, is_other_lot, unit.expires_on, unit.trace_code)


def _word(stop: Stop) -> str:
    return f"{stop.scope.value}_stopped"
