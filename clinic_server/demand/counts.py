"""What the demand is reckoned from: who is due on which day, who walked in, what the ledger says was written off."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, and_, exists, func, select

from clinic_server.demand.tables import dose_due
from clinic_server.stock.tables import lot, movement, product
from clinic_server.stock.whereabouts import MovementKind
from clinic_server.visits.doses import in_error
from clinic_server.visits.tables import dose, visit

Days = Mapping[date, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of the doses of a vaccine in a span of time."""

    written_off: int = 0
    given: int = 0


def due_by_day(connection: Connection, first: date, last: date) -> Mapping[str, Days]:
    """Return how many people should have their next dose on each day, by vaccine."""
    later = dose_due.alias()
    is_same = and_(later.c.person_id == dose_due.c.person_id, later.c.vaccine_code == dose_due.c.vaccine_code)
    rows = connection.execute(
        select(dose_due.c.vaccine_code, dose_due.c.recommended_on, func.count())
        .where(dose_due.c.recommended_on.between(first, last))
        .where(~exists().where(is_same, later.c.journal_seq > dose_due.c.journal_seq))
        .group_by(dose_due.c.vaccine_code, dose_due.c.recommended_on)
    )
    return _by_vaccine((code, on, count) for code, on, count in rows)


def walk_ins_by_day(connection: Connection, first: date) -> Mapping[str, Days]:
    """Return how many got a dose on each clinic day that nothing here let foresee, by vaccine.

    That is everybody to whom this site had given nothing under the same schedule before.
    """
    earlier = dose.alias()
    was_foreseen = exists().where(
        earlier.c.person_id == dose.c.person_id,
        earlier.c.schedule_code == dose.c.schedule_code,
        earlier.c.journal_seq < dose.c.journal_seq,
    )
    rows = connection.execute(
        select(product.c.vaccine_code, visit.c.business_on, func.count())
        .select_from(visit)
        .join(dose, dose.c.visit_id == visit.c.id)
        .join(product, product.c.code == dose.c.product_code)
        .where(visit.c.business_on >= first, ~in_error(), ~was_foreseen)
        .group_by(product.c.vaccine_code, visit.c.business_on)
    )
    return _by_vaccine((code, on, count) for code, on, count in rows)


def ledger_since(connection: Connection, since: datetime) -> Mapping[str, Ledger]:
    """Return what the ledger says of each vaccine since an instant; a draw that was returned was not given."""
    kinds = (MovementKind.WASTED, MovementKind.DRAWN, MovementKind.DRAW_RETURNED)
    rows = connection.execute(
        select(product.c.vaccine_code, movement.c.kind, func.sum(movement.c.doses))
        .join(lot, lot.c.id == movement.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .where(movement.c.moved_at >= since, movement.c.kind.in_(kinds))
        .group_by(product.c.vaccine_code, movement.c.kind)
    )
    doses: dict[str, dict[MovementKind, int]] = defaultdict(lambda: dict.fromkeys(kinds, 0))
    for code, kind, count in rows:
        doses[code][kind] = count
    return {
        code: Ledger(of[MovementKind.WASTED], of[MovementKind.DRAWN] - of[MovementKind.DRAW_RETURNED])
        for code, of in doses.items()
    }


def _by_vaccine(counted: Iterable[tuple[str, date, int]]) -> Mapping[str, Days]:
    found: dict[str, dict[date, int]] = defaultdict(dict)
    for code, on, count in counted:
        found[code][on] = count
    return found
