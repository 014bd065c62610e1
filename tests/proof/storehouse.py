"""The stock of one small clinic, as the ledger's machine plays it: every deed that moves a dose, ready to be done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from clinic_server.counting.actions import NewCount, confirm_count, count_place, explain_difference
from clinic_server.counting.lookup import latest_counts, open_differences
from clinic_server.counting.rules import REASONS
from clinic_server.kit.access import Actor
from clinic_server.kit.errors import NotFound
from clinic_server.kit.tx import Tx
from clinic_server.recall.actions import NewDestruction, confirm_destruction, propose_destruction
from clinic_server.recall.lookup import destructions
from clinic_server.stock.actions import NewLot
from clinic_server.stock.box import NewWaste, gain, waste, waste_overdue
from clinic_server.stock.distribution import NewTransfer, transfer
from clinic_server.stock.holds import NewHold, decide, hold
from clinic_server.stock.places import NewPlace, add_place, require_place
from clinic_server.stock.rules import AtBench, UnitFacts, findings_for_unit
from clinic_server.stock.tables import draw, unit_return
from clinic_server.stock.units import draw_dose, open_unit, require_known, return_draw, units_in
from clinic_server.stock.whereabouts import GainReason, HoldEnd, HoldReason, PlaceKind, UnitIsEmpty, WasteReason
from tests.api.visitors import take_in_lot
from tests.proof.clinic import PRODUCTS, PROFILE, STORE, Clinic

BOXES = ("bench-1-box", "bench-2-box")
SECOND_STORE = "fridge-2"
PLACES = (STORE, SECOND_STORE, *BOXES)
Deed = tuple[Actor, Callable[[Tx], Any]]


class Storehouse(Clinic):
    """A clinic of which only the stock is looked at; a deed names a unit and a place by small numbers."""

    def furnish(self) -> None:
        """Add a second store, and let something be there at every place but the last."""
        second = NewPlace(SECOND_STORE, SECOND_STORE, PlaceKind.FRIDGE, PROFILE)
        self.act(self.cast.lead, lambda tx: add_place(tx, second))
        for number, place in enumerate(PLACES[:-1]):
            self.act(*self.deed("receive", number, place))

    def deed(self, what: str, number: int, place: str) -> Deed:
        """Return who does something, and how; whether it is refused is seen when it is done."""
        lead, second = self.cast.lead, self.cast.physicians[0]
        if what == "receive":
            return lead, self._receiving(number, place)
        code = self.codes[number % len(self.codes)]
        at = BOXES.index(place) if place in BOXES else 0
        bench, other_box = self.cast.vaccinators[at], BOXES[1 - at]
        ways: dict[str, Deed] = {
            "move": (lead, lambda tx: transfer(tx, NewTransfer(place, [code], "asked for"))),
            "lend": (lead, lambda tx: transfer(tx, NewTransfer(other_box, [code], "asked for"))),
            "take back": (lead, lambda tx: transfer(tx, NewTransfer(STORE, [code]))),
            "issue": (lead, lambda tx: transfer(tx, NewTransfer(place, [code]))),
            "draw": (bench, lambda tx: _draw(tx, code)),
            "return": (second, lambda tx: _return(tx, code)),
            "open": (bench, lambda tx: _open(tx, code)),
            "waste": (lead, lambda tx: _waste(tx, code)),
            "gain": (lead, lambda tx: gain(tx, _unit(tx, code).unit_id, GainReason.OVERFILL)),
            "overdue": (lead, waste_overdue),
            "hold": (lead, lambda tx: hold(tx, NewHold(HoldReason.DOUBTED, [code]))),
            "release": (second, lambda tx: decide(tx, _unit(tx, code).unit_id, HoldEnd.RELEASED, "seen")),
            "propose": (lead, lambda tx: propose_destruction(tx, _destruction(number, code))),
            "destroy": (second, _destroy),
            "count": (lead, lambda tx: _count(tx, place, [code])),
            "overlook": (lead, lambda tx: _overlook(tx, code)),
            "explain": (lead, lambda tx: _explain(tx, number)),
            "settle": (second, lambda tx: confirm_count(tx, _latest(latest_counts(tx.connection)).count_id)),
        }
        return ways[what]

    def _receiving(self, number: int, place: str) -> Callable[[Tx], Any]:
        product = list(PRODUCTS)[number % len(PRODUCTS)]
        expires_on = self.today() + timedelta(days=(1, 5, 30)[number % 3])
        codes = [f"8{len(self.codes) + n:019d}" for n in range(1 + number % 2)]
        self.codes += codes
        delivery = NewLot(product, f"{product}-{expires_on}", expires_on, codes, place)
        return lambda tx: take_in_lot(tx, delivery)


class NothingThere(NotFound):
    """What a deed was to be about is not there yet."""

    code = "not_found"


def _latest(found: Any) -> Any:
    if not found:
        raise NothingThere
    return found[0]


def _unit(tx: Tx, code: str) -> UnitFacts:
    return require_known(tx.connection, code)


def _draw(tx: Tx, code: str) -> Any:
    """Draw as the bench does once everything about the person is clear: from a unit nothing speaks against."""
    one = _unit(tx, code)
    if findings_for_unit(one, one.product_code, AtBench(tx.actor.station, tx.now, tx.local_date)):
        raise UnitIsEmpty(trace_code=code)
    draw_id = draw_dose(tx, one)
    tx.journal("dose_drawn", draw_id)
    return draw_id


def _return(tx: Tx, code: str) -> Any:
    """Put back what was drawn from a unit of one dose: of any other the program takes nothing back."""
    one = _unit(tx, code)
    drawn = select(draw.c.id).where(draw.c.unit_id == one.unit_id, draw.c.id.not_in(select(unit_return.c.draw_id)))
    draw_id = tx.execute(drawn).scalar()
    if draw_id is None or one.doses_per_unit > 1:
        raise NothingThere
    assert tx.actor.staff_id
    return_id = return_draw(tx, draw_id, tx.actor.staff_id)
    tx.journal("unit_returned", return_id)
    return return_id


def _open(tx: Tx, code: str) -> Any:
    one = _unit(tx, code)
    if one.doses_per_unit == 1 or one.opened_at is not None:
        raise UnitIsEmpty(trace_code=code)
    opened_id = open_unit(tx, one)
    tx.journal("unit_opened", opened_id)
    return opened_id


def _destruction(number: int, code: str) -> NewDestruction:
    end = (HoldEnd.DESTROYED, HoldEnd.SENT_AWAY)[number % 2]
    return NewDestruction([code], end, "spoilt", "somebody of the county")


def _waste(tx: Tx, code: str) -> Any:
    return waste(tx, NewWaste(_unit(tx, code).unit_id, WasteReason.BROKEN, 1))


def _destroy(tx: Tx) -> Any:
    return confirm_destruction(tx, _latest(destructions(tx.connection)).destruction_id)


def _count(tx: Tx, place: str, found: list[str], overlooked: str = "") -> Any:
    """Count everything in a place but what is overlooked, and what is found there wherever it may stand."""
    standing = [one.trace_code for one in units_in(tx.connection, require_place(tx.connection, place).place_id)]
    return count_place(tx, NewCount(place, [code for code in (*standing, *found) if code != overlooked]))


def _overlook(tx: Tx, code: str) -> Any:
    """Count the place where a unit stands without seeing it."""
    return _count(tx, _unit(tx, code).place_code or STORE, [], code)


def _explain(tx: Tx, number: int) -> Any:
    found = _latest(list(open_differences(tx.connection))[::-1])
    reasons = REASONS[found.kind]
    return explain_difference(tx, found.difference_id, reasons[number // 2 % len(reasons)], None)
