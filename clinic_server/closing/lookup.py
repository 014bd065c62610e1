"""The figures of a clinic day, as the records tell them now and as they were when it was closed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, or_, select

from clinic_server.adverse_events.care.lookup import standing_calls
from clinic_server.closing.rules import BenchLot, Blocker, DayFacts, DayFinding, ProductSums, Signed, blockers
from clinic_server.closing.tables import day_signed
from clinic_server.corrections.lookup import open_incidents
from clinic_server.counting.lookup import open_differences
from clinic_server.kit.clock import business_date_ends, business_date_starts
from clinic_server.observation.unseen.lookup import count_not_reached
from clinic_server.opening.tables import day_closed
from clinic_server.settings import SiteSettings
from clinic_server.stock.tables import draw, lot, movement, place, product, unit_now
from clinic_server.stock.whereabouts import MovementKind, Outside
from clinic_server.visits.chain import is_further
from clinic_server.visits.doses import in_error
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import dose, visit, visit_now, visit_order_consent

Span = tuple[datetime, datetime]
_INTO_BOX = {MovementKind.RECEIVED, MovementKind.MOVED, MovementKind.ISSUED, MovementKind.LENT}


@dataclass(frozen=True, slots=True)
class Closed:
    """A day as it was closed: by whom, when, with which figures, in spite of what."""

    day_id: UUID
    closed_by: UUID
    closed_at: datetime
    figures: Sequence[BenchLot]
    sums: Sequence[ProductSums]
    signed: Sequence[Signed]


@dataclass(frozen=True, slots=True)
class DayStanding:
    """A clinic day now; ``closed`` is None while it is open, ``has_changed`` when corrections came after its close."""

    business_on: date
    lots: Sequence[BenchLot]
    sums: Sequence[ProductSums]
    blockers: Sequence[Blocker]
    closed: Closed | None
    has_changed: bool


def day_standing(connection: Connection, site: SiteSettings, business_on: date) -> DayStanding:
    """Return how a clinic day stands: its sums, what is in the way, and how it was closed."""
    facts = day_facts(connection, site, business_on)
    closed = closed_day(connection, business_on)
    has_changed = closed is not None and (tuple(closed.figures), tuple(closed.sums)) != (facts.lots, facts.sums)
    in_the_way = () if closed else blockers(facts)
    return DayStanding(business_on, facts.lots, facts.sums, in_the_way, closed, has_changed)


def day_facts(connection: Connection, site: SiteSettings, business_on: date) -> DayFacts:
    """Return everything the close of a clinic day rests on."""
    span = (
        business_date_starts(business_on, site.zone, site.day_starts_at),
        business_date_ends(business_on, site.zone, site.day_starts_at),
    )
    stages = _people(connection, business_on)
    return DayFacts(
        observed=stages[Stage.OBSERVED],
        under_care=len(standing_calls(connection, visit.c.business_on <= business_on)),
        left_unseen=count_not_reached(connection, business_on),
        on_their_way=sum(count for stage, count in stages.items() if stage is not Stage.OBSERVED),
        open_vials=_in_boxes(connection, unit_now.c.opened_at.is_not(None)),
        units_at_bench=_in_boxes(connection, unit_now.c.opened_at.is_(None)),
        incidents=len(open_incidents(connection)),
        differences=len(open_differences(connection)),
        lots=_bench_lots(connection, span),
        sums=_sums(connection, span),
    )


def closed_day(connection: Connection, business_on: date) -> Closed | None:
    """Return how a day was closed."""
    row = connection.execute(select(day_closed).where(day_closed.c.business_on == business_on)).first()
    if row is None:
        return None
    figures = msgspec.json.decode(row.figures, type=dict[str, list[dict[str, Any]]])
    signed = connection.execute(
        select(day_signed.c.finding, day_signed.c.subject, day_signed.c.count, day_signed.c.reason)
        .where(day_signed.c.day_id == row.id)
        .order_by(day_signed.c.id)
    )
    return Closed(
        row.id,
        row.closed_by,
        row.closed_at,
        [BenchLot(**one) for one in figures["lots"]],
        [ProductSums(**one) for one in figures["sums"]],
        [Signed(DayFinding(one.finding), one.subject, one[2], one.reason) for one in signed],
    )


def _people(connection: Connection, business_on: date) -> Counter[Stage]:
    """Count who is here by stage; whoever waits for a further vaccine is watched, and counted there alone."""
    rows = connection.execute(
        select(visit_now.c.stage, func.count().label("people"))
        .where(visit_now.c.is_open, visit_now.c.business_on <= business_on)
        .where(or_(visit_now.c.stage == Stage.OBSERVED, ~is_further(visit_now.c.visit_id)))
        .group_by(visit_now.c.stage)
    )
    return Counter({Stage(row.stage): row.people for row in rows})


def _in_boxes(connection: Connection, condition: Any) -> Mapping[str, int]:
    """Return how many units stand in each bench's box that hold anything."""
    rows = connection.execute(
        select(place.c.code, func.count().label("units"))
        .join(unit_now, unit_now.c.place_id == place.c.id)
        .where(place.c.station.is_not(None), unit_now.c.doses_left > 0, condition)
        .group_by(place.c.code)
        .order_by(place.c.code)
    )
    return {row.code: row.units for row in rows}


def _bench_lots(connection: Connection, span: Span) -> tuple[BenchLot, ...]:
    own = connection.execute(select(place.c.code, place.c.station).where(place.c.station.is_not(None)))
    boxes = {row.code: row.station for row in own}
    lots = _lots(connection, span)
    given = _given(connection, span)
    counted: dict[tuple[str, UUID], Counter[str]] = {}
    for row in _movements(connection, span):
        for account, sign in ((row.from_account, -1), (row.to_account, 1)):
            if account in boxes:
                counts = counted.setdefault((boxes[account], row.lot_id), Counter())
                counts[_column(row.kind, sign)] += row.doses
                counts["change"] += sign * row.doses
    found = []
    for (station, lot_id), counts in sorted(counted.items(), key=lambda one: (one[0][0], str(one[0][1]))):
        found.append(
            BenchLot(
                station=station,
                product_code=lots[lot_id][0],
                lot_number=lots[lot_id][1],
                brought=counts["brought"],
                drawn=counts["drawn"] - counts["undrawn"],
                given=given[station, lot_id],
                wasted=counts["wasted"],
                taken_back=counts["taken_back"],
                left=counts["change"],
            )
        )
    return tuple(found)


def _column(kind: MovementKind, sign: int) -> str:
    if kind in {MovementKind.DRAWN, MovementKind.DRAW_RETURNED}:
        return "drawn" if kind is MovementKind.DRAWN else "undrawn"
    if kind is MovementKind.WASTED:
        return "wasted"
    return "brought" if sign > 0 else "taken_back"


def _movements(connection: Connection, span: Span) -> Iterable[Any]:
    return connection.execute(select(movement).where(movement.c.moved_at >= span[0], movement.c.moved_at < span[1]))


def _lots(connection: Connection, span: Span) -> Mapping[UUID, tuple[str, str]]:
    moved = select(movement.c.lot_id).where(movement.c.moved_at >= span[0], movement.c.moved_at < span[1])
    rows = connection.execute(
        select(lot.c.id, product.c.code, lot.c.number)
        .join(product, product.c.id == lot.c.product_id)
        .where(lot.c.id.in_(moved))
    )
    return {row.id: (row.code, row.number) for row in rows}


def _given(connection: Connection, span: Span) -> Counter[tuple[str, UUID]]:
    """Count the doses that stand, by the bench that drew them and their lot."""
    drawn = (movement.c.kind == MovementKind.DRAWN, movement.c.moved_at >= span[0], movement.c.moved_at < span[1])
    rows = connection.execute(
        select(movement.c.station, dose.c.lot_id, func.count().label("doses"))
        .join(draw, draw.c.id == movement.c.record_id)
        .join(dose, dose.c.draw_id == draw.c.id)
        .where(*drawn, ~in_error())
        .group_by(movement.c.station, dose.c.lot_id)
    )
    return Counter({(row.station, row.lot_id): row.doses for row in rows})


def _sums(connection: Connection, span: Span) -> tuple[ProductSums, ...]:
    used: Counter[str] = Counter()
    names = {lot_id: code for lot_id, (code, _) in _lots(connection, span).items()}
    for row in _movements(connection, span):
        used[names[row.lot_id]] += row.doses * ((row.to_account == Outside.USED) - (row.from_account == Outside.USED))
    stand = (dose.c.given_at >= span[0], dose.c.given_at < span[1], ~in_error())
    rows = connection.execute(
        select(
            dose.c.product_code,
            func.count(func.distinct(dose.c.id)).label("doses"),
            func.count(func.distinct(visit_order_consent.c.order_id)).label("consents"),
        )
        .outerjoin(visit_order_consent, visit_order_consent.c.order_id == dose.c.order_id)
        .where(*stand)
        .group_by(dose.c.product_code)
    )
    counted = {row.product_code: (row.doses, row.consents) for row in rows}
    codes = sorted({code for code, doses in used.items() if doses} | counted.keys())
    return tuple(ProductSums(code, used[code], *counted.get(code, (0, 0))) for code in codes)
